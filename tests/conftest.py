"""The one seam that unit tests replace, and a clock that jumps instead of waiting."""

from __future__ import annotations

import asyncio
import functools
import os
import selectors
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping
from typing import Any, NamedTuple
from unittest import mock

import hypothesis
import msgspec
import pytest
from multidict import CIMultiDict

from heymarket_async import ApiSecret, RetryPolicy
from heymarket_async.pacing.turns import AnyPacer
from heymarket_async.pacing.window import WINDOWS, RateLimit
from heymarket_async.privacy import Hidden
from heymarket_async.transport import direct
from heymarket_async.transport.auth import Signer
from heymarket_async.transport.call import Options
from heymarket_async.transport.http import Answer, Http
from heymarket_async.transport.send import Transport

# A script that starts the tests in the background has them ignore it, and all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run, so that what fails was changed; to look for new ones, run pytest
# with --hypothesis-profile=explore.
# A slow machine is no failure.
_patient = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("fixed", derandomize=True, **_patient)
hypothesis.settings.register_profile("explore", derandomize=False, **_patient)
hypothesis.settings.load_profile("fixed")

SECRET = ApiSecret("3c1b4a5e-0000-4000-8000-000000000000", "k" * 40)


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type] # chosen by the platform
    def __init__(self) -> None:
        super().__init__()
        self.jumped_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if ready := super().select(0):
            return ready
        if timeout is None:
            raise RuntimeError("the test waits for something that will never happen")
        self.jumped_s += timeout
        return []


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop in which a wait takes no time, and all timers still fire in order."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        # Only the jumps count, so that a slow machine changes nothing.
        return self._jumping.jumped_s


def jumping_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test in a loop whose waits take no time."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Trace no lines of an `unmeasured` test, nor of its processes: it doubles their time."""
    if item.get_closest_marker("unmeasured") is None:
        return (yield)
    environment = {name: each for name, each in os.environ.items() if "COVERAGE" not in name}
    tracers = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        with mock.patch.dict(os.environ, environment, clear=True):
            return (yield)
    finally:
        sys.settrace(tracers[0])
        threading.settrace(tracers[1])


def now() -> float:
    return asyncio.get_running_loop().time()


def answer(status: int = 200, body: object = msgspec.UNSET, **headers: str) -> Answer:
    """An answer; header names are given with underscores."""
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    content = b"" if body is msgspec.UNSET else msgspec.json.encode(body)
    return Answer(status, named, body if isinstance(body, bytes) else content)


class Sent(NamedTuple):
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    timeout_s: float
    at: float


Step = Answer | Exception | Callable[[Sent], Coroutine[Any, Any, Answer]]


class Scripted(Http):
    """Answers from a list, and keeps what was sent; the last answer is repeated."""

    def __init__(self, *steps: Step) -> None:
        super().__init__()
        self.steps = list(steps)
        self.sent: list[Sent] = []

    async def exchange(
        self,
        method: str,
        base_url: str,
        target: str,
        *,
        headers: Hidden[Mapping[str, str]],
        body: bytes | None,
        timeout_s: float,
        max_bytes: int = 0,
        task: object = None,
    ) -> Answer:
        sent = Sent(method, base_url + target, headers.reveal(), body, timeout_s, now())
        self.sent.append(sent)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, Answer) else await step(sent)


def transport_over(
    http: Http,
    *,
    rate: RateLimit | None = None,
    signer: Signer | None = None,
    retry: RetryPolicy | None = None,
    base_url: str = "https://api.heymarket.com",
    **options: Any,
) -> Transport:
    return Transport(
        base_url=base_url,
        user_agent="test",
        signer=signer or Signer(SECRET),
        rate=rate,
        http=http,
        options=Options(retry=retry or RetryPolicy(), **options),
    )


def line_of(transport: Transport) -> AnyPacer:
    """The line under the rate limit of the credentials in use."""
    return transport._turns.pacer(transport._signer.fingerprint)


@pytest.fixture(autouse=True)
def way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send through sessions of aiohttp if the environment asks for it, as CI does once."""
    if os.environ.get("HEYMARKET_TEST_WAY") == "session":
        monkeypatch.setattr(direct, "why_not", lambda: "the tests ask for it")


@pytest.fixture(autouse=True)
def no_pacing_from_other_tests() -> Iterator[None]:
    WINDOWS._windows.clear()
    yield
    WINDOWS._windows.clear()
