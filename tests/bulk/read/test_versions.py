"""What jobs make of rows: lines, versions, and what they remember of both."""

from __future__ import annotations

import pytest

from heymarket_async.bulk.read.memory import Memory
from heymarket_async.bulk.read.odd import Ids, Odd
from heymarket_async.bulk.read.versions import batch_of, lines_of, older, text_of
from heymarket_async.bulk.read.windows import later, seconds_covered


@pytest.mark.parametrize(
    ("sent", "line"),
    [
        (b'{"id":1}', b'{"id":1}'),
        (b'{"id":1,\r\n "first":"a"}', b'{"id":1,"first":"a"}'),
        (b'{"id":1,\n"first":"\\ud83d"}', b'{"id":1,"first":"\\ud83d"}'),
        (b' {"id":1,"first":"a\\tb"}', b'{"id":1,"first":"a\\tb"}'),
    ],
)
def test_a_contact_is_one_line(sent, line):
    lines, mended = lines_of([sent, b'{"id":2}'])

    assert lines == [line, b'{"id":2}']
    assert mended == sent.startswith(b" ")


def test_text_has_no_half_of_an_emoji():
    assert text_of(rb'["\ud83d\ude00", "\ud83d"]') == r'["\ud83d\ude00", "\ufffd"]'


def test_what_has_no_time_is_remembered_however_much_is_taken_after_it():
    memory = Memory()
    odd = batch_of([b'{"id":1,"rev":1,"updated":null}'])
    memory.add(odd, since="")
    assert (memory.oldest, memory.newest) == (None, None)
    for number in range(2, 4000, 10):
        lines = [
            b'{"id":%d,"rev":1,"updated":"2026-01-01T%02d:00:00Z"}' % (each, each // 400)
            for each in range(number, number + 10)
        ]
        memory.add(batch_of(lines), since="2026-01-01T09:00:00Z")

    memory.add(batch_of([b'{"id":1,"rev":1,"updated":null}']), since="")
    assert memory.knows(1, odd.version(0))
    assert not memory.knows(1, batch_of([b'{"id":1,"rev":2,"updated":null}']).version(0))
    assert not memory.knows(2, batch_of([lines[-1]]).version(0))
    assert (memory.oldest, memory.newest) == ("2026-01-01T00:00:00Z", "2026-01-01T10:00:00Z")


def test_of_a_contact_with_a_time_and_without_one_the_oldest_is_told():
    memory = Memory()
    memory.add(
        batch_of([b'{"id":1,"updated":""}', b'{"id":2,"updated":"2026-01-01T00:00:00Z"}']), since=""
    )

    assert memory.oldest == memory.newest == "2026-01-01T00:00:00Z"


def test_older_versions_are_told_by_their_places():
    lines = [
        b'{"id":%d,"rev":%d,"updated":"2026-01-0%dT00:00:00Z"}' % each
        for each in [(1, 1, 1), (2, 7, 1), (1, 3, 3), (1, 2, 2), (2, 7, 1)]
    ]

    assert list(older(enumerate(lines), latest="2027")) == [0, 3, 4]


def test_a_month_that_the_calendar_does_not_have_ends_nothing():
    assert seconds_covered(["2026-13-45T00:00:00Z", "2026-01-01T00:00:00Z"]) > 1
    assert later("2026-13-45T00:00:00Z", 1.0) == "0001-01-01T00:00:01Z"


def test_ids_are_told_once_and_twenty_of_them():
    odd = Odd(ahead=Ids())
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
        (doubt,) = Odd(no_contacts=count).doubts()
        assert doubt == f"a list element that is not a contact was skipped {times}"
    nameless = Odd(unplaced=Ids([-1], 1))
    assert nameless.doubts()[0].endswith(": none has an id")


def test_beyond_a_thousand_ids_are_only_counted():
    odd = Odd()
    odd.unplaced.add(range(1, 1_501))
    odd.unplaced.add(range(1, 501))
    (doubt,) = odd.doubts()
    assert doubt.startswith("1,500 contacts")
    assert doubt.endswith("20 and 1,480 more")
    assert len(odd.unplaced.shown) == 1_000
    assert odd.doubts(known=range(1, 1_001)) == []


def test_nobody_is_nothing_to_remember():
    memory = Memory()

    memory.add(batch_of([]), since="")

    assert (len(memory.seen), memory.oldest, memory.newest) == (0, None, None)
