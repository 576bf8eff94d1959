"""What became of each row of an import, on disk, so that a killed import can be resumed.

The file is JSON Lines, only ever added to. Its first line tells whose it is; every other line
tells of a row, and the last line of a row wins. Before rows are sent they are written down as
"unknown", with what the account had before, and are on the disk when the request leaves. Nothing
else has to be: a line that is lost with a killed process is found out again.

No phone, e-mail or name is in it. A row is told by a digest of all its fields, which makes sure
that a resumed import reads the same input; a digest of a bare phone can be guessed by who tries
all phones, so the file is readable by its owner only.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, BinaryIO, Self, TypeAlias

import msgspec

from heymarket_async.bulk.importing.rules import Before, Row, RowOutcome, Verdict
from heymarket_async.bulk.lock import lock

VERSION = 1

Earlier: TypeAlias = RowOutcome | Before | None
"""What the file says of a row: how it ended, what was there when it was sent, or nothing."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """Whose file it is; all of it must be the same to resume.

    Attributes:
        version: Of this form.
        kind: "import" or "dry run".
        account: See `account_of`.
        overwrite: Whether contacts are overwritten.
    """

    version: int = VERSION
    kind: str
    account: str
    overwrite: bool


class _Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    row: Annotated[int, msgspec.Meta(ge=1)]
    digest: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    outcome: RowOutcome
    before: Before | None = None
    reason: str | None = None
    contact_id: int | None = None


def digest_of(content: bytes) -> int:
    """Return what a row is told by."""
    return int.from_bytes(blake2b(content, digest_size=8).digest())


def is_there_already(path: Path) -> ValueError:
    """Return the error that keeps a file from being written over."""
    return ValueError(
        f"{path} is there already: resume that import (--resume), or name another file"
    )


class OutcomeFile:
    """The outcomes of one import, in a file or nowhere; a context manager that closes it.

    In memory are nine bytes for each row of an earlier run.

    Attributes:
        earlier_rows: The number of the last row that an earlier run has seen, or 0.
    """

    def __init__(self, file: BinaryIO | None = None) -> None:
        self._file = file
        self._digests = array("Q", [0])
        self._states = bytearray(1)

    @classmethod
    def create(cls, path: Path, header: Header) -> Self:
        """Begin a file, readable by its owner only.

        Raises:
            ValueError: It is there already.
        """
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise is_there_already(path) from None
        lock(descriptor, path)
        created = cls(os.fdopen(descriptor, "wb"))
        created._add([header])
        return created

    @classmethod
    def resume(cls, path: Path, header: Header) -> Self:
        """Go on with a file, or begin it if it is not there.

        A last line that a kill has torn is cut off.

        Raises:
            ValueError: It belongs to another import, or is no such file.
            OSError: Another import is at work on it.
        """
        if not path.exists():
            return cls.create(path, header)
        file = path.open("r+b")
        try:
            lock(file.fileno(), path)
            resumed = cls(file)
            whole = resumed._read(path, file, header)
            if not whole:
                _check_torn(path, header)
            file.truncate(whole)
            file.seek(whole)
        except BaseException:
            file.close()
            raise
        if not whole:
            resumed._add([header])
        return resumed

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
                " input, or import the new input with another outcome file"
            )
        return state

    def sent(self, rows: Iterable[Row]) -> None:
        """Write down that rows are about to be sent; on the disk when this returns."""
        self._add(
            _Line(
                row=row.number,
                digest=f"{row.digest:016x}",
                outcome=RowOutcome.UNKNOWN,
                before=row.before,
            )
            for row in rows
        )
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())

    def settled(self, number: int, digest: int, verdict: Verdict, before: Before | None) -> None:
        """Write down what became of a row."""
        line = _Line(
            row=number,
            digest=f"{digest:016x}",
            outcome=verdict.outcome,
            before=before,
            reason=verdict.reason,
            contact_id=verdict.contact_id,
        )
        self._add([line])

    def flush(self) -> None:
        """Show what was written to whoever reads along."""
        if self._file is not None:
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()

    def _add(self, lines: Iterable[Header | _Line]) -> None:
        if self._file is not None:
            self._file.writelines(_encode(line) + b"\n" for line in lines)

    def _read(self, path: Path, file: BinaryIO, header: Header) -> int:
        """Take in an earlier run, and return the length of its whole lines."""
        length = 0
        for number, line in enumerate(_whole_lines(file), 1):
            try:
                if number == 1:
                    _check(path, msgspec.json.decode(line, type=Header), header)
                else:
                    self._remember(_decode(line))
            except msgspec.MsgspecError:
                raise ValueError(f"{path} is no outcome file: see its line {number}") from None
            length += len(line)
        return length

    def _remember(self, line: _Line) -> None:
        more = line.row - self.earlier_rows
        if more > 0:
            self._digests.extend([0] * more)
            self._states.extend(bytes(more))
        state = line.before if line.outcome is RowOutcome.UNKNOWN else line.outcome
        self._states[line.row] = _STATES.index(state)
        self._digests[line.row] = int(line.digest, 16)


_STATES: tuple[Earlier, ...] = (None, *RowOutcome, *Before)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    return (line for line in file if line.endswith(b"\n"))


def _check_torn(path: Path, header: Header) -> None:
    # What a kill can leave of a first line is the beginning of it.
    if not _encode(header).startswith(path.read_bytes()):
        raise ValueError(f"{path} is no outcome file: see its line 1")


def _check(path: Path, stored: Header, asked: Header) -> None:
    for name in Header.__struct_fields__:
        was, now = getattr(stored, name), getattr(asked, name)
        if was != now:
            raise ValueError(
                f"{path} is of an import with another {name}, {was} and not {now}:"
                " resume it as it was, or name another file"
            )
