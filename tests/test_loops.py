"""The client in every way that people run an event loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from heymarket_async import ApiSecret, HeymarketClient
from heymarket_async.bulk import JsonLines, export_contacts
from heymarket_async.sandbox import Sandbox

THREADS = 4


@pytest.fixture
def sandbox():
    with Sandbox(contacts=200, seed=2, limit=None) as sandbox:
        yield sandbox


def client_of(sandbox: Sandbox) -> HeymarketClient:
    return HeymarketClient(ApiSecret(*sandbox.credentials), base_url=sandbox.url)


async def count(sandbox: Sandbox) -> int:
    async with client_of(sandbox) as client:
        return await client.contacts.count()


def test_a_runner_can_be_used_twice_with_one_client(sandbox):
    with asyncio.Runner() as runner:
        client = client_of(sandbox)
        try:
            found = [runner.run(client.contacts.count()) for _ in range(2)]
        finally:
            runner.run(client.aclose())

    assert found == [200, 200]


def test_run_can_be_called_twice_with_a_client_each(sandbox):
    assert [asyncio.run(count(sandbox)) for _ in range(2)] == [200, 200]


def test_a_thread_may_have_a_loop_of_its_own_beside_that_of_the_main_thread(sandbox):
    async def both() -> list[int]:
        there = asyncio.to_thread(asyncio.run, count(sandbox))
        return list(await asyncio.gather(count(sandbox), there))

    assert asyncio.run(both()) == [200, 200]


def test_threads_with_a_loop_each_share_one_limit_and_lose_nothing(sandbox, tmp_path):
    """On a free-threaded build they run at the same time."""
    together = threading.Barrier(THREADS)

    async def work(number: int) -> int:
        async with client_of(sandbox) as client:
            together.wait()
            report = await export_contacts(client, JsonLines(tmp_path / str(number)))
            found = [contact async for contact in client.contacts.iterate()]
        return report.contacts + len(found)

    with ThreadPoolExecutor(THREADS) as threads:
        done = threads.map(lambda number: asyncio.run(work(number)), range(THREADS))

        assert list(done) == [400] * THREADS
    for number in range(THREADS):
        lines = (tmp_path / str(number)).read_bytes().splitlines()
        assert sorted(lines) == sorted(sandbox.store.lines())


@pytest.mark.skipif(not hasattr(asyncio, "eager_task_factory"), reason="new in Python 3.12")
def test_tasks_may_begin_eagerly(sandbox):
    async def work() -> list[int]:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        async with client_of(sandbox) as client:
            return await asyncio.gather(*(client.contacts.count() for _ in range(20)))

    assert asyncio.run(work()) == [200] * 20


def test_anyio_runs_it_on_asyncio(sandbox):
    anyio = pytest.importorskip("anyio")

    async def work() -> list[int]:
        found: list[int] = []

        async def one(client: HeymarketClient) -> None:
            found.append(await client.contacts.count())

        async with client_of(sandbox) as client, anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(one, client)
        return found

    assert anyio.run(work) == [200] * 3


def test_anyio_may_cancel_it(sandbox):
    anyio = pytest.importorskip("anyio")

    async def work() -> bool:
        sandbox.faults.delay(60)
        async with client_of(sandbox) as client:
            with anyio.move_on_after(0.2) as scope:
                await client.contacts.count()
        return scope.cancelled_caught

    assert anyio.run(work) is True


CELLS = """
from IPython.core.interactiveshell import InteractiveShell
import sys

shell = InteractiveShell.instance()
url, *secret = sys.argv[1:]
for cell in (
    "from heymarket_async import ApiSecret, HeymarketClient",
    "client = HeymarketClient(ApiSecret(*secret), base_url=url)",
    "counted = await client.contacts.count()",
    "found = [contact async for contact in client.contacts.iterate()]",
    "await client.aclose()",
    "print(counted, len(found))",
):
    shell.push({"url": url, "secret": secret})
    shell.run_cell(cell).raise_error()
"""


def test_ipython_awaits_from_cell_to_cell(sandbox, tmp_path):
    """As in a notebook, where the same loop runs for all cells."""
    pytest.importorskip("IPython")
    command = [sys.executable, "-W", "error", "-c", CELLS, sandbox.url, *sandbox.credentials]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["200 200"]), done.stderr
