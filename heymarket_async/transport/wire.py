"""Turns requests into headers and bytes, and answers into models or errors. No I/O, no state."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Mapping
from typing import TypeVar, cast
from urllib.parse import parse_qsl, urlsplit

import msgspec
from multidict import CIMultiDict, CIMultiDictProxy, MultiMapping

from heymarket_async.decoding.answer import NOTHING, UnreadableError, read_answer, reader, says_none
from heymarket_async.errors import (
    PAGE,
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

_UNAUTHORIZED = 401
_CHECK = (
    "check the credentials: from_env takes them from HEYMARKET_SECRET_ID and HEYMARKET_SECRET_KEY,"
    " or from HEYMARKET_API_KEY"
)

_encoder = msgspec.json.Encoder()


def prepare(request: Request[T]) -> bytes | None:
    """Return a request's body as JSON, after a check that `returns` can be decoded into.

    Raises:
        ValueError: The body holds a value that JSON cannot express, or `returns` is not a type
            that can be decoded into.
    """
    try:
        reader(request.returns)
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
        reason = str(error)
    # Outside, because a codec's error holds the whole text.
    if "surrogates not allowed" in reason:
        reason = "it has half of a character (a lone surrogate)"
    raise ValueError(f"{_unwritable(body)} cannot be written as JSON: {reason}")


def _unwritable(body: object) -> str:
    """Return the name of the field that cannot be written, if the body is a struct."""
    for name in body.__struct_fields__ if isinstance(body, msgspec.Struct) else ():
        if (value := getattr(body, name)) is not msgspec.UNSET:
            try:
                encode(value)
            except ValueError:
                return name
    return "the body"


def headers(user_agent: str, token: Hidden[str], has_body: bool) -> Hidden[Mapping[str, str]]:
    """Return the headers of a request, in the form that aiohttp uses itself."""
    named = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",  # else aiohttp asks for every compression that is installed
        "Authorization": f"Bearer {token.reveal()}",
        "User-Agent": user_agent,
    }
    if has_body:
        named["Content-Type"] = "application/json"
    return Hidden(CIMultiDictProxy(CIMultiDict(named)))


def decode(
    request: Request[T], answer: Answer, *, body: bytes | None, secrets: Hidden[tuple[str, ...]]
) -> T:
    """Decode an answer into the type that the request asks for.

    Args:
        request: The request.
        answer: Its answer.
        body: The body that was sent. No error repeats any of it.
        secrets: The parts of the credentials. No error repeats them either.

    Raises:
        StatusError: The status is outside 200-299.
        NoResponseError: The body is needed, and may have been lost.
        DecodeError: The body has another shape, or is not JSON.
    """
    if not 200 <= answer.status <= 299:
        raise _status_error(request, answer, body, secrets)
    if answer.may_be_cut and request.returns is not type(None):
        raise NoResponseError(
            "got no whole answer (its body is empty, perhaps because it got lost)",
            status=answer.status,
            call=request.call,
            request_id=answer.request_id,
        )
    if request.one and answer.body.strip() in NOTHING:
        raise _not_found(request, answer)
    try:
        return read_answer(request, answer.body)
    except UnreadableError as error:
        problem, is_garbled = str(error), error.is_garbled
    # Raised outside, so that no traceback holds the body.
    if request.one and says_none(answer.body):
        raise _not_found(request, answer)
    raise DecodeError(
        f"answered {answer.status}, but the body cannot be read: {problem}",
        status=answer.status,
        is_garbled=is_garbled,
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


def retry_after_s(headers: MultiMapping[str]) -> float | None:
    """Return the seconds that `Retry-After` asks to wait, or None if it gives no hint.

    If there are several values, in one header or in several, the longest wait is returned. A value
    may be seconds, a date, or seconds, milli-, micro- or nanoseconds since 1970. Times are compared
    with the answer's own `Date`, so this machine's clock does not matter. Zero and past times are
    not hints.
    """
    if "Retry-After" not in headers:
        return None
    date = http_date(headers.get("Date", ""))
    now = time.time() if date is None else date
    texts = (text for value in headers.getall("Retry-After") for text in _PARTS.split(value))
    waits = (seconds for text in texts if 0 < (seconds := _seconds_until(text, now)) < math.inf)
    return max(waits, default=None)


def _seconds_until(text: str, now: float) -> float:
    match = _SECONDS.fullmatch(text)
    if match is None:
        until = http_date(text)
        return 0.0 if until is None else until - now
    seconds = float(match[1])
    while 1e11 <= seconds < 1e20:  # milli-, micro- or nanoseconds since 1970: no wait is that long
        seconds /= 1000
    return seconds - now if 1e9 <= seconds < 1e11 else seconds


# This splits a date behind the day of the week; the rest of it is still a valid date.
_PARTS = re.compile("[,;]")
_SECONDS = re.compile(
    r"[\s\"']*+\+?(\d++(?:\.\d*+)?(?:e\+?\d++)?)\s*+(?:s|secs?|seconds?)?[\s\"']*+(?:\(.*)?",
    re.ASCII | re.IGNORECASE,
)


def _status_error(
    request: Request[T], answer: Answer, body: bytes | None, secrets: Hidden[tuple[str, ...]]
) -> StatusError:
    fallback = ServerError if 500 <= answer.status <= 599 else StatusError
    code, detail = _explanation(answer)
    sent = _sent(request, body)
    code = code if masking.mask(code, sent, secrets) == code else ""
    detail = masking.mask(detail, sent, secrets)
    wait_s = retry_after_s(answer.headers)
    asks = "" if wait_s is None else f"(asks to wait {wait_s:g} s)"
    redirect = _redirect(answer, sent, secrets)
    summary = " ".join(filter(None, (f"answered {answer.status}", code, asks, redirect)))
    message = f"{summary}: {detail}" if detail else summary
    return _BY_STATUS.get(answer.status, fallback)(
        f"{message}; {_CHECK}" if answer.status == _UNAUTHORIZED else message,
        status=answer.status,
        code=code,
        detail=detail,
        retry_after_s=wait_s,
        call=request.call,
        request_id=answer.request_id,
    )


def _redirect(answer: Answer, sent: Iterable[str], secrets: Hidden[tuple[str, ...]]) -> str:
    location = answer.headers.get("Location", "")
    if not 300 <= answer.status <= 399 or not location:
        return ""
    # Only the host: the rest may repeat a query or hold a password.
    match = _HOST.match(location)
    host = match[1] if match else "another path"
    shown = host if _IP_ADDRESS.fullmatch(host) else masking.mask(host, sent, secrets)
    return f"(a redirect to {shown}, which is not followed)"


def masked(value: object, sent: object) -> str:
    """Return a value from an answer on one line, masked and cut.

    Args:
        value: The value, as it was decoded from JSON.
        sent: The value that was sent; no text of it is repeated.
    """
    texts = set(masking.private_texts(msgspec.to_builtins(sent)))
    return masking.mask(_encoder.encode(value).decode(), texts, Hidden(()))


def _explanation(answer: Answer) -> tuple[str, str]:
    # The shape of error bodies is not documented. Other clients of this API look for `message`,
    # then `error`, then the plain text; a related API sends `error_code`.
    text = answer.body.decode(errors="replace").strip()
    try:
        content: object = msgspec.json.decode(answer.body)
        # Encoded again without escapes, so that texts that were sent are recognized in it.
        text = _encoder.encode(content).decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "", PAGE if text.startswith("<") else text
    if not isinstance(content, dict):
        return "", content if isinstance(content, str) else text
    fields = cast(dict[str, object], content)
    texts = {name: value for name, value in fields.items() if isinstance(value, str)}
    codes = [texts[name] for name in ("error_code", "code", "error") if name in texts]
    code = next((each for each in codes if re.fullmatch(r"[a-z][a-z0-9_]{0,63}", each)), "")
    details = [texts[name] for name in ("message", "detail", "error") if name in texts]
    detail = next((each for each in details if each != code), "")
    known = code or detail
    return code, detail if known and len(fields) == len(texts) else detail or text


def _sent(request: Request[T], body: bytes | None) -> set[str]:
    query = {value for _, value in parse_qsl(urlsplit(request.target).query)}
    return {*masking.private_texts(msgspec.json.decode(body) if body else None), *query} - {
        "true",
        "false",
    }


# All up to the last @ is a login. A "port" that is not a number may be the start of a password.
_HOST = re.compile(
    r"(?:[a-z][a-z0-9+.-]*:)?//(?:[^/?#]*@)?((?:\[[^]/?#@]*\]|[^][:/?#@]+)(?::\d*)?)(?=[/?#]|$)",
    re.ASCII | re.IGNORECASE,
)
_IP_V4 = r"(?:\d{1,3}\.){3}\d{1,3}"
_IP_ADDRESS = re.compile(
    rf"(?:{_IP_V4}|\[(?:[\da-f]{{0,4}}:)+(?:{_IP_V4}|[\da-f]{{0,4}})\])(?::\d{{1,5}})?",
    re.ASCII | re.IGNORECASE,
)
