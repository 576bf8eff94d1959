"""What a shared pacer says to its store, and does without it. Time jumps, the store is made up."""

from __future__ import annotations

import asyncio

import pytest

from heymarket_async import RateLimit, StoreError
from heymarket_async.pacing.shared import SharedPacer
from heymarket_async.pacing.store import Reply, Server, StoreLostError
from tests.conftest import jumping_time, now


class MadeUpStore:
    """Grants all that is asked for, unless it is set to be away."""

    def __init__(self) -> None:
        self.is_away = False
        self.run_id, self.uptime_s = "one", 1e6
        self.weighing = 0
        self.since = 1
        self.ahead_s = 1e9
        self.speed = 1.0
        self.wants: list[int] = []
        self.news: dict[str, float] = {}
        self.pauses: list[float] = []
        self.closed = 0

    async def ask(self, window, grace, limit, name, want, first, pause, *news) -> Reply:
        if self.is_away:
            raise StoreLostError("ConnectionError")
        self.wants.append(want)
        self.news |= dict(zip(news[::2], news[1::2], strict=True))
        if pause:
            self.pauses.append(pause)
        time_s = self.ahead_s + self.speed * now()
        return Reply(want, 0, 0, self.weighing, self.since, int(time_s * 1e6))

    async def server(self) -> Server | None:
        if self.is_away:
            raise StoreLostError("ConnectionError")
        return Server(self.run_id, self.uptime_s) if self.run_id else None

    async def close(self) -> None:
        self.closed += 1


def pacer_of(store: MadeUpStore, limit: int = 500, **options) -> SharedPacer:
    rate = RateLimit(limit, per_s=60.0, store="redis://x", **{"fallback": 0.1, **options})
    return SharedPacer(store, rate, asyncio.get_running_loop())  # type: ignore[arg-type] # its seam


async def send(pacer: SharedPacer, turns: int = 1, *, answer: bool = True) -> None:
    for turn in [pacer.take() for _ in range(turns)]:
        await turn
    for _ in range(turns if answer else 0):
        pacer.answered()


@jumping_time
async def test_a_restarted_store_gets_a_report_and_is_asked_for_few_turns():
    store = MadeUpStore()
    pacer = pacer_of(store, limit=100)
    await send(pacer, 30)
    await send(pacer, 3, answer=False)
    store.news.clear()
    store.is_away = True
    waiting = pacer.take()
    await asyncio.sleep(1)
    store.is_away, store.run_id = False, "two"
    await asyncio.sleep(1)

    assert len(store.news) == 33  # all that weigh, also those that were reported before
    await asyncio.sleep(20)
    assert not waiting.done()  # 33 are more than its part of 10
    await asyncio.sleep(45)
    assert waiting.done()
    for _ in range(4):
        pacer.answered()
    await pacer.aclose()
    assert store.closed == 1


@jumping_time
async def test_a_store_that_began_lately_is_asked_for_a_part_alone_until_it_can_know():
    store = MadeUpStore()
    store.uptime_s = 20.0
    pacer = pacer_of(store, limit=100)
    began = now()
    await send(pacer, 11)

    assert now() - began >= 41  # 60.12 + 1 - 20: the eleventh had to wait until then
    assert max(store.wants) == 1  # some turns at a time
    await pacer.aclose()


@jumping_time
async def test_a_store_that_was_started_again_is_asked_for_no_more_than_was_free_before():
    store = MadeUpStore()
    pacer = pacer_of(store, limit=20, fallback=0.5)
    store.weighing = 20  # of which 18 are another's
    await send(pacer, 2)
    store.is_away = True
    waiting = [pacer.take() for _ in range(30)]
    await asyncio.sleep(1)
    store.is_away, store.run_id, store.weighing = False, "two", 2
    await asyncio.sleep(55)
    assert not any(turn.done() for turn in waiting)

    await asyncio.sleep(10)
    assert sum(turn.done() for turn in waiting) >= 10
    await pacer.aclose()


@jumping_time
async def test_an_old_answer_of_the_store_does_not_delay_an_idle_client():
    store = MadeUpStore()
    store.weighing = 500
    pacer = pacer_of(store, limit=500)
    await send(pacer)
    await asyncio.sleep(100)
    store.is_away = True
    began = now()
    await send(pacer, 5)

    assert now() == began
    await pacer.aclose()


@jumping_time
async def test_a_store_that_comes_and_goes_is_logged_once_a_window(caplog):
    store = MadeUpStore()
    pacer = pacer_of(store)
    for _ in range(10):
        store.is_away = True
        await send(pacer)
        store.is_away = False
        await asyncio.sleep(2)
        await send(pacer)

    assert caplog.text.count("is unreachable") == caplog.text.count("rate limit is back") == 1
    await pacer.aclose()


@jumping_time
async def test_without_a_part_the_store_is_looked_for_before_a_call_fails():
    store = MadeUpStore()
    pacer = pacer_of(store, fallback=0)
    store.is_away = True
    with pytest.raises(StoreError):
        await send(pacer)
    with pytest.raises(StoreError):
        await send(pacer)
    store.is_away = False
    await asyncio.sleep(5)

    await send(pacer)
    await pacer.aclose()


@jumping_time
async def test_a_turn_that_is_given_back_while_others_are_in_line_is_used_at_once():
    store = MadeUpStore()
    pacer = pacer_of(store, limit=100, share=0.01)
    turn = pacer.take()
    await turn
    other = pacer.take()
    await asyncio.sleep(4.5)  # it looks again each second
    assert not other.done()
    pacer.discard(turn)
    await asyncio.sleep(0.1)

    assert other.done()
    pacer.answered()
    await pacer.aclose()


