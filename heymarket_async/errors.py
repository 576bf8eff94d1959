"""The errors of this package, by what the caller may do next.

    HeymarketError
    ├── ConnectError            nothing was sent: repeat freely
    ├── NoResponseError         sent, but no whole answer came: look before repeating a write
    ├── StatusError             Heymarket answered with a status outside 200-299
    │   ├── BadRequestError         400
    │   ├── AuthenticationError     401
    │   ├── PermissionDeniedError   403
    │   ├── NotFoundError           404, 410
    │   ├── RateLimitError          429
    │   └── ServerError             500-599
    ├── DecodeError             an answer of 200-299 that could not be read
    ├── DeadlineError           the deadline passed while the call still waited for its turn
    ├── StoreError              Redis for the shared rate limit is unreachable; nothing was sent
    ├── PaginationError         a walk cannot continue without the risk of skipping items
    ├── CustomFieldError        a custom field title that the account does not have, or has twice
    ├── TagError                a label that no tag of the account has
    └── ClientStateError        the client is closed, is used without asyncio or in another event
                                loop, or has the credentials of another account than the call, walk
                                or job began with

Wrong arguments are `ValueError`, raised before anything is sent. Cancellation is never wrapped.

Every fact is an attribute and no error holds a token, a secret, a request body, a phone or an
e-mail, so errors may be logged. All of them pickle: facts have defaults and stay in `__dict__`.
"""

from __future__ import annotations

from typing import ClassVar

PAGE = "(an HTML page)"
"""Stands for the text of a page: that of a gateway, since Heymarket answers in JSON."""


class HeymarketError(Exception):
    """Base of all errors that this package raises after a call has begun.

    Attributes:
        call: Verb and documented path of the call, such as "PUT /v1/contact/{id}", or "".
        attempts: How many requests were sent for the call, the last one included.
        request_id: The answer's `X-Request-Id`, which Heymarket's support asks for, or "".
        may_have_taken_effect: The call writes, and at least one attempt may have been carried
            out. Look before you repeat it. For a message, an attempt of an earlier call with the
            same `local_id` counts too. Always false for reads.
        cursor: Where a walk can be resumed, if the error ended one; else None.
        local_id: The `local_id` of the message, broadcast, comment or e-mail that was to be sent,
            or "". It is the text that you chose, so keep phones and names out of it.
    """

    _after_call: ClassVar[str] = " "

    def __init__(
        self,
        message: str = "",
        *,
        call: str = "",
        attempts: int = 0,
        request_id: str = "",
        may_have_taken_effect: bool = False,
        cursor: str | None = None,
        local_id: str = "",
    ) -> None:
        super().__init__(message)
        self.call = call
        self.attempts = attempts
        self.request_id = request_id
        self.may_have_taken_effect = may_have_taken_effect
        self.cursor = cursor
        self.local_id = local_id

    def __str__(self) -> str:
        call = f"{self.call}{self._after_call}" if self.call else ""
        parts = [f"{call}{super().__str__()}".strip()]
        if self.may_have_taken_effect:
            parts.append("it may have taken effect, so look before repeating it")
        if self.attempts > 1:
            parts.append(f"{self.attempts} attempts")
        if self.request_id:
            parts.append(f"request id {self.request_id}")
        return "; ".join(parts)


class ConnectError(HeymarketError):
    """No connection was made, so nothing was sent: DNS, refused, TLS, or connect time-out.

    Attributes:
        proxy_status: The status with which a proxy refused to make one, or 0.
    """

    def __init__(self, message: str = "", *, proxy_status: int = 0) -> None:
        super().__init__(message)
        self.proxy_status = proxy_status


