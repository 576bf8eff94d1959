"""The memory of the contacts that a job has taken."""

from __future__ import annotations

from heymarket_async.bulk.read.collect import Seen
from heymarket_async.bulk.read.versions import batch_of


def test_what_has_no_time_is_remembered_however_much_is_taken_after_it():
    seen = Seen()
    odd = batch_of([b'{"id":1,"rev":1,"updated":null}'])
    seen.add(odd, since="")
    assert (seen.oldest, seen.newest) == (None, None)
    for number in range(2, 4000, 10):
        lines = [
            b'{"id":%d,"rev":1,"updated":"2026-01-01T%02d:00:00Z"}' % (each, each // 400)
            for each in range(number, number + 10)
        ]
        seen.add(batch_of(lines), since="2026-01-01T09:00:00Z")

    seen.add(batch_of([b'{"id":1,"rev":1,"updated":null}']), since="")
    assert seen.knows(1, odd.version(0))
    assert not seen.knows(1, batch_of([b'{"id":1,"rev":2,"updated":null}']).version(0))
    assert not seen.knows(2, batch_of([lines[-1]]).version(0))
    assert (seen.oldest, seen.newest) == ("2026-01-01T00:00:00Z", "2026-01-01T10:00:00Z")


def test_of_a_contact_with_a_time_and_without_one_the_oldest_is_told():
    seen = Seen()
    seen.add(
        batch_of([b'{"id":1,"updated":""}', b'{"id":2,"updated":"2026-01-01T00:00:00Z"}']), since=""
    )

    assert seen.oldest == seen.newest == "2026-01-01T00:00:00Z"


def test_nobody_is_nothing_to_remember():
    seen = Seen()

    seen.add(batch_of([]), since="")

    assert (len(seen.ids), seen.oldest, seen.newest) == (0, None, None)
