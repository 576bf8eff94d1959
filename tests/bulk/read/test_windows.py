"""The time range in parts: each contact is in exactly one, however it was divided."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heymarket_async.bulk.read.windows import WORTH_SPLITTING, Window, earlier, seconds_covered

NOON = "2026-04-12T12:00:00Z"
ONE = "2026-04-12T13:00:00Z"
TWO = "2026-04-12T14:00:00Z"


def stamp(seconds: int, fraction: int = 0) -> str:
    text = earlier(NOON, -seconds)
    return f"{text}.{fraction}" if fraction else text


def test_a_window_holds_what_lies_above_one_instant_and_up_to_another():
    window = Window(above=NOON, up_to=ONE)

    assert window.places([NOON, f"{NOON}.5", ONE, f"{ONE}.5"]) == slice(1, 3)
    assert window.places([TWO, ONE, NOON]) == slice(1, 2)
    assert window.places([TWO]) == slice(0)
    assert Window().places([NOON, TWO]) == slice(0, 2)


def test_a_window_starts_where_its_first_contact_is_listed_in_any_case():
    window = Window(above=NOON, up_to=ONE)

    assert window.start(ascending=True) == NOON
    assert window.start(ascending=False) == "2026-04-12T13:00:01Z"
    assert Window().start(ascending=False) is Window().start(ascending=True) is None


def test_a_walk_has_left_a_window_when_it_is_beyond_its_end():
    window = Window(above=NOON, up_to=ONE)

    assert not window.ends_before(ONE, ascending=True)
    assert window.ends_before(f"{ONE}.1", ascending=True)
    assert not window.ends_before(f"{NOON}.1", ascending=False)
    assert window.ends_before(NOON, ascending=False)
    assert not Window().ends_before(NOON, ascending=True)
    assert not Window().ends_before(NOON, ascending=False)


def test_the_farther_half_of_what_is_left_is_split_off():
    window = Window(at=TWO)
    assert window.split(NOON, ascending=False) == Window(up_to=ONE)
    assert window == Window(at=TWO, above=ONE)

    window = Window(at=NOON)
    assert window.split(TWO, ascending=True) == Window(above=ONE)
    assert window == Window(at=NOON, up_to=ONE)


def test_a_window_without_ends_cannot_be_split():
    with pytest.raises(ValueError, match="no ends"):
        Window().split(NOON, ascending=True)
    with pytest.raises(ValueError, match="no ends"):
        Window(at=NOON).split(None, ascending=True)


def test_what_is_left_is_estimated_by_the_last_page():
    window = Window(at=NOON, page_s=60.0)

    assert window.pages_left(ONE, ascending=True) == 60
    assert Window(at=ONE, above=NOON, page_s=60.0).pages_left(None, ascending=False) == 60
    assert window.pages_left(None, ascending=True) == 0
    assert Window(at=TWO).pages_left(ONE, ascending=True) == 0, "it has come farther than was known"
    assert Window(at=NOON).pages_left(ONE, ascending=False) == 0
    assert Window().pages_left(ONE, ascending=True) == 0
    assert Window(at=NOON, is_read=True).pages_left(ONE, ascending=True) == 0


def test_a_page_covers_at_least_a_second():
    assert seconds_covered([NOON, ONE]) == seconds_covered([ONE, NOON]) == 3600
    assert seconds_covered([NOON, NOON]) == 1


def test_earlier_stays_within_the_calendar():
    assert earlier(f"{ONE}.75", 60) == "2026-04-12T12:59:00Z"
    assert earlier("0001-01-01T00:00:30Z", 60) == "0001-01-01T00:00:00Z"
    assert earlier("9999-12-31T23:59:59Z", -60) == "9999-12-31T23:59:59Z"


@given(st.data(), st.booleans(), st.integers(0, 10_000))
def test_each_contact_is_in_exactly_one_window_however_often_they_are_split(data, ascending, seed):
    chance = random.Random(seed)
    stamps = sorted({stamp(chance.randrange(20_000), chance.randrange(4)) for _ in range(300)})
    far_end = stamps[-1] if ascending else stamps[0]
    windows = [Window()]
    for _ in range(data.draw(st.integers(0, 12))):
        window = chance.choice(windows)
        inside = [each for each in stamps if window.places([each]) == slice(0, 1)]
        ahead = [each for each in inside if window.at is None or (each > window.at) is ascending]
        if ahead:
            window.at = chance.choice(ahead)
        if window.pages_left(far_end, ascending=ascending) >= WORTH_SPLITTING:
            windows.append(window.split(far_end, ascending=ascending))
            assert window.places([window.at]) == slice(0, 1), "what was taken stays in its window"

    for each in stamps:
        assert sum(window.places([each]) == slice(0, 1) for window in windows) == 1


@pytest.mark.parametrize("ascending", [True, False])
def test_a_split_window_leaves_what_was_taken_behind_it(ascending):
    window = Window(at=ONE)
    other = window.split(TWO if ascending else NOON, ascending=ascending)

    assert other.places([ONE]) == slice(0)
