"""What the sandbox remembers of a request, for tests to look at."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class Received:
    """A request that reached the sandbox.

    Attributes:
        method: GET, POST, PUT or DELETE.
        path: The path without the query.
        query: The query's parameters.
        body: The decoded JSON; None without a body; the raw bytes if they are no JSON.
        headers: Looked up in any case; the value of `Authorization` is masked.
        request_id: The `X-Request-Id` of its answer.
        at: `time.monotonic()` of its arrival.
        status: The answered status; None while there is no answer, and for ever after a reset.
        fault: Which ordered fault hit it, if any.
    """

    method: str
    path: str
    query: dict[str, str]
    body: object
    headers: Mapping[str, str]
    request_id: str
    at: float
    status: int | None = None
    fault: str | None = None
