r"""Mends JSON that strict readers refuse. No I/O; used only after msgspec has refused a body.

A server may send half of an emoji as a lone `\ud83d`, a raw tab or line break inside a text, bytes
that are not UTF-8, `NaN` or `Infinity`. Python's `json` reads most of these; msgspec refuses the
whole page for one of them. Only the odd places are changed, every other byte stays as sent:

    a lone surrogate escape           the escape `\ufffd`
    a byte that is not UTF-8          U+FFFD
    a raw control character           its escape, such as `\t`; only inside texts
    NaN, Infinity, a float too large  null; only outside texts

Rows that are kept as bytes (`msgspec.Raw`) keep a lone surrogate as it was sent, since it is valid
UTF-8 on one line. To read them, call `decode`, which mends them if need be.

msgspec (0.20 to 0.22) checks everything inside a `Raw` but UTF-8 and the size of floats.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import itemgetter
from typing import NamedTuple, TypeVar, cast

import msgspec

T = TypeVar("T")

MARK = b" "
"""The first byte of a row that was mended. No other row in a list begins with white space."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_read_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode
_first_byte = itemgetter(slice(1))


def decode(decoder: Callable[[bytes | msgspec.Raw], T], row: bytes | msgspec.Raw) -> T:
    """Return what a decoder reads: from the row as sent, or mended if it refuses that.

    Raises:
        msgspec.MsgspecError, UnicodeDecodeError, RecursionError: It refuses both.
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
    """Return JSON in which everything named above is mended; the body itself if nothing is odd.

    A body that is larger, or odd in more places, than any answer of Heymarket stays as it is.
    """
    kept = _kept(body)
    readable = kept and _without_lone_surrogates(kept.text)
    return body if readable is None else readable


def as_kept(body: bytes) -> bytes:
    """Return JSON in which everything but lone surrogates is mended; the body as in `mended`."""
    kept = _kept(body)
    return body if kept is None else kept.text


def rows(body: bytes) -> list[msgspec.Raw]:
    """Return the elements of a list, mended where need be; see `is_mended`.

    Raises:
        msgspec.DecodeError: It is not a list, or cannot be read even so.
    """
    try:
        found = _read_rows(body)
        check_utf_8(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _mended_rows(body)
    return found


def check_utf_8(body: bytes) -> None:
    """Check the one thing that msgspec does not check in values that it keeps as bytes.

    Raises:
        UnicodeDecodeError: It is not UTF-8.
    """
    if not body.isascii():
        body.decode()


def _mended_rows(body: bytes) -> list[msgspec.Raw]:
    kept = _kept(body)
    readable = kept and _without_lone_surrogates(kept.text)
    if kept is None or readable is None:
        raise msgspec.DecodeError("too much of it is not JSON")
    text, places = kept.text, iter([*kept.places, len(kept.text)])
    read = _read_rows(readable)  # of the same length, so places are the same
    if len(read) > _MOST_STEPS:
        raise msgspec.DecodeError("it is not JSON, and has too many elements")
    found: list[msgspec.Raw] = []
    end, place = 0, next(places)
    for row in map(bytes, read):
        start = readable.index(row, end)
        end = start + len(row)
        sent = text[start:end]
        while place < start:
            place = next(places)
        is_as_sent = sent == row and place >= end
        found.append(msgspec.Raw(sent if is_as_sent else MARK + sent))
    return found


def is_mended(row: bytes | msgspec.Raw) -> bool:
    """Return True if a row of a list had to be mended."""
    return bytes(row[:1] if isinstance(row, bytes) else memoryview(row)[:1]) == MARK


def without_marks(lines: list[bytes]) -> tuple[list[bytes], int]:
    """Return rows of a list without their marks, and how many had one; the same list if none."""
    if MARK not in map(_first_byte, lines):
        return lines, 0
    return [line.removeprefix(MARK) for line in lines], sum(map(is_mended, lines))


class _Kept(NamedTuple):
    text: bytes
    places: list[int]  # where it was mended


# A page of 1,000 contacts has about 1 MiB. A hostile answer must not block the event loop, nor take
# many times its own memory: compressed, a few KiB can become all of it.
_MOST_BYTES = 8 << 20
_MOST_STEPS = 250_000

_UTF_8 = (
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    rb"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}"
    rb"|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
_SOUND_IN_TEXT = rb'(?:[^"\\\x00-\x1f\x80-\xff]++|\\.|%b)*+' % _UTF_8
_ODD_OUTSIDE = rb"NaN|-?Infinity|-?\d++(?:\.\d++)?[eE]\+?\d{3,}+"


def _pattern(sound: bytes, odd: bytes) -> Callable[[bytes, int], re.Match[bytes]]:
    found = re.compile(rb"%b(?:(?P<odd>%b)|.?)" % (sound, odd), re.DOTALL).match
    return cast("Callable[[bytes, int], re.Match[bytes]]", found)  # it matches everywhere


# They skip all sound bytes at once, and end behind one odd place, or behind a text's quotes.
_outside = _pattern(
    rb'(?:[^"NI\-\d.]++|"%b"|-?[\d.]++(?![eE])|N(?!aN)|I(?!nfinity)|(?!%b)(?:-|[\d.]++))*+'
    % (_SOUND_IN_TEXT, _ODD_OUTSIDE),
    _ODD_OUTSIDE,
)
_in_text = _pattern(_SOUND_IN_TEXT, rb"[\x00-\x1f]{1,8}+|(?:(?!%b)[\x80-\xff]){1,8}+" % _UTF_8)
_lone = _pattern(
    rb"(?:[^\\]++|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole pair
    rb"|\\(?!u[dD][89a-fA-F][0-9a-fA-F]{2}).)*+",
    rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}",
)


def _kept(body: bytes) -> _Kept | None:
    """Return the text as `as_kept` does, with the places; None if there are too many."""
    if len(body) > _MOST_BYTES:
        return None
    kept, places = bytearray(), list[int]()
    at, is_in_text = len(_BYTE_ORDER_MARK) * body.startswith(_BYTE_ORDER_MARK), False
    for _ in range(_MOST_STEPS):
        found = (_in_text if is_in_text else _outside)(body, at)
        odd_at, at = found.start("odd"), found.end()
        kept += memoryview(body)[found.start() : at if odd_at < 0 else odd_at]
        if odd_at < 0:
            if at == len(body):
                return _Kept(bytes(kept), places)
            is_in_text = not is_in_text
            continue
        instead = (_in_texts if is_in_text else _outside_texts)(found["odd"])
        if instead != found["odd"]:
            places.append(len(kept))
        kept += instead
    return None


def _outside_texts(odd: bytes) -> bytes:
    return b"null" if odd[-1:] in b"Ny" or float(odd) in _INFINITIES else odd


_INFINITIES = frozenset({float("inf"), float("-inf")})


def _in_texts(odd: bytes) -> bytes:
    if odd >= b"\x80":
        return "\ufffd".encode() * len(odd)
    return msgspec.json.encode(odd.decode())[1:-1]


def _without_lone_surrogates(text: bytes) -> bytes | None:
    """Return a text of the same length; None if too much of it is odd."""
    if b"\\u" not in text:
        return text
    readable, at = bytearray(text), 0
    for _ in range(_MOST_STEPS):
        found = _lone(text, at)
        at = found.end()
        if found["odd"] is None:
            return bytes(readable)
        readable[at - 6 : at] = rb"\ufffd"
    return None
