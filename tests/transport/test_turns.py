"""The turns of one process, and what the store is told of them."""

from __future__ import annotations

import pytest

from heymarket_async.transport.turns import OwnTurns, ages_ms


@pytest.fixture
def own() -> OwnTurns:
    return OwnTurns(window_s=60.0, grace_s=1.0)


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
    assert ages_ms(own.news(), answered_at + 2) == [f"{own.name}:0", pytest.approx(2000)]
    assert own.news() == {}


def test_a_turn_that_the_store_does_not_know_is_told_twice(own):
    own.take(0.0, is_known=False)
    assert ages_ms(own.news(), 5.0) == [f"{own.name}:0", 0.0]

    assert own.answer(5.5)
    assert ages_ms(own.news(), 6.0) == [f"{own.name}:0", 500.0]


def test_turns_that_are_not_used_are_told_as_such_and_their_names_are_spent(own):
    own.take(0.0, is_known=True)
    own.skip(2)
    own.take(0.0, is_known=True)
    own.give_back()

    unused = [f"{own.name}:{number}" for number in (1, 2, 3)]
    assert ages_ms(own.news(), 0.0) == [part for name in unused for part in (name, -1.0)]
    assert own.taken == 4
    assert own.weighing(0.0) == 1


def test_a_store_that_may_know_nothing_is_told_of_every_turn(own):
    for at in (0.0, 0.0, 50.0):
        own.take(at, is_known=True)
    own.answer(0.5)
    own.news()
    own.tell_all()

    assert own.news() == {
        f"{own.name}:0": 0.5,
        f"{own.name}:1": None,
        f"{own.name}:2": None,
    }
    # Told as under way, they are told again once they are answered.
    assert own.answer(50.1)
    assert own.answer(50.1)


def test_what_weighs_no_more_is_no_news(own):
    own.take(0.0, is_known=True)
    own.answer(5.0)
    own.weighing(66.0)

    assert own.news() == {}
