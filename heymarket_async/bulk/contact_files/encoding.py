"""Finds the encoding of a text file."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from functools import partial

from heymarket_async.bulk.contact_files.byte_source import ByteSource
from heymarket_async.bulk.contact_files.encoding_guess import encoding_that_fits
from heymarket_async.bulk.errors import JobError

UTF_8 = "utf-8"

_AT_ONCE = 1 << 18
_SAMPLE = 1 << 16
_FEW = 64
_OF_DOMAINS = frozenset({"idna", "punycode"})
_MARKS = {
    codecs.BOM_UTF8: UTF_8,
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark begins with the same bytes
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_BY_NULS: dict[tuple[bool, ...], str] = {
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
}
"""By the bytes, of four, that are mostly NUL in headings."""


def checked_encoding(name: str) -> str:
    """Return Python's name of an encoding.

    Raises:
        JobError: There is no such encoding of text.
    """
    try:
        bytes(4).decode(name, "replace")
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        found = ""
    if not found or found in _OF_DOMAINS:
        raise JobError(
            "unknown_encoding",
            "There is no such encoding.",
            "Use a name such as utf-8, windows-1252, mac-roman, shift-jis or gb18030.",
        )
    return found


def declared_encoding(head: bytes) -> str | None:
    """Return the encoding that the first bytes of a file prove, or None.

    That is a byte order mark, or the NULs that UTF-16 and UTF-32 have in it without such a mark.
    """
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name
    few = head[:_FEW]
    most = len(few) // 4 * 0.4
    places = tuple(few[place::4].count(0) > most for place in range(4))
    return _BY_NULS.get(places)


def is_utf_8(source: ByteSource) -> bool:
    """Whether a whole file is UTF-8; it is read from its beginning."""
    source.rewind()
    decoder = codecs.getincrementaldecoder(UTF_8)()
    try:
        for some in iter(partial(source.read, _AT_ONCE), b""):
            decoder.decode(some)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def likely_encoding(lines: Iterable[bytes]) -> str:
    """Return the encoding that fits lines which are not UTF-8 everywhere.

    UTF-8 fits if most of the lines that are not ASCII are UTF-8.
    """
    good = bad = 0
    sample = bytearray()
    for line in lines:
        if line.isascii():
            continue
        if _is_text(line):
            good += 1
            continue
        bad += 1
        if len(sample) < _SAMPLE:
            sample += line[:_SAMPLE]
    return UTF_8 if good >= bad else encoding_that_fits(bytes(sample))


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def shown(encoding: str) -> str:
    """Return the name of an encoding as people write it."""
    if encoding.startswith("cp125"):
        return f"windows-{encoding[2:]}"
    return encoding.upper() if encoding.startswith("utf") else encoding.replace("_", "-")
