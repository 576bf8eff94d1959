"""Answers, before they are put on the wire."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from heymarket_async.sandbox.readings import Readings

# https://developers.heymarket.com/rate-limits names the first of these `bad_data`;
# the other names are made up, since no page shows an error body.
CODES = {
    400: "bad_data",
    401: "unauthorized",
    403: "denied",
    404: "not_found",
    413: "too_large",
    429: "rate_limit_exceeded",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body, and what describes it."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


NAMED = {
    "[]": Answer(200, b"[]"),
    "null": Answer(200, b"null"),
    "{}": Answer(200, b"{}"),
    "contact": Answer(200, b'{"contact":null}'),
    "error": Answer(200, b'{"error":"no such contact"}'),
    "id": Answer(200, b'{"id":0}'),
    "text": Answer(200, b'"success"'),
    "object": Answer(200, b'{"success":true}'),
    "empty": Answer(200, b""),
    "204": Answer(204, b""),
}
"""Whole answers, by the names that the readings give them."""


class Refused(Exception):  # noqa: N818 - an answer that is on its way, not a failure of ours
    """Ends a handler early with an error answer."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


def as_json(value: object, status: int = 200) -> Answer:
    """Return the value as a JSON answer."""
    return Answer(status, msgspec.json.encode(value))


def as_array(lines: Iterable[bytes]) -> Answer:
    """Return contacts whose JSON is made already as one array."""
    return Answer(200, b"[" + b",".join(lines) + b"]")


def as_list(lines: Sequence[bytes], readings: Readings) -> Answer:
    """Return a list of contacts, which may end in ways that the readings know."""
    return as_array(lines) if lines else NAMED[readings.list_end]


def as_error(refused: Refused, readings: Readings) -> Answer:
    """Return an error answer in the shape that the readings give error bodies."""
    code = CODES.get(refused.status, "server_error")
    message = refused.message
    shapes: dict[str, object] = {
        "message": {"error": code, "message": message},
        "error": {"error": message},
        "code": {"error_code": code, "message": message},
    }
    if shape := shapes.get(readings.error_body):
        return Answer(refused.status, msgspec.json.encode(shape), headers=refused.headers)
    text = message if readings.error_body == "text" else ""
    return Answer(refused.status, text.encode(), "text/plain", refused.headers)
