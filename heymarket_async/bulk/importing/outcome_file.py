"""The outcome file: the outcome of each row on disk, so that a killed import can be resumed.

The file is JSON Lines and only grows. The first line says which import it belongs to; the others
are outcomes of rows. Before rows are sent, they are added as "unknown" with the state of the
account, and these lines are on the disk when the request leaves. No other line has to be: if a
killed process loses one, resuming finds the outcome again.

A resumed import knows a row by a digest of all its fields, so its input may be mended, sorted,
shortened or longer. The number of a row is its place in the input of the run that wrote the line.
Within a run, the last line of a number counts.

The file has no phone, e-mail or name in it. The digest of a row with nothing but a phone could be
guessed by trying all phones, so only the owner can read the file.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, BinaryIO, Literal, Self, TypeAlias

import msgspec

from heymarket_async.bulk.errors import UNREADABLE, JobError, mismatch_error
from heymarket_async.bulk.importing.rules import Decision, NumberedRow, RowOutcome, SentWhen
from heymarket_async.bulk.store.private_files import lock, make_private, naming, open_own, real_path
from heymarket_async.bulk.thread import OneThread
from heymarket_async.checks import one_of

Earlier: TypeAlias = RowOutcome | SentWhen | None
"""The state of a row in the file: how it was finished, or that it was sent, or nothing.

A row that was rejected has none: it was not stored, and is tried again.
"""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The import that a file belongs to; to resume it, all of this must be the same.

    Attributes:
        version: Of the format.
        kind: An import, or a dry run.
        account: The `name` of an `Account`.
        overwrite: Whether contacts are overwritten.
    """

    version: int = 1
    kind: Literal["import", "dry run"]
    account: str
    overwrite: bool


class _Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    row: Annotated[int, msgspec.Meta(ge=1)]
    digest: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    outcome: RowOutcome
    before: SentWhen | None = None
    reason: str | None = None
    contact_id: int | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode
_SENT = Decision(RowOutcome.UNKNOWN)
_BEGINNING = b'{"version":'
_FINISHED = (RowOutcome.CREATED, RowOutcome.UPDATED, RowOutcome.UNCHANGED)
_STATES: tuple[Earlier, ...] = (None, *_FINISHED, *SentWhen)
_SHELVES = 4096


def digest_of(content: bytes) -> int:
    """Return the digest that identifies a row."""
    return int.from_bytes(blake2b(content, digest_size=8).digest())


def checked_path(
    outcomes: str | os.PathLike[str] | None, *, resume: bool, restart: bool = False
) -> Path | None:
    """Return the path of an outcome file that can be used, before anything is sent or read.

    Raises:
        JobError: The file exists already, is not an outcome file, or there is none to resume.
        OSError: Its folder does not exist, another import uses it, or it belongs to another user.
    """
    if outcomes is None:
        if resume:
            raise JobError(
                "outcomes_missing",
                "Without an outcome file there is nothing to resume from.",
                "Give the file of that import with outcomes.",
            )
        return None
    path = real_path(Path(one_of("outcomes", outcomes, (str, os.PathLike))))
    if not path.exists():
        path.parent.stat()
    elif resume or restart:
        with _open_existing(path) as file:
            lock(file.fileno(), path)
            if restart:
                _check_ours(path, file.readline())
    else:
        raise _exists(path)
    return path


class EarlierRows:
    """The states in which earlier runs left their rows, in about nine bytes a row.

    They are sorted on shelves by digest, as the phones of `duplicates.FirstRows` are.
    """

    def __init__(self) -> None:
        self._shelves: dict[int, tuple[array[int], bytearray]] = {}

    def remember(self, digest: int, outcome: RowOutcome, before: SentWhen | None) -> None:
        """Take note of the next line of the file.

        Equal rows have one digest. The second of them is rejected without being sent, and its line
        must not hide that the first was sent or stored.
        """
        state: Earlier = outcome if outcome in _FINISHED else None
        if state is None and before is None:
            return
        if outcome is RowOutcome.UNKNOWN:
            state = before
        digests, states, place = self._find(digest)
        if place == len(digests) or digests[place] != digest:
            digests.insert(place, digest)
            states.insert(place, _STATES.index(state))
        elif _STATES[states[place]] not in _FINISHED:
            states[place] = _STATES.index(state)

    def take(self, digest: int) -> Earlier:
        """Return the state of a row; for an equal row that comes later, there is none."""
        if not self._shelves:
            return None
        digests, states, place = self._find(digest)
        if place == len(digests) or digests[place] != digest:
            return None
        state, states[place] = _STATES[states[place]], 0
        return state

    def _find(self, digest: int) -> tuple[array[int], bytearray, int]:
        shelf = self._shelves.get(digest % _SHELVES)
        if shelf is None:
            shelf = self._shelves[digest % _SHELVES] = array("Q"), bytearray()
        return *shelf, bisect_left(shelf[0], digest)


