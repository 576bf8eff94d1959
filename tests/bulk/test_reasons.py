"""Rows are counted by the reason why they were left out."""

from __future__ import annotations

from heymarket_async.bulk.reasons import OTHERS, Reasons


def test_places_do_not_make_another_reason():
    reasons = Reasons()
    for each in (
        "has no phone (line 2)",
        "has no phone (card 11)",
        "row 3 has the same phone (line 8)",
        "row 14 has the same phone",
        "has no phone",
    ):
        reasons.add(each)

    assert reasons.counts == {"has no phone": 3, "another row has the same phone": 2}


def test_very_many_reasons_are_counted_together():
    reasons = Reasons()
    for number in range(1005):
        reasons.add(f"reason {number}")
    reasons.add("reason 3")

    assert len(reasons.counts) == 1001
    assert next(iter(reasons.counts.items())) == (OTHERS, 5)
    assert reasons.counts["reason 3"] == 2
