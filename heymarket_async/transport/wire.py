"""Requests to bytes, and answers to models or errors: no I/O, no state."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable
from typing import TypeVar, cast
from urllib.parse import parse_qsl, urlsplit

import msgspec
from multidict import MultiMapping

from heymarket_async.decoding import answer as reading
from heymarket_async.errors import (
    AuthenticationError,
    BadRequestError,
    DecodeError,
    NoResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    StatusError,
)
from heymarket_async.privacy import Hidden
from heymarket_async.request import Request
from heymarket_async.timestamps import http_date
from heymarket_async.transport import masking
from heymarket_async.transport.http import Answer

T = TypeVar("T")

_BY_STATUS: dict[int, type[StatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    410: NotFoundError,
    429: RateLimitError,
}

_encoder = msgspec.json.Encoder()


def prepare(request: Request[T]) -> bytes | None:
    """Return a request's body as JSON, once it is sure that its answer can be read.

    Raises:
        ValueError: The body holds a value that JSON cannot express, or nothing can be read into
            `returns`.
    """
    try:
        reading.reader(request.returns)
    except TypeError as error:
        raise ValueError(f"returns must be a type that msgspec can decode into: {error}") from None
    return encode(request.body)


def encode(body: object) -> bytes | None:
    """Return a request's body as JSON, or None if it has none.

    Raises:
        ValueError: It holds a value that JSON cannot express.
    """
    if body is msgspec.UNSET:
        return None
    try:
        return _encoder.encode(body)
    except (
        TypeError,
        OverflowError,
        RecursionError,
        UnicodeEncodeError,
        msgspec.MsgspecError,
    ) as error:
        raise ValueError(f"the body cannot be written as JSON: {error}") from None


def decode(
    request: Request[T], answer: Answer, *, body: bytes | None, secrets: Hidden[tuple[str, ...]]
) -> T:
    """Return what an answer holds.

    Args:
        request: What was asked.
        answer: What came back.
        body: The body that was sent, so that nothing of it is repeated in an error.
        secrets: What the token was made from, for the same reason.

    Raises:
        StatusError: The status is outside 200-299.
        NoResponseError: The body is needed, and may have been lost.
        DecodeError: The body is not what was asked for.
    """
    if not 200 <= answer.status <= 299:
        raise _status_error(request, answer, body, secrets)
    if answer.may_be_cut and request.returns is not type(None):
        raise _lost(request, answer)
    if request.one and answer.body.strip() in reading.NOTHING:
        raise _not_found(request, answer)
    try:
        return reading.read(request, answer.body)
    except reading.UnreadableError as error:
        failure = _unreadable(request, answer, error)
    raise failure  # outside, so that no traceback holds what could not be read


def _unreadable(
    request: Request[T], answer: Answer, error: reading.UnreadableError
) -> DecodeError | NotFoundError:
    if request.one and reading.says_none(answer.body):
        return _not_found(request, answer)
    return DecodeError(
        f"answered {answer.status}, but the body cannot be read: {error}",
        status=answer.status,
        is_garbled=error.is_garbled,
        call=request.call,
        request_id=answer.request_id,
    )


def _not_found(request: Request[T], answer: Answer) -> NotFoundError:
    return NotFoundError(
        f"answered {answer.status} with nothing in it: not found",
        status=answer.status,
        call=request.call,
        request_id=answer.request_id,
    )


def _lost(request: Request[T], answer: Answer) -> NoResponseError:
    lost = NoResponseError("got no whole answer (its body is empty, perhaps because it got lost)")
    lost.call, lost.request_id = request.call, answer.request_id
    return lost


def retry_after_s(headers: MultiMapping[str]) -> float | None:
    """Return the seconds that `Retry-After` asks to wait, or None if it gives no hint.

    Of several values, in one header or in more, the longest counts. A date, or a number of seconds,
    milli-, micro- or nanoseconds since 1970, is measured against the answer's own `Date`, so this
    machine's clock does not matter. No time at all, and a time that has passed, are no hint.
    """
    if "Retry-After" not in headers:
        return None
    told = http_date(headers.get("Date", ""))
    now = time.time() if told is None else told
    texts = (text for value in headers.getall("Retry-After") for text in _PARTS.split(value))
    waits = (seconds for text in texts if 0 < (seconds := _wait_s(text, now)) < math.inf)
    return max(waits, default=None)


def _wait_s(text: str, now: float) -> float:
    match = _SECONDS.fullmatch(text)
    if match is None:
        until = http_date(text)
        return 0.0 if until is None else until - now
    seconds = float(match[1])
    while 1e11 <= seconds < 1e20:  # milli-, micro- or nanoseconds since 1970: no wait is so long
        seconds /= 1000
    return seconds - now if 1e9 <= seconds < 1e11 else seconds


# The comma in a date follows the day of the week, without which it can be read too.
_PARTS = re.compile("[,;]")
_SECONDS = re.compile(
    r"[\s\"']*\+?(\d+(?:\.\d*)?(?:e\+?\d+)?)\s*(?:s|secs?|seconds?)?[\s\"']*(?:\(.*)?",
    re.ASCII | re.IGNORECASE,
)


def _status_error(
    request: Request[T], answer: Answer, body: bytes | None, secrets: Hidden[tuple[str, ...]]
) -> StatusError:
    fallback = ServerError if 500 <= answer.status <= 599 else StatusError
    code, detail = _explanation(answer)
    sent = _sent(request, body)
    code = code if masking.shown(code, sent, secrets) == code else ""
    detail = masking.shown(detail, sent, secrets)
    wait_s = retry_after_s(answer.headers)
    asks = "" if wait_s is None else f"(asks to wait {wait_s:g} s)"
    leads = _leads_to(answer, sent, secrets)
    said = " ".join(filter(None, (f"answered {answer.status}", code, asks, leads)))
    return _BY_STATUS.get(answer.status, fallback)(
        f"{said}: {detail}" if detail else said,
        status=answer.status,
        code=code,
        detail=detail,
        retry_after_s=wait_s,
        call=request.call,
        request_id=answer.request_id,
    )


def _leads_to(answer: Answer, sent: Iterable[str], secrets: Hidden[tuple[str, ...]]) -> str:
    location = answer.headers.get("Location", "")
    if not 300 <= answer.status <= 399 or not location:
        return ""
    # Not the whole of it, which may repeat a query or hold a password.
    match = _HOST.match(location)
    host = match[1] if match else "another path"
    shown = host if _IP_ADDRESS.fullmatch(host) else masking.shown(host, sent, secrets)
    return f"(a redirect to {shown}, which is not followed)"


def masked(said: object, sent: object) -> str:
    """Return what a server said of something that was sent, on one line, masked and cut.

    Args:
        said: JSON, decoded.
        sent: What is sent as JSON; nothing of it is repeated.
    """
    texts = set(masking.texts(msgspec.to_builtins(sent)))
    return masking.shown(_encoder.encode(said).decode(), texts, Hidden(()))


def _explanation(answer: Answer) -> tuple[str, str]:
    # The shape of error bodies is not documented. Other clients of this API were seen to look for
    # `message`, then `error`, then the plain text; a sister API sends `error_code`.
    text = answer.body.decode(errors="replace").strip()
    try:
        said: object = msgspec.json.decode(answer.body)
        # Written anew, since what is escaped in a text would not be known for what was sent.
        text = _encoder.encode(said).decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "", "(an HTML page)" if text.startswith("<") else text
    if not isinstance(said, dict):
        return "", said if isinstance(said, str) else text
    fields = cast(dict[str, object], said)
    texts = {name: value for name, value in fields.items() if isinstance(value, str)}
    codes = [texts[name] for name in ("error_code", "code", "error") if name in texts]
    code = next((each for each in codes if re.fullmatch(r"[a-z][a-z0-9_]{0,63}", each)), "")
    details = [texts[name] for name in ("message", "detail", "error") if name in texts]
    detail = next((each for each in details if each != code), "")
    known = code or detail
    return code, detail if known and len(fields) == len(texts) else detail or text


def _sent(request: Request[T], body: bytes | None) -> set[str]:
    query = {value for _, value in parse_qsl(urlsplit(request.target).query)}
    return {*masking.texts(msgspec.json.decode(body) if body else None), *query} - {"true", "false"}


# Up to the last @ it is a login. What is no port may be the beginning of a password with a slash.
_HOST = re.compile(
    r"(?:[a-z][a-z0-9+.-]*:)?//(?:[^/?#]*@)?((?:\[[^]/?#@]*\]|[^][:/?#@]+)(?::\d*)?)(?=[/?#]|$)",
    re.ASCII | re.IGNORECASE,
)
_IP_V4 = r"(?:\d{1,3}\.){3}\d{1,3}"
_IP_ADDRESS = re.compile(
    rf"(?:{_IP_V4}|\[(?:[\da-f]{{0,4}}:)+(?:{_IP_V4}|[\da-f]{{0,4}})\])(?::\d{{1,5}})?",
    re.ASCII | re.IGNORECASE,
)
