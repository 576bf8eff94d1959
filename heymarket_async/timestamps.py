"""Heymarket's timestamps: text on the wire, compared exactly, shown as aware datetimes.

A timestamp stays the server's text wherever it is sent back: a `datetime` holds microseconds, and
a cursor that was rounded to them can skip contacts.
"""

from __future__ import annotations

import functools
import re
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def instant(text: str) -> str:
    """Return a text for a timestamp of any precision and zone, so that texts compare as instants.

    It is the time in UTC, with the fraction after the zone and without trailing zeros, such as
    "2026-04-12T15:30:00Z.5". Nothing is rounded, and the most common form is unchanged.

    Raises:
        ValueError: `text` is not an RFC 3339 timestamp.
    """
    size = len(text)
    if size > 19 and text[10] == "T" and text[-1] == "Z" and text[0] != "0" and text[17] != "6":
        if size == 20:
            return text
        if text[19] == ".":
            return f"{text[:19]}Z.{text[20:-1].rstrip('0')}".rstrip(".")
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 timestamp, such as 2026-04-12T15:30:00Z")
    day, time, fraction, zone = match.groups()
    seconds = f"{day}T{time}"
    datetime.fromisoformat(seconds)  # raises for a zero date, and for a leap second
    if zone not in {"Z", "z", "+00:00", "-00:00"}:
        seconds = f"{_in_utc(datetime.fromisoformat(seconds + zone)):%Y-%m-%dT%H:%M:%S}"
    fraction = (fraction or "").rstrip("0")
    return f"{seconds}Z.{fraction}" if fraction else f"{seconds}Z"


def text_of(instant: str) -> str:
    """Return an instant as a timestamp that the API takes."""
    seconds, _, fraction = instant.partition("Z")
    return f"{seconds}{fraction}Z"


def instants(texts: list[str]) -> list[str]:
    """Return the `instant` of each text. It is fast if all are in UTC.

    Raises:
        ValueError: A text cannot be the time of an update; see `is_time`.
    """
    if _are_whole_seconds(texts):
        return texts
    tails = "\n".join([*(text[19:] for text in texts), ""])
    is_usual = tails.count("\n") == len(texts) and _TAILS.fullmatch(tails)
    if is_usual and _are_whole_seconds([f"{text[:19]}Z" for text in texts]):
        return [f"{text[:19]}Z{text[19:-1]}" for text in texts]
    keys = [instant(text) for text in texts]
    if not all(map(is_time, texts)):
        raise ValueError("cannot be the time of an update")
    return keys


_TAILS = re.compile(r"(?:(?:\.\d*[1-9])?Z\n)+", re.ASCII)
"""The ends of timestamps in UTC, behind the seconds, a line each; Heymarket trims zeros."""


def _are_whole_seconds(texts: list[str]) -> bool:
    """Whether all texts are certainly times of updates, in whole seconds and in UTC."""
    count, together = len(texts), "\n".join(texts)
    # As many line breaks as between the texts, each at its place: so each text has 20 characters.
    return (
        together.count("\n") == count - 1
        and together[20::21] == "\n" * (count - 1)
        and together[10::21] == "T" * count
        and together[19::21] == "Z" * count
        and not _may_be_odd(texts, together)
    )


def _may_be_odd(texts: list[str], together: str) -> bool:
    """Whether one of the texts may not be a time. `together` has 21 characters for each text.

    It looks at one place of all texts first, because a search takes ten times as long.
    """
    # A year 0 or 1, a leap second, an hour 24.
    if "0" in together[::21] or "6" in together[17::21]:
        return True
    if "2" in together[11::21] and "4" in together[12::21] and "T24" in together:
        return True
    month_tens, month_ones, day_tens = together[5::21], together[6::21], together[8::21]
    may_be_no_day = (
        ("1" in month_tens and month_ones.strip("012"))  # a month above 12
        or ("0" in month_tens and "0" in month_ones and "-00" in together)
        or ("0" in day_tens and "-00" in together)
        or "3" in day_tens
        or ("2" in day_tens and "-02-29" in together)
    )
    return bool(may_be_no_day) and not all(map(_is_day, {text[:10] for text in texts}))


@functools.lru_cache(maxsize=4096)
def _is_day(text: str) -> bool:
    return is_time(f"{text}T00:00:00Z")


