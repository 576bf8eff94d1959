import asyncio
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from heymarket_async.sandbox import Sandbox
from heymarket_async.sandbox import clock as module
from heymarket_async.sandbox.routes import ROUTES


def test_the_clock_goes_on_and_can_be_advanced():
    clock = Sandbox().clock
    clock.advance(0)
    clock.advance(3600)
    assert 3599 < clock.now - time.time() < 3601


@pytest.mark.parametrize("wrong", [-1, float("nan")])
def test_the_clock_never_goes_back(wrong):
    with pytest.raises(ValueError, match="must not be negative"):
        Sandbox().clock.advance(wrong)


def test_each_act_runs_at_its_own_time_in_the_order_of_times():
    clock, ran = Sandbox().clock, []
    start = clock.now
    for due in (900, 300, 600, 300):
        clock.at(start + due, lambda due=due: ran.append((due, round(clock.now - start))))
    clock.advance(700)
    assert ran == [(300, 300), (300, 300), (600, 600)]
    clock.advance(700)
    assert ran[3:] == [(900, 900)]
    assert round(clock.now - start) == 1400


def test_an_act_may_plan_another_one():
    clock, ran = Sandbox().clock, []
    clock.at(clock.now + 10, lambda: clock.at(clock.now + 10, lambda: ran.append("second")))
    clock.advance(30)
    assert ran == ["second"]


async def test_what_is_due_has_run_when_a_request_is_answered(serve):
    account = await serve()
    clock, ran = account.sandbox.clock, []
    clock.at(clock.now + 1000, lambda: ran.append("due"))
    account.sandbox.faults.clock(1001)
    await account.ask("GET /v1/team")
    assert ran == ["due"]


async def test_what_comes_due_runs_by_itself(serve, until, monkeypatch):
    monkeypatch.setattr(module, "_TICK_S", 0.01)
    clock, ran = (await serve()).sandbox.clock, []
    clock.at(clock.now + 0.02, lambda: ran.append("due"))
    await until(lambda: ran)


async def test_an_advanced_clock_refuses_no_token(serve):
    account = await serve()
    account.sandbox.clock.advance(86_400)
    assert await account.status_with(f"Bearer {account.token()}") == 200


async def test_nothing_comes_due_by_itself_after_the_end(monkeypatch):
    monkeypatch.setattr(module, "_TICK_S", 0.01)
    ran = []
    async with Sandbox() as sandbox:
        pass
    sandbox.clock.close()
    sandbox.clock.at(sandbox.clock.now, lambda: ran.append("due"))
    await asyncio.sleep(0.05)
    assert ran == []


def test_nothing_else_changes_the_account_while_a_request_is_answered(monkeypatch):
    order, started = [], Event()

    def slow(_call):
        started.set()
        time.sleep(0.1)
        order.append("request")

    monkeypatch.setitem(ROUTES, "GET /v1/team", slow)
    with Sandbox() as sandbox, ThreadPoolExecutor() as pool:
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}
        request = urllib.request.Request(f"{sandbox.url}/v1/team", headers=headers)
        asked = pool.submit(urllib.request.urlopen, request, timeout=5)
        sandbox.clock.at(sandbox.clock.now + 1, lambda: order.append("act"))
        started.wait(5)
        sandbox.clock.advance(2)
        asked.result().close()
    assert order == ["request", "act"]