@jumping_time
async def test_after_an_outage_a_client_keeps_to_its_part_until_the_others_have_reported():
    store = MadeUpStore()
    pacer = pacer_of(store, limit=100)
    await send(pacer)
    store.is_away = True
    await send(pacer, 10)  # with the one before, more than its part of 10: one had to wait
    assert now() >= 60
    store.is_away = False
    await asyncio.sleep(0.6)
    back_at = now()
    await send(pacer, 5)

    # Its part is used up; a second after the store was back, the window is again for all.
    assert 0.5 <= now() - back_at <= 1.5
    await pacer.aclose()


@jumping_time
async def test_alone_a_client_takes_at_most_its_part_of_the_free_turns():
    store = MadeUpStore()
    store.weighing = 400
    pacer = pacer_of(store, limit=500)
    await send(pacer)
    store.is_away = True
    turns = [pacer.take() for _ in range(80)]
    await asyncio.sleep(30)

    assert sum(turn.done() for turn in turns) == 10  # a tenth of 100, and one weighed before
    for _ in range(10):
        pacer.answered()
    await asyncio.sleep(62)
    assert sum(turn.done() for turn in turns) == 10 + 50  # all of its part, in the next window
    await pacer.aclose()


@jumping_time
async def test_a_pause_during_an_outage_is_reported_when_the_store_is_back():
    store = MadeUpStore()
    pacer = pacer_of(store)
    await send(pacer)
    store.is_away = True
    pacer.pause(30.0)
    await asyncio.sleep(1)
    store.is_away = False
    turn = pacer.take()
    await asyncio.sleep(2)

    assert store.pauses
    assert pacer.pause_s > 0
    pacer.discard(turn)
    await pacer.aclose()


@jumping_time
async def test_answers_during_an_outage_are_reported_when_the_store_is_back():
    store = MadeUpStore()
    pacer = pacer_of(store)
    await send(pacer, answer=False)
    store.is_away = True
    await asyncio.sleep(5)
    pacer.answered()  # late, so the store is to know soon
    await asyncio.sleep(0.1)
    store.is_away = False
    await send(pacer)
    await asyncio.sleep(1)

    assert f"{pacer._ledger.name}:0" in store.news
    await pacer.aclose()


@jumping_time
async def test_nothing_is_said_while_there_is_nothing_to_say():
    store = MadeUpStore()
    pacer = pacer_of(store)
    await send(pacer)
    asked = len(store.wants)
    await asyncio.sleep(3600)

    assert len(store.wants) == asked
    await pacer.aclose()


@jumping_time
async def test_a_store_that_only_lets_itself_be_looked_at_counts_as_lost(caplog):
    store = MadeUpStore()
    pacer = pacer_of(store)
    asked = [0]

    async def refuse(*said):
        asked[0] += 1
        raise StoreLostError("it is a replica")

    store.ask = refuse
    await send(pacer)
    await asyncio.sleep(10)

    assert asked[0] < 30
    assert caplog.text.count("is unreachable (it is a replica)") == 1
    assert "rate limit is back" not in caplog.text
    await pacer.aclose()


@jumping_time
async def test_a_request_longer_than_a_window_is_reported_before_it_is_forgotten():
    store = MadeUpStore()
    pacer = pacer_of(store)
    await send(pacer, 2, answer=False)
    asked = len(store.wants)
    for _ in range(3):
        store.news.clear()
        await asyncio.sleep(45)
        assert store.news == {f"{pacer._ledger.name}:{each}": -1000.0 for each in (0, 1)}

    assert len(store.wants) - asked <= 5
    await pacer.aclose()


@jumping_time
async def test_calls_continue_while_the_client_reconnects():
    store = MadeUpStore()
    pacer = pacer_of(store)
    store.is_away = True
    await send(pacer)
    store.server = asyncio.Event().wait  # it hangs
    await asyncio.sleep(0.6)
    began = now()
    await send(pacer, 5)

    assert now() == began
    await pacer.aclose()


async def test_a_pacer_that_is_dropped_without_being_closed_asks_nothing_more():
    store = MadeUpStore()
    pacer = pacer_of(store)
    await send(pacer)
    await asyncio.sleep(0)
    asked = len(store.wants)
    pacer._task.get_coro().close()  # as the garbage collector does

    assert (len(store.wants), store.closed) == (asked, 0)


@jumping_time
async def test_the_warning_names_the_limit_that_the_client_keeps_to(caplog):
    store = MadeUpStore()
    store.is_away = True
    pacer = pacer_of(store, limit=500, share=0.02, fallback=0.1)
    await send(pacer)

    assert "at most 10 requests a minute" in caplog.text
    await pacer.aclose()


@jumping_time
async def test_a_mistake_of_ours_ends_the_calls_that_wait_instead_of_letting_them_wait():
    store = MadeUpStore()
    pacer = pacer_of(store)
    answered, store.server = store.server, lambda: asyncio.sleep(0, "no server")
    turns = [pacer.take(), pacer.take()]
    for turn in turns:
        with pytest.raises(StoreError, match=r"its rate limit failed \(AttributeError\)") as raised:
            await turn
        assert isinstance(raised.value.__cause__, AttributeError)

    store.server = answered
    await send(pacer)  # the next call tries anew
    await pacer.aclose()
