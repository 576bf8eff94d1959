"""The way down: retry( wait for a turn → sign → exchange → decode ), once per call.

Signing is inside the retry, because a token would die during a long wait. Decoding is inside too:
statuses become errors there, and retry looks at errors only.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import logging
from collections.abc import Mapping
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from multidict import CIMultiDict, CIMultiDictProxy

from heymarket_async.errors import (
    AuthenticationError,
    ClientStateError,
    DeadlineError,
    HeymarketError,
    NotFoundError,
    RateLimitError,
)
from heymarket_async.pacing.line import Turns, Waits
from heymarket_async.pacing.window import DOCUMENTED_LIMIT, MARGIN, WINDOWS, AnyPacer, RateLimit
from heymarket_async.privacy import Hidden, stripped_copy
from heymarket_async.request import Repeat, Request
from heymarket_async.transport import retry, wire
from heymarket_async.transport.account import Binding, CredentialsChangedError
from heymarket_async.transport.auth import Signer
from heymarket_async.transport.call import AttemptEvent, Call, Options, emit, logger
from heymarket_async.transport.http import Answer, Http

T = TypeVar("T")


_RATE_LIMIT = "the rate limit"


class Transport:
    """Sends requests of one account.

    Args:
        base_url: Scheme and host, without a slash at the end.
        user_agent: What to call ourselves.
        signer: Makes tokens.
        rate: How many requests may be sent, or None for as many as wanted.
        http: The connections.
        options: Time limits, retries and the hook.
    """

    binding: Binding | None = None
    """The account that calls are held to which bring none of their own."""

    def __init__(
        self,
        *,
        base_url: str,
        user_agent: str,
        signer: Signer,
        rate: RateLimit | None,
        http: Http,
        options: Options,
    ) -> None:
        self.options = options
        self._base_url = base_url
        self._origin = _origin(base_url)
        self._signer = signer
        self.can_change = signer.can_change
        self._rate = rate
        # How long a refused call waits to outlast the window in which the limit is counted.
        self._minute_s = (rate or DOCUMENTED_LIMIT).per_s * MARGIN
        self._http = http
        self._waits = Waits()
        self._open_calls: set[Call[Any]] = set()
        self._pacers: dict[str, AnyPacer] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._headers = functools.lru_cache(maxsize=4)(functools.partial(_headers, user_agent))

    def with_options(self, options: Options) -> Transport:
        """Return a transport with other options and everything else shared."""
        derived = copy.copy(self)
        derived.options = options
        return derived

    @property
    def fingerprint(self) -> str:
        """A name for the credentials in use; "" until a callable was asked for them."""
        return self._signer.fingerprint

    @property
    def waiting(self) -> str:
        """Why the call that waits longest is waiting, or "" if none is."""
        return self._waits.reason

    async def aclose(self) -> None:
        """Close the connections and end all calls with `ClientStateError`.

        Raises:
            ClientStateError: The client is in use in another event loop.
        """
        self._http.leave()
        for call in self._open_calls:
            call.cancel()
        await self._http.aclose()
        for pacer in self._pacers.values():
            await pacer.aclose()
        if self._closing:
            await asyncio.wait(self._closing)

    async def send(self, request: Request[T], binding: Binding | None = None) -> T:
        """Send a request, again where that is safe, and return what the answer holds.

        Args:
            request: The call.
            binding: The account that it must go to.

        Raises:
            HeymarketError: See `heymarket_async.errors`.
            ValueError: The body cannot be written as JSON, or nothing can be read into `returns`.
        """
        try:
            now = self._http.enter().time()
        except ClientStateError as error:
            error.call = request.call
            raise
        held_to = binding or self.binding
        if held_to is None and self.can_change and request.repeat is not Repeat.READ:
            held_to = self._binding_of_one_call()
        call = Call(request, wire.prepare(request), now, now + self.options.deadline_s, held_to)
        self._open_calls.add(call)
        try:
            try:
                return await self._attempt(call)
            except HeymarketError as error:
                first = error
            if not retry.may_repeat(first, request.repeat, self.options.retry):
                raise first
            return await self._again(call, first)
        except asyncio.CancelledError:
            if not call.take_back():
                raise
        finally:
            self._open_calls.discard(call)
        cut_off = ClientStateError("was cut off when its client was closed")
        cut_off.may_have_taken_effect = call.is_under_way
        call.annotate(cut_off)
        raise cut_off

    def _binding_of_one_call(self) -> Binding:
        from heymarket_async.transport import bound  # noqa: PLC0415 - it builds on this module

        return bound.binding_of(self)

    async def _again(self, call: Call[T], first: HeymarketError) -> T:
        loop = asyncio.get_running_loop()
        return await retry.again(
            first,
            lambda: self._attempt(call),
            repeat=call.request.repeat,
            policy=self.options.retry,
            minute_s=self._minute_s,
            left_s=lambda: call.deadline - loop.time(),
            sleep=functools.partial(self._sleep, call),
        )

    async def _sleep(self, call: Call[T], seconds: float) -> None:
        await self._waits.sleep(seconds, reason=f"to try {call.request.call} again")
        call.waited("to try again", seconds)

    async def _attempt(self, call: Call[T]) -> T:
        try:
            try:
                return await self._exchange(call)
            except (AuthenticationError, CredentialsChangedError) as error:
                return await self._resign(call, error)
        except NotFoundError as error:
            # An attempt whose answer was lost may have deleted it, and it is not there any more.
            is_delete = call.request.method == "DELETE" and call.request.returns is type(None)
            if not (is_delete and call.may_have_taken_effect and error.request_id):
                raise
            return cast(T, None)

    async def _resign(self, call: Call[T], error: HeymarketError) -> T:
        while True:
            if call.binding is not None and isinstance(error, CredentialsChangedError):
                await call.binding.confirm(self._signer, call)
            elif call.resigned:
                raise error
            # A token that is refused was not used, and the next knows the clock of the refusal.
            call.resigned = call.resigned or isinstance(error, AuthenticationError)
            try:
                return await self._exchange(call)
            except (AuthenticationError, CredentialsChangedError) as another:
                error = another

    async def _exchange(self, call: Call[T]) -> T:
        try:
            slots = self._http.slots
            if (turn := slots.take()) is not None:
                await self._wait_for_slot(turn, call)
            try:
                if self._signer.needs_credentials:
                    await self._ask_for_credentials(call)
                self._http.enter()  # the client may have been closed meanwhile
                pacer = self._pacer()
                if (turn := pacer.take()) is not None:
                    pacer = await self._wait_for_pacer(turn, call, pacer)
                try:
                    return await self._send_once(call, pacer)
                finally:
                    pacer.answered()
            finally:
                slots.release()
        except HeymarketError as error:
            call.annotate(error)
            raise

    async def _wait_for_slot(self, turn: asyncio.Future[None], call: Call[T]) -> None:
        slots = self._http.slots
        # Those that have one may all be waiting for the rate limit.
        for pacer in self._pacers.values():
            self._refuse_if_paused(call, pacer, turn, slots)
        is_paced = self.waiting == _RATE_LIMIT
        reason = _RATE_LIMIT if is_paced else "all connections are in use"
        await self._wait_for(turn, call, slots, reason)

    async def _wait_for_pacer(
        self, turn: asyncio.Future[None] | None, call: Call[T], pacer: AnyPacer
    ) -> AnyPacer:
        while turn is not None:
            self._refuse_if_paused(call, pacer, turn, pacer)
            await self._wait_for(turn, call, pacer, _RATE_LIMIT)
            if pacer is self._pacer():
                return pacer
            # The credentials were rotated meanwhile, so this counts for others.
            pacer.give_back()
            pacer = self._pacer()
            turn = pacer.take()
        return pacer

    def _refuse_if_paused(
        self, call: Call[T], pacer: AnyPacer, turn: asyncio.Future[None], queue: Turns
    ) -> None:
        if not (pause_s := pacer.pause_s):
            return
        left_s = call.deadline - asyncio.get_running_loop().time()
        if pause_s > min(left_s, self._longest_pause_s):
            queue.discard(turn)
            raise RateLimitError(
                f"was not sent: an earlier answer asks to wait {pause_s:.0f} s more",
                status=429,
                retry_after_s=pause_s,
            )

    async def _send_once(self, call: Call[T], pacer: AnyPacer) -> T:
        if (binding := call.binding) is not None:
            binding.check(self._signer, call)  # here, as nothing can happen before the token
        request, token = call.request, self._signer.token()
        secrets = self._signer.secrets  # others, if they are rotated meanwhile
        started = asyncio.get_running_loop().time()
        waited_s = started - call.since
        if started >= call.deadline:
            raise DeadlineError("had no time left to be sent before its deadline")
        call.attempts += 1
        call.is_under_way = True
        answer: Answer | None = None
        try:
            answer = await self._http.exchange(
                request.method,
                self._base_url + request.target,
                headers=self._headers(token, call.body is not None),
                body=call.body,
                timeout_s=min(self.options.timeout_s, call.deadline - started),
                max_bytes=self.options.max_answer_bytes,
            )
            result = wire.decode(request, answer, body=call.body, secrets=secrets)
        except HeymarketError as error:
            call.is_under_way = False
            call.annotate(error)
            self._adapt(error, answer, token, pacer)
            self._report(call, started, waited_s, answer, error)
            raise
        self._report(call, started, waited_s, answer, None)
        return result

    async def _wait_for(
        self, turn: asyncio.Future[None], call: Call[T], queue: Turns, reason: str
    ) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await self._waits.wait(turn, until=call.deadline, reason=reason)
            call.waited(reason, loop.time() - began)
            self._http.enter()
        except BaseException:
            queue.discard(turn)
            raise

    async def _ask_for_credentials(self, call: Call[T]) -> None:
        until_deadline = asyncio.timeout_at(call.deadline)
        try:
            async with until_deadline:
                await self._signer.ask()
        except TimeoutError as error:
            if not until_deadline.expired():
                raise
            late = DeadlineError("was still waiting for its credentials when its deadline passed")
            raise late from error

    def _pacer(self) -> AnyPacer:
        fingerprint = self._signer.fingerprint
        pacer = self._pacers.get(fingerprint)
        if pacer is None:
            # One at a time: credentials that were rotated away need no pacer any more.
            for rotated in self._pacers.values():
                closing = asyncio.create_task(rotated.aclose())
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)
            self._pacers.clear()
            pacer = self._pacers[fingerprint] = self._new_pacer(fingerprint)
        return pacer

    def _new_pacer(self, fingerprint: str) -> AnyPacer:
        loop = asyncio.get_running_loop()
        if self._rate is None or self._rate.store is None:
            return WINDOWS.pacer(self._origin, fingerprint, self._rate, loop)
        from heymarket_async.pacing import shared  # noqa: PLC0415 - an extra

        return shared.pacer(f"{self._origin} {fingerprint}", self._rate, loop)

    def _adapt(
        self, error: HeymarketError, answer: Answer | None, token: Hidden[str], pacer: AnyPacer
    ) -> None:
        if isinstance(error, AuthenticationError) and answer is not None:
            self._signer.distrust(token, answer.headers.get("Date"))
        elif isinstance(error, RateLimitError):
            # Bounded, because it holds for all who have the credential: they ask again then.
            wait_s = retry.server_wait_s(error, self._minute_s)
            pacer.pause(min(wait_s, self._longest_pause_s))

    @property
    def _longest_pause_s(self) -> float:
        return max(self.options.retry.max_retry_after_s, self._minute_s)

    def _report(
        self,
        call: Call[T],
        started: float,
        waited_s: float,
        answer: Answer | None,
        error: HeymarketError | None,
    ) -> None:
        call.since = asyncio.get_running_loop().time()
        waits, call.waits = call.waits, {}
        hook = self.options.on_attempt
        if hook is None and not logger.isEnabledFor(logging.DEBUG):
            return
        event = AttemptEvent(
            call=call.request.call,
            attempt=call.attempts,
            status=answer.status if answer else getattr(error, "status", None),
            seconds=call.since - started,
            waited_s=waited_s,
            waits=waits,
            request_id=answer.request_id if answer else error.request_id if error else "",
            error=error and stripped_copy(error),
            date=answer.date if answer else "",
        )
        emit(event, hook)


def _origin(base_url: str) -> str:
    # One spelling for each server, since its window is kept under it.
    parts = urlsplit(base_url)
    port = parts.port or {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _headers(user_agent: str, token: Hidden[str], has_body: bool) -> Hidden[Mapping[str, str]]:
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",  # aiohttp would ask for whatever is installed
        "Authorization": f"Bearer {token.reveal()}",
        "User-Agent": user_agent,
    }
    if has_body:
        headers["Content-Type"] = "application/json"
    # As aiohttp needs them, so that it need not convert them for each request.
    return Hidden(CIMultiDictProxy(CIMultiDict(headers)))