class NoResponseError(HeymarketError):
    """The request was sent, but no whole answer came back: reset, time-out, or cut body.

    Attributes:
        status: HTTP status code if the head of the answer came, else None.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        call: str = "",
        request_id: str = "",
        may_have_taken_effect: bool = False,
    ) -> None:
        super().__init__(
            message,
            call=call,
            request_id=request_id,
            may_have_taken_effect=may_have_taken_effect,
        )
        self.status = status


class StatusError(HeymarketError):
    """Heymarket answered with a status outside 200-299.

    The shape of Heymarket's error bodies is not documented, so `code` and `detail` are read
    leniently and may be empty. In `detail`, e-mails, long numbers, and what the call itself
    sent are masked.

    Attributes:
        status: HTTP status code.
        code: Heymarket's short name of the error, such as "bad_data", or "".
        detail: Heymarket's own explanation, masked and cut to 300 characters, or "".
        retry_after_s: Seconds that the answer asked to wait, or None.

    https://developers.heymarket.com/rate-limits
    """

    def __init__(
        self,
        message: str = "",
        *,
        status: int = 0,
        code: str = "",
        detail: str = "",
        retry_after_s: float | None = None,
        call: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(message, call=call, request_id=request_id)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s

    @property
    def is_foreign(self) -> bool:
        """Whether it is not Heymarket's own answer: without a request id, or an HTML page.

        A gateway may add a request id to pages of its own.
        """
        return not self.request_id or self.detail == PAGE


class BadRequestError(StatusError):
    """400: the body is malformed, or a field is invalid; `detail` may say which."""


class AuthenticationError(StatusError):
    """401: the credentials are missing or wrong, or the token was not accepted."""


class PermissionDeniedError(StatusError):
    """403: the credentials are valid, but the team has no access to this."""


class NotFoundError(StatusError):
    """404 or 410, or an answer of 200 that holds nothing where one thing was asked for."""


class RateLimitError(StatusError):
    """429: more than 500 requests in the current minute."""


class ServerError(StatusError):
    """500-599: Heymarket, or something in front of it, failed."""


class DecodeError(HeymarketError):
    """Heymarket answered 200-299, but the body does not match its documentation.

    It is not JSON, has another shape, or is about another contact than the one asked for.

    Attributes:
        status: HTTP status code.
        is_garbled: The body is not JSON at all: a gateway's page, empty, or cut. This counts as a
            lost answer, and the call is retried like after one.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status: int = 0,
        is_garbled: bool = False,
        call: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(message, call=call, request_id=request_id)
        self.status = status
        self.is_garbled = is_garbled


class DeadlineError(HeymarketError):
    """The call's deadline passed while it waited for its turn to be sent.

    If an attempt had failed before, that error is the `__cause__`.
    """


class StoreError(HeymarketError):
    """Nothing was sent: Redis for a shared rate limit is unreachable, and `fallback` is 0."""


class PaginationError(HeymarketError):
    """A walk cannot continue without the risk of skipping items, such as contacts or messages.

    Attributes:
        timestamp: The time of the item where it stopped, as the server wrote it, or None.
        seen: How many items the walk had given so far.
        cursor: The text to resume the walk from, once the cause is removed.
    """

    _after_call = ": "  # its messages are not about the call

    def __init__(
        self,
        message: str = "",
        *,
        timestamp: str | None = None,
        seen: int = 0,
        cursor: str | None = None,
    ) -> None:
        super().__init__(message, cursor=cursor)
        self.timestamp = timestamp
        self.seen = seen


class CustomFieldError(HeymarketError, LookupError):
    """A title does not name exactly one custom field of the account.

    Attributes:
        title: The title that was asked for.
    """

    def __init__(self, message: str = "", *, title: str = "") -> None:
        super().__init__(message)
        self.title = title


class TagError(HeymarketError, LookupError):
    """No tag of the account has a label.

    Attributes:
        label: The label that was asked for.
    """

    def __init__(self, message: str = "", *, label: str = "") -> None:
        super().__init__(message)
        self.label = label


class ClientStateError(HeymarketError, RuntimeError):
    """The client is closed, or is not used in the event loop of its first call.

    That may be another loop of asyncio, an earlier one that has ended, or none, as under trio.

    Or its credentials changed, and it cannot be shown that they belong to the account that a walk
    or a job began with. Nothing was sent with them.
    """

    _after_call = ": "
