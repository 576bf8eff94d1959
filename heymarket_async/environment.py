"""Settings from variables of the environment."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection

import msgspec

from heymarket_async.pacing.window import DOCUMENTED_LIMIT, RateLimit
from heymarket_async.transport.auth import ApiKey, ApiSecret, Credentials

_logger = logging.getLogger("heymarket_async")

NAMES = frozenset(
    f"HEYMARKET_{name}"
    for name in (
        "SECRET_ID", "SECRET_KEY", "API_KEY", "BASE_URL", "STORE", "SHARE", "FALLBACK"
    )
)  # fmt: skip
"""The variables that a client reads."""


def misspelt(known: Collection[str]) -> dict[str, str]:
    """Return the variables that nothing reads because of a slip in their names, and what is meant.

    Args:
        known: The names that are read.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - a twentieth of importing this package

    found: dict[str, str] = {}
    for name in sorted(os.environ.keys() - set(known)):
        for meant in get_close_matches(name, known, 1, 0.9):
            # A longer name may be of a profile: HEYMARKET_DEV_SECRET_ID.
            if len(name) - len(meant) <= 2:
                found[name] = meant
    return found


def warn_of_slips() -> None:
    """Log a warning for each variable that is misspelt, such as that of a limit to share."""
    for name, meant in misspelt(NAMES).items():
        _logger.warning("Nothing reads %s. If it is %s, correct its name.", name, meant)


def rate_limit_from_env() -> RateLimit:
    """Return the rate limit, shared in a store if one is named.

    Raises:
        ValueError: A variable breaks its rule.
    """
    limit = msgspec.structs.replace(DOCUMENTED_LIMIT, store=variable("STORE"))
    for name in ("SHARE", "FALLBACK"):
        if (text := variable(name)) is None:
            continue
        if limit.store is None:
            raise ValueError(f"HEYMARKET_{name} needs HEYMARKET_STORE. Set both, or neither.")
        try:
            part = float(text)
        except ValueError:
            raise ValueError(f"HEYMARKET_{name} must be a number, such as 0.2") from None
        limit = msgspec.structs.replace(limit, **{name.lower(): part})
    return limit


def credentials_from_env() -> Credentials:
    """Return the credentials.

    Raises:
        ValueError: There are none, or one half of them.
    """
    secret_id, secret_key = variable("SECRET_ID"), variable("SECRET_KEY")
    if secret_id is not None and secret_key is not None:
        return ApiSecret(secret_id, secret_key)
    if secret_id is not None or secret_key is not None:
        missing = "HEYMARKET_SECRET_KEY" if secret_key is None else "HEYMARKET_SECRET_ID"
        raise ValueError(f"{missing} is not set. A secret needs both its id and its key.")
    if (key := variable("API_KEY")) is not None:
        return ApiKey(key)
    raise ValueError(
        "No credentials are set. Set HEYMARKET_SECRET_ID and HEYMARKET_SECRET_KEY (Heymarket shows"
        " them under Settings, Integrations, API), or HEYMARKET_API_KEY."
    )


def variable(name: str) -> str | None:
    """Return a variable of the environment, or None if it is not set.

    An empty variable is a mistake, such as a secret that was not filled in. If it counted as not
    set, calls meant for a test would reach production, or a limit would not be shared.

    Raises:
        ValueError: It is empty.
    """
    value = os.environ.get(f"HEYMARKET_{name}")
    if value is not None and not value.strip():
        raise ValueError(f"HEYMARKET_{name} is set, but empty. Give it a value, or unset it.")
    return value
