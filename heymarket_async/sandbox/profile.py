"""Readings from a profile of the API, as `heymarket probe --save` writes it."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
from msgspec import Struct

from heymarket_async.sandbox.readings import Readings

VERSION = 1
_RATE_HEADERS = {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
_PRECISIONS = {0: "seconds", 3: "milliseconds", 6: "microseconds", 9: "nanoseconds"}


class ListFacts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The facts about one list of contacts; None: not known."""

    order: str | None = None
    date: str | None = None
    ascending: bool | None = None
    includes_date: bool | None = None
    default_limit: int | None = None
    largest_limit: int | None = None
    over_limit: str | None = None
    first_page: int | str | None = None
    end: str | None = None


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The facts about the API; None: not known."""

    version: int
    v1: ListFacts = ListFacts()
    v2: ListFacts = ListFacts()
    stamp_digits: int | None = None
    stamp_zeros_cut: bool | None = None
    stamp_zone: str | None = None
    stored_finer: bool | None = None
    count_date: str | None = None
    count_includes_date: bool | None = None
    count_is_whole: bool | None = None
    count_as_text: bool | None = None
    unknown_id: str | None = None
    unknown_find: str | None = None
    unknown_uuid: str | None = None
    rate_headers: tuple[str, ...] | None = None
    retry_after: str | None = None
    gzip: bool | None = None


Source = str | os.PathLike[str] | Mapping[str, object] | Struct
"""A file, its content, or a struct with the same fields."""


def readings_of(source: Source, others: Readings) -> Readings:
    """Return readings with the facts of a profile.

    Args:
        source: The profile.
        others: The readings for all that the profile leaves open.

    Raises:
        ValueError: It is not a profile, or has a fact that the sandbox cannot show.
        OSError: The file cannot be read.
    """
    profile = _read(source)
    _check_all(profile)
    known = {name: value for name, fact, value in _facts(profile) if fact is not None}
    try:
        return replace(others, **known)  # type: ignore[arg-type] # Readings checks them
    except ValueError as error:
        raise _unable(str(error)) from None


def _read(source: Source) -> Profile:
    try:
        if isinstance(source, str | os.PathLike):
            profile = msgspec.json.decode(Path(source).read_bytes(), type=Profile)
        else:
            content = msgspec.to_builtins(source) if isinstance(source, Struct) else source
            profile = msgspec.convert(content, Profile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"profile must be a profile of the API: {error}") from None
    if profile.version != VERSION:
        raise ValueError(f"profile must be of version {VERSION}, not {profile.version}")
    return profile


def _facts(profile: Profile) -> list[tuple[str, object, object]]:
    """Return the name of each reading, the fact that it comes from, and the value for it."""
    v1, v2 = profile.v1, profile.v2
    includes = v2.includes_date if v1.includes_date is None else v1.includes_date
    end = v2.end if v1.end is None else v1.end
    is_ignored = v1.over_limit == "ignored"
    digits, is_finer = profile.stamp_digits, profile.stored_finer
    unknown = profile.unknown_uuid if profile.unknown_id is None else profile.unknown_id
    statuses = [each for each in (unknown, profile.unknown_find) if each and each.isdecimal()]
    return [
        ("newest_first", v1.order, v1.order == "newest first"),
        ("honours_ascending", v1.ascending, v1.ascending),
        ("inclusive", includes, includes),
        ("default_limit", v1.default_limit, v1.default_limit),
        ("max_limit", v1.largest_limit, v1.largest_limit),
        ("honours_limit", v1.over_limit, not is_ignored),
        ("over_limit", None if is_ignored else v1.over_limit, v1.over_limit),
        ("page_base", v1.first_page, None if v1.first_page == "ignored" else v1.first_page),
        ("v2_max_limit", v2.largest_limit, v2.largest_limit),
        ("v2_over_limit", v2.over_limit, "reject" if v2.over_limit == "400" else v2.over_limit),
        ("list_end", end, end),
        # Whole seconds that hide fractions: any finer unit will do.
        (
            "precision",
            True if is_finer else digits,
            "microseconds" if is_finer else _PRECISIONS.get(digits or 0),
        ),
        ("fractions", is_finer, "truncated" if is_finer else "shown"),
        ("trim_zeros", profile.stamp_zeros_cut, profile.stamp_zeros_cut),
        ("zone", profile.stamp_zone, profile.stamp_zone),
        ("count_date", profile.count_date, profile.count_date),
        ("count_includes_date", profile.count_includes_date, profile.count_includes_date),
        ("count_as_text", profile.count_as_text, profile.count_as_text),
        ("missing", statuses or None, int(statuses[0]) if statuses else None),
        ("missing_get", unknown, _no_match(unknown)),
        ("missing_find", profile.unknown_find, _no_match(profile.unknown_find)),
        ("rate_headers", profile.rate_headers, bool(profile.rate_headers)),
        ("retry_after", profile.retry_after, profile.retry_after),
        ("gzip", profile.gzip, profile.gzip),
    ]


def _no_match(form: str | None) -> str | None:
    return "status" if form and form.isdecimal() else form


def _check_all(profile: Profile) -> None:
    """Check the facts that no reading has, or that come from one and the same reading."""
    v1, v2 = profile.v1, profile.v2
    directions: dict[str | None, str] = {"newest first": "before", "oldest first": "after"}
    _check("v1.date", v1.date, directions.get(v1.order))
    _check("v2.date", v2.date, "after")
    _check("v2.order", v2.order, "oldest first")
    _check("v2.ascending", v2.ascending, True)
    _check("v2.first_page", v2.first_page, 0)
    _check("v2.default_limit", v2.default_limit, 30)
    _check("v2.includes_date", v2.includes_date, v1.includes_date)
    _check("v2.end", v2.end, v1.end)
    _check("count_is_whole", profile.count_is_whole, True)
    _check("unknown_uuid", profile.unknown_uuid, profile.unknown_id)
    if (
        (find := profile.unknown_find)
        and find.isdecimal()
        and (profile.unknown_id or "").isdecimal()
    ):
        _check("unknown_find", find, profile.unknown_id)
    if profile.stored_finer and profile.stamp_digits:
        raise _unable(f"stored_finer with stamp_digits = {profile.stamp_digits}")
    if set(profile.rate_headers or ()) not in (set(), _RATE_HEADERS):
        raise _unable(f"rate_headers = {', '.join(profile.rate_headers or ())}")


def _check(name: str, value: object, able: object) -> None:
    if able is not None and value is not None and value != able:
        raise _unable(f"{name} = {value}")


def _unable(fact: str) -> ValueError:
    return ValueError(f"the sandbox cannot show this fact of the profile: {fact}. Set it to null")
