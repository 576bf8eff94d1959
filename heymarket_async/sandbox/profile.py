"""Readings from a profile of the API, as `heymarket probe --save` writes it."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, get_type_hints

import msgspec
from msgspec import Meta, Struct

from heymarket_async.sandbox.readings import Readings, check_type

VERSION = 1
_RATE_HEADERS = "x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset"
_PRECISIONS = {0: "seconds", 3: "milliseconds", 6: "microseconds", 9: "nanoseconds"}
_DIGITS = {name: digits for digits, name in _PRECISIONS.items()}
_ORDERS = {"before": "newest first", "after": "oldest first"}
_MOST_SHOWN = 60

Size = Annotated[int, Meta(ge=1, le=1_000_000)] | None
OverLimit = Annotated[str, Meta(pattern="^(cut|default|ignored|empty|[45][0-9]{2})$")] | None
Nothing = (
    Annotated[
        str, Meta(pattern=r"^(\[\]|null|\{\}|\"\"|empty|204|contact|error|id|[345][0-9]{2})$")
    ]
    | None
)
Side = Literal["before", "after", "ignored"] | None


class ListFacts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The facts about one list of contacts; None: not known."""

    order: Literal["newest first", "oldest first"] | None = None
    date: Side = None
    ascending: bool | None = None
    includes_date: bool | None = None
    default_limit: Size = None
    largest_limit: Size = None
    over_limit: OverLimit = None
    first_page: Literal[0, 1, "ignored"] | None = None
    end: Nothing = None


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The facts about the API; None: not known."""

    version: int
    v1: ListFacts = ListFacts()
    v2: ListFacts = ListFacts()
    stamp_digits: Literal[0, 3, 6, 9] | None = None
    stamp_zeros_cut: bool | None = None
    stamp_zone: Literal["Z", "+00:00"] | None = None
    stored_finer: bool | None = None
    count_date: Side = None
    count_includes_date: bool | None = None
    count_is_whole: bool | None = None
    count_as_text: bool | None = None
    unknown_id: Nothing = None
    unknown_find: Nothing = None
    unknown_uuid: Nothing = None
    rate_headers: tuple[str, ...] | None = None
    retry_after: Literal["none", "seconds", "date"] | None = None
    gzip: bool | None = None


Source = str | os.PathLike[str] | Mapping[str, object] | Struct
"""A file, its content, or a struct with the same fields."""


def readings_of(source: Source, others: Readings) -> Readings:
    """Return readings with the facts of a profile.

    Args:
        source: The profile.
        others: The readings for all that the profile leaves open.

    Raises:
        ValueError: It is not a profile, or has facts that the sandbox cannot show.
        OSError: The file cannot be read.
    """
    profile = _read(source)
    readings = replace(others, **_known(profile, others))  # type: ignore[arg-type] # checked
    facts, shown = _flat(profile), _shown(readings)
    refused = [
        f"{name} = {str(value)[:_MOST_SHOWN]}"
        for name, value in facts.items()
        if value is not None and value != shown[name]
    ]
    if refused:
        raise ValueError(
            "the sandbox cannot show these facts of the profile:"
            f" {', '.join(refused)}. Set them to null"
        )
    return readings


def _read(source: Source) -> Profile:
    try:
        if isinstance(source, str | os.PathLike):
            profile = msgspec.json.decode(Path(source).read_bytes(), type=Profile)
        else:
            content = msgspec.to_builtins(source) if isinstance(source, Struct) else source
            profile = msgspec.convert(content, Profile)
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError) as error:
        if isinstance(source, str | os.PathLike):
            raise ValueError(
                f"{source} holds no profile of the API ({error}). Write one with"
                f" `heymarket probe --save {source}`"
            ) from None
        raise ValueError(f"profile must be a profile of the API: {error}") from None
    if profile.version != VERSION:
        raise ValueError(f"profile must be of version {VERSION}, not {profile.version}")
    return profile


def _flat(profile: Profile) -> dict[str, object]:
    """Return the facts by name, such as "v1.order"."""
    content = msgspec.structs.asdict(profile)
    for name in ("v1", "v2"):
        facts = msgspec.structs.asdict(content.pop(name))
        content |= {f"{name}.{field}": value for field, value in facts.items()}
    if profile.rate_headers is not None:
        content["rate_headers"] = ", ".join(sorted(profile.rate_headers))
    return content


def _known(profile: Profile, others: Readings) -> dict[str, object]:
    """Return the readings that show the facts, without values that no reading has."""
    v1, v2 = profile.v1, profile.v2
    order = v1.order or _ORDERS.get(v1.date or "")
    unknown = profile.unknown_id or profile.unknown_uuid
    statuses = [each for each in (unknown, profile.unknown_find) if each and each.isdecimal()]
    values: dict[str, object] = {
        "newest_first": order and order == "newest first",
        "honours_ascending": v1.ascending,
        "inclusive": v2.includes_date if v1.includes_date is None else v1.includes_date,
        "default_limit": v1.default_limit,
        "max_limit": v1.largest_limit,
        "honours_limit": v1.over_limit and v1.over_limit != "ignored",
        "over_limit": v1.over_limit,
        "page_base": v1.first_page,
        "v2_max_limit": v2.largest_limit,
        "v2_over_limit": "reject" if v2.over_limit == "400" else v2.over_limit,
        "list_end": v1.end or v2.end,
        **_fractions(profile, others),
        "trim_zeros": profile.stamp_zeros_cut,
        "zone": profile.stamp_zone,
        "count_date": profile.count_date,
        "count_includes_date": profile.count_includes_date,
        "count_as_text": profile.count_as_text,
        "missing": int(statuses[0]) if statuses else None,
        "missing_get": _no_match(unknown),
        "missing_find": _no_match(profile.unknown_find),
        # A UUID that is known comes from a read.
        "list_has_uuid": profile.unknown_uuid and True,
        "rate_headers": None if profile.rate_headers is None else bool(profile.rate_headers),
        "retry_after": profile.retry_after,
        "gzip": profile.gzip,
    }
    known = {name: value for name, value in values.items() if _fits(name, value)}
    if v1.first_page == "ignored":
        known["page_base"] = None
    return known


def _fractions(profile: Profile, others: Readings) -> dict[str, object]:
    digits = profile.stamp_digits
    if profile.stored_finer:
        # Any finer unit will do.
        return {"precision": "microseconds", "fractions": "truncated"}
    if digits == 0 and profile.stored_finer is None and others.fractions != "shown":
        return {}
    is_shown = digits is not None or profile.stored_finer is False
    precision = None if digits is None else _PRECISIONS[digits]
    return {"precision": precision, "fractions": "shown" if is_shown else None}


def _fits(name: str, value: object) -> bool:
    if value is None:
        return False
    try:
        check_type(name, value, _KINDS[name])
    except ValueError:
        return False
    return True


def _no_match(form: str | None) -> str | None:
    return "status" if form and form.isdecimal() else form


_KINDS = get_type_hints(Readings)


def _shown(readings: Readings) -> dict[str, object]:
    """Return all facts about a sandbox with these readings, by name."""
    is_newest, limits = readings.newest_first, readings.honours_limit
    order = "newest first" if is_newest else "oldest first"
    status = str(readings.missing)
    get = status if readings.missing_get == "status" else readings.missing_get
    find = status if readings.missing_find == "status" else readings.missing_find
    return {
        "version": VERSION,
        "v1.order": order,
        "v1.date": "before" if is_newest else "after",
        "v1.ascending": readings.honours_ascending,
        "v1.includes_date": readings.inclusive,
        "v1.default_limit": readings.default_limit,
        "v1.largest_limit": readings.max_limit if limits else None,
        "v1.over_limit": readings.over_limit if limits else "ignored",
        "v1.first_page": "ignored" if readings.page_base is None else readings.page_base,
        "v1.end": readings.list_end,
        "v2.order": "oldest first",
        "v2.date": "after",
        "v2.ascending": True,
        "v2.includes_date": readings.inclusive,
        "v2.default_limit": 30,
        "v2.largest_limit": readings.v2_max_limit,
        "v2.over_limit": "400" if readings.v2_over_limit == "reject" else "cut",
        "v2.first_page": 0,
        "v2.end": readings.list_end,
        "stamp_digits": _DIGITS[readings.precision] if readings.fractions == "shown" else 0,
        "stamp_zeros_cut": readings.trim_zeros,
        "stamp_zone": readings.zone,
        "stored_finer": readings.fractions != "shown",
        "count_date": readings.count_date,
        "count_includes_date": readings.count_includes_date,
        "count_is_whole": True,
        "count_as_text": readings.count_as_text,
        "unknown_id": get,
        "unknown_find": find,
        "unknown_uuid": get,
        "rate_headers": _RATE_HEADERS if readings.rate_headers else "",
        "retry_after": readings.retry_after,
        "gzip": readings.gzip,
    }
