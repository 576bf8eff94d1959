"""The turns of one process, and their reports to the store."""

from __future__ import annotations

import math

import pytest

from heymarket_async.pacing.ledger import Ledger


@pytest.fixture
def own() -> Ledger:
    return Ledger(window_s=60.0, grace_s=1.0)


def test_a_turn_weighs_until_a_window_after_its_answer(own):
    own.take(0.0, is_known=True)
    assert own.weighing(500.0) == 1
    own.answer(10.0)

    assert own.lighter_in_s(30.0) == 40.0
    assert (own.weighing(69.9), own.weighing(70.0)) == (1, 0)


def test_while_nothing_is_answered_nobody_knows_when_one_weighs_no_more(own):
    own.take(0.0, is_known=True)

    assert own.lighter_in_s(5.0) == 1.0


@pytest.mark.parametrize(("answered_at", "is_late"), [(1.0, False), (1.01, True)])
def test_the_store_must_know_soon_of_an_answer_that_is_late(answered_at, is_late, own):
    own.take(0.0, is_known=True)

    assert own.answer(answered_at) is is_late
    assert own.changes(answered_at + 2) == [f"{own.name}:0", pytest.approx(2000)]
    assert own.changes(answered_at + 2) == []


def test_a_turn_that_the_store_does_not_know_is_reported_twice(own):
    own.take(0.0, is_known=False)
    assert own.changes(5.0) == [f"{own.name}:0", -1000.0]

    assert not own.answer(5.5)  # the store reckons with that
    assert own.changes(6.0) == [f"{own.name}:0", 500.0]


def test_a_turn_that_the_store_does_not_know_is_reported_soon(own):
    own.take(0.0, is_known=False)

    assert own.report_at() < 0.0
    assert own.answer(0.1)


def test_a_long_request_is_reported_again_before_the_store_forgets_it(own):
    own.take(0.0, is_known=True)
    assert own.report_at() == 30.0
    assert own.changes(10.0) == []

    assert own.changes(30.0) == [f"{own.name}:0", -1000.0]
    assert own.report_at() == 60.0


def test_while_nothing_is_under_way_nothing_is_overdue(own):
    assert own.report_at() == math.inf


def test_unused_turns_are_reported_as_unused_and_their_names_are_not_reused(own):
    own.take(0.0, is_known=True)
    own.skip(2)
    own.take(0.0, is_known=True)
    own.give_back()

    unused = [f"{own.name}:{number}" for number in (1, 2, 3)]
    assert own.changes(0.0) == [part for name in unused for part in (name, 120_000.0)]
    assert own.taken == 4
    assert own.weighing(0.0) == 1


def test_every_turn_is_reported_to_a_store_that_may_know_nothing(own):
    for at in (0.0, 0.0, 50.0):
        own.take(at, is_known=True)
    own.answer(0.5)
    own.changes(50.0)
    own.report_all()

    changes = own.changes(50.0)
    assert dict(zip(changes[::2], changes[1::2], strict=True)) == {
        f"{own.name}:0": 49_500.0,
        f"{own.name}:1": -1000.0,
        f"{own.name}:2": -1000.0,
    }


def test_turns_that_no_longer_weigh_are_not_reported(own):
    own.take(0.0, is_known=True)
    own.answer(5.0)
    own.weighing(66.0)

    assert own.changes(66.0) == []
