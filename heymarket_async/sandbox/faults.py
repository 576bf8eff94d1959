"""Failures on demand: for the next requests to a route, or at random from a seed."""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.routes import ROUTES, Answer, Refused, as_answer, as_error

EVERYWHERE = "*"
KINDS = ("429", "500", "502", "503", "504", "cut", "reset", "reset_after", "html500")

_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head>"
    b"<body><h1>Bad gateway</h1><p>The web server is having a bad day.</p></body></html>\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failure of one request.

    Attributes:
        name: Its name in the record of the request; None: nothing happens.
        handled: Whether the handler runs, so that a write takes effect.
        answer: Sent in place of the handler's answer.
        wait_s: Seconds to wait before the handler.
        pause_s: Seconds to wait in the middle of the body.
        ends: "whole" answer, "cut" in the middle of the body, "reset" by RST, or "dropped".
    """

    name: str | None = None
    handled: bool = True
    answer: Answer | None = None
    wait_s: float = 0.0
    pause_s: float = 0.0
    ends: Literal["whole", "cut", "reset", "dropped"] = "whole"


NO_FAULT = Fault()
_NAMED = {
    "cut": Fault(name="cut_body", ends="cut"),
    "reset": Fault(name="reset", handled=False, ends="reset"),
    "reset_after": Fault(name="reset after write", ends="reset"),
}


@dataclass(slots=True)
class Order:
    """A fault, or a random choice of faults, and the requests that fail with it."""

    pick: Callable[[], Fault | None]
    on: str
    times: int | None = None
    after: int = 0
    reused_only: bool = False

    def take(self, route: str, *, reused: bool) -> Fault | None:
        """Return the fault of a request, or None; requests that pass first are counted."""
        if self.on not in (EVERYWHERE, route) or (self.reused_only and not reused):
            return None
        if self.after > 0:
            self.after -= 1
            return None
        if self.times is not None:
            self.times -= 1
        return self.pick()


class Faults:
    """Failures of the sandbox.

    `on` is a method and path as the docs spell them, such as "PUT /v1/contact/{id}", or "*" for
    every request. `times` is how many requests fail; None: all until `clear`. `after` is how many
    pass before the first fails. A request fails with the first fault that fits it, random ones
    last, before credentials and limit are checked. Its record in `Sandbox.requests` names it.
    """

    def __init__(self, readings: Readings, seed: int) -> None:
        self.clock_offset_s = 0.0
        self.latency_s = 0.0
        self._readings = readings
        self._seed = seed
        self._orders: list[Order] = []
        self._random: list[Order] = []
        self._lock = Lock()  # tests order from their own thread

    def answer(
        self,
        status: int,
        *,
        on: str = EVERYWHERE,
        times: int | None = 1,
        after: int = 0,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        after_write: bool = False,
    ) -> None:
        """Answer with this status.

        Args:
            status: Any HTTP status from 200 on.
            on: The route that fails.
            times: How many requests fail.
            after: How many pass before the first fails.
            body: Text or bytes sent as they are, anything else as JSON; None: an error body as
                the readings shape it, or an empty one below 400.
            headers: Additional headers, such as `Retry-After`.
            after_write: Whether the call takes effect before its answer is replaced.
        """
        if not 200 <= status <= 999:
            raise ValueError("status must be from 200 to 999")
        self._order(self._answer(status, body, headers, after_write), on, times, after)

    def html(
        self, *, on: str = EVERYWHERE, times: int | None = 1, after: int = 0, status: int = 200
    ) -> None:
        """Answer with an HTML page in place of JSON, as a proxy does; nothing takes effect."""
        self._order(_html(status), on, times, after)

    def delay(
        self,
        seconds: float,
        *,
        on: str = EVERYWHERE,
        times: int | None = 1,
        after: int = 0,
        where: Literal["before", "middle"] = "before",
    ) -> None:
        """Wait before the call takes effect, or in the middle of the body of its answer."""
        if not 0 <= seconds < math.inf or where not in {"before", "middle"}:
            raise ValueError('seconds must not be negative, and where must be "before" or "middle"')
        wait_s, pause_s = (seconds, 0.0) if where == "before" else (0.0, seconds)
        self._order(Fault(name="delay", wait_s=wait_s, pause_s=pause_s), on, times, after)

    def cut_body(self, *, on: str = EVERYWHERE, times: int | None = 1, after: int = 0) -> None:
        """Send right headers and half of the body, then close; the call takes effect."""
        self._order(_NAMED["cut"], on, times, after)

    def reset(
        self,
        *,
        on: str = EVERYWHERE,
        times: int | None = 1,
        after: int = 0,
        after_write: bool = False,
    ) -> None:
        """Reset the connection without an answer, before or after the call takes effect."""
        self._order(_NAMED["reset_after" if after_write else "reset"], on, times, after)

    def drop_idle(self, *, on: str = EVERYWHERE, times: int | None = 1, after: int = 0) -> None:
        """Close the connection under the next request that reuses one; nothing takes effect."""
        fault = Fault(name="drop_idle", handled=False, ends="dropped")
        self._order(fault, on, times, after, reused_only=True)

    def clock(self, offset_s: float) -> None:
        """Set the sandbox's clock wrong by some seconds, until it is set again."""
        self.clock_offset_s = offset_s

    def latency(self, seconds: float) -> None:
        """Wait before every answer, that of a failure too, until it is set again."""
        if not 0 <= seconds < math.inf:
            raise ValueError("seconds must not be negative")
        self.latency_s = seconds

    def random(
        self,
        rate: float,
        *,
        kinds: Sequence[str] = KINDS,
        on: str = EVERYWHERE,
        seed: int | None = None,
        retry_after: str | None = "1",
    ) -> None:
        """Fail requests with a probability, until `clear`.

        Args:
            rate: From 0 to 1.
            kinds: Statuses such as "429" or "503", "cut", "reset", "reset_after" (the write
                took effect), and "html500"-like pages; one is drawn per failure.
            on: The route that fails.
            seed: Makes the draws repeatable; by default the sandbox's.
            retry_after: `Retry-After` of every 429; None: not sent.
        """
        faults = [self._kind(kind, retry_after) for kind in kinds]
        if not 0 <= rate <= 1 or not faults:
            raise ValueError("rate must be from 0 to 1, and kinds must not be empty")
        draw = random.Random(self._seed if seed is None else seed)  # noqa: S311 - no secret
        order = Order(lambda: draw.choice(faults) if draw.random() < rate else None, _checked(on))
        with self._lock:
            self._random.append(order)

    def clear(self) -> None:
        """Remove every fault and the latency, and set the clock right."""
        with self._lock:
            self._orders.clear()
            self._random.clear()
        self.clock_offset_s = self.latency_s = 0.0

    def take(self, route: str, *, reused: bool) -> Fault:
        """Return the fault of this request, and use it up; `reused`: its connection is not new."""
        with self._lock:
            for order in (*self._orders, *self._random):
                if fault := order.take(route, reused=reused):
                    if order.times == 0:
                        self._orders.remove(order)
                    return fault
        return NO_FAULT

    def _order(
        self, fault: Fault, on: str, times: int | None, after: int, *, reused_only: bool = False
    ) -> None:
        if times is not None and times < 1:
            raise ValueError("times must be at least 1, or None")
        if after < 0:
            raise ValueError("after must not be negative")
        order = Order(lambda: fault, _checked(on), times, after, reused_only)
        with self._lock:
            self._orders.append(order)

    def _kind(self, kind: str, retry_after: str | None) -> Fault:
        if kind in _NAMED:
            return _NAMED[kind]
        status = kind.removeprefix("html")
        if len(status) != 3 or not status.isdecimal():
            raise ValueError(f"no kind {kind!r}; known: {', '.join(KINDS)} and other statuses")
        if kind.startswith("html"):
            return _html(int(status))
        headers = {"Retry-After": retry_after} if kind == "429" and retry_after is not None else {}
        return self._answer(int(status), headers=headers)

    def _answer(
        self,
        status: int,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        after_write: bool = False,
    ) -> Fault:
        headers = headers or {}
        if body is None and status >= 400:
            refused = Refused(status, "ordered by the sandbox's faults", headers)
            answer = as_error(refused, self._readings)
        else:
            body = "" if body is None else body
            raw = body.encode() if isinstance(body, str) else body
            raw = raw if isinstance(raw, bytes) else as_answer(raw).body
            answer = Answer(status, raw, headers=headers)
        return Fault(name=f"answer {status}", handled=after_write, answer=answer)


def _html(status: int) -> Fault:
    answer = Answer(status, _PAGE, "text/html; charset=utf-8")
    return Fault(name=f"html {status}", handled=False, answer=answer)


def _checked(on: str) -> str:
    if on != EVERYWHERE and on not in ROUTES:
        raise ValueError(f"no route {on!r}; known: {', '.join(sorted(ROUTES))}, or '*'")
    return on
