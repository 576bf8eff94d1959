"""Failures to order: by route and count, or at random from a seed."""

import math
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

import msgspec

from heymarket_async.sandbox.answers import Answer, Refused, as_error
from heymarket_async.sandbox.readings import Readings

EVERYWHERE = "*"
KINDS = ("429", "500", "502", "503", "504", "cut", "reset", "reset_after", "html500")

_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head>"
    b"<body><h1>Bad gateway</h1><p>The web server is having a bad day.</p></body></html>\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to one request.

    Attributes:
        name: How the request's record calls it; None: nothing happens.
        handled: Whether the handler runs, so that a write takes effect.
        answer: What is sent in place of the handler's answer.
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


@dataclass(slots=True)
class Order:
    """A fault that waits for the requests that it was ordered for."""

    fault: Fault
    on: str
    times: int | None
    after: int
    kept_alive_only: bool = False

    def takes(self, route: str, *, kept_alive: bool) -> bool:
        """Tell whether this request is hit, and count it if it passes as one of the first."""
        if self.on not in (EVERYWHERE, route) or not (kept_alive or not self.kept_alive_only):
            return False
        self.after -= 1
        return self.after < 0


@dataclass(frozen=True, slots=True)
class Chance:
    """Faults that strike at random."""

    rate: float
    faults: Sequence[Fault]
    on: str
    draw: random.Random = field(repr=False)


class Faults:
    """Failures that the sandbox shall have.

    `on` is a method and path as the docs spell them, such as "PUT /v1/contact/{id}", or "*" for
    every request. `times` is how many requests are hit; None: all until `clear`. `after` is how
    many pass before the first is hit. A request is hit by the first fault ordered that fits,
    before credentials and limit are looked at. Its record in `Sandbox.requests` says by which.
    """

    def __init__(self, routes: Collection[str], readings: Readings, seed: int) -> None:
        self.clock_offset_s = 0.0
        self._routes = routes
        self._readings = readings
        self._seed = seed
        self._orders: list[Order] = []
        self._chances: list[Chance] = []
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
            headers: Sent too, such as `Retry-After`.
            after_write: Whether the call takes effect before its answer is replaced.
        """
        if not 200 <= status <= 999:
            raise ValueError("status must be from 200 to 999")
        answer = _shaped(status, body, headers or {}, self._readings)
        self._order(
            Fault(name=f"answer {status}", handled=after_write, answer=answer), on, times, after
        )

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
        if where == "before":
            self._order(Fault(name="delay", wait_s=seconds), on, times, after)
        else:
            self._order(Fault(name="delay", pause_s=seconds), on, times, after)

    def cut_body(self, *, on: str = EVERYWHERE, times: int | None = 1, after: int = 0) -> None:
        """Send right headers and half of the body, then close; the call takes effect."""
        self._order(_CUT, on, times, after)

    def reset(
        self,
        *,
        on: str = EVERYWHERE,
        times: int | None = 1,
        after: int = 0,
        after_write: bool = False,
    ) -> None:
        """Reset the connection without an answer, before or after the call takes effect."""
        self._order(_RESET_AFTER if after_write else _RESET, on, times, after)

    def drop_idle(self, *, on: str = EVERYWHERE, times: int | None = 1, after: int = 0) -> None:
        """Close the connection under the next request that reuses one; nothing takes effect."""
        fault = Fault(name="drop_idle", handled=False, ends="dropped")
        self._order(fault, on, times, after, kept_alive_only=True)

    def clock(self, offset_s: float) -> None:
        """Set the sandbox's clock wrong by so many seconds, until it is set again."""
        self.clock_offset_s = offset_s

    def random(
        self,
        rate: float,
        *,
        kinds: Sequence[str] = KINDS,
        on: str = EVERYWHERE,
        seed: int | None = None,
        retry_after: str | None = "1",
    ) -> None:
        """Fail each request with a probability, until `clear`.

        Args:
            rate: From 0 to 1.
            kinds: Statuses such as "429" or "503", "cut", "reset", "reset_after" (the write
                took effect), and "html500"-like pages; one is drawn per failure.
            on: The route that fails.
            seed: Makes the draws repeatable; by default the sandbox's.
            retry_after: `Retry-After` of each 429; None: not sent.
        """
        faults = [self._kind(kind, retry_after) for kind in kinds]
        if not 0 <= rate <= 1 or not faults:
            raise ValueError("rate must be from 0 to 1, and kinds must not be empty")
        draw = random.Random(self._seed if seed is None else seed)  # noqa: S311 - no secret
        with self._lock:
            self._chances.append(Chance(rate, faults, self._checked(on), draw))

    def clear(self) -> None:
        """Forget every fault, and set the clock right."""
        with self._lock:
            self._orders.clear()
            self._chances.clear()
        self.clock_offset_s = 0.0

    def take(self, route: str, *, kept_alive: bool) -> Fault:
        """Return what shall happen to this request, and use it up."""
        with self._lock:
            for order in self._orders:
                if order.takes(route, kept_alive=kept_alive):
                    self._use_up(order)
                    return order.fault
            for chance in self._chances:
                if chance.on in (EVERYWHERE, route) and chance.draw.random() < chance.rate:
                    return chance.draw.choice(chance.faults)
        return NO_FAULT

    def _use_up(self, order: Order) -> None:
        if order.times is not None:
            order.times -= 1
            if order.times == 0:
                self._orders.remove(order)

    def _order(
        self, fault: Fault, on: str, times: int | None, after: int, *, kept_alive_only: bool = False
    ) -> None:
        if times is not None and times < 1:
            raise ValueError("times must be at least 1, or None")
        if after < 0:
            raise ValueError("after must not be negative")
        with self._lock:
            self._orders.append(Order(fault, self._checked(on), times, after, kept_alive_only))

    def _checked(self, on: str) -> str:
        if on != EVERYWHERE and on not in self._routes:
            raise ValueError(f"no route {on!r}; known: {', '.join(sorted(self._routes))}, or '*'")
        return on

    def _kind(self, kind: str, retry_after: str | None) -> Fault:
        named = {"cut": _CUT, "reset": _RESET, "reset_after": _RESET_AFTER}
        if kind in named:
            return named[kind]
        status = kind.removeprefix("html")
        if len(status) != 3 or not status.isdecimal():
            raise ValueError(f"no kind {kind!r}; known: {', '.join(KINDS)} and other statuses")
        if kind.startswith("html"):
            return _html(int(status))
        headers = {"Retry-After": retry_after} if kind == "429" and retry_after is not None else {}
        answer = _shaped(int(status), None, headers, self._readings)
        return Fault(name=f"answer {status}", handled=False, answer=answer)


NO_FAULT = Fault()
_CUT = Fault(name="cut_body", ends="cut")
_RESET = Fault(name="reset", handled=False, ends="reset")
_RESET_AFTER = Fault(name="reset after write", ends="reset")


def _html(status: int) -> Fault:
    answer = Answer(status, _PAGE, "text/html; charset=utf-8")
    return Fault(name=f"html {status}", handled=False, answer=answer)


def _shaped(status: int, body: object, headers: Mapping[str, str], readings: Readings) -> Answer:
    if body is None and status >= 400:
        return as_error(Refused(status, "ordered by the sandbox's faults", headers), readings)
    if body is None:
        return Answer(status, b"", headers=headers)
    if isinstance(body, bytes | str):
        raw = body.encode() if isinstance(body, str) else body
        return Answer(status, raw, headers=headers)
    return Answer(status, msgspec.json.encode(body), headers=headers)
