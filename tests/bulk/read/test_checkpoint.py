"""Checkpoints: spans, of which each contact is in exactly one, ties, and odd rows."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heymarket_async.bulk.read.checkpoint import Checkpoint, TimeSpan, latest_of, read
from heymarket_async.bulk.read.versions import Ids, OddRows
from heymarket_async.bulk.read.walk import WORTH_SPLITTING
from heymarket_async.timestamps import earlier

NOON = "2026-04-12T12:00:00Z"
ONE = "2026-04-12T13:00:00Z"
TWO = "2026-04-12T14:00:00Z"


def stamp(seconds: int, fraction: int = 0) -> str:
    text = earlier(NOON, -seconds)
    return f"{text}.{fraction}" if fraction else text


def test_a_span_holds_what_lies_above_one_instant_and_up_to_another():
    span = TimeSpan(above=NOON, up_to=ONE)

    assert [*map(span.holds, [NOON, f"{NOON}.5", ONE, f"{ONE}.5"])] == [False, True, True, False]
    assert [*map(span.holds, [TWO, ONE, NOON])] == [False, True, False]
    assert [*map(TimeSpan().holds, [NOON, TWO])] == [True, True]


def test_a_span_starts_where_its_first_contact_is_listed_in_any_case():
    span = TimeSpan(above=NOON, up_to=ONE)

    assert span.start(ascending=True) == NOON
    assert span.start(ascending=False) == "2026-04-12T13:00:01Z"
    assert TimeSpan().start(ascending=False) is TimeSpan().start(ascending=True) is None


def test_a_walk_has_left_a_span_when_it_is_beyond_its_end():
    span = TimeSpan(above=NOON, up_to=ONE)

    assert not span.ends_before(ONE, ascending=True)
    assert span.ends_before(f"{ONE}.1", ascending=True)
    assert not span.ends_before(f"{NOON}.1", ascending=False)
    assert span.ends_before(NOON, ascending=False)
    assert not TimeSpan().ends_before(NOON, ascending=True)
    assert not TimeSpan().ends_before(NOON, ascending=False)


def test_the_farther_half_of_what_is_left_is_split_off():
    span = TimeSpan(at=TWO)
    assert span.split(NOON, ascending=False) == TimeSpan(up_to=ONE)
    assert span == TimeSpan(at=TWO, above=ONE)

    span = TimeSpan(at=NOON)
    assert span.split(TWO, ascending=True) == TimeSpan(above=ONE)
    assert span == TimeSpan(at=NOON, up_to=ONE)


def test_a_span_without_ends_cannot_be_split():
    with pytest.raises(ValueError, match="no ends"):
        TimeSpan().split(NOON, ascending=True)
    with pytest.raises(ValueError, match="no ends"):
        TimeSpan(at=NOON).split(None, ascending=True)


def test_what_is_left_is_estimated_by_the_last_page():
    span = TimeSpan(at=NOON, page_s=60.0)

    assert span.pages_left(ONE, ascending=True) == 60
    assert TimeSpan(at=ONE, above=NOON, page_s=60.0).pages_left(None, ascending=False) == 60
    assert span.pages_left(None, ascending=True) == 0
    assert TimeSpan(at=TWO).pages_left(ONE, ascending=True) == 0, (
        "it has come farther than was known"
    )
    assert TimeSpan(at=NOON).pages_left(ONE, ascending=False) == 0
    assert TimeSpan().pages_left(ONE, ascending=True) == 0
    assert TimeSpan(at=NOON, is_read=True).pages_left(ONE, ascending=True) == 0


@given(st.data(), st.booleans(), st.integers(0, 10_000))
def test_each_contact_is_in_exactly_one_span_however_often_they_are_split(data, ascending, seed):
    chance = random.Random(seed)
    stamps = sorted({stamp(chance.randrange(20_000), chance.randrange(4)) for _ in range(300)})
    far_end = stamps[-1] if ascending else stamps[0]
    spans = [TimeSpan()]
    for _ in range(data.draw(st.integers(0, 12))):
        span = chance.choice(spans)
        inside = [each for each in stamps if span.holds(each)]
        ahead = [each for each in inside if span.at is None or (each > span.at) is ascending]
        if ahead:
            span.at = chance.choice(ahead)
        if span.pages_left(far_end, ascending=ascending) >= WORTH_SPLITTING:
            spans.append(span.split(far_end, ascending=ascending))
            assert span.holds(span.at), "what was taken stays in its span"

    for each in stamps:
        assert sum(span.holds(each) for span in spans) == 1


@pytest.mark.parametrize("ascending", [True, False])
def test_a_split_span_leaves_what_was_taken_behind_it(ascending):
    span = TimeSpan(at=ONE)
    other = span.split(TWO if ascending else NOON, ascending=ascending)

    assert not other.holds(ONE)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_ties_are_counted_however_they_are_cut_into_pages(size):
    stamps = [stamp(second) for second in (1, 2, 2, 3, 3, 3, 4, 5, 5)]
    checkpoint, span = Checkpoint(account="a", surface="v1"), TimeSpan()

    for first in range(0, len(stamps), size):
        checkpoint.count_ties(span, stamps[first : first + size])

    assert (checkpoint.ties, checkpoint.largest_tie) == (7, 3)
    assert (span.at, span.sharing) == (stamps[-1], 2)


def test_a_checkpoint_that_an_older_version_has_stored_is_read():
    stored = (
        '{"version":1,"account":"team 1 of a","surface":"v1","counted":7,"windows":[{"above":null,'
        '"up_to":"2026-04-12T12:00:00Z","cursor":null,"at":null,"sharing":0,"page_s":2.0,'
        '"is_read":true}],"odd":{"mended":2,"no_contacts":1,"unplaced":{"shown":[5],"count":1}}}'
    )

    checkpoint = read(stored, account=None, surface="v1", date=None)

    assert checkpoint.spans == [TimeSpan(up_to=NOON, page_s=2.0, is_read=True)]
    assert checkpoint.odd == OddRows(mended=2, no_records=1, unplaced=Ids([5], 1))
    assert checkpoint.page_size is None
    assert '"windows":[{' in checkpoint.text, "older versions read it, too"


def test_the_latest_contact_that_counts_is_not_later_than_the_servers_time():
    assert latest_of([NOON, TWO, ONE], until=ONE) == ONE
    assert latest_of([TWO], until=ONE) is None
    assert latest_of(["", ""], until=ONE) is latest_of([], until=ONE) is None


def test_ids_are_reported_once_and_twenty_of_them():
    odd = OddRows(ahead=Ids())
    odd.ahead.add([5, 5, -7])
    (doubt,) = odd.doubts()
    assert doubt.startswith("2 contacts")
    assert doubt.endswith(": 5")
    assert odd.doubts(known=[5, -7]) == []

    odd.ahead.add(range(10, 40))
    (doubt,) = odd.doubts()
    assert doubt.startswith("32 contacts")
    assert doubt.endswith("27 and 12 more")
    (doubt,) = odd.doubts(known=[5, -7, *range(10, 37)])
    assert doubt.startswith("3 contacts")
    assert doubt.endswith(": 37, 38, 39")
    assert odd.doubts(known=[5, -7, *range(10, 40)]) == []

    for count, times in ((1, "once"), (5, "5 times")):
        (doubt,) = OddRows(no_records=count).doubts()
        assert doubt == f"a list element that is not a contact was skipped {times}"
    nameless = OddRows(unplaced=Ids([-1], 1))
    assert nameless.doubts()[0].endswith(": none has an id")


def test_beyond_a_thousand_ids_are_only_counted():
    odd = OddRows()
    odd.unplaced.add(range(1, 1_501))
    odd.unplaced.add(range(1, 501))
    (doubt,) = odd.doubts()
    assert doubt.startswith("1,500 contacts")
    assert doubt.endswith("20 and 1,480 more")
    assert len(odd.unplaced.shown) == 1_000
    assert odd.doubts(known=range(1, 1_001)) == []
