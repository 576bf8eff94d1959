"""Timestamps as whole nanoseconds since 1970, and as the RFC 3339 text of the API."""

import functools
import re
from dataclasses import replace
from datetime import UTC, datetime

from heymarket_async.sandbox.readings import Readings

SECOND = 1_000_000_000
BASE = 1_712_935_800 * SECOND
"""The newest made-up stamp, 2024-04-12T15:30:00Z: far enough back that every write is newer."""

_DIGITS = {"seconds": 0, "milliseconds": 3, "microseconds": 6, "nanoseconds": 9}
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-]\d\d:\d\d))", re.ASCII
)


def unit(readings: Readings) -> int:
    """Return the nanoseconds of the readings' unit."""
    return int(10 ** (9 - _DIGITS[readings.precision]))


def written(stamp: int, readings: Readings) -> str:
    """Write a stamp as RFC 3339 text, in the form that the readings give it."""
    if readings.fractions == "rounded":
        stamp += SECOND // 2
    seconds, fraction = divmod(stamp, SECOND)
    day, second = divmod(seconds, 86_400)
    text = f"{_day(day)}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    shown = _DIGITS[readings.precision] if readings.fractions == "shown" else 0
    digits = f"{fraction:09}"[:shown]
    if readings.trim_zeros:
        digits = digits.rstrip("0")
    return f"{text}.{digits}{readings.zone}" if digits else f"{text}{readings.zone}"


def of_messages(readings: Readings) -> Readings:
    """Return the readings for messages, whose stamps are known: microseconds, zeros trimmed."""
    return replace(readings, precision="microseconds", trim_zeros=True, fractions="shown", zone="Z")


@functools.lru_cache(maxsize=10_000)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * 86_400, UTC).date().isoformat()


def parsed(text: str) -> int:
    """Read RFC 3339 text, and return nanoseconds since 1970.

    Digits beyond nanoseconds are cut off: `datetime` alone would round at microseconds.

    Raises:
        ValueError: The text is not an RFC 3339 timestamp.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError("must be an RFC 3339 timestamp")
    day, clock, fraction, offset = match.groups()
    moment = datetime.fromisoformat(f"{day}T{clock}{offset or '+00:00'}")
    return int(moment.timestamp()) * SECOND + int((fraction or "0")[:9].ljust(9, "0"))
