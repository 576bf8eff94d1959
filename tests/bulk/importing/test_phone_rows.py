"""Which row had a phone first, of many phones."""

from __future__ import annotations

import random
from array import array

from heymarket_async.bulk.importing.phone_rows import PhoneRows


def test_the_first_row_of_a_phone_is_kept():
    rng, rows, known = random.Random(4), PhoneRows(), dict[int, int]()
    for row in range(1, 30_001):
        phone = rng.choice((rng.randrange(100), 14_150_000_000 + rng.randrange(20_000), 10**15 - 1))
        assert rows.first(phone, row) == known.setdefault(phone, row)

    assert len(known) > 7000


def test_the_next_row_of_a_phone_that_is_forgotten_is_its_first():
    rows = PhoneRows()
    for phone in (5, 5 + 4096, 5 + 8192):
        rows.first(phone, phone)

    rows.forget(5 + 4096)

    assert [rows.first(phone, 7) for phone in (5, 5 + 4096, 5 + 8192)] == [5, 7, 5 + 8192]


def test_a_phone_takes_a_tenth_of_what_a_dict_would_take():
    rows = PhoneRows()
    for row in range(400_000):
        rows.first(14_150_000_000 + 7919 * row, row)

    taken = sum(each.itemsize * len(each) for shelf in rows._shelves.values() for each in shelf)
    assert all(isinstance(each, array) for shelf in rows._shelves.values() for each in shelf)
    assert taken == 12 * 400_000
    assert max(len(phones) for phones, _ in rows._shelves.values()) < 200
