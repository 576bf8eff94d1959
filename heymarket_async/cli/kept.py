"""Says what an export or sync that was cut short has kept, and how to continue it."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from heymarket_async.cli.show import counted
from heymarket_async.errors import HeymarketError

if TYPE_CHECKING:
    from heymarket_async.bulk import OnProgress, Progress


def same_command(*, restart: bool) -> str:
    """Return how to continue a job: with --restart, it would begin from nothing once more."""
    return f"run the same command again{' without --restart' if restart else ''}"


class Kept:
    """The records that a job keeps if it is cut short.

    Args:
        place: The file or folder that keeps it; None if nothing is kept, as in a pipe.
        noun: The records.
        restart: The command discarded what was kept before, and must not do so again.
        repeats: The command runs the job again by itself after an error.
    """

    def __init__(
        self, place: Path | None, noun: str, *, restart: bool = False, repeats: bool = False
    ) -> None:
        self._place = place
        self._noun = noun
        self._again = same_command(restart=restart)
        self._repeats = repeats
        self._number = 0

    def heard(self, on_progress: OnProgress) -> OnProgress:
        """Return a hook that passes the progress on, and remembers how much is kept."""

        def note(progress: Progress) -> None:
            self._number = progress.kept
            on_progress(progress)

        return note

    @contextmanager
    def noting(self) -> Generator[None]:
        """Add a note to the signal or the error that ends a job: what is kept, and the way on."""
        try:
            yield
        except asyncio.CancelledError as error:
            error.add_note(f"Interrupted. {self._way_on() or self._capital_again()}")
            raise
        except (HeymarketError, OSError) as error:
            if not self._repeats and (way_on := self._way_on()):
                error.add_note(way_on)
            raise

    def _way_on(self) -> str:
        if not self._number:
            return ""
        if self._place is None:
            return (
                "The output is not complete, and cannot be resumed. "
                f"{self._capital_again()[:-1]}, from the beginning."
            )
        kept = f"{counted(self._number, self._noun)} {'is' if self._number == 1 else 'are'} kept"
        return f"{kept} in {self._place}; {self._again} to resume."

    def _capital_again(self) -> str:
        return f"{self._again[0].upper()}{self._again[1:]}."


def is_pipe_or_device(path: Path) -> bool:
    """Whether a path is there, and is something that is written to as it is, not replaced."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False
