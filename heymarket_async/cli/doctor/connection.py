"""Checks by connecting: to the rate limit store, and to Heymarket with one request."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import msgspec

from heymarket_async import environment
from heymarket_async.cli.doctor.finding import Finding, State, ok, problem, skipped
from heymarket_async.cli.doctor.setup import Setup
from heymarket_async.cli.doctor.way import speaks_http2, why_unconnected
from heymarket_async.client import ClientOptions, HeymarketClient
from heymarket_async.errors import (
    AuthenticationError,
    ConnectError,
    DeadlineError,
    DecodeError,
    HeymarketError,
    NoResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    StatusError,
)
from heymarket_async.pacing.window import DOCUMENTED_LIMIT
from heymarket_async.request import Repeat
from heymarket_async.timestamps import http_date
from heymarket_async.transport.auth import ApiKey
from heymarket_async.transport.call import AttemptEvent
from heymarket_async.transport.retry import RetryPolicy

_TIMEOUT_S = 10.0
_STORE_TIMEOUT_S = 1.0
# A token lives for 300 s, and is used for 240 s. If the clock is wrong by more than the rest,
# Heymarket refuses good tokens.
_SKEW_S = 60.0


async def findings(setup: Setup) -> list[Finding]:
    """Connect as a command would, once, and say how it went."""
    found = [] if setup.store is None else [await _store(setup.store)]
    if setup.options is None:
        why = "mend the settings first"
        return [*found, skipped("connection", why), skipped("account", why), skipped("clock", why)]
    options: ClientOptions = {
        **setup.options,
        "retry": RetryPolicy(attempts=1),
        "timeout_s": _TIMEOUT_S,
        "deadline_s": 2 * _TIMEOUT_S,
    }
    if setup.store is None or found[0].remedy:
        options["rate_limit"] = DOCUMENTED_LIMIT  # the account can be read without the store
    return [*found, *await _account(options, setup)]


async def _store(url: str) -> Finding:
    from heymarket_async.pacing.store import (  # noqa: PLC0415 - an extra
        SharedWindow,
        StoreLostError,
    )

    window = SharedWindow(url, "heymarket doctor", _STORE_TIMEOUT_S)
    try:
        await window.server()
        # The script of every turn, asked for none: it needs the rights that calls need.
        await window.ask(1000, 0, 1, "doctor", 0, 0, 0)
    except StoreLostError as error:
        return problem(
            "store",
            f"The rate limit store cannot be used: {error}.",
            "Start or mend it, or correct its URL. Without it, each process keeps to a part of the"
            " limit.",
        )
    finally:
        await window.close()
    return ok("store", "reachable, and it runs scripts")


async def _account(options: ClientOptions, setup: Setup) -> list[Finding]:
    ahead_s: list[float] = []

    def note(event: AttemptEvent) -> None:
        if (sent := http_date(event.date)) is not None:
            ahead_s.append(time.time() - sent)

    options["on_attempt"] = note
    client = HeymarketClient.from_env(**options)
    try:
        async with client:
            team = await client.request("GET", "/v1/team", returns=_Team, repeat=Repeat.READ)
    except HeymarketError as error:
        found = await _failed(error, client.base_url, setup.proxy)
    else:
        name = f"{team.name or 'without a name'} (team {team.id})"
        found = [ok("connection", "Heymarket answers"), ok("account", name)]
    clock = _clock(ahead_s)
    credentials = setup.options and setup.options.get("credentials")
    has_key = isinstance(credentials or environment.credentials_from_env(), ApiKey)
    if clock.state is State.PROBLEM and found[-1].text == _REFUSED and not has_key:
        found[-1] = skipped("account", "mend the clock first: each token holds its time")
    return [*found, clock]


class _Team(msgspec.Struct):
    """The part of a team by which Heymarket is recognized."""

    id: int
    name: str | None = None


async def _failed(error: HeymarketError, base_url: str, proxy: str) -> list[Finding]:
    """Return the findings about the connection and the account for a call that failed."""
    is_late = isinstance(error.__cause__, TimeoutError)
    is_unanswered = isinstance(error, ConnectError | NoResponseError) and not is_late
    if is_unanswered and not proxy and await speaks_http2(base_url):
        return [problem("connection", _ONLY_HTTP2, _HTTP1), skipped("account", "no answer")]
    if isinstance(error, ConnectError):
        unconnected = why_unconnected(error, urlsplit(base_url).hostname or "", proxy)
        return [problem("connection", *unconnected), skipped("account", "no connection")]
    connected, text = ok("connection", "Heymarket answers"), f"{error}."
    is_own = isinstance(error, StatusError) and not error.is_foreign
    if isinstance(error, ServerError):  # a page too may be of a gateway of Heymarket's own
        is_own = bool(error.request_id)
    if isinstance(error, AuthenticationError) and is_own:
        return [connected, problem("account", _REFUSED, _COMPARE)]
    if isinstance(error, RateLimitError | DeadlineError):
        used_up = "Other programs with these credentials use up the limit of requests."
        return [connected, problem("account", used_up, _BUSY)]
    if isinstance(error, PermissionDeniedError) and is_own:
        return [connected, ok("account", "the credentials work, but may not read the team")]
    if is_own and not isinstance(error, NotFoundError):
        return [connected, problem("account", text, "Heymarket failed. Try again later.")]
    if isinstance(error, StatusError | DecodeError):
        foreign = (
            f"The answer ({error.status}) is not Heymarket's: it is that of a gateway, a login page"
            " or another service."
        )
        return [problem("connection", foreign, _FOREIGN), skipped("account", "no answer")]
    again = "Run this again. If it stays, ask the people who run the network."
    if base_url.startswith("http:"):
        again = f"Does this port want https? {again}"
    return [problem("connection", text, again), skipped("account", "no answer")]


_ONLY_HTTP2 = "The server answers in HTTP/2, and not in HTTP/1.1, which this package speaks."
_HTTP1 = "Check the base URL for a slip, or let the gateway speak HTTP/1.1 too."
_REFUSED = "Heymarket refuses the credentials (401)."
_COMPARE = (
    "Compare them with Settings, Integrations, API in Heymarket. It shows the key of a secret only"
    " once: if it is lost, make a new secret. Do they belong to this server?"
)
_BUSY = "Wait for a minute, and set HEYMARKET_STORE in all of them, so that they share the limit."
_FOREIGN = "Correct the base URL, log in to the network, or have its gateway let the host pass."


def _clock(ahead_s: list[float]) -> Finding:
    if not ahead_s:
        return skipped("clock", "no answer with a time")
    away_s = abs(ahead_s[-1])
    if away_s <= _SKEW_S:
        return ok("clock", "right to within a minute")
    side = "ahead of" if ahead_s[-1] > 0 else "behind"
    return problem(
        "clock",
        f"The clock of this machine is {_span(away_s)} {side} Heymarket's.",
        "Set it, and keep it right with NTP: tokens are valid for five minutes.",
    )


def _span(seconds: float) -> str:
    """Return a time in the unit in which it is easy to read."""
    for unit, size_s in (("days", 86_400), ("hours", 3600)):
        if seconds >= 2 * size_s:
            return f"{seconds / size_s:.1f} {unit}"
    return f"{seconds / 60:.1f} minutes"
