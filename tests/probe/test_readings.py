"""The probe tells the readings of the sandbox apart, or says that it cannot tell."""

from __future__ import annotations

import itertools

import pytest

from heymarket_async.sandbox import Readings, Sandbox
from tests.probe.probing import (
    CHOICES,
    assert_right,
    findings_of,
    pairwise,
    profile_of,
    right_answers,
    sandbox_of,
    values_of,
)

PAIRS = list(itertools.islice(pairwise(), 12))
SIZES = [(1100, 1), (1100, 3), (400, 1), (130, 50), (1100, 40), (60, 3)]
"""Contacts, and how many of them may share a timestamp."""

OPEN = {
    "stamp_zeros_cut",  # whole seconds have no zeros
    "count_is_whole",  # more contacts than come at once
    "retry_after",  # no 429 is provoked
    "unknown_uuid",  # most reads show no UUID of a known contact to compare with
}
"""What a usual account of whole seconds cannot show."""


@pytest.mark.parametrize("number", range(len(PAIRS)))
async def test_each_pair_of_readings_is_told_rightly_and_makes_the_same_sandbox(number):
    readings, (contacts, ties) = PAIRS[number], SIZES[number % len(SIZES)]
    findings = await findings_of(sandbox_of(readings, contacts, ties=ties, seed=number))

    assert_right(findings, Readings(**readings))
    again = Sandbox.from_profile(findings.profile, contacts, ties=ties, seed=number)
    assert_right(await findings_of(again), again.readings)
    # What the profile leaves open is the likeliest there, and may be easier to tell.
    known, right = values_of(findings.profile), right_answers(again.readings)
    assert {name: right[name] for name in known} == known


USUAL = Readings()
SINGLE = [
    (name, value)
    for name, values in CHOICES.items()
    for value in values
    if value != getattr(USUAL, name)
]


@pytest.mark.parametrize(("name", "value"), [("newest_first", True), *SINGLE])
async def test_a_reading_among_usual_ones_is_told_and_its_profile_makes_the_same(name, value):
    readings = {name: value}
    if value in {"truncated", "rounded"}:
        readings["precision"] = "milliseconds"
    findings = await findings_of(sandbox_of(readings, 1100))

    assert_right(findings, Readings(**readings))
    hidden = {"v1.includes_date", "v2.includes_date", "count_includes_date"}
    nothing_at_all = {"honours_limit": {"v1.largest_limit"}, "count_date": {"count_includes_date"}}
    may_be_open = OPEN | (hidden if findings.profile.stored_finer else set())
    may_be_open |= nothing_at_all.get(name, set())
    may_be_open |= {"v1.over_limit", "v2.over_limit"} if value == 1000 else set()
    assert {fact.name for fact in findings.facts if not fact.seen} <= may_be_open
    assert await profile_of(Sandbox.from_profile(findings.profile, 1100)) == findings.profile
