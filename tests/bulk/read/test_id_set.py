"""A set of ids in little memory, that holds what a set would hold."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heymarket_async.bulk.read.id_set import IdSet

IDS = st.lists(st.one_of(st.integers(0, 300), st.integers(65_530, 65_540), st.integers(0, 2**63)))


@given(IDS)
def test_it_holds_what_a_set_holds(numbers):
    ids, plain, again = IdSet(), set(), []
    for number in numbers:
        if number in plain:
            again.append(number)
        plain.add(number)

    assert ids.add_all(numbers) == again
    assert len(ids) == len(plain)
    for number in [*numbers, *(each + 1 for each in numbers)]:
        assert (number in ids) is (number in plain)
    assert "7" not in ids


@pytest.mark.parametrize("step", [1, 7])
def test_it_holds_thousands_that_lie_close_together(step):
    numbers = list(range(10_001, 10_001 + 30_000 * step, step))
    random.Random(step).shuffle(numbers)
    ids = IdSet()

    assert ids.add_all(numbers) == []
    assert ids.add_all(numbers[:100]) == numbers[:100]
    assert len(ids) == 30_000
    assert sum(number in ids for number in range(300_000)) == 30_000


@pytest.mark.parametrize(("step", "most_bytes_each"), [(1, 1), (100, 4), (1000, 8)])
def test_it_needs_a_few_bytes_for_each(step, most_bytes_each):
    numbers = range(10_001, 10_001 + 100_000 * step, step)
    tracemalloc.start()
    try:
        ids = IdSet()
        ids.add_all(numbers)
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(ids) == 100_000
    assert size < 100_000 * most_bytes_each
