"""The properties of vCards 2.1, 3.0 and 4.0: their lines are put together and decoded.

https://www.rfc-editor.org/rfc/rfc6350 (4.0), https://www.rfc-editor.org/rfc/rfc2426 (3.0)
"""

from __future__ import annotations

import codecs
import io
import quopri
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import BinaryIO, NamedTuple, cast

LONGEST = 1 << 18
"""The most bytes of a property that are kept. Only photos, sounds and keys are longer."""

_PARTS = re.compile(r'(?:[^";]|"[^"]*"?)+')
_HEAD = re.compile(rb'((?:[^":]++|"[^"]*+")*+):(.*)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_QUOTED, _BASE64 = "quoted-printable", "base64"
_ENCODINGS = {_QUOTED: _QUOTED, "q": _QUOTED, _BASE64: _BASE64, "b": _BASE64}
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16: its mark begins with the same bytes
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class Property(NamedTuple):
    """A property of a card.

    Attributes:
        name: In upper case, such as TEL; empty for a line that is not a property.
        group: It ties properties together, and is "ITEM1" in `item1.TEL`.
        params: The values of each parameter, in lower case. In 2.1 a name may be left out, as in
            `TEL;CELL`. It is "type" then.
        raw: The value as it is in the file, on one line.
        is_whole: The value is not longer than `LONGEST`.
    """

    name: str
    group: str
    params: Mapping[str, Sequence[str]]
    raw: bytes
    is_whole: bool = True

    @property
    def encoding(self) -> str:
        """The encoding of the bytes: quoted-printable, base64, or empty."""
        return next((_ENCODINGS[one] for one in self.params.get("encoding", ())), "")


def properties(file: BinaryIO, encoding: str | None) -> Iterator[Property]:
    """Give the properties of all cards in their order, with BEGIN and END.

    A line takes at most `LONGEST` bytes of memory, however long it is.

    Args:
        file: The cards.
        encoding: Of the file; UTF-16 and UTF-32 are also recognized by their marks.
    """
    open_one: _Open | None = None
    for line, is_whole in _lines(file, encoding):
        if open_one is None or not open_one.takes(line, is_whole=is_whole):
            if open_one is not None:
                yield open_one.closed()
            open_one = _Open(_parsed(line, is_whole=is_whole)) if line.strip() else None
    if open_one is not None:
        yield open_one.closed()


def text_of(found: Property, encoding: str | None) -> str:
    """Return the value as text, with its escapes.

    Some programs name a charset and use another one, so all that are likely are tried.

    Raises:
        ValueError: It is not text in any of them.
    """
    raw = quopri.decodestring(found.raw) if found.encoding == _QUOTED else found.raw
    for charset in [*found.params.get("charset", ()), "utf-8", encoding or "utf-8"]:
        try:
            return raw.decode(charset)
        except (LookupError, ValueError):  # the name may have a null character in it
            continue
    raise ValueError("has text that is not UTF-8; save the file as UTF-8")


def unescaped(text: str) -> str:
    r"""Return a text without escapes: `\n` is a line break, and `\,` a comma."""
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], text)


def divided(text: str, divider: str) -> list[str]:
    """Return the parts of a text, without escapes; an escaped divider divides nothing."""
    if "\\" not in text:
        return text.split(divider)
    parts = [""]
    for piece in re.findall(rf"\\.|{divider}|[^\\{divider}]+|\\", text, re.DOTALL):
        if piece == divider:
            parts.append("")
        else:
            parts[-1] += piece
    return [unescaped(part) for part in parts]


class _Open:
    """A property whose next lines may belong to it."""

    def __init__(self, head: Property) -> None:
        self._head = head
        self._parts = [head.raw]
        self._length = len(head.raw)
        self._is_whole = head.is_whole
        self._is_soft = False
        self._break()

    def takes(self, line: bytes, *, is_whole: bool) -> bool:
        """Add a line, and return True, if it continues the property."""
        if self._is_soft:
            more = line
        elif not line.strip():
            return False
        elif line[:1] in {b" ", b"\t"}:
            more = line[1:]
        elif self._head.encoding == _BASE64 and b":" not in line:
            more = line
        else:
            return False
        self._length += len(more)
        self._is_whole = self._is_whole and is_whole and self._length <= LONGEST
        if self._is_whole:
            self._parts.append(more)
        self._break(more)
        return True

    def closed(self) -> Property:
        """Return the property with all of its lines."""
        return self._head._replace(raw=b"".join(self._parts), is_whole=self._is_whole)

    def _break(self, last: bytes | None = None) -> None:
        """Note whether the line ends in a soft line break, and remove that."""
        line = (self._head.raw if last is None else last).rstrip(b" \t")
        self._is_soft = self._head.encoding == _QUOTED and line.endswith(b"=")
        if self._is_soft and self._is_whole:
            self._parts[-1] = line[:-1]


def _parsed(line: bytes, *, is_whole: bool) -> Property:
    match = _HEAD.fullmatch(line)
    # A quote without an end is part of the text.
    head, colon, value = (match[1], b":", match[2]) if match else line.partition(b":")
    if not colon:
        return Property("", "", {}, line, is_whole)
    name, *rest = _PARTS.findall(head.decode(errors="replace")) or [""]
    group, _, name = name.strip().upper().rpartition(".")
    params: dict[str, list[str]] = {}
    for param in rest:
        key, equals, values = (part.strip() for part in param.lower().partition("="))
        if not equals:
            key, values = ("encoding" if key in _ENCODINGS else "type"), key
        known = [each.strip() for each in values.replace('"', "").split(",")]
        if key == "encoding":
            known = [each for each in known if each in _ENCODINGS]
        params.setdefault(key, []).extend(known)
    return Property(name, group, params, value, is_whole)


def _lines(file: BinaryIO, encoding: str | None) -> Iterator[tuple[bytes, bool]]:
    """Give the lines of a file in UTF-8, or another encoding of bytes, and if they are whole."""
    buffered = io.BufferedReader(cast(io.RawIOBase, file))
    text: io.TextIOWrapper | None = None
    try:
        head = buffered.peek(4)
        marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
        if marked or _is_wide(encoding):
            text = io.TextIOWrapper(buffered, marked or encoding, errors="replace", newline="\n")
        yield from _pieces(partial(_read, buffered.readline, text))
    finally:
        # Else they close the file with them. It may be closed already.
        with suppress(ValueError):
            if text:
                text.detach()
            buffered.detach()


def _read(readline: Callable[[int], bytes], text: io.TextIOWrapper | None) -> bytes:
    return text.readline(LONGEST).encode() if text else readline(LONGEST)


def _pieces(read: Callable[[], bytes]) -> Iterator[tuple[bytes, bool]]:
    """Give the first piece of each line, and if it is all of it."""
    is_first, is_rest = True, False
    while piece := read():
        is_end = piece.endswith(b"\n")
        if not is_rest:
            line = piece.removeprefix(codecs.BOM_UTF8) if is_first else piece
            yield line.rstrip(b"\r\n"), is_end or len(piece) < LONGEST
        is_first, is_rest = False, not is_end


def _is_wide(encoding: str | None) -> bool:
    return encoding is not None and encoding.lower().replace("_", "-").startswith(
        ("utf-16", "utf16", "utf-32", "utf32")
    )
