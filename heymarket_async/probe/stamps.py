"""How timestamps are written: digits, trailing zeros, zone. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from heymarket_async.probe.asker import CouldNotTellError
from heymarket_async.probe.found import Found

_ENOUGH = 10
_PARTS = re.compile(r".{19}(?:\.(\d+))?(.*)")


def digits_of(times: Iterable[str]) -> int:
    """Return the digits of the unit that shows the longest fraction: 0, 3, 6 or 9."""
    longest = max((len(fraction) for fraction, _ in _split(times)), default=0)
    return min(9, -(-longest // 3) * 3)


def find(times: Iterable[str], found: Found) -> None:
    """Find how timestamps are written.

    Args:
        times: Different timestamps, as the server wrote them.
        found: Takes the facts.
    """
    parts = list(_split(times))
    with found.telling("stamp_digits", "stamp_zeros_cut", "stamp_zone"):
        if len(parts) < _ENOUGH:
            raise CouldNotTellError(f"fewer than {_ENOUGH} different timestamps were seen")
        longest = max(len(fraction) for fraction, _ in parts)
        if longest in {0, 3, 6, 9}:
            found.values["stamp_digits"] = longest
        else:
            found.reasons["stamp_digits"] = f"fractions have {longest} digits, not 3, 6 or 9"
        zones = {zone for _, zone in parts}
        if len(zones) > 1:
            found.reasons["stamp_zone"] = "timestamps differ in how they write their zone"
        elif not zones <= {"Z", "+00:00"}:
            found.reasons["stamp_zone"] = "timestamps have a zone other than UTC"
        else:
            (found.values["stamp_zone"],) = zones
        fractions = [fraction for fraction, _ in parts]
        lengths = set(map(len, fractions))
        if lengths == {0}:
            raise CouldNotTellError("timestamps have no fraction of a second")
        if len(lengths) == 1 and not any(each.endswith("0") for each in fractions):
            raise CouldNotTellError("no fraction that was seen could end in 0")
        found.values["stamp_zeros_cut"] = len(lengths) > 1


def _split(times: Iterable[str]) -> Iterable[tuple[str, str]]:
    for time in times:
        if match := _PARTS.fullmatch(time):
            yield match[1] or "", match[2]
