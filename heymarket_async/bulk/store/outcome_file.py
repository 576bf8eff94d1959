"""The outcome file: the outcome of each row on disk, so that a killed job can be resumed.

The file is JSON Lines and only grows. The first line says which job it belongs to; the others are
outcomes of rows. Before rows are sent, they are added as "unknown" with a mark, such as the state
of the account, and these lines are on the disk when the request leaves. So is the first line. No
other line has to be: if a killed process or a power loss takes one, resuming finds the outcome
again. A power loss may leave zeros in place of lines; a resumed job makes them blank.

A resumed job knows a row by a digest, so its input may be mended, sorted, shortened or longer. The
number of a row is its place in the input of the run that wrote the line. Within a run, the last
line of a number counts.

The file has no phone, e-mail or name in it. The digest of a row with nothing but a phone could be
guessed by trying all phones, so only the owner can read the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Generic, Self, TypeVar

import msgspec

from heymarket_async.bulk.errors import UNREADABLE, JobError, mismatch_error
from heymarket_async.bulk.store.outcome_lines import (
    EarlierRows,
    Header,
    Line,
    Mark,
    Outcome,
    Outcomes,
)
from heymarket_async.bulk.store.private_files import (
    lock,
    make_private,
    naming,
    open_own,
    real_path,
    replace_file,
    sync_folder,
)
from heymarket_async.bulk.thread import OneThread
from heymarket_async.checks import one_of

HeaderT = TypeVar("HeaderT", bound=Header)

_BEGINNING = b'{"version":'
_LOST = b"\0"
"""Left by a power loss in place of a byte; no line has it."""

_encode = msgspec.json.Encoder().encode


def checked_path(
    outcomes: str | os.PathLike[str] | None,
    header: type[Header],
    *,
    resume: bool,
    restart: bool = False,
) -> Path | None:
    """Return the path of an outcome file that can be used, before anything is sent or read.

    Args:
        outcomes: The path as it was given.
        header: That of the files of this kind of job.
        resume: An existing file is continued.
        restart: An existing file is discarded, if it is of this kind.

    Raises:
        JobError: The file exists already, is not an outcome file, or there is none to resume.
        OSError: Its folder does not exist, another job uses it, or it belongs to another user.
    """
    if outcomes is None:
        if resume:
            raise JobError(
                "outcomes_missing",
                "Without an outcome file there is nothing to resume from.",
                "Give the file of that job with outcomes.",
            )
        return None
    path = real_path(Path(one_of("outcomes", outcomes, (str, os.PathLike))))
    if not path.exists():
        path.parent.stat()
    elif resume or restart:
        with _open_existing(path) as file:
            lock(file.fileno(), path)
            if restart:
                _check_ours(path, file.readline(), header)
    else:
        raise _exists(path)
    return path


class OutcomeFile(Generic[Outcome, Mark]):
    """The outcomes of one job, in a file or nowhere; a context manager that opens and closes it.

    It is read and written in a thread of its own. In memory are the states of the rows of earlier
    runs, and the lines since the last `flush`.

    Args:
        outcomes: The outcomes of the job.
        path: The file, for its owner alone to read; None keeps nothing. The rights of other users
            to an existing file are removed, see `heymarket_async.bulk.store.private_files`.
        header: The job that it belongs to.
        resume: Continue the file if it exists. A last line that a kill has torn is cut off.
        restart: Discard the outcomes of the file if it exists. It is replaced as a whole when the
            first outcome is written, so a job that ends before leaves it as it was.
        read_only: Read earlier outcomes, and write nothing.

    Attributes:
        earlier: The states of the rows of earlier runs.
        header: Once a file is open that is resumed, its header.

    Raises:
        JobError: When it is opened: it exists already, belongs to another job, or is not an outcome
            file.
        OSError: Another job uses it, it belongs to another user, or it cannot be written.
    """

    def __init__(
        self,
        outcomes: Outcomes[Outcome, Mark],
        path: Path | None = None,
        header: Header | None = None,
        *,
        resume: bool = False,
        restart: bool = False,
        read_only: bool = False,
    ) -> None:
        self.earlier = EarlierRows(outcomes)
        self._decode = msgspec.json.Decoder(outcomes.line).decode
        self._path = path
        self.header = header
        self._resume = resume
        self._restart = restart
        self._read_only = read_only
        self._opened = ExitStack()
        self._file: BinaryIO | None = None
        self._thread = OneThread()
        self._lines: list[bytes] = []
        self._is_kept = True
        self._is_new = False
        self._replaces = False

    async def add_sent(self, lines: Iterable[Line[Outcome, Mark]]) -> None:
        """Add rows that are about to be sent; they are on the disk when this returns."""
        for line in lines:
            self.add(line)
        await self._write(sync=True)

    def add(self, line: Line[Outcome, Mark]) -> None:
        """Add the outcome of a row; `flush` writes it."""
        if self._file is not None:
            self._lines.append(_encode(line) + b"\n")

    async def flush(self) -> None:
        """Write what was added, for those who read the file meanwhile."""
        if self._lines:
            await self._write(sync=False)

    def discard(self) -> None:
        """Leave everything as it was before, as nothing was sent."""
        self._lines.clear()
        self._is_kept = False

    async def __aenter__(self) -> Self:
        try:
            if self._path is not None and self.header is not None:
                with naming(self._path):
                    await self._thread.run(self._open, self._path, self.header)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.flush()
        finally:
            try:
                if self._path is not None:
                    with naming(self._path):
                        await self._thread.run(self._close, self._path)
            finally:
                self._thread.close()

    async def _write(self, *, sync: bool) -> None:
        if self._file is not None and self._path is not None:
            lines, self._lines = self._lines, []
            with naming(self._path):
                await self._thread.run(self._append, self._path, self._file, lines, sync=sync)

    # In the thread

    def _close(self, path: Path) -> None:
        if self._is_new and not self._is_kept:
            path.unlink(missing_ok=True)
        self._opened.close()

    def _open(self, path: Path, header: Header) -> None:
        if (self._resume or self._restart) and path.exists():
            file = self._opened_and_locked(path)
            if self._restart:
                _check_ours(path, file.readline(), type(header), header.kind)
                self._replaces = True
            else:
                self._continue(path, file, header)
            self._file = None if self._read_only else file
        elif not self._read_only:
            try:
                file = self._opened.enter_context(open(path, "xb", opener=_private))  # noqa: SIM115
            except FileExistsError:
                raise _exists(path) from None
            self._file, self._is_new = file, True
            lock(file.fileno(), path)
            _write(file, [_encode(header) + b"\n"], sync=True)
            sync_folder(path.parent)

    def _opened_and_locked(self, path: Path) -> BinaryIO:
        file = self._opened.enter_context(_open_existing(path))
        lock(file.fileno(), path)
        return file

    def _continue(self, path: Path, file: BinaryIO, header: Header) -> None:
        length, lost = self._read(path, file, header)
        if self._read_only:
            return
        make_private(path, file.fileno())
        for place, size in lost:  # other programs read the file too
            file.seek(place)
            file.write(b" " * (size - 1))
        file.truncate(length)
        file.seek(length)
        if not length:
            _write(file, [_encode(header) + b"\n"], sync=True)

    def _append(self, path: Path, file: BinaryIO, lines: Iterable[bytes], *, sync: bool) -> None:
        if self._replaces:
            replace_file(path, _encode(self.header) + b"\n")
            # The old file stays locked, too: another job may have opened it before.
            self._file = file = self._opened_and_locked(path)
            file.seek(0, os.SEEK_END)
            self._replaces = False
        _write(file, lines, sync=sync)

    def _read(
        self, path: Path, file: BinaryIO, header: Header
    ) -> tuple[int, list[tuple[int, int]]]:
        """Read an earlier run; return the length of its whole lines.

        Also return the places and sizes of those that were lost.
        """
        length, lost = 0, list[tuple[int, int]]()
        for number, line in enumerate(file, 1):
            try:
                if not line.endswith(b"\n"):
                    # A kill has torn it. Of a first line it leaves the beginning, and nothing else.
                    if number == 1 and not _is_beginning(line, _encode(header)):
                        raise msgspec.ValidationError("this is something else")
                    break
                if number == 1:
                    self.header = _checked_header(path, line, header)
                elif _LOST in line:
                    lost.append((length, len(line)))
                elif not line.isspace():
                    row = self._decode(line)
                    self.earlier.remember(int(row.digest, 16), row.outcome, row.before)
            except UNREADABLE:
                raise _not_outcomes(path, number) from None
            length += len(line)
        return length, lost


def _check_ours(path: Path, line: bytes, header: type[Header], kind: str | None = None) -> None:
    """Check that a file with this first line is an outcome file of this kind of job."""
    stored = kind
    try:
        if line.endswith(b"\n"):
            stored = msgspec.json.decode(line, type=header).kind
        elif not _is_beginning(line[: len(_BEGINNING)], _BEGINNING):  # a kill has torn it
            raise msgspec.ValidationError("this is something else")
    except UNREADABLE:
        raise _not_outcomes(path, 1) from None
    if kind not in {None, stored}:
        remedy = "Name another outcome file."
        raise mismatch_error(
            "kind of job", str(path), stored, kind, reason="other_kind", remedy=remedy
        )


def _is_beginning(torn: bytes, whole: bytes) -> bool:
    """Whether bytes are all that a kill or a power loss has left of a first line."""
    return len(torn) <= len(whole) + 1 and whole.startswith(torn.rstrip(_LOST))


def _checked_header(path: Path, line: bytes, asked: HeaderT) -> HeaderT:
    """Return the header of a file that this job can resume."""
    stored = msgspec.json.decode(line, type=type(asked))
    for name in ("version", "account"):
        was, now = (str(getattr(header, name)) for header in (stored, asked))
        if was != now:
            remedy = "Name another outcome file."
            raise mismatch_error(name, str(path), was, now, reason="other_outcomes", remedy=remedy)
    for name in asked.__struct_fields__:
        if name in asked.unique:
            continue
        was, now = (_encode(getattr(header, name)).decode() for header in (stored, asked))
        if was != now:
            remedy = "Resume it as it was, or name another outcome file."
            text, noun = f"{name} {was}", asked.noun
            if name in asked.digests:
                problem = f"{path} belongs to another {noun}: {asked.digests[name]}."
                raise JobError("other_import", problem, remedy, name=noun)
            raise mismatch_error(noun, str(path), text, now, reason="other_import", remedy=remedy)
    return stored


def _not_outcomes(path: Path, line: int) -> JobError:
    problem = f"{path} is not an outcome file (line {line})."
    return JobError("not_outcomes", problem, "Name another file.")


def _exists(path: Path) -> JobError:
    return JobError(
        "outcomes_exist",
        f"{path} exists already.",
        "Resume that job with resume=True, begin anew with restart=True, or name another outcome"
        " file.",
    )


def _open_existing(path: Path) -> BinaryIO:
    return os.fdopen(open_own(path, os.O_RDWR, closes=False), "r+b")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _write(file: BinaryIO, lines: Iterable[bytes], *, sync: bool) -> None:
    file.writelines(lines)
    file.flush()
    if sync:
        os.fsync(file.fileno())
