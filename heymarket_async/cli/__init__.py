"""The `heymarket` command."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

from heymarket_async.privacy import hides_locals


@hides_locals
def main() -> None:
    """Run the command, or say what to install if its packages are missing.

    An interrupt ends it with exit code 130, without a traceback. Before this call, while Python
    starts and imports the package, an interrupt still shows Python's own traceback.
    """
    try:
        with _silent_interrupts():
            missing = [name for name in ("typer", "rich") if importlib.util.find_spec(name) is None]
            if missing:
                sys.exit(
                    f"The heymarket command needs {' and '.join(missing)}."
                    " Install them with: pip install 'heymarket-async[cli]'"
                )
            from heymarket_async.cli.app import app  # noqa: PLC0415 - only now is it known to be there

        app()
    except KeyboardInterrupt:
        sys.exit(130)


@contextmanager
def _silent_interrupts() -> Generator[None]:
    """Let an interrupt end the process at once: an import may catch the exception and continue."""
    is_ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if is_ours:
        signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(*_: object) -> None:
    os._exit(130)
