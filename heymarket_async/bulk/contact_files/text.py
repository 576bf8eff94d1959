"""The lines of a text file, in whatever encoding it is."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import cast

from heymarket_async.bulk.contact_files.byte_source import ByteSource
from heymarket_async.bulk.contact_files.encoding import (
    UTF_8,
    checked_encoding,
    declared_encoding,
    is_utf_8,
    likely_encoding,
    shown,
)
from heymarket_async.bulk.contact_files.encoding_guess import encoding_that_fits
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.errors import JobError

_AT_ONCE = 1 << 16
_MARKED = re.compile("[\ud800-\udfff]")
_MARK_BYTES = "heymarket_async.mark_bytes"


def _marks(error: UnicodeError) -> tuple[str, int]:
    return "\udcff", cast(UnicodeDecodeError, error).end


codecs.register_error(_MARK_BYTES, _marks)


class Text:
    """Lines with their ends. Bytes that do not fit the encoding are lone surrogates in them.

    Args:
        source: The bytes, from the beginning.
        encoding: Python's name of their encoding.
        is_sound: All bytes are known to fit the encoding.
        is_given: Someone gave the encoding. Then the first line that does not fit is an error.
        is_guess: UTF-8 is a guess, until a line shows that it is right. A line that does not fit
            before that is an error.
    """

    def __init__(
        self,
        source: ByteSource,
        encoding: str,
        *,
        is_sound: bool = False,
        is_given: bool = False,
        is_guess: bool = False,
    ) -> None:
        self._source = source
        self._encoding = encoding
        self._is_sound = is_sound
        self._is_given = is_given
        self._is_guess = is_guess
        self._lines = self._checked() if is_given or is_guess else self._decoded()

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def problem_of(self, text: str) -> str:
        """Return why a text of the file cannot be read, or "" if it can be read."""
        if self._is_sound or text.isascii() or not _MARKED.search(text):
            return ""
        return f"is not {shown(self._encoding)}; save the file as UTF-8"

    @property
    def is_sound(self) -> bool:
        """Whether there is nothing that `problem_of` could find."""
        return self._is_sound

    def _decoded(self) -> Iterator[str]:
        head = self._source.head().decode(self._encoding, "replace")
        is_old_mac = "\n" not in head and "\r" in head[:-1]
        lines = io.TextIOWrapper(
            io.BufferedReader(self._source, _AT_ONCE),
            self._encoding,
            "surrogateescape" if self._encoding == UTF_8 else _MARK_BYTES,
            newline="\r" if is_old_mac else "\n",
        )
        # The byte order mark is not a part of the first name.
        yield next(lines, "").removeprefix("\ufeff")
        yield from lines

    def _checked(self) -> Iterator[str]:
        for number, line in enumerate(self._decoded(), 1):
            if not line.isascii():
                if not _MARKED.search(line):
                    self._is_guess = False
                elif self._is_given or self._is_guess:
                    raise self._error(number, line)
            yield line

    def _error(self, number: int, line: str) -> JobError:
        if self._is_given:
            return JobError(
                "wrong_encoding",
                f"Line {number} is not {shown(self._encoding)}.",
                "Give another encoding, or save the file as UTF-8.",
            )
        likely = shown(encoding_that_fits(line.encode(UTF_8, "surrogateescape")))
        return JobError(
            "not_utf_8",
            f"Line {number} is not UTF-8. It may be {likely}.",
            f"Use encoding={likely!a}, or save the file as UTF-8.",
            encoding=likely,
        )


def open_text(source: ByteSource, *, encoding: str | None, notes: Notes) -> Text:
    """Find the encoding of a file, and give its lines.

    Args:
        source: A file that can be read again is checked as a whole, a pipe line by line.
        encoding: The encoding, or None to find it. A byte order mark of UTF-8 wins over it, so that
            a file of rejected rows is read with the options of the file they are from.
        notes: Gets a remark if the file is not UTF-8 and its encoding was guessed.

    Raises:
        JobError: The encoding is unknown, or a line does not fit the one that was given. For a
            pipe, the lines may raise it later.
    """
    found = declared_encoding(source.head())
    if encoding is not None:
        given = _whole_name(checked_encoding(encoding), found)
        return _given(source, UTF_8 if found == UTF_8 else given)
    if found not in {None, UTF_8}:
        return Text(source, str(found))
    if not source.can_rewind:
        return _piped(source, notes, is_guess=found is None)
    is_sound = is_utf_8(source)
    if not is_sound and found is None:
        source.rewind()
        found = likely_encoding(io.BufferedReader(source, _AT_ONCE))
        _note(found, notes)
    source.rewind()
    return Text(source, found or UTF_8, is_sound=is_sound)


def _whole_name(given: str, found: str | None) -> str:
    """Return the name of an encoding with its byte order, which is in the file or little-endian."""
    if given not in {"utf-16", "utf-32"}:
        return given
    return found if found is not None and found.startswith(given) else f"{given}-le"


def _given(source: ByteSource, encoding: str) -> Text:
    if encoding == UTF_8:  # single bad rows stop no other
        return Text(source, encoding)
    if source.can_rewind:
        for _ in Text(source, encoding, is_given=True):
            pass
        source.rewind()
    return Text(source, encoding, is_given=True)


def _piped(source: ByteSource, notes: Notes, *, is_guess: bool) -> Text:
    head = source.head()
    try:
        codecs.getincrementaldecoder(UTF_8)().decode(head)  # the last character may be cut
    except UnicodeDecodeError:
        if is_guess:
            encoding = likely_encoding(head.splitlines())
            _note(encoding, notes)
            return Text(source, encoding)
    return Text(source, UTF_8, is_guess=is_guess)


def _note(encoding: str, notes: Notes) -> None:
    if encoding != UTF_8:
        notes.add(
            f"The file is not UTF-8. It was read as {shown(encoding)}; if names look wrong, give"
            " the encoding."
        )
