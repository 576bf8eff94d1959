"""Profiles: settings of the client in a TOML file, which refers to secrets and does not hold them.

A profile takes the place of the environment: with one, none of the variables is read that have the
credentials, the base URL or, if it names a store, the rate limit. So no two accounts get mixed. If
both a profile and an account are named by variables, it is not known which is meant: an error.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast
from urllib.parse import parse_qs, urlsplit

from heymarket_async.cli import settings
from heymarket_async.extras import needs
from heymarket_async.privacy import hides_locals

if TYPE_CHECKING:
    from heymarket_async.client import ClientOptions
    from heymarket_async.pacing.window import RateLimit
    from heymarket_async.transport.auth import Credentials

VARIABLE = "HEYMARKET_PROFILE"
"""Names the profile where there is no `--profile`."""

_ACCOUNT = (
    "HEYMARKET_BASE_URL",
    "HEYMARKET_SECRET_ID",
    "HEYMARKET_SECRET_KEY",
    "HEYMARKET_API_KEY",
)
"""The variables that name an account themselves."""

_SECRETS = ("secret_id", "secret_key", "api_key")
_NUMBERS = ("share", "fallback")
_KEYS = (*_SECRETS, "base_url", "store", *_NUMBERS, "api_profile")

_LONGEST = 1000
"""The most characters of an error that quotes the file."""

_NAME = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)

_Table = Mapping[str, object]


class Profile(NamedTuple):
    """A profile that was read.

    Attributes:
        name: Its name.
        path: The file that has it.
        options: Its options of the client, secrets included.
        origins: The places of its secrets, such as "secret_id from STAGING_ID".
    """

    name: str
    path: Path
    options: ClientOptions
    origins: list[str]


def client_options() -> ClientOptions:
    """Return the options of a command's client: those of the profile, if one was chosen.

    Raises:
        ValueError: The profile breaks a rule, or a secret is not where the profile says.
        OSError: The file cannot be read.
    """
    return options_with(chosen())


def options_with(profile: Profile | None) -> ClientOptions:
    """Return the options of a command's client with those of a profile, if there is one."""
    options: ClientOptions = {"user_agent": "heymarket-cli", "trust_env": True}
    if profile is not None:
        options.update(profile.options)
    return options


def chosen() -> Profile | None:
    """Return the profile of `--profile` or of HEYMARKET_PROFILE, or None.

    Raises:
        ValueError: As for `client_options`.
        OSError: As for `client_options`.
    """
    given = settings.given()
    if given.profile_name is not None and not given.profile_name.strip():
        # Such as of a variable that is not set: the account of the environment is not meant.
        raise ValueError("--profile is empty. Give it a name, or leave it out.")
    name = os.environ.get(VARIABLE) if given.profile_name is None else given.profile_name
    if name is None:
        if given.config is not None:
            raise ValueError("--config needs --profile NAME: a file may have several profiles.")
        return None
    if not name.strip():
        raise ValueError(f"{VARIABLE} is set, but empty. Give it a value, or unset it.")
    if given.profile_name is None and (
        other := next((v for v in _ACCOUNT if v in os.environ), None)
    ):
        # Such as those of a sandbox, whose commands must not reach the account of the profile.
        raise ValueError(f"{VARIABLE} and {other} are both set. Unset one, or use --profile NAME.")
    path = given.config or default_path()
    table = _table(path, name)
    try:
        options, origins = _read(table, path.parent)
    except ValueError as error:
        # The library's names of arguments, as this file has them.
        text = re.sub(r"^key\b", "api_key", str(error).removeprefix("rate_limit."))
        end = "" if text.endswith((".", "?")) else "."
        raise ValueError(f"profile {name!r} of {path}: {_shortened(text)}{end}") from None
    return Profile(name, path, options, origins)


def default_path() -> Path:
    """Return the file with the profiles in the user's folder for settings."""
    import platformdirs  # noqa: PLC0415 - no other command needs it

    return platformdirs.user_config_path("heymarket", appauthor=False) / "config.toml"


def _table(path: Path, name: str) -> _Table:
    import tomllib  # noqa: PLC0415 - no help needs it

    try:
        profiles = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} does not exist. Write the profile {name!r} into it, or name another file with"
            " --config."
        ) from None
    except ValueError as error:
        why = error if isinstance(error, tomllib.TOMLDecodeError) else "it is not UTF-8"
        raise ValueError(f"{path} cannot be read as TOML: {why}.") from None
    except RecursionError:
        raise ValueError(f"{path} cannot be read as TOML: it is nested too deeply.") from None
    for key, value in profiles.items():
        if not isinstance(value, dict):
            raise ValueError(
                f"{path}: {_shortened(key)} is outside of a profile. Put it below [{name}]."
            )
    if name not in profiles:
        has = f"It has {_shortened(', '.join(profiles))}." if profiles else "It is empty."
        raise ValueError(f"{path} has no profile {name!r}. {has}")
    return cast(_Table, profiles[name])


