"""Checks base URLs and paths, so that nothing is sent elsewhere."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

from heymarket_async.checks import one_of


def checked_base_url(base_url: str) -> str:
    """Return the base URL without a slash at the end.

    Raises:
        ValueError: It is not a plain URL, or is plain http to another machine.
    """
    parts = _parts_of(one_of("base_url", base_url, str))
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _has_port(parts):
        raise ValueError("base_url must be a URL such as https://api.heymarket.com")
    if "@" in parts.netloc or set("?#\\") & set(base_url) or not _is_visible(base_url):
        raise ValueError("base_url must be scheme, host and path only")
    if not _is_plain(parts.path.rstrip("/")):
        raise ValueError("base_url must not have empty or dotted segments: they lead elsewhere")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(
            "base_url must be https: over plain http the token could be read by others"
            " (http is accepted for a loopback address only)"
        )
    return base_url.rstrip("/")


def check_path(path: str) -> None:
    """Check that a path has no parts that lead elsewhere.

    Raises:
        ValueError: It is not a plain absolute path.
    """
    segments = path.split("/") if isinstance(path, str) else []
    if len(segments) < 2 or segments[0] or set("?#\\") & set(path) or not _is_visible(path):
        raise ValueError("path must be absolute, quoted and without query, such as /v1/team")
    if not _is_plain(path.removesuffix("/")):
        raise ValueError("path must not have empty or dotted segments: they lead elsewhere")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _parts_of(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # it quotes the part that it cannot read, which may be a password
        return SplitResult("", "", "", "", "")


def _has_port(parts: SplitResult) -> bool:
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _is_visible(text: str) -> bool:
    # Other characters are dropped or quoted on the way, so the URL would lead elsewhere.
    return all("!" <= character <= "~" for character in text)


def _is_plain(path: str) -> bool:
    # A quoted slash in a segment is data, unless dots beside it make it a path.
    dotted = {".", ".."} & set(re.split(r"[/\\]", unquote(path)))
    return not dotted and "" not in path.split("/")[1:]
