"""The outcome file: the outcome of each row on disk, so that a killed import can be resumed.

The file is JSON Lines and only grows. The first line says which job it belongs to; the others are
outcomes of rows. Before rows are sent, they are added as "unknown" with a mark, such as the state
of the account, and these lines are on the disk when the request leaves. No other line has to be: if
a killed process loses one, resuming finds the outcome again.

A resumed job knows a row by a digest, so its input may be mended, sorted, shortened or longer. The
number of a row is its place in the input of the run that wrote the line. Within a run, the last
line of a number counts.

The file has no phone, e-mail or name in it. The digest of a row with nothing but a phone could be
guessed by trying all phones, so only the owner can read the file.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, BinaryIO, ClassVar, Generic, Self, TypeVar

import msgspec

from heymarket_async.bulk.errors import UNREADABLE, JobError, mismatch_error
from heymarket_async.bulk.store.private_files import lock, make_private, naming, open_own, real_path
from heymarket_async.bulk.thread import OneThread
from heymarket_async.checks import one_of

Outcome = TypeVar("Outcome", bound=StrEnum)
Mark = TypeVar("Mark", bound=StrEnum)
HeaderT = TypeVar("HeaderT", bound="Header")

_BEGINNING = b'{"version":'
_SHELVES = 4096


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The job that a file belongs to; to resume it, all of this must be the same.

    Attributes:
        noun: The kind of job, for error messages.
        unique: The attributes that need not be the same: a resumed job takes those of the file.
        version: Of the format.
        kind: The kind of job, such as an import or a dry run.
        account: The `name` of an `Account`.
    """

    noun: ClassVar[str] = "job"
    unique: ClassVar[frozenset[str]] = frozenset()

    version: int = 1
    kind: str
    account: str


class Line(
    msgspec.Struct, Generic[Outcome, Mark], frozen=True, kw_only=True, omit_defaults=True, gc=False
):
    """A line of a file: the outcome of a row so far.

    Attributes:
        row: The number of the row, from 1.
        digest: Identifies the row, in 16 hexadecimal digits; see `hex_of`.
        outcome: One of the outcomes of the job.
        before: A mark that was left when the row was sent; None if it never was.
        reason: Why it has this outcome; without phones, e-mails and names.
        contact_id: The integer id of the contact, for an import.
        message_id: The integer id of the message, for texts.
    """

    row: Annotated[int, msgspec.Meta(ge=1)]
    digest: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    outcome: Outcome
    before: Mark | None = None
    reason: str | None = None
    contact_id: int | None = None
    message_id: int | None = None


class Outcomes(msgspec.Struct, Generic[Outcome, Mark], frozen=True, kw_only=True):
    """The outcomes of a kind of job.

    Attributes:
        line: The type of a line.
        unknown: The outcome of a row that was sent without a clear answer.
        finished: The outcomes of rows that are done. A row with another outcome is tried again.
        marks: The values that `before` may have in the line of a row that was sent.
    """

    line: type[Line[Outcome, Mark]]
    unknown: Outcome
    finished: tuple[Outcome, ...]
    marks: tuple[Mark, ...]


_encode = msgspec.json.Encoder().encode


def digest_of(content: bytes) -> int:
    """Return the digest that identifies a row."""
    return int.from_bytes(blake2b(content, digest_size=8).digest())


def hex_of(digest: int) -> str:
    """Return a digest as a line has it."""
    return f"{digest:016x}"


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


