"""Made-up contacts that look like real ones: many scripts, gaps, notes, and shared timestamps."""

import functools
import random
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.records import Note, OptionalText, Record, Tag
from heymarket_async.sandbox.stamps import BASE, SECOND, unit, written

T = TypeVar("T")


class Culture(Struct, frozen=True, kw_only=True):
    """Where a contact comes from.

    Attributes:
        firsts: First names, with the Latin spellings used in e-mail addresses.
        lasts: Last names.
        prefixes: Starts of phone numbers, country code first. Any digits that follow make a valid
            number. The North American ones lead to the exchange 555, which films use, and to its
            neighbours.
        digits: How many digits follow the prefix.
        region: The contact's value of the custom field Region.
    """

    firsts: tuple[tuple[str, str], ...]
    lasts: tuple[str, ...]
    prefixes: tuple[str, ...]
    digits: int
    region: str


class Member(Struct, frozen=True):
    """A team member."""

    id: int
    name: str
    role: str
    email: str
    phone: str


class MadeUp(Struct, frozen=True):
    """The file `account.json`: the team, its inboxes, and the texts of its contacts."""

    team: dict[str, object]
    members: tuple[Member, ...]
    inboxes: list[dict[str, object]]
    fields: dict[int, str]
    cultures: tuple[Culture, ...]
    decorations: tuple[str, ...]
    domains: tuple[str, ...]
    languages: tuple[str, ...]
    notes: tuple[str, ...]
    plans: tuple[str, ...]
    tags: dict[int, str]
    asked: tuple[str, ...]
    answered: tuple[str, ...]
    templates: dict[str, str]
    lists: dict[str, int]
    surveys: dict[str, str]


@functools.cache
def made_up() -> MadeUp:
    """Read the texts that the made-up account consists of."""
    return msgspec.json.decode(
        files("heymarket_async.sandbox").joinpath("account.json").read_bytes(), type=MadeUp
    )


def people(
    count: int, rng: random.Random, readings: Readings, *, ties: int, custom: bool
) -> Iterator[tuple[int, Record]]:
    """Yield made-up contacts with their stamps, newest first."""
    ids = list(range(10_001, 10_001 + count))
    rng.shuffle(ids)
    for contact_id, stamp in zip(ids, _stamps(count, rng, ties, unit(readings)), strict=True):
        born = stamp - int(rng.random() * 2 * 365 * 86_400) * SECOND
        person = _person(contact_id, rng, made_up(), custom=custom)
        person.created, person.updated = written(born, readings), written(stamp, readings)
        yield stamp, person


def _stamps(count: int, rng: random.Random, ties: int, step: int) -> Iterator[int]:
    """Yield stamps from newest to oldest, in groups of up to `ties` equal ones."""
    stamp, left = BASE, 0
    for number in range(count):
        if left == 0:
            left = count if ties >= count else rng.randint(1, ties)
            stamp = earlier(stamp, rng, step) if number else stamp
        left -= 1
        yield stamp


def earlier(stamp: int, rng: random.Random, step: int) -> int:
    """Go back a little, a lot, or to a whole second, so that every length of fraction occurs."""
    draw = rng.random()
    if draw < 0.4:
        return stamp - step * (1 + int(draw * 7))
    if draw < 0.5:
        return (stamp - 1) // SECOND * SECOND
    return stamp - step * (1 + int(rng.random() * 300 * SECOND / step))


def _person(contact_id: int, rng: random.Random, texts: MadeUp, *, custom: bool) -> Record:
    """Make up a contact. The draws keep their order, so that a seed keeps its contacts."""
    culture = texts.cultures[int(rng.random() ** 2 * len(texts.cultures))]
    first, latin = pick(culture.firsts, rng)
    last = _sometimes(pick(culture.lasts, rng), rng)
    name = f"{first} {last}" if isinstance(last, str) and last else first
    rev = 1 + int(rng.random() ** 3 * 20)
    return Record(
        id=contact_id,
        display_name=name + pick(texts.decorations, rng),
        first=first,
        last=last,
        email=_sometimes(f"{latin}.{contact_id}@{pick(texts.domains, rng)}", rng),
        phone=_phone(contact_id, culture),
        avatar=_sometimes(f"https://example.com/avatars/{contact_id}.jpg", rng),
        custom=_custom(culture, rng, texts) if custom else {},
        creator_id=pick(texts.members, rng).id,
        shared=True,
        rev=rev,
        op="create" if rev == 1 else "update",
        assigned_user_id=pick(texts.members, rng).id if rng.random() < 0.3 else None,
        tags=_tags(contact_id, rng, texts),
        is_opted_out=rng.random() < 0.05,
        external_id=f"crm-{contact_id:x}" if rng.random() < 0.2 else UNSET,
        note=_notes(contact_id, rng, texts),
        type="contact",
    )


def _phone(number: int, culture: Culture) -> str:
    """Return a phone that no other number gets: both factors are coprime to the range."""
    prefix = culture.prefixes[number % len(culture.prefixes)]
    local = number // len(culture.prefixes) * 7_368_787 % 10**culture.digits
    return f"{prefix}{local:0{culture.digits}}"


def _sometimes(text: str, rng: random.Random) -> OptionalText:
    """Return the text, or one of the three ways of not having one."""
    draw = rng.random()
    if draw < 0.8:
        return text
    gaps: tuple[OptionalText, ...] = ("", None, UNSET)
    return gaps[int((draw - 0.8) * 15)]


def _custom(culture: Culture, rng: random.Random, texts: MadeUp) -> dict[str, object]:
    values: dict[str, object] = {"123": pick(texts.plans, rng), "789": culture.region}
    draw = rng.random()
    if draw < 0.5:
        values["456"] = f"2026-{1 + int(draw * 24):02}-01"
    if draw < 0.3:
        values["1012"] = pick(texts.languages, rng)
    if draw < 0.1:
        values["1305"] = f"{draw * 100_000:.2f}"
    return values


def _tags(contact_id: int, rng: random.Random, texts: MadeUp) -> list[Tag]:
    draw = rng.random()
    chosen = list(texts.tags)[: int(draw * 10)] if draw < 0.5 else ()
    return [Tag(id=contact_id * 10 + n, tag_id=tag) for n, tag in enumerate(chosen)]


def _notes(contact_id: int, rng: random.Random, texts: MadeUp) -> list[Note] | UnsetType:
    draw = rng.random()
    if draw > 0.2:
        return UNSET if draw > 0.6 else []
    member, text = pick(texts.members, rng), pick(texts.notes, rng)
    note_id, date = f"note-{contact_id}", "2024-03-01T09:00:00Z"
    return [Note(date=date, id=note_id, name=member.name, text=text, user_id=member.id)]


def pick(choices: Sequence[T], rng: random.Random) -> T:
    """Draw one of some choices."""
    return choices[int(rng.random() * len(choices))]
