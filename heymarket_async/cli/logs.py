"""Shows the log of the package on standard error, while a command works."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator
from contextlib import contextmanager

from heymarket_async.cli import settings, show

_logger = logging.getLogger("heymarket_async")


class _OnStderr(logging.Handler):
    """Prints through the console of the progress bar, which redraws the bar below."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            if record.levelno < logging.WARNING:
                at = time.strftime("%H:%M:%S", time.localtime(record.created))
                show.say(f"{at} {text}", style="dim")
            else:
                show.say(f"Warning: {text}", style="yellow")
        except Exception:  # noqa: BLE001 - a log that cannot be written must not end the work
            self.handleError(record)


@contextmanager
def on_stderr() -> Generator[None]:
    """Show warnings, and with --verbose each attempt of a call.

    The package has a handler that drops all, so that a program without logging stays silent. That
    keeps Python from showing warnings by itself.
    """
    handler, level = _OnStderr(), _logger.level
    _logger.addHandler(handler)
    if settings.given().verbose:
        _logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        _logger.removeHandler(handler)
        _logger.setLevel(level)
