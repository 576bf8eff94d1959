#!/usr/bin/env bash
# Version: uvicorn 0.54.0 with the asyncio.Runner of Python 3.11.
# Seen: a uvicorn server that runs as a task, and lives longer than the `Runner.run` in which it began,
#   brings back at its end the SIGINT handler of that first run. The runner takes it for a handler of the
#   program's own, and installs none any more: at Ctrl-C, the main task of a later `asyncio.run` is not
#   cancelled, and raises nothing inside. It is dropped where it waits.
# Guessed: that `asyncio.run` cancels its main task at Ctrl-C, as its documentation says, whatever has
#   run before it in the same process.
# Matters: test suites keep servers in fixtures, and pytest-asyncio runs a fixture and its test as runs
#   of one Runner. Tests of what a program does at Ctrl-C then fail, or prove nothing, depending on the
#   order of the tests.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check uvicorn==0.54.0
"$folder/venv/bin/python" - <<'END'
import asyncio
import os
import signal
import sys

import uvicorn


async def app(scope, receive, send):
    raise NotImplementedError


async def begin():
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    return server, serving


async def end(server, serving):
    server.should_exit = True
    await serving


async def interrupted(told):
    asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGINT)
    try:
        await asyncio.sleep(5)
    except asyncio.CancelledError:
        told.append("the main task was cancelled by the interrupt")
        raise


def at_ctrl_c():
    told = []
    loop = asyncio.new_event_loop()
    try:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            try:
                runner.run(interrupted(told))
            except KeyboardInterrupt:
                # Closing the runner cancels all tasks, which is too late for a program to answer.
                told = list(told)
    except KeyboardInterrupt:
        pass
    return told


signal.signal(signal.SIGINT, signal.default_int_handler)
before = at_ctrl_c()
with asyncio.Runner() as runner:
    server = runner.run(begin())
    runner.run(end(*server))
handler = signal.getsignal(signal.SIGINT)
after = at_ctrl_c()
print("before a server:", before or "nothing inside")
print("after a server: ", after or "nothing inside")
print("handler:", getattr(getattr(handler, "func", None), "__qualname__", handler))
if not before or after or handler is signal.default_int_handler:
    sys.exit("the behaviour changed")
END