def is_time(text: object) -> bool:
    """Whether this is a timestamp with a day of the calendar. Year 1 is not: it means "never"."""
    if not isinstance(text, str):
        return False
    try:
        is_usual = len(text) == 20 and text[10] == "T" and text[19] == "Z"
        if text[11:13] == "24":  # newer versions of Python read it as the next day
            return False
        return (datetime.fromisoformat(text) if is_usual else parse(text)).year > 1
    except ValueError:
        return False


def parse(text: str) -> datetime:
    """Return a timestamp as an aware datetime in UTC, cut (not rounded) to microseconds.

    Raises:
        ValueError: `text` is not an RFC 3339 timestamp.
    """
    seconds, _, fraction = instant(text).partition("Z")
    return datetime.fromisoformat(f"{seconds}{fraction}+00:00")


def second_after(text: str) -> str:
    """Return the whole second that follows the one of a timestamp.

    Raises:
        ValueError: `text` is not an RFC 3339 timestamp.
    """
    return f"{parse(text).replace(tzinfo=None) + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"


def later(instant: str, seconds: float) -> str:
    """Return the whole second `seconds` after an instant, as a timestamp."""
    try:
        moment = _second_of(instant) + timedelta(seconds=seconds)
    except OverflowError:
        return "0001-01-01T00:00:00Z" if seconds < 0 else "9999-12-31T23:59:59Z"
    return f"{moment.isoformat(timespec='seconds')}Z"


def earlier(instant: str, seconds: float) -> str:
    """Return the whole second `seconds` before an instant, as a timestamp."""
    return later(instant, -seconds)


def seconds_between(first: str, last: str) -> float:
    """Return the whole seconds from one instant to another; negative if the second is earlier."""
    return (_second_of(last) - _second_of(first)).total_seconds()


def _second_of(instant: str) -> datetime:
    try:
        return datetime.fromisoformat(instant[:19])
    except ValueError:
        # A month that no calendar has. Without a zone, as the result above.
        return datetime.min  # noqa: DTZ901


def to_text(name: str, value: datetime | str) -> str:
    """Return a time as the API takes it; text goes through unchanged, character for character.

    Raises:
        ValueError: `value` is a naive datetime, text that is not RFC 3339, or of another type.
    """
    if isinstance(value, str):
        try:
            parse(value)
        except ValueError:
            raise ValueError(
                f"{name} must be an RFC 3339 timestamp with a zone, such as 2026-04-12T15:30:00Z,"
                f" or {_AWARE}"
            ) from None
        return value
    if not isinstance(value, datetime):
        raise ValueError(f"{name} must be {_AWARE}, or RFC 3339 text such as 2026-04-12T15:30:00Z")
    return in_utc(name, value).isoformat().replace("+00:00", "Z")


_AWARE = "an aware datetime, such as datetime(2026, 4, 12, tzinfo=UTC)"


def in_utc(name: str, value: datetime) -> datetime:
    """Return an aware datetime in UTC.

    Raises:
        ValueError: It is a naive datetime, or not a datetime.
    """
    if not isinstance(value, datetime):
        raise ValueError(f"{name} must be an aware datetime, not {type(value).__name__}")
    if value.utcoffset() is None:
        raise ValueError(
            f"{name} must be an aware datetime: give it a tzinfo, such as datetime.UTC"
        )
    return _in_utc(value)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("not a time between the years 1 and 9999 in UTC") from None


@functools.lru_cache(maxsize=16)  # many answers come within a second
def http_date(text: str) -> float | None:
    """Return the Unix time of an HTTP date, or None if the text is not one.

    The old asctime form has no zone. It is in UTC too.
    """
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


class Began(NamedTuple):
    """A time in the past of this process, by both clocks of this machine; see `began`."""

    wall: float
    monotonic: float

    @property
    def seconds_ago(self) -> float:
        """Seconds that are over since then, or more."""
        # The first clock can be set back, and the second may stop while the machine sleeps.
        return max(time.time() - self.wall, time.monotonic() - self.monotonic)


def began() -> Began:
    """Return the time when something begins now."""
    return Began(time.time(), time.monotonic())


def seconds_ago(seconds: float) -> Began:
    """Return the time that many seconds ago; negative seconds are a time to come."""
    now = began()
    return Began(now.wall - seconds, now.monotonic - seconds)
