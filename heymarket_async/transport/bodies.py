"""Reads and decompresses the body of an answer, up to its largest allowed size."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Protocol, cast

import aiohttp

if TYPE_CHECKING:
    from heymarket_async.transport.direct import Response

MAX_BYTES = 64 << 20
# A longer page about an error is not kept.
_MAX_BYTES_OF_AN_ERROR = 1 << 20
_COMPRESSIONS = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
# A gzip body may have several members, one after the other. Usually there is one.
_MAX_MEMBERS = 100
_PIECE = 1 << 16  # zlib copies the bytes behind a member
_padding = re.compile(rb"\0*+").match

USUAL_BYTES = 2 << 20
"""Bodies are usually smaller. A page of 1,000 contacts has about half of this."""


class _Stream(Protocol):
    def decompress(self, data: memoryview, max_length: int, /) -> bytes: ...


class BodyError(Exception):
    """A compressed body is not whole."""


class TooLargeError(Exception):
    """A body is larger than allowed."""


def max_size(status: int, max_bytes: int) -> int:
    """Return the largest allowed size of a body, which is smaller for errors."""
    return max_bytes if 200 <= status <= 299 else min(max_bytes, _MAX_BYTES_OF_AN_ERROR)


async def read(
    response: aiohttp.ClientResponse | Response, max_bytes: int, *, is_traced: bool
) -> bytes:
    """Return a body as it was sent, or close its connection as soon as it is too large.

    Args:
        response: The answer, whose head has arrived.
        max_bytes: The largest allowed size for a success.
        is_traced: Read through the response, of a session, so that the hooks of that see it.

    Raises:
        TooLargeError: The body is too large, or its `Content-Length` says so.
    """
    stream = cast("aiohttp.StreamReader", response.content)
    max_bytes = max_size(response.status, max_bytes)
    try:
        if not stream.is_eof() and (response.content_length or 0) > max_bytes:
            raise TooLargeError  # noqa: TRY301 - closed below
        if not is_traced:
            return await _joined(stream, max_bytes)
        traced = cast("aiohttp.ClientResponse", response)
        traced.content = cast("aiohttp.StreamReader", _Bounded(stream, max_bytes))
        return await traced.read()
    except BaseException:
        response.close()
        raise


async def _joined(stream: aiohttp.StreamReader, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    while part := await stream.readany():
        max_bytes -= len(part)
        if max_bytes < 0:
            raise TooLargeError
        parts.append(part)
    return b"".join(parts)


class _Bounded:
    """The stream of a response whose `read` has a limit."""

    def __init__(self, stream: aiohttp.StreamReader, max_bytes: int) -> None:
        self._stream = stream
        self._max_bytes = max_bytes

    async def read(self) -> bytes:
        return await _joined(self._stream, self._max_bytes)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def decompressed(content: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return a body as it was before it was compressed.

    aiohttp accepts a stream that ends early as if it were whole, so a contact that exists could
    look like one that does not. Only the stream itself shows whether it is whole.

    Args:
        content: As it was sent.
        encoding: The `Content-Encoding`; a body with an unknown one is returned as it was sent.
        max_bytes: The largest allowed size after decompression.

    Raises:
        BodyError: The body is not whole.
        TooLargeError: It has more than `max_bytes` bytes.
    """
    if encoding not in _COMPRESSIONS or not content:
        return content
    view, at, parts = memoryview(content), 0, list[bytes]()
    for _ in range(_MAX_MEMBERS):
        stream = zlib.decompressobj(_GZIP_OR_ZLIB)
        while not stream.eof:
            if not (piece := view[at : at + _PIECE]):
                raise BodyError("its compressed body ends early")
            part = _part(stream, piece, max_bytes + 1)  # one more shows that it is too large
            max_bytes -= len(part)
            if max_bytes < 0:
                raise TooLargeError
            parts.append(part)
            at += len(piece) - len(stream.unused_data)
        at = _skip_padding(content, at)
        if at == len(content):
            return b"".join(parts)
    raise BodyError("its compressed body has too many parts")


def _skip_padding(content: bytes, at: int) -> int:
    return cast("re.Match[bytes]", _padding(content, at)).end()


def _part(stream: _Stream, piece: memoryview, max_length: int) -> bytes:
    try:
        return stream.decompress(piece, max_length)
    except zlib.error:
        raise BodyError("its compressed body is garbled") from None


def is_crowded(body: bytes) -> bool:
    """Whether a large body has so many values that reading it takes many times its memory.

    An object takes about 100 bytes of memory, and any other value about 50.
    """
    objects, values = body.count(b"{"), body.count(b",")
    return objects > max(_MANY, len(body) // 64) or values > max(_MANY, len(body) // 8)


_MANY = 100_000
