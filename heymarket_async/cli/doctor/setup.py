"""Checks the settings of the command: the environment, the profile and the proxy."""

from __future__ import annotations

import os
from typing import NamedTuple, Unpack
from urllib.parse import urlsplit

from heymarket_async import environment
from heymarket_async.cli import profiles, running
from heymarket_async.cli.doctor.finding import Finding, State, ok, problem, skipped
from heymarket_async.cli.webhooks import TOKENS
from heymarket_async.client import BASE_URL, ClientOptions, HeymarketClient
from heymarket_async.transport import proxies
from heymarket_async.transport.auth import ApiKey

_KNOWN = (*environment.NAMES, profiles.VARIABLE, TOKENS)
_NOBODY = ApiKey("nobody")
"""The credentials of clients that only read a setting."""


class Setup(NamedTuple):
    """The settings.

    Attributes:
        findings: Whether each of them can be used.
        options: The options of the client; None if one of them cannot be used.
        proxy: The proxy without its login, such as "http://proxy.example:3128", or "".
        store: The URL of the rate limit store; None if there is none, or if it cannot be used.
    """

    findings: list[Finding]
    options: ClientOptions | None = None
    proxy: str = ""
    store: str | None = None


def examine() -> Setup:
    """Check each setting by itself, so that a mistake in one hides no other."""
    misspelt = [
        problem("variables", f"Nothing reads {name}.", f"If it is {meant}, correct its name.")
        for name, meant in environment.misspelt(_KNOWN).items()
    ]
    try:
        profile = profiles.chosen()
    except (ValueError, OSError) as error:
        return Setup([*misspelt, _refused("profile", error)])
    options = profiles.options_with(profile)
    if profile is None:
        chosen, credentials = ok("profile", "none"), _credentials()
    else:
        chosen = ok("profile", f"{profile.name!r} of {profile.path}")
        credentials = ok("credentials", ", ".join(profile.origins))
    base_url = options.get("base_url") or os.environ.get("HEYMARKET_BASE_URL", BASE_URL)
    server = _read("server", base_url, credentials=_NOBODY, rate_limit=None, base_url=base_url)
    proxy, way = _proxy(base_url) if server.state is State.OK else ("", _NO_WAY)
    store, limit = _rate_limit(options)
    is_usable = all(each.state is State.OK for each in (credentials, server, way))
    findings = [*misspelt, chosen, credentials, server, way, limit]
    return Setup(findings, options if is_usable else None, proxy, store)


_NO_WAY = skipped("proxy", "the server is not known")


def _credentials() -> Finding:
    given = [name for name in _CREDENTIALS if name in os.environ]
    used = given[:1] if given == ["HEYMARKET_API_KEY"] else given[:2]
    more = "; HEYMARKET_API_KEY is set too, and is not used" if len(given) == 3 else ""
    return _read("credentials", " and ".join(used) + more, base_url=BASE_URL, rate_limit=None)


_CREDENTIALS = ("HEYMARKET_SECRET_ID", "HEYMARKET_SECRET_KEY", "HEYMARKET_API_KEY")


def _rate_limit(options: ClientOptions) -> tuple[str | None, Finding]:
    """Return the store of the rate limit if it can be used, and whether the limit is shared."""
    if (of_profile := options.get("rate_limit")) is not None:
        return of_profile.store, ok("rate limit", "shared in the store of the profile")
    found = _read("rate limit", "", credentials=_NOBODY, base_url=BASE_URL)
    if found.state is State.PROBLEM:
        return None, found
    if (store := os.environ.get("HEYMARKET_STORE")) is None:
        return None, ok("rate limit", "not shared with other programs: HEYMARKET_STORE is not set")
    return store, ok("rate limit", "shared in HEYMARKET_STORE")


def _proxy(base_url: str) -> tuple[str, Finding]:
    """Return the proxy on the way to a server, without its login, and whether it can be used."""
    given = proxies.from_environment(base_url)
    scheme = urlsplit(base_url).scheme
    names = [name for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper()) if name in os.environ]
    origin = names[0] if names else "the settings of this machine"
    try:
        url, _ = proxies.split(given)
    except ValueError as error:
        error.args = (f"{origin}{str(error).removeprefix('proxy')}",)
        return "", _refused("proxy", error)
    if url is None:
        unused = f"; {origin} does not count for this server" if names else ""
        every = next((name for name in ("ALL_PROXY", "all_proxy") if name in os.environ), "")
        if every and scheme == "https" and not names:
            unused = f"; {every} is not read: set HTTPS_PROXY"
        return "", ok("proxy", f"none{unused}")
    return str(url), ok("proxy", f"{url}, from {origin}")


def _read(check: str, text: str, **options: Unpack[ClientOptions]) -> Finding:
    """Let a client read the settings that are not given, and return whether it can use them."""
    try:
        HeymarketClient.from_env(**options)
    except ValueError as error:
        running.names_option(error)
        return _refused(check, error)
    return ok(check, text)


def _refused(check: str, error: Exception) -> Finding:
    text, dot, remedy = str(error).partition(". ")
    return problem(check, text + dot.strip(), remedy)
