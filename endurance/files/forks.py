"""The process that runs commands, each in a fork of its own, so that none has to import anything.

It runs with the shim. It reads one `Asked` in JSON from each line of its input, and answers with a
line: what `os.waitstatus_to_exitcode` says.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import traceback
import warnings

import msgspec

import heymarket_async.blocking
import heymarket_async.bulk
import heymarket_async.cli.app
import heymarket_async.cli.sinks  # noqa: F401 - for the commands
from heymarket_async import cli
from heymarket_async.bulk.read import collect

TRACEBACK = 99
"""The exit code of a command that ended with an exception."""


class Asked(msgspec.Struct, kw_only=True):
    """A command to run, and what is to happen to it.

    Attributes:
        arguments: Those of the command line.
        variables: More environment variables.
        folder: The calls on files below it are counted.
        output: The file for all that it prints.
        log: The file for the calls.
        at: The number of the call that does not go well; 0 for none.
        error: The number of the error that it fails with; 0 kills the process instead.
        kinds: The kinds of later calls that fail too, as bits.
        root: The root of a file system that ends with the process, or "".
        network: The calls on the network that are counted, by name, or "*" for all of them; "" for
            those on files.
    """

    arguments: list[str]
    variables: dict[str, str]
    folder: str
    output: str
    log: str
    at: int = 0
    error: int = 0
    kinds: int = 0
    root: str = ""
    network: str = ""


def main() -> None:
    """Run the commands, one after the other."""
    decode = msgspec.json.Decoder(Asked).decode
    collect._WRITTEN_EVERY_S = 0.0  # noqa: SLF001 - more is written, so there is more to fail
    # After an error, xlsxwriter leaves files open for a while. No user sees that.
    warnings.simplefilter("ignore", ResourceWarning)
    gc.freeze()
    for line in sys.stdin.buffer:
        if (child := os.fork()) == 0:
            _run(decode(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.buffer.write(b"%d\n" % os.waitstatus_to_exitcode(status))
        sys.stdout.buffer.flush()


def _run(asked: Asked) -> None:
    """Run a command in this process, and end it."""
    output = os.open(asked.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for number in (1, 2):
        os.dup2(output, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(asked.variables)
    sys.argv = ["heymarket", *asked.arguments]
    log = os.open(asked.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    device = os.open(asked.root, os.O_RDONLY) if asked.root else -1
    ctypes.CDLL(None).begin_watching(
        os.fsencode(asked.folder),
        log,
        asked.at,
        asked.error,
        asked.kinds,
        device,
        asked.network.encode(),
    )
    code = TRACEBACK
    try:
        cli.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it is, it is shown
        traceback.print_exc()
    gc.collect()  # an error in a finalizer is shown too
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
