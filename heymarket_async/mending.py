r"""Makes readable what strict JSON readers refuse. Pure; entered only after msgspec has refused.

A server may send half of an emoji as a lone `\ud83d`, a raw tab or line break inside a text, bytes
that are not UTF-8, `NaN` or `Infinity`. Python's `json` reads most of these; msgspec refuses the
whole page for one of them. Only the odd places are changed, every other byte stays as sent:

    a lone surrogate escape           the escape `\ufffd`
    a byte that is not UTF-8          U+FFFD
    a raw control character           its escape, such as `\t`; only inside texts
    NaN, Infinity, a float too large  null; only outside texts

Rows that are kept as bytes (`msgspec.Raw`) keep a lone surrogate as it was sent, since it is valid
UTF-8 on one line. So whoever reads a kept row calls `decode`, which mends what cannot be read.

msgspec (0.20 to 0.22) checks everything inside a `Raw` but UTF-8 and the size of floats.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T")

MARK = b" "
"""What stands before a row that was mended; no other row in a list begins with white space."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_read_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode


def decode(decoder: Callable[[bytes | msgspec.Raw], T], row: bytes | msgspec.Raw) -> T:
    """Return what a decoder reads, from mended JSON if it refuses what was sent.

    Raises:
        msgspec.MsgspecError, UnicodeDecodeError, RecursionError: It refuses that, too.
    """
    try:
        return decoder(row)
    except (msgspec.DecodeError, UnicodeDecodeError):
        sent = bytes(row)
        readable = mended(sent)
        if readable == sent:
            raise
    return decoder(readable)  # outside, so that no traceback holds the text that was refused


def mended(body: bytes) -> bytes:
    """Return JSON in which everything named above is mended, or the body if nothing was found."""
    return _without_lone_surrogates(as_kept(body))


def as_kept(body: bytes) -> bytes:
    """Return JSON in which everything but lone surrogates is mended."""
    text = body.removeprefix(_BYTE_ORDER_MARK).decode(errors="surrogateescape")
    return _TOKEN.sub(_mended_token, text).encode(errors="surrogateescape")


def rows(body: bytes) -> list[msgspec.Raw]:
    """Return the elements of a list; `is_mended` tells those that were not as JSON wants them.

    Raises:
        msgspec.DecodeError: It is no list, or cannot be read even so.
    """
    kept = as_kept(body)
    readable = _without_lone_surrogates(kept)  # of the same length, so places are the same in both
    found: list[msgspec.Raw] = []
    start = 0
    for row in map(bytes, _read_rows(readable)):
        start = readable.index(row, start)
        sent = kept[start : start + len(row)]
        start += len(row)
        is_as_sent = sent == row and sent in body
        found.append(msgspec.Raw(sent if is_as_sent else MARK + sent))
    return found


def is_mended(row: bytes | msgspec.Raw) -> bool:
    """Whether a row of a list had to be mended."""
    return bytes(row[:1] if isinstance(row, bytes) else memoryview(row)[:1]) == MARK


def without_marks(lines: list[bytes]) -> tuple[list[bytes], int]:
    """Return rows of a list without their marks, and how many had one; free where none has."""
    if not any(line.startswith(MARK) for line in lines):
        return lines, 0
    return [line.removeprefix(MARK) for line in lines], sum(map(is_mended, lines))


# Neither looks at anything twice: a text that is not closed ends with the body.
_TOKEN = re.compile(
    r'"(?:[^"\\]++|\\.)*+"?|NaN|-?Infinity|-?(?<![\d.])\d++(?:\.\d++)?[eE]\+?\d{3,}+', re.DOTALL
)
_IN_TEXT = re.compile(r"\\.|[\x00-\x1f\udc80-\udcff]", re.DOTALL)
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole pair
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|\\.",
    re.DOTALL,
)


def _mended_token(token: re.Match[str]) -> str:
    text = token[0]
    if text[0] == '"':
        return _IN_TEXT.sub(_mended_character, text)
    return "null" if text[-1] in "Ny" or float(text) in _INFINITIES else text


_INFINITIES = frozenset({float("inf"), float("-inf")})


def _mended_character(found: re.Match[str]) -> str:
    text = found[0]
    if text[0] == "\\":
        return text
    return "\ufffd" if text >= "\udc80" else msgspec.json.encode(text).decode()[1:-1]


def _without_lone_surrogates(text: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], text)
