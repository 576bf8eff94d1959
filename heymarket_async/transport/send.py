"""Sends one call: retry(wait for a turn → sign → exchange → decode).

Signing is inside the retry, because a token would expire during a long wait. Decoding is inside
too, because it turns statuses into errors, and retry looks at errors only.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import logging
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from heymarket_async.api_profile import ApiProfile
from heymarket_async.errors import (
    AuthenticationError,
    ClientStateError,
    DeadlineError,
    HeymarketError,
    NotFoundError,
    RateLimitError,
)
from heymarket_async.pacing.turns import AnyPacer, Turns, WaitLimits
from heymarket_async.pacing.window import DOCUMENTED_LIMIT, MARGIN, RateLimit
from heymarket_async.privacy import Hidden, stripped_copy
from heymarket_async.request import Repeat, Request
from heymarket_async.transport import retry, wire
from heymarket_async.transport.account import Binding, CredentialsChangedError
from heymarket_async.transport.auth import Credentials, Signer
from heymarket_async.transport.call import (
    AttemptEvent,
    Call,
    Options,
    emit,
    logger,
    writes_of_context,
)
from heymarket_async.transport.http import Answer, Http
from heymarket_async.transport.sends import Sends
from heymarket_async.walk.page_size import PageSizes

T = TypeVar("T")


class Transport:
    """Sends requests of one account.

    Args:
        base_url: Scheme and host, without a slash at the end.
        user_agent: The `User-Agent` header.
        signer: Makes tokens.
        rate: How many requests may be sent; None for no limit.
        http: The connections.
        options: Time limits, retries and the hook.
        profile: Facts about the API that were seen, or None.

    Attributes:
        server: The server in the name of the account: the base URL, unless the account is always
            the same one behind changing URLs.
        page_sizes: The limits that walks have tried, by list.
        sends: The messages that were sent, are being sent and may have been sent.
    """

    binding: Binding | None = None
    """Keeps the calls to one account; None if any account will do."""

    def __init__(
        self,
        *,
        base_url: str,
        user_agent: str,
        signer: Signer,
        rate: RateLimit | None,
        http: Http,
        options: Options,
        profile: ApiProfile | None = None,
    ) -> None:
        self.options = options
        self.profile = profile
        self.base_url = base_url
        self.server = base_url
        self.rate = rate
        self._signer = signer
        self.credentials_can_change = signer.can_change
        # The wait after a 429 that does not say how long: then the server's window is over.
        self._window_s = (rate or DOCUMENTED_LIMIT).per_s * MARGIN
        self._http = http
        self._turns = Turns(http.slots, _origin(base_url), rate, http.enter)
        self._open_calls: set[Call[Any]] = set()
        self.page_sizes: dict[str, PageSizes] = {}
        self.sends = Sends()
        self._headers = functools.lru_cache(maxsize=4)(functools.partial(wire.headers, user_agent))

    def with_options(self, options: Options) -> Transport:
        """Return a transport with other options and everything else shared."""
        derived = copy.copy(self)
        derived.options = options
        return derived

    def with_credentials(self, credentials: Credentials) -> Transport:
        """Return a transport with other credentials. Close its turns too: they are its own."""
        derived = copy.copy(self)
        derived._signer = Signer(credentials)  # noqa: SLF001 - the same class
        derived._turns = self._turns.for_other_credentials()  # noqa: SLF001 - the same class
        return derived

    @property
    def fingerprint(self) -> str:
        """A name for the credentials in use; "" until a callable was asked for them."""
        return self._signer.fingerprint

    async def ask_fingerprint(self) -> str:
        """Return the fingerprint of the credentials; a callable is asked for them if it is due.

        Raises:
            DeadlineError: A callable takes longer than a call may take.
        """
        if self._signer.needs_credentials:
            now = asyncio.get_running_loop().time()
            await self._ask_for_credentials(now + self.options.deadline_s)
        return self._signer.fingerprint

    def enter(self) -> None:
        """Bind the client to the running loop, as its first call does; see `Http.enter`."""
        self._http.enter()

    @property
    def waiting(self) -> str:
        """Why the call that waits longest is waiting, or "" if none is."""
        return self._turns.reason

    @property
    def waiting_s(self) -> float:
        """For how many seconds that call still waits, at least; inf if that is not known."""
        return self._turns.left_s

    async def aclose(self) -> None:
        """Close the connections and end all calls with `ClientStateError`.

        Raises:
            ClientStateError: The client is in use in another event loop.
        """
        self._http.leave()
        for call in self._open_calls:
            call.cancel()
        await self._http.aclose()
        await self._turns.aclose()

    async def close_turns(self) -> None:
        """Close the lines of its turns, and leave everything else open."""
        await self._turns.aclose()

    async def send(self, request: Request[T], *, may_repeat: bool = True) -> T:
        """Send a request, retry it where that is safe, and return the decoded answer.

        Args:
            request: The request.
            may_repeat: Whether it is retried.

        Raises:
            HeymarketError: See `heymarket_async.errors`.
            ValueError: The body cannot be written as JSON, or nothing can be read into `returns`.
        """
        try:
            loop = self._http.enter()
        except ClientStateError as error:
            error.call = request.call
            raise
        binding = self.binding
        if binding is None and self.credentials_can_change and request.repeat is not Repeat.READ:
            binding = Binding(self)
        body, now = wire.prepare(request), loop.time()
        call = Call(request, body, loop, now, now + self.options.deadline_s, binding)
        writes = None if request.repeat is Repeat.READ else writes_of_context.get()
        if writes is not None:
            writes.possible += 1
        self._open_calls.add(call)
        try:
            try:
                return await self._attempt(call)
            except HeymarketError as error:
                if not may_repeat:
                    raise
                failed = error
            return await retry.after(
                failed,
                functools.partial(self._attempt, call),
                repeat=request.repeat,
                policy=self.options.retry,
                window_s=self._window_s,
                deadline=call.deadline,
                sleep=functools.partial(self._sleep, call),
            )
        except asyncio.CancelledError as cancelled:
            if not call.take_back():
                call.mark(cancelled)
                raise
        finally:
            self._open_calls.discard(call)
            if writes is not None and not call.may_be_sent:
                writes.possible -= 1
        cut_off = ClientStateError("the client was closed before the answer had come")
        cut_off.may_have_taken_effect = call.is_in_flight
        call.annotate(cut_off)
        raise cut_off

    async def _sleep(self, call: Call[T], seconds: float) -> None:
        logger.debug("%s: next attempt in %.1f s", call.request.call, seconds)
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        with self._turns.waiting(f"to try {call.request.call} again", lambda: ends - loop.time()):
            await asyncio.sleep(seconds)
        call.waits["to try again"] = call.waits.get("to try again", 0.0) + seconds

    async def _attempt(self, call: Call[T]) -> T:
        token_replaced = False
        while True:
            try:
                return await self._exchange(call)
            except CredentialsChangedError as changed:
                await changed.binding.confirm(self._signer, call)
            except AuthenticationError:
                # Once in each attempt: a clock may be set again while a call waits for the next.
                if token_replaced:
                    raise
                # The next token is stamped with the server's time, as this refusal gave it.
                token_replaced = True
            except NotFoundError as error:
                # An earlier attempt, whose answer was lost, may have deleted it.
                request = call.request
                is_delete = request.method == "DELETE" and request.returns is type(None)
                is_done = is_delete and request.gone_is_done
                if error.is_foreign or not (is_done and call.may_have_taken_effect):
                    raise
                return cast(T, None)

    async def _exchange(self, call: Call[T]) -> T:
        turns = self._turns
        try:
            if (turn := turns.slots.take()) is not None:
                await turns.wait_for_slot(turn, self._wait_limits(call))
            try:
                if self._signer.needs_credentials:
                    await self._ask_for_credentials(call.deadline)
                self._http.check_open()
                pacer = turns.pacer(self._signer.fingerprint)
                if (turn := pacer.take()) is not None:
                    pacer = await turns.wait_for_pacer(
                        pacer, turn, self._wait_limits(call), lambda: self._signer.fingerprint
                    )
                try:
                    return await self._send_once(call, pacer)
                finally:
                    pacer.answered()
            finally:
                turns.slots.give_back()
        except HeymarketError as error:
            call.annotate(error)
            raise

    def _wait_limits(self, call: Call[T]) -> WaitLimits:
        return WaitLimits(call.deadline, self._longest_pause_s, call.waits)

    async def _send_once(self, call: Call[T], pacer: AnyPacer) -> T:
        if (binding := call.binding) is not None:
            binding.check(self._signer, call)  # here: nothing can happen before the token is made
        request, token = call.request, self._signer.token()
        secrets = self._signer.secrets  # of this token; the credentials may change meanwhile
        started = call.loop.time()
        if started >= call.deadline:
            raise DeadlineError("was not sent: its deadline had passed")
        call.attempts += 1
        call.is_in_flight = True
        answer: Answer | None = None
        try:
            answer = await self._http.exchange(
                request.method,
                self.base_url,
                request.target,
                headers=self._headers(token, call.body is not None),
                body=call.body,
                timeout_s=min(self.options.timeout_s, call.deadline - started),
                max_bytes=self.options.max_answer_bytes,
                task=call.task,
            )
            result = wire.decode(request, answer, body=call.body, secrets=secrets)
        except HeymarketError as error:
            call.is_in_flight = False
            call.annotate(error)
            self._react(error, answer, token, pacer)
            self._report(call, started, answer, error)
            raise
        self._report(call, started, answer, None)
        return result

    async def _ask_for_credentials(self, deadline: float) -> None:
        until_deadline = asyncio.timeout_at(deadline)
        try:
            async with until_deadline:
                await self._signer.ask()
        except TimeoutError as error:
            if not until_deadline.expired():
                raise
            late = DeadlineError("was still waiting for its credentials when its deadline passed")
            raise late from error

    def _react(
        self, error: HeymarketError, answer: Answer | None, token: Hidden[str], pacer: AnyPacer
    ) -> None:
        if isinstance(error, AuthenticationError) and answer is not None:
            self._signer.distrust(token, answer.date)
        elif isinstance(error, RateLimitError):
            # Bounded, because it pauses all calls of the credential.
            wait_s = retry.server_wait_s(error, self._window_s)
            pacer.pause(min(wait_s, self._longest_pause_s))

    @property
    def _longest_pause_s(self) -> float:
        return max(self.options.retry.max_retry_after_s, self._window_s)

    def _report(
        self, call: Call[T], started: float, answer: Answer | None, error: HeymarketError | None
    ) -> None:
        ended, hook = call.loop.time(), self.options.on_attempt
        waited_s, waits = started - call.waiting_since, call.waits
        call.waiting_since, call.waits = ended, {}
        if hook is None and not logger.isEnabledFor(logging.DEBUG):
            return
        event = AttemptEvent(
            call=call.request.call,
            attempt=call.attempts,
            status=answer.status if answer else getattr(error, "status", None),
            seconds=call.waiting_since - started,
            waited_s=waited_s,
            waits=waits,
            request_id=answer.request_id if answer else error.request_id if error else "",
            error=error and stripped_copy(error),
            date=answer.date if answer else "",
        )
        emit(event, hook)


def _origin(base_url: str) -> str:
    # One spelling per server, because its rate limit is kept under this name.
    parts = urlsplit(base_url)
    port = parts.port or {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{parts.hostname}:{port}"
