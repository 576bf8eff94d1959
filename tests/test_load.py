"""One client under a thousand calls at once: it leaves the loop free, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from heymarket_async import ClientStateError, Contact
from tests.stalls import AT_ONCE, client_of, many

pytestmark = pytest.mark.unmeasured

CALLS = int(os.environ.get("HEYMARKET_LOAD_CALLS", "20000"))
"""What each leaves behind adds up; for a long run, set it to 100000."""
STALL_S = 0.05
ROOT = Path(__file__).parent.parent

SERVER = """
import asyncio

CONTACT = b'{"id":1,"phone":"15105550101","updated":"2026-04-12T15:30:00Z"}'
HEAD = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n"
ANSWER = HEAD % len(CONTACT) + CONTACT


class Quick(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(ANSWER)


async def main():
    server = await asyncio.get_running_loop().create_server(Quick, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server in a process of its own that answers at once, without a look at what it is asked."""
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{server.stdout.readline().decode().strip()}"
        server.kill()


def test_a_thousand_calls_at_once_leave_the_loop_free(url):
    # In a process of its own, without what measures coverage: that makes our lines slower, not
    # those of aiohttp.
    command = [sys.executable, "-m", "tests.stalls", url]
    done = subprocess.run(command, capture_output=True, check=True, cwd=ROOT)
    stalls = json.loads(done.stdout)

    # The least of some rounds, and beside bare aiohttp: a slow machine stalls everybody.
    assert min(stalls["ours"]) < max(STALL_S, 3 * min(stalls["bare"]))


def files() -> set[str]:
    found = set()
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(f"{each.name} {os.readlink(each)}")  # noqa: PTH115 - a name, not a path
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted by Linux")
async def test_many_calls_leave_no_task_no_socket_and_no_memory_behind(url):
    files_before, tasks_before = files(), asyncio.all_tasks()
    async with client_of(url) as client:
        await many(lambda: client.contacts.get(1), CALLS // 4)
        gc.collect()
        objects = len(gc.get_objects())
        await many(lambda: client.contacts.get(1), CALLS)
        gc.collect()
        assert len(gc.get_objects()) - objects < CALLS / 20
        assert asyncio.all_tasks() == tasks_before
        assert client.waiting == ""
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == tasks_before
    assert files() == files_before


async def test_closing_during_a_thousand_calls_ends_each_with_a_clear_error(url):
    client = client_of(url)
    calls = [asyncio.create_task(client.contacts.get(1)) for _ in range(AT_ONCE)]
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    tasks = asyncio.all_tasks() - set(calls)

    await client.aclose()
    results = await asyncio.gather(*calls, return_exceptions=True)

    ended = [each for each in results if not isinstance(each, Contact)]
    assert ended
    assert {type(each) for each in ended} == {ClientStateError}
    assert {"the client was closed before the answer" in str(each) for each in ended} == {True}
    assert asyncio.all_tasks() == tasks


async def test_callers_that_give_up_leave_the_others_alone(url):
    async with client_of(url) as client:
        calls = [asyncio.create_task(client.contacts.get(1)) for _ in range(AT_ONCE)]
        for _ in range(3):
            await asyncio.sleep(0)
        for each in calls[::2]:
            each.cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)
        await many(lambda: client.contacts.get(1), AT_ONCE)

    assert all(isinstance(each, Contact) for each in results[1::2])
    assert {type(each) for each in results[::2]} <= {asyncio.CancelledError, Contact}
