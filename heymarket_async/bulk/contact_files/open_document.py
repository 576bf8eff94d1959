"""Prepares an .ods for its reader: that one skips tabs, and does not end at every damage."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import BinaryIO
from xml.parsers import expat
from zipfile import ZipFile

_CONTENT, _OTHERS = "content.xml", ("mimetype", "META-INF/manifest.xml")
_TAB = re.compile(rb"<text:tab\s*/>")
_NAMESPACE = "urn:oasis:names:tc:opendocument:xmlns:"
_TABLE, _TEXT = f"{_NAMESPACE}table:1.0 ", f"{_NAMESPACE}text:1.0 "
_VALUE = f"{_NAMESPACE}office:1.0 value-type"


class DamagedError(Exception):
    """The reader would not end."""


class TooLargeError(Exception):
    """The reader would keep too many cells."""


def prepared(file: BinaryIO, is_too_large: Callable[[int, int], bool]) -> BinaryIO:
    """Return an .ods whose tabs are characters; another file is returned as it is.

    Args:
        file: Any spreadsheet.
        is_too_large: Whether a table may not have so many rows and columns.

    Raises:
        DamagedError: Its XML is not whole.
        TooLargeError: A table has more.
    """
    try:
        with ZipFile(file) as old:
            content = old.read(_CONTENT)
            others = {name: old.read(name) for name in _OTHERS if name in old.namelist()}
    except Exception:  # noqa: BLE001 - another format, or damaged: the reader explains it
        return file
    for name, part in {**others, _CONTENT: content}.items():
        if name.endswith(".xml"):
            _check(part, is_too_large)
    if not _TAB.search(content):
        return file
    made = io.BytesIO()
    with ZipFile(made, "w") as new:
        for name, part in {**others, _CONTENT: _TAB.sub(b"\t", content)}.items():
            new.writestr(name, part)
    return made


def _check(part: bytes, is_too_large: Callable[[int, int], bool]) -> None:
    """Check that XML is whole, and that its tables are not too large."""
    parser, extent = expat.ParserCreate(namespace_separator=" "), _Extent(is_too_large)
    parser.StartElementHandler = extent.start
    parser.EndElementHandler = extent.end
    try:
        parser.Parse(part, True)
    except (expat.ExpatError, ValueError):  # the second is of a number
        raise DamagedError from None


class _Extent:
    """Measures tables: up to the last row and the last column in which something stands."""

    def __init__(self, is_too_large: Callable[[int, int], bool]) -> None:
        self._is_too_large = is_too_large
        self._rows = self._width = self._times = self._columns = self._used = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        kind = name.removeprefix(_TABLE)
        if kind == "table":
            self._rows = self._width = 0
        elif kind == "table-row":
            self._times = int(attributes.get(f"{_TABLE}number-rows-repeated", 1))
            self._columns = self._used = 0
        elif kind in {"table-cell", "covered-table-cell"}:
            self._columns += int(attributes.get(f"{_TABLE}number-columns-repeated", 1))
            if _VALUE in attributes:
                self._used = self._columns
        elif name == f"{_TEXT}p":
            self._used = self._columns

    def end(self, name: str) -> None:
        if name == f"{_TABLE}table-row":
            self._rows += self._times
            if self._used:
                self._width = max(self._width, self._used)
                if self._is_too_large(self._rows, self._width):
                    raise TooLargeError
