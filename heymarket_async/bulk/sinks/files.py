"""Sinks that are files: JSON Lines and CSV, and the base class that Parquet shares with them.

Until an export is complete, its records are staged as JSON Lines in a folder beside the file. Then
the file is made of them. Only its owner can read it.
"""

from __future__ import annotations

import errno
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from heymarket_async.bulk.read.versions import older
from heymarket_async.bulk.sinks.sink import FileSink
from heymarket_async.bulk.sinks.staging import Packing, Staging, packing_of
from heymarket_async.bulk.sinks.tables import Cell, Table, harmless, may_be_run
from heymarket_async.bulk.store.private_files import (
    UNFINISHED,
    beside,
    check_place,
    real_path,
    remove,
    replacing,
)
from heymarket_async.models.contact import ContactField

_AT_ONCE = 5000


class StagedFile(FileSink, ABC):
    """A file that is made of staged records when they are complete.

    If its path is a link, the link stays, and its target is replaced.
    """

    def __init__(self, path: Path | str, kind: str, packing: Packing = Packing()) -> None:  # noqa: B008 - immutable
        super().__init__(path)
        self._packing = packing
        self._kind = kind + packing.suffix
        self._staging: Staging | None = None

    def open(self, checkpoint: Path | None, *, restart: bool) -> str | None:
        """Open the folder of the unfinished export, and return its checkpoint, or None."""
        self._staging = None
        self.path = real_path(self.path)
        check_place(self.path)
        self._staging = Staging(
            checkpoint or beside(self.path, ".partial"),
            self._packing,
            kind=self._kind,
            restart=restart,
            is_named=checkpoint is not None,
        )
        remove(beside(self.path, UNFINISHED))  # if it cannot be, the user should know now
        return self._staging.checkpoint

    def stored(self) -> Iterable[bytes]:
        """Return the records that were staged together with that checkpoint."""
        return self._staged.lines()

    def write(self, lines: Sequence[bytes], checkpoint: str) -> None:
        """Stage records and replace the checkpoint: both, or neither."""
        self._staged.add(joined(lines), checkpoint)

    def finish(self, again: frozenset[int], fields: Sequence[ContactField]) -> Iterator[int]:
        """Make the file of the staged records, with the newest version of those in `again`."""
        if again or not self._move_staged():
            with replacing(self.path) as file:
                yield from self._render(_Lines(self._newest(again)), fields, file)
        self._staged.finish()

    def close(self) -> None:
        """Close everything. An unfinished export stays, and can be resumed."""
        if self._staging is not None:
            staging, self._staging = self._staging, None
            staging.close()

    @property
    def _staged(self) -> Staging:
        if self._staging is None:
            raise RuntimeError("the sink is not open")
        return self._staging

    def _newest(self, again: frozenset[int]) -> Callable[[], Iterator[bytes]]:
        lines = self._staged.lines
        if not again:
            return lines
        dropped = set(older(enumerate(lines()), again, latest=self.latest, kind=self.kind))
        return lambda: (line for place, line in enumerate(lines()) if place not in dropped)

    def _move_staged(self) -> bool:
        """Move the staged records to the path if they are the file, and return whether so."""
        return False

    @abstractmethod
    def _render(
        self, lines: Iterable[bytes], fields: Sequence[ContactField], file: BinaryIO
    ) -> Iterator[int]:
        """Write records to the file; after each few thousand, give how many are written.

        The lines can be read more than once.
        """


class _Lines:
    """Lines that are read again each time."""

    def __init__(self, read: Callable[[], Iterator[bytes]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[bytes]:
        return self._read()


class JsonLines(StagedFile):
    """A file with a line of JSON for each record, exactly as the server sent it.

    Args:
        path: The file; .gz and .zst at the end of its name compress it.

    Raises:
        ValueError: The compression needs a package that is not installed.
    """

    format = "JsonLines"
    needs_fields = False

    def __init__(self, path: Path | str) -> None:
        super().__init__(path, ".jsonl", packing_of(Path(path)))

    def _move_staged(self) -> bool:
        if self._packing.suffix:
            return False  # they are in pieces
        try:
            self._staged.move_rows(self.path)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            return False  # the checkpoint is kept on another disk
        return True

    def _render(
        self,
        lines: Iterable[bytes],
        fields: Sequence[ContactField],  # noqa: ARG002 - not needed
        file: BinaryIO,
    ) -> Iterator[int]:
        stream = self._packing.stream(lines)
        for done, some in in_batches(lines):
            file.write(stream.compress(joined(some)))
            yield done
        file.write(stream.flush())


class Csv(StagedFile):
    """A table with a column for each documented field, and of contacts for each custom field.

    Values without a column of their own are kept as JSON in the last one, `other`.

    Args:
        path: The file.
        bom: Begin with a byte order mark, by which some spreadsheets recognize UTF-8.
        defuse: Put an apostrophe before cells that a spreadsheet would run as formulas.
    """

    format = "Csv"

    def __init__(self, path: Path | str, *, bom: bool = False, defuse: bool = True) -> None:
        super().__init__(path, ".csv")
        self._encoding = "utf-8-sig" if bom else "utf-8"
        self._defuse = defuse

    def _render(
        self, lines: Iterable[bytes], fields: Sequence[ContactField], file: BinaryIO
    ) -> Iterator[int]:
        table = Table(fields, self.kind)
        text = io.TextIOWrapper(file, encoding=self._encoding, newline="")
        try:
            text.write(self._line(list(table.columns)))
            for done, some in in_batches(lines):
                text.writelines(self._line(table.row(line)) for line in some)
                yield done
        finally:
            text.detach()

    def _line(self, cells: Sequence[Cell]) -> str:
        """Return the line of a row: the one that `csv.writer` writes, in half of the time."""
        texts = _texts(cells)
        line = ",".join(texts)
        if self._defuse and may_be_run(f",{line}"):
            texts = [str(text) for text in harmless(texts)]
            line = ",".join(texts)
        if '"' in line or "\n" in line or "\r" in line or line.count(",") >= len(texts):
            line = ",".join(_quoted(texts))
        return f"{line}\r\n"


def _texts(cells: Iterable[Cell]) -> list[str]:
    """Return cells as text, with "" for None."""
    return [
        "" if cell is None
        else cell if isinstance(cell, str)
        else "true" if cell is True
        else "false" if cell is False
        else str(cell)
        for cell in cells
    ]  # fmt: skip


def _quoted(cells: Iterable[str]) -> list[str]:
    """Return cells with quotes around those that need them."""
    return [
        '"' + cell.replace('"', '""') + '"'
        if '"' in cell or "," in cell or "\n" in cell or "\r" in cell
        else cell
        for cell in cells
    ]


def joined(lines: Sequence[bytes]) -> bytes:
    """Return lines as the content of a file."""
    return b"\n".join([*lines, b""])


def in_batches(lines: Iterable[bytes], size: int = _AT_ONCE) -> Iterator[tuple[int, list[bytes]]]:
    """Give lines in batches, each with the number of lines up to its end."""
    iterator, done = iter(lines), 0
    while some := list(islice(iterator, size)):
        done += len(some)
        yield done, some
