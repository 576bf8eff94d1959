"""Contacts that look like real ones: many scripts, gaps, notes, and shared timestamps."""

import random
from collections.abc import Iterator
from typing import TypeVar

from msgspec import UNSET, UnsetType

from heymarket_async.sandbox.names import CULTURES, Culture
from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.records import Note, Record, Tag, Text
from heymarket_async.sandbox.stamps import SECOND, unit, written

BASE = 1_712_935_800 * SECOND
"""The newest made-up stamp, 2024-04-12T15:30:00Z: far enough back that every write is newer."""

FIELDS = {123: "Plan", 456: "Renewal Date", 789: "Region", 1012: "Language", 1305: "Lifetime Value"}

MEMBERS = ((4201, "Dana Whitfield"), (4202, "Óscar Ruiz"), (4203, "Mei Tanaka"))

_PLANS = ("Premium", "Basic", "Trial", "Enterprise 🏢")
_LANGUAGES = ("en", "es", "de", "ar", "zh-Hant", "pt-BR")
_DOMAINS = ("example.com", "example.org", "example.net")
_NOTES = (
    "Prefers texts after 5 pm 📱",
    'Asked for a callback.\nSaid: "not before Monday"',
    "VIP ⭐⭐⭐",
    "Línea 2 del edificio; timbre roto",
    "",
)
_TAGS = (55, 56, 57, 61, 72, 80)
T = TypeVar("T")

_DECORATIONS = ("", "", "", "", "", "", " 🌟", " (work)")


def people(
    count: int, rng: random.Random, readings: Readings, *, ties: int, custom: bool
) -> Iterator[tuple[int, Record]]:
    """Yield made-up contacts with their stamps, newest first."""
    ids = list(range(10_001, 10_001 + count))
    rng.shuffle(ids)
    step = unit(readings)
    for contact_id, stamp in zip(ids, stamps(count, rng, ties=ties, step=step), strict=True):
        born = stamp - int(rng.random() * 2 * 365 * 86_400) * SECOND
        person = _person(contact_id, rng, custom=custom)
        person.created, person.updated = written(born, readings), written(stamp, readings)
        yield stamp, person


def stamps(count: int, rng: random.Random, *, ties: int, step: int) -> Iterator[int]:
    """Yield stamps from newest to oldest, in groups of up to `ties` equal ones."""
    stamp, left = BASE, 0
    for number in range(count):
        if left == 0:
            left = count if ties >= count else rng.randint(1, ties)
            stamp = _earlier(stamp, rng, step) if number else stamp
        left -= 1
        yield stamp


def _earlier(stamp: int, rng: random.Random, step: int) -> int:
    """Go back a little, a lot, or to a whole second, so that every length of fraction occurs."""
    draw = rng.random()
    if draw < 0.4:
        return stamp - step * (1 + int(draw * 7))
    if draw < 0.5:
        return (stamp - 1) // SECOND * SECOND
    return stamp - step * (1 + int(rng.random() * 300 * SECOND / step))


def _person(contact_id: int, rng: random.Random, *, custom: bool) -> Record:
    culture = CULTURES[int(rng.random() ** 2 * len(CULTURES))]
    first, latin = _pick(culture.firsts, rng)
    last = _sometimes(_pick(culture.lasts, rng), rng)
    shown = f"{first} {last}" if isinstance(last, str) and last else first
    phone = _phone(contact_id, culture)
    rev = 1 + int(rng.random() ** 3 * 20)
    return Record(
        id=contact_id,
        display_name=shown + _pick(_DECORATIONS, rng),
        first=first,
        last=last,
        email=_sometimes(f"{latin}.{contact_id}@{_pick(_DOMAINS, rng)}", rng),
        phone=phone,
        avatar=_sometimes(f"https://example.com/avatars/{contact_id}.jpg", rng),
        custom=_custom(culture, rng) if custom else {},
        creator_id=_pick(MEMBERS, rng)[0],
        shared=True,
        rev=rev,
        op="create" if rev == 1 else "update",
        assigned_user_id=_pick(MEMBERS, rng)[0] if rng.random() < 0.3 else None,
        tags=_tags(contact_id, rng),
        is_opted_out=rng.random() < 0.05,
        external_id=f"crm-{contact_id:x}" if rng.random() < 0.2 else UNSET,
        note=_notes(contact_id, rng),
        type="contact",
    )


def _phone(number: int, culture: Culture) -> str:
    """Return a phone that no other number gets: both factors are coprime to the range."""
    prefix = culture.prefixes[number % len(culture.prefixes)]
    local = number // len(culture.prefixes) * 7_368_787 % 10**culture.digits
    return f"{prefix}{local:0{culture.digits}}"


def _sometimes(text: str, rng: random.Random) -> Text:
    """Return the text, or one of the three ways of not having one."""
    draw = rng.random()
    if draw < 0.8:
        return text
    gaps: tuple[Text, ...] = ("", None, UNSET)
    return gaps[int((draw - 0.8) * 15)]


def _custom(culture: Culture, rng: random.Random) -> dict[str, object]:
    values: dict[str, object] = {"123": _pick(_PLANS, rng), "789": culture.region}
    draw = rng.random()
    if draw < 0.5:
        values["456"] = f"2026-{1 + int(draw * 24):02}-01"
    if draw < 0.3:
        values["1012"] = _pick(_LANGUAGES, rng)
    if draw < 0.1:
        values["1305"] = f"{draw * 100_000:.2f}"
    return values


def _tags(contact_id: int, rng: random.Random) -> list[Tag]:
    draw = rng.random()
    chosen = _TAGS[: int(draw * 10)] if draw < 0.5 else ()
    return [Tag(id=contact_id * 10 + n, tag_id=tag) for n, tag in enumerate(chosen)]


def _notes(contact_id: int, rng: random.Random) -> list[Note] | UnsetType:
    draw = rng.random()
    if draw > 0.2:
        return UNSET if draw > 0.6 else []
    member_id, name = _pick(MEMBERS, rng)
    return [
        Note(
            date="2024-03-01T09:00:00Z",
            id=f"note-{contact_id}",
            name=name,
            text=_pick(_NOTES, rng),
            user_id=member_id,
        )
    ]


def _pick(choices: tuple[T, ...], rng: random.Random) -> T:
    return choices[int(rng.random() * len(choices))]
