"""The body of an answer: read in pieces, decompressed, and never larger than it may be."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from typing import TypeVar, cast

import aiohttp

MOST_BYTES = 64 << 20
# An error says little. A longer page about one is not kept.
_MOST_OF_AN_ERROR = 1 << 20
_COMPRESSIONS = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
# Usually there is one.
_MOST_MEMBERS = 100
_PIECE = 1 << 16  # what follows a member is copied
_padding = re.compile(rb"\0*+").match

USUAL_BYTES = 2 << 20
"""How large the body of an answer is at most, as a rule: a page of 1,000 has about half of it."""


class BodyError(Exception):
    """A compressed body is not whole."""


class TooLargeError(Exception):
    """A body is larger than it may be; its connection is closed."""


def most_of(status: int, most: int) -> int:
    """Return how many bytes the body of an answer may have, by its status."""
    return most if 200 <= status <= 299 else min(most, _MOST_OF_AN_ERROR)


async def read(response: aiohttp.ClientResponse, most: int, *, is_traced: bool) -> bytes:
    """Return a body as it was sent, or close its connection as soon as it is too large.

    Args:
        response: Whose body; its head has come.
        most: How many bytes it may have.
        is_traced: Its session may want to see what is read.

    Raises:
        TooLargeError: It has more bytes, or says that it will have.
    """
    try:
        if not response.content.is_eof() and (response.content_length or 0) > most:
            raise TooLargeError  # noqa: TRY301 - closed as any other
        if not is_traced:
            return await _joined(response.content, most)
        response.content = cast("aiohttp.StreamReader", _Bounded(response.content, most))
        return await response.read()
    except BaseException:
        response.close()
        raise


async def _joined(stream: aiohttp.StreamReader, most: int) -> bytes:
    parts: list[bytes] = []
    while part := await stream.readany():
        most -= len(part)
        if most < 0:
            raise TooLargeError
        parts.append(part)
    return b"".join(parts)


class _Bounded:
    """Stands for the stream of a response, which reads all of it without a bound."""

    def __init__(self, stream: aiohttp.StreamReader, most: int) -> None:
        self._stream = stream
        self._most = most

    async def read(self) -> bytes:
        return await _joined(self._stream, self._most)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def decompressed(content: bytes, encoding: str, most: int) -> bytes:
    """Return a body as it was before it was compressed.

    aiohttp takes what there is of a stream that ends early for all of it, so that a contact that
    exists could pass for one that does not. Only the stream itself says whether it is whole.

    Args:
        content: As it was sent.
        encoding: The `Content-Encoding`; what is not known here is returned as it was sent.
        most: How many bytes it may have.

    Raises:
        BodyError: It is not whole.
        TooLargeError: It has more than `most` bytes.
    """
    if encoding not in _COMPRESSIONS:
        return content
    stream = zlib.decompressobj(_GZIP_OR_ZLIB)
    # One byte more than is left tells a body that is too large; 0 would be no bound.
    body = _part(stream.decompress, content, most + 1) if content else b""
    if len(body) > most:
        raise TooLargeError
    if not content or (stream.eof and not stream.unused_data):
        return body
    if not stream.eof:
        raise BodyError(_ENDS_EARLY)
    return b"".join((body, *_more(stream.unused_data, most - len(body))))


_ENDS_EARLY = "its compressed body ends early"


def _more(content: bytes, most: int) -> Iterator[bytes]:
    """Give what follows the first member: others, or padding."""
    members, at = 1, _skip_padding(content, 0)
    view = memoryview(content)
    while at < len(content):
        members += 1
        if members > _MOST_MEMBERS:
            raise BodyError("its compressed body has too many parts")
        stream = zlib.decompressobj(_GZIP_OR_ZLIB)
        while not stream.eof:
            piece = view[at : at + _PIECE]
            if not piece:
                raise BodyError(_ENDS_EARLY)
            part = _part(stream.decompress, piece, most + 1)
            most -= len(part)
            if most < 0:
                raise TooLargeError
            yield part
            at += len(piece) - len(stream.unused_data)
        at = _skip_padding(content, at)


def _skip_padding(content: bytes, at: int) -> int:
    return cast("re.Match[bytes]", _padding(content, at)).end()


_Piece = TypeVar("_Piece", bytes, memoryview)


def _part(decompress: Callable[[_Piece, int], bytes], piece: _Piece, most: int) -> bytes:
    try:
        return decompress(piece, most)
    except zlib.error:
        raise BodyError("its compressed body is garbled") from None


def is_crowded(body: bytes) -> bool:
    """Whether a body has so many values in so few bytes that to read it takes many times as much.

    An object takes some hundred bytes of memory, and another value some fifty.
    """
    objects, values = body.count(b"{"), body.count(b",")
    return objects > max(_MANY, len(body) // 64) or values > max(_MANY, len(body) // 8)


_MANY = 100_000