@hides_locals
def _read(table: _Table, folder: Path) -> tuple[ClientOptions, list[str]]:
    from heymarket_async import urls  # noqa: PLC0415 - no help needs it
    from heymarket_async.api_profile import ApiProfile  # noqa: PLC0415 - nor this
    from heymarket_async.client import BASE_URL  # noqa: PLC0415 - nor this

    for key in table:
        _check_key(key, _KEYS)
    origins: list[str] = []
    base_url = _text("base_url", table.get("base_url", BASE_URL))
    options: ClientOptions = {
        "credentials": _credentials(table, origins),
        "base_url": urls.checked_base_url(base_url),
    }
    if (rate_limit := _rate_limit(table, origins)) is not None:
        options["rate_limit"] = rate_limit
    if "api_profile" in table:
        file = Path(_text("api_profile", table["api_profile"])).expanduser()
        options["profile"] = ApiProfile.load(folder / file)
    return options, origins


@hides_locals
def _credentials(table: _Table, origins: list[str]) -> Credentials:
    from heymarket_async.transport.auth import ApiKey, ApiSecret  # noqa: PLC0415 - no help needs it

    given = {key: _secret(key, table[key], origins) for key in _SECRETS if key in table}
    if set(given) == {"secret_id", "secret_key"}:
        return ApiSecret(given["secret_id"], given["secret_key"])
    if set(given) == {"api_key"}:
        return ApiKey(given["api_key"])
    raise ValueError("it needs secret_id and secret_key, or api_key alone")


@hides_locals
def _rate_limit(table: _Table, origins: list[str]) -> RateLimit | None:
    from msgspec.structs import replace  # noqa: PLC0415 - no help needs it

    from heymarket_async.pacing.window import DOCUMENTED_LIMIT  # noqa: PLC0415 - nor this

    parts = {key: _number(key, table[key]) for key in _NUMBERS if key in table}
    if (store := table.get("store")) is None:
        if parts:
            verb = "needs" if len(parts) == 1 else "need"
            raise ValueError(f"{' and '.join(parts)} {verb} store: the limit is shared there")
        return None
    if isinstance(store, str):
        if _has_password(store):
            raise ValueError(f"store must not hold a password. {_reference('store')}")
        return replace(DOCUMENTED_LIMIT, store=store, **parts)
    return replace(DOCUMENTED_LIMIT, store=_secret("store", store, origins), **parts)


def _secret(key: str, value: object, origins: list[str]) -> str:
    """Return the secret that a value refers to."""
    if not isinstance(value, dict):
        raise ValueError(f"{key} must not be in the file itself. {_reference(key)}")
    reference = cast(_Table, value)
    for part in reference:
        _check_key(part, ("env", "keyring", "user"))
    if set(reference) == {"env"}:
        variable = _text(f"{key}.env", reference["env"])
        if _NAME.fullmatch(variable) is None:  # not shown: it may be the secret
            raise ValueError(
                f"{key}: env must be the name of a variable, such as STAGING_KEY, not the secret"
                " itself. A name has only capital letters, digits and underscores"
            )
        origins.append(f"{key} from {variable}")
        secret = os.environ.get(variable, "")
        if not secret.strip():
            raise ValueError(f"{key} is read from the variable {variable}, which is not set")
        return secret
    if set(reference) == {"keyring", "user"}:
        service = _text(f"{key}.keyring", reference["keyring"])
        user = _text(f"{key}.user", reference["user"])
        origins.append(f"{key} from the keyring")
        return _from_keyring(key, service, user)
    raise ValueError(f"{key} must name one place. {_reference(key)}")


def _from_keyring(key: str, service: str, user: str) -> str:
    if find_spec("keyring") is None:
        raise ValueError(needs(f"{key} is in the keyring, which", "keyring"))
    import keyring  # noqa: PLC0415 - an extra
    from keyring.errors import KeyringError  # noqa: PLC0415 - an extra

    try:
        secret = keyring.get_password(service, user)
    except KeyringError as error:
        # Without its text, which is that of a program that knows the secret.
        raise ValueError(
            f"{key}: the keyring cannot be read ({type(error).__name__}). Unlock it, or use a"
            " variable of the environment instead"
        ) from None
    if not secret:
        raise ValueError(
            f"{key}: the keyring has no password of {user!r} for {service!r}. Store it with:"
            f" keyring set {service} {user}"
        )
    return secret


def _reference(key: str) -> str:
    return (
        f'Refer to it: {key} = {{ env = "NAME" }}, or {key} = {{ keyring = "heymarket", user ='
        ' "NAME" }'
    )


def _has_password(url: str) -> bool:
    parts = urlsplit(url)
    # redis-py takes it from the options behind the question mark, too.
    return parts.password is not None or any("password" in key for key in parse_qs(parts.query))


def _number(key: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{key} must be a number, such as 0.5")
    return value


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key} must be a text")
    return value


def _shortened(text: str) -> str:
    """Return a text that quotes names of the file, which may be very long."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _check_key(key: str, known: Iterable[str]) -> None:
    if key in known:
        return
    alike = difflib.get_close_matches(key, known, 1)
    hint = f"Did you mean {alike[0]}?" if alike else f"There are {', '.join(known)}."
    raise ValueError(f"{key} is not known. {hint}")