class OutcomeFile:
    """The outcomes of one import, in a file or nowhere; a context manager that opens and closes it.

    It is read and written in a thread of its own. In memory are the states of the rows of earlier
    runs, and the lines since the last `flush`.

    Args:
        path: The file, for its owner alone to read; None keeps nothing. The rights of other users
            to an existing file are removed, see `heymarket_async.bulk.store.private_files`.
        header: The import that it belongs to.
        resume: Continue the file if it exists. A last line that a kill has torn is cut off.
        restart: Discard the outcomes of the file if it exists.

    Attributes:
        earlier: The states of the rows of earlier runs.

    Raises:
        JobError: When it is opened: it exists already, belongs to another import, or is not an
            outcome file.
        OSError: Another import uses it, it belongs to another user, or it cannot be written.
    """

    def __init__(
        self,
        path: Path | None = None,
        header: Header | None = None,
        *,
        resume: bool = False,
        restart: bool = False,
    ) -> None:
        self.earlier = EarlierRows()
        self._path = path
        self._header = header
        self._resume = resume
        self._restart = restart
        self._file: BinaryIO | None = None
        self._thread = OneThread()
        self._lines: list[bytes] = []

    async def add_sent(self, rows: Iterable[NumberedRow]) -> None:
        """Add rows that are about to be sent; they are on the disk when this returns."""
        for row in rows:
            self.add(row, _SENT)
        await self._write(sync=True)

    def add(self, row: NumberedRow, decision: Decision) -> None:
        """Add the outcome of a row; `flush` writes it."""
        if self._path is not None:
            line = _Line(
                row=row.number,
                digest=f"{row.digest:016x}",
                outcome=decision.outcome,
                before=row.sent_when,
                reason=decision.reason,
                contact_id=decision.contact_id,
            )
            self._lines.append(_encode(line) + b"\n")

    async def flush(self) -> None:
        """Write what was added, for those who read the file meanwhile."""
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
        if (self._resume or self._restart) and path.exists():
            self._file = _open_existing(path)
            lock(self._file.fileno(), path)
            if self._restart:
                _check_ours(path, self._file.readline())
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
            length = 0
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
                    _check_header(path, line, header)
                else:
                    row = _decode(line)
                    self.earlier.remember(int(row.digest, 16), row.outcome, row.before)
            except UNREADABLE:
                raise _not_outcomes(path, number) from None
            length += len(line)
        return length


def _check_ours(path: Path, line: bytes) -> None:
    """Check that a file with this first line is an outcome file, of whatever import."""
    try:
        if line.endswith(b"\n"):
            msgspec.json.decode(line, type=Header)
        elif not line.startswith(_BEGINNING[: len(line)]):  # a kill has torn it
            raise msgspec.ValidationError("this is something else")
    except UNREADABLE:
        raise _not_outcomes(path, 1) from None


def _check_header(path: Path, line: bytes, asked: Header) -> None:
    stored = msgspec.json.decode(line, type=Header)
    for name in ("version", "account"):
        was, now = (str(getattr(header, name)) for header in (stored, asked))
        if was != now:
            remedy = "Name another outcome file."
            raise mismatch_error(name, str(path), was, now, reason="other_outcomes", remedy=remedy)
    for name in ("kind", "overwrite"):
        was, now = (_encode(getattr(header, name)).decode() for header in (stored, asked))
        if was != now:
            remedy = "Resume it as it was, or name another outcome file."
            raise mismatch_error("import", str(path), f"{name} {was}", now, remedy=remedy)


def _not_outcomes(path: Path, line: int) -> JobError:
    problem = f"{path} is not an outcome file (line {line})."
    return JobError("not_outcomes", problem, "Name another file.")


def _exists(path: Path) -> JobError:
    return JobError(
        "outcomes_exist",
        f"{path} exists already.",
        "Resume that import with resume=True, begin anew with restart=True, or name another outcome"
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
