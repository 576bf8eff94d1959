"""The requests that the sandbox received, for tests to check."""

import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

MAX_REQUESTS = 10_000
MAX_BYTES = 64 * 1024 * 1024
"""The largest size of all kept requests together, and of all bodies that are being received."""

# Approximate sizes in Python: of a record, and of a mapping's entry without its two texts.
_RECORD_BYTES = 2000
_ENTRY_BYTES = 100


@dataclass(slots=True)
class Received:
    """A request that reached the sandbox.

    Attributes:
        method: GET, POST, PUT or DELETE.
        path: The path without the query.
        query: The query's parameters.
        headers: Looked up in any case; the value of `Authorization` is masked.
        request_id: The `X-Request-Id` of its answer.
        at: `time.monotonic()` of its arrival.
        status: The answered status; None while there is no answer, and for ever after a reset.
        fault: The name of the fault that it met, if any.
        raw: The bytes of its body that have arrived; none if it was too large.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    request_id: str
    at: float
    status: int | None = None
    fault: str | None = None
    raw: bytearray = field(default_factory=bytearray, repr=False)

    @property
    def body(self) -> object:
        """The decoded JSON; None without a body; the raw bytes if they are not JSON."""
        # Decoded on demand: decoded, `[[],[],...` is twenty times larger.
        raw = bytes(self.raw)
        try:
            return msgspec.json.decode(raw) if raw else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return raw

    @property
    def size(self) -> int:
        """The approximate number of bytes that it takes."""
        entries = (*self.query.items(), *self.headers.items())
        texts = sum(
            _ENTRY_BYTES + sys.getsizeof(key) + sys.getsizeof(text) for key, text in entries
        )
        return _RECORD_BYTES + sys.getsizeof(self.path) + len(self.raw) + texts


class Recent:
    """The newest requests, limited by number and by bytes; the oldest are dropped first.

    Attributes:
        requests: The requests, in the order of their arrival; users may clear it.
        receiving: Bytes of the bodies that are being received or worked on.
    """

    def __init__(self) -> None:
        self.requests: deque[Received] = deque(maxlen=MAX_REQUESTS)
        self.receiving = 0
        self._bytes = 0

    def add(self, received: Received) -> None:
        """Record a request whose body is still to come."""
        self.requests.append(received)
        self._count(received.size)

    def take(self, received: Received, piece: bytes, most: int) -> bool:
        """Add a piece to a request's body, or drop the body and return False if it is too large."""
        self.receiving += len(piece)
        received.raw += piece
        if len(received.raw) > most or self.receiving > MAX_BYTES:
            self.finish(received)
            received.raw.clear()
            return False
        self._count(len(piece))
        return True

    def finish(self, received: Received) -> None:
        """End the work on a request: its body no longer counts as being received."""
        self.receiving -= len(received.raw)

    def _count(self, more: int) -> None:
        """Count new bytes, and remove the oldest requests if there are too many."""
        self._bytes += more
        if self._bytes <= MAX_BYTES:
            return
        # Counted again, as users may have cleared the requests. Dropping to three quarters makes
        # this rare.
        sizes = [received.size for received in self.requests]
        self._bytes = sum(sizes)
        for size in sizes[:-1]:
            if self._bytes <= MAX_BYTES * 3 // 4:
                break
            self._bytes -= size
            self.requests.popleft()