class EarlierRows(Generic[Outcome, Mark]):
    """The states in which earlier runs left their rows, in about nine bytes a row.

    A state is the outcome of a row that is finished, or the mark of one that was sent. A row that
    was rejected has none: it was not stored, and is tried again.

    They are sorted on shelves by digest, as the phones of `duplicates.FirstRows` are.

    Args:
        outcomes: The outcomes of the job.
    """

    def __init__(self, outcomes: Outcomes[Outcome, Mark]) -> None:
        self._unknown = outcomes.unknown
        self._finished = outcomes.finished
        self._states: tuple[Outcome | Mark | None, ...] = (
            None,
            *outcomes.finished,
            *outcomes.marks,
        )
        self._shelves: dict[int, tuple[array[int], bytearray]] = {}

    def remember(self, digest: int, outcome: Outcome, before: Mark | None) -> None:
        """Take note of the next line of the file.

        Equal rows have one digest. The second of them is rejected without being sent, and its line
        must not hide that the first was sent or stored.
        """
        state: Outcome | Mark | None = outcome if outcome in self._finished else None
        if state is None and before is None:
            return
        if outcome is self._unknown:
            state = before
        digests, states, place = self._find(digest)
        if place == len(digests) or digests[place] != digest:
            digests.insert(place, digest)
            states.insert(place, self._states.index(state))
        elif self._states[states[place]] not in self._finished:
            states[place] = self._states.index(state)

    def take(self, digest: int) -> Outcome | Mark | None:
        """Return the state of a row; for an equal row that comes later, there is none."""
        if not self._shelves:
            return None
        digests, states, place = self._find(digest)
        if place == len(digests) or digests[place] != digest:
            return None
        state, states[place] = self._states[states[place]], 0
        return state

    def _find(self, digest: int) -> tuple[array[int], bytearray, int]:
        shelf = self._shelves.get(digest % _SHELVES)
        if shelf is None:
            shelf = self._shelves[digest % _SHELVES] = array("Q"), bytearray()
        return *shelf, bisect_left(shelf[0], digest)


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
        restart: Discard the outcomes of the file if it exists.

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
    ) -> None:
        self.earlier = EarlierRows(outcomes)
        self._decode = msgspec.json.Decoder(outcomes.line).decode
        self._path = path
        self.header = header
        self._resume = resume
        self._restart = restart
        self._file: BinaryIO | None = None
        self._thread = OneThread()
        self._lines: list[bytes] = []
        self._is_kept = True
        self._is_new = False

    async def add_sent(self, lines: Iterable[Line[Outcome, Mark]]) -> None:
        """Add rows that are about to be sent; they are on the disk when this returns."""
        for line in lines:
            self.add(line)
        await self._write(sync=True)

    def add(self, line: Line[Outcome, Mark]) -> None:
        """Add the outcome of a row; `flush` writes it."""
        if self._path is not None:
            self._lines.append(_encode(line) + b"\n")

    async def flush(self) -> None:
        """Write what was added, for those who read the file meanwhile."""
        if self._lines:
            await self._write(sync=False)

    def discard(self) -> None:
        """Leave no new file behind at the end, as nothing was sent."""
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
                if self._file is not None and self._path is not None:
                    with naming(self._path):
                        await self._thread.run(self._close, self._file, self._path)
            finally:
                self._thread.close()

    async def _write(self, *, sync: bool) -> None:
        if self._file is not None and self._path is not None:
            lines, self._lines = self._lines, []
            with naming(self._path):
                await self._thread.run(_write, self._file, lines, sync=sync)

    # In the thread

    def _close(self, file: BinaryIO, path: Path) -> None:
        if self._is_new and not self._is_kept:
            path.unlink(missing_ok=True)
        file.close()

    def _open(self, path: Path, header: Header) -> None:
        if (self._resume or self._restart) and path.exists():
            self._file = _open_existing(path)
            lock(self._file.fileno(), path)
            if self._restart:
                _check_ours(path, self._file.readline(), type(header))
                length = 0
            else:
                length = self._read(path, self._file, header)
            make_private(path, self._file.fileno())
            self._file.truncate(length)
            self._file.seek(length)
        else:
            try:
                self._file = open(path, "xb", opener=_private)  # noqa: SIM115 - closed at the end
            except FileExistsError:
                raise _exists(path) from None
            lock(self._file.fileno(), path)
            self._is_new, length = True, 0
        if not length:
            self._file.write(_encode(header) + b"\n")

    def _read(self, path: Path, file: BinaryIO, header: Header) -> int:
        """Read an earlier run, and return the length of its whole lines."""
        length = 0
        for number, line in enumerate(file, 1):
            try:
                if not line.endswith(b"\n"):
                    # A kill has torn it. Of a first line it leaves the beginning, and nothing else.
                    if number == 1 and not _encode(header).startswith(line):
                        raise msgspec.ValidationError("this is something else")
                    break
                if number == 1:
                    self.header = _checked_header(path, line, header)
                else:
                    row = self._decode(line)
                    self.earlier.remember(int(row.digest, 16), row.outcome, row.before)
            except UNREADABLE:
                raise _not_outcomes(path, number) from None
            length += len(line)
        return length


def _check_ours(path: Path, line: bytes, header: type[Header]) -> None:
    """Check that a file with this first line is an outcome file of this kind of job."""
    try:
        if line.endswith(b"\n"):
            msgspec.json.decode(line, type=header)
        elif not line.startswith(_BEGINNING[: len(line)]):  # a kill has torn it
            raise msgspec.ValidationError("this is something else")
    except UNREADABLE:
        raise _not_outcomes(path, 1) from None


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
