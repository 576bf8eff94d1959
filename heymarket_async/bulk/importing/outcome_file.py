"""What became of each row of an import, on disk, so that a killed import can be resumed.

The file is JSON Lines, only ever added to. Its first line tells whose it is; every other line
tells of a row, and the last line of a row wins. Before rows are sent they are written down as
"unknown", with what the account had before, and are on the disk when the request leaves. Nothing
else has to be: a line that is lost with a killed process is found out again.

No phone, e-mail or name is in it. A row is identified by a digest of all its fields, which makes
sure that a resumed import reads the same input. Whoever tries all phones can guess the digest of a
bare one, so only its owner can read the file.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Self, TypeAlias

import msgspec

from heymarket_async.bulk.errors import UNREADABLE
from heymarket_async.bulk.importing.outcome_lines import (
    Header,
    Line,
    check_header,
    check_torn,
    decode,
    encode,
    no_outcome_file,
)
from heymarket_async.bulk.importing.rules import Before, ReadRow, RowOutcome, Verdict
from heymarket_async.bulk.sinks.staging import naming, real_path
from heymarket_async.bulk.store.lock import lock
from heymarket_async.bulk.store.private_files import make_private, open_own
from heymarket_async.bulk.thread import OneThread
from heymarket_async.checks import one_of

Earlier: TypeAlias = RowOutcome | Before | None
"""What the file says of a row: how it ended, what was there when it was sent, or nothing."""


def checked_path(outcomes: str | os.PathLike[str] | None, *, resume: bool) -> Path | None:
    """Return the path of an outcome file, if it can be used, before anything is asked or read.

    Raises:
        ValueError: It is there already, or there is none to resume.
        OSError: Its folder is not there, another import is at work on it, or it belongs to somebody
            else.
    """
    if outcomes is None:
        if resume:
            raise ValueError(
                "resume (--resume) needs outcomes (--outcomes), the file of that import"
            )
        return None
    path = real_path(Path(one_of("outcomes", outcomes, (str, os.PathLike))))
    if not path.exists():
        path.parent.stat()
    elif resume:
        with _opened(path) as file:
            lock(file.fileno(), path)
    else:
        raise _is_there_already(path)
    return path


def _is_there_already(path: Path) -> ValueError:
    return ValueError(
        f"{path} is there already: resume that import (--resume), or name another file"
    )


class OutcomeFile:
    """The outcomes of one import, in a file or nowhere; a context manager that opens and closes it.

    It is read and written in a thread of its own, in the order in which rows are settled. In memory
    are nine bytes for each row of an earlier run, and the lines since the last `flush`.

    Args:
        path: The file, for its owner alone to read; None keeps nothing. One that is there is
            taken from all others, see `heymarket_async.bulk.private`.
        header: Whose it is.
        resume: Go on with the file if it is there. A last line that a kill has torn is cut off.

    Raises:
        ValueError: When it is opened: it is there already, belongs to another import, or is no such
            file.
        OSError: Another import is at work on it, it belongs to somebody else, or it cannot be
            written.
    """

    def __init__(
        self, path: Path | None = None, header: Header | None = None, *, resume: bool = False
    ) -> None:
        self._path = path
        self._header = header
        self._resume = resume
        self._file: BinaryIO | None = None
        self._thread = OneThread()
        self._lines: list[bytes] = []
        self._digests = array("Q", [0])
        self._states = bytearray(1)

    @property
    def earlier_rows(self) -> int:
        """The number of the last row that an earlier run has seen, or 0."""
        return len(self._states) - 1

    def earlier(self, number: int, digest: int) -> Earlier:
        """Return what an earlier run says of a row.

        Raises:
            ValueError: That run had another row there.
        """
        state = _STATES[self._states[number]] if number <= self.earlier_rows else None
        if state is not None and self._digests[number] != digest:
            raise ValueError(
                f"row {number} is not what it was when this import began: resume it with the same"
                " input and options, as --map and --region, or name another outcome file"
            )
        return state

    async def sent(self, rows: Iterable[ReadRow]) -> None:
        """Write down that rows are about to be sent; on the disk when this returns."""
        for row in rows:
            self.settled(row, Verdict(RowOutcome.UNKNOWN))
        await self._write(sync=True)

    def settled(self, row: ReadRow, verdict: Verdict) -> None:
        """Take down what became of a row; `flush` writes it."""
        if self._path is not None:
            line = Line(
                row=row.number,
                digest=f"{row.digest:016x}",
                outcome=verdict.outcome,
                before=row.before,
                reason=verdict.reason,
                contact_id=verdict.contact_id,
            )
            self._lines.append(encode(line) + b"\n")

    async def flush(self) -> None:
        """Write what was taken down, for whoever reads along."""
        if self._lines:
            await self._write(sync=False)

    async def __aenter__(self) -> Self:
        try:
            if self._path is not None and self._header is not None:
                with naming(self._path):
                    await self._thread.run(self._open, self._path, self._header)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.flush()
        finally:
            try:
                if self._file is not None and self._path is not None:
                    with naming(self._path):
                        await self._thread.run(self._file.close)
            finally:
                self._thread.close()

    async def _write(self, *, sync: bool) -> None:
        if self._file is not None and self._path is not None:
            lines, self._lines = self._lines, []
            with naming(self._path):
                await self._thread.run(_write, self._file, lines, sync=sync)

    # In the thread

    def _open(self, path: Path, header: Header) -> None:
        if self._resume and path.exists():
            self._file = _opened(path)
            lock(self._file.fileno(), path)
            whole = self._read(path, self._file, header)
            if not whole:
                self._file.seek(0)
                check_torn(path, self._file.read(), header)
            make_private(path, self._file.fileno())
            self._file.truncate(whole)
            self._file.seek(whole)
        else:
            self._file = _created(path)
            lock(self._file.fileno(), path)
            whole = 0
        if not whole:
            self._file.write(encode(header) + b"\n")

    def _read(self, path: Path, file: BinaryIO, header: Header) -> int:
        """Take in an earlier run, and return the length of its whole lines."""
        length = 0
        whole_lines = (line for line in file if line.endswith(b"\n"))
        for number, line in enumerate(whole_lines, 1):
            try:
                if number == 1:
                    check_header(path, line, header)
                else:
                    self._remember(decode(line), most=number + _MOST_MISSING)
            except UNREADABLE:
                raise no_outcome_file(path, number) from None
            length += len(line)
        return length

    def _remember(self, line: Line, *, most: int) -> None:
        if line.row > most:
            raise msgspec.ValidationError("so many rows cannot be under way at once")
        more = line.row - self.earlier_rows
        if more > 0:
            self._digests.extend([0] * more)
            self._states.extend(bytes(more))
        state = line.before if line.outcome is RowOutcome.UNKNOWN else line.outcome
        self._states[line.row] = _STATES.index(state)
        self._digests[line.row] = int(line.digest, 16)


_STATES: tuple[Earlier, ...] = (None, *RowOutcome, *Before)


_MOST_MISSING = 10_000_000
"""How many rows a file can miss before the last that it has. Those were under way, in memory."""


def _opened(path: Path) -> BinaryIO:
    return os.fdopen(open_own(path, os.O_RDWR, closes=False), "r+b")


def _created(path: Path) -> BinaryIO:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise _is_there_already(path) from None
    return os.fdopen(descriptor, "wb")


def _write(file: BinaryIO, lines: Iterable[bytes], *, sync: bool) -> None:
    file.writelines(lines)
    file.flush()
    if sync:
        os.fsync(file.fileno())
