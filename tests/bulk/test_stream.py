"""An export into a pipe: it waits for its reader, and holds up nothing meanwhile."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
from contextlib import closing
from pathlib import Path

import pytest

from heymarket_async.bulk import Stream, export_contacts
from heymarket_async.bulk.sinks.stream import open_pipe
from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import client_of


async def test_a_named_pipe_is_waited_for_until_somebody_reads_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    opening = asyncio.create_task(open_pipe(tmp_path / "pipe"))
    await asyncio.sleep(0.05)
    assert not opening.done()

    reading = asyncio.create_task(asyncio.to_thread((tmp_path / "pipe").read_bytes))
    async with Sandbox(contacts=700, seed=2) as sandbox, client_of(sandbox) as client:
        with await opening as pipe:
            assert os.get_blocking(pipe.fileno())
            await export_contacts(client, Stream(pipe))

    assert sorted((await reading).splitlines()) == sorted(sandbox.store.lines())
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


async def test_a_pipe_that_nobody_reads_can_be_given_up(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    opening = asyncio.create_task(open_pipe(tmp_path / "pipe"))
    await asyncio.sleep(0.05)

    opening.cancel()

    with pytest.raises(asyncio.CancelledError):
        await opening


async def test_what_nobody_will_ever_read_is_not_waited_for(tmp_path, monkeypatch):
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        monkeypatch.chdir(tmp_path)  # the name of a socket must be short
        listening.bind("socket")
        with pytest.raises(OSError, match=r"socket'$"):
            await asyncio.wait_for(open_pipe(Path("socket")), 5)

    os.mkfifo(tmp_path / "pipe")

    def refuse(path: str, *_: object) -> int:
        raise PermissionError(errno.EACCES, "not yours", str(path))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PermissionError, match=r"pipe'$"):
        await asyncio.wait_for(open_pipe(tmp_path / "pipe"), 5)


async def test_a_device_is_opened_at_once(tmp_path):
    with await open_pipe(Path("/dev/null")) as device:
        device.write(b"x")
    with pytest.raises(FileNotFoundError, match="nothing"):
        await open_pipe(tmp_path / "nothing")
