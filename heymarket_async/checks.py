"""Rules that arguments must keep, checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import isnan
from sys import float_info
from typing import Annotated, TypeGuard, TypeVar, cast
from uuid import UUID

import msgspec

T = TypeVar("T")

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""An integer that fits into a database column, as a type to decode into."""

_PHONE = re.compile(r"[1-9][0-9]{1,14}", re.ASCII)


def phone_digits(phone: str, name: str = "phone") -> str:
    """Return a phone as Heymarket writes it: E.164 digits without the plus.

    Raises:
        ValueError: It is not that, even without one leading plus. The number itself is not in the
            message, because messages end up in logs.
    """
    if not isinstance(phone, str):
        raise ValueError(f'{name} must be text, such as "15105553344", not {kind_of(phone)}')
    digits = phone.removeprefix("+")
    if _PHONE.fullmatch(digits) is None:
        raise ValueError(
            f"{name} must be E.164 digits with the country code, such as 15105553344:"
            " no spaces, no punctuation, no leading zero, at most 15 digits"
            " (heymarket_async.phones.parse_phone reads other ways to write one)"
        )
    return digits


def group_of(name: str, phones: Iterable[str]) -> list[str]:
    """Return the phones of a group as `phone_digits` does, each once.

    Raises:
        ValueError: One is not a phone, or they are fewer than two.
    """
    digits = (phone_digits(each, f"each of {name}") for each in list_of(name, phones, str))
    different = list(dict.fromkeys(digits))
    if len(different) < 2:
        raise ValueError(f"{name} must be two or more phones; for one, use phone_number")
    return different


def known_as(channel_id: str) -> str:
    """Return the id of a channel in one form: the digits of a phone, other text in lower case."""
    plain = _PUNCTUATION.sub("", channel_id)
    return plain if plain.isdigit() else channel_id.casefold()


_PUNCTUATION = re.compile(r"[^\w@]")


def id_of(name: str, value: object) -> int:
    """Return the integer id.

    Raises:
        ValueError: It is not a positive integer, but for example a UUID of the v2 endpoints.
    """
    if not is_int(value):
        hint = ""
        if isinstance(value, str) and value.isdecimal():
            hint = f"; pass int({name})"
        elif isinstance(value, UUID) or (isinstance(value, str) and _UUID.fullmatch(value)):
            hint = "; UUIDs belong to the v2 endpoints"
        raise ValueError(f"{name} must be a positive integer, not {kind_of(value)}{hint}")
    if value < 1:
        raise ValueError(f"{name} must be a positive integer")
    return value


_UUID = re.compile("[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def seconds_of(name: str, value: float) -> float:
    """Return a number of seconds.

    Raises:
        ValueError: It is not a number of 0 or above, or infinite.
    """
    if not 0 <= one_of(name, value, (int, float)) <= float_info.max:
        raise ValueError(f"{name} must be a number of seconds, 0 or above")
    return value


def uuid_of(name: str, value: object) -> UUID:
    """Return the UUID, parsed if it is given as text.

    Raises:
        ValueError: It is not a UUID, but for example an integer id of the v1 endpoints.
    """
    try:
        return value if isinstance(value, UUID) else UUID(cast(str, value))
    except (ValueError, AttributeError, TypeError):
        raise ValueError(
            f"{name} must be a UUID, such as a1b2c3d4-e5f6-7890-abcd-ef1234567890;"
            " integer ids belong to the v1 endpoints"
        ) from None


def segment_of(name: str, value: object) -> str:
    """Return a text that can stand alone between two slashes of a path.

    Raises:
        ValueError: It is empty, or "." or "..", which would lead to another endpoint.
    """
    if not isinstance(value, str) or value in {"", ".", ".."}:
        raise ValueError(f"{name} must be text, and not empty or only dots")
    return value


def text_of(name: str, value: object) -> str:
    """Return a text that is not blank.

    Raises:
        ValueError: It is not a text, has only white space, or has half of a character, such as of
            an emoji that was cut in two. That cannot be sent.
    """
    text = one_of(name, cast(str, value), str)
    if not text.strip():
        raise ValueError(f"{name} must not be empty")
    if not text.isascii() and _HALF.search(text):
        raise ValueError(f"{name} has half of a character (a lone surrogate), which cannot be sent")
    return text


_HALF = re.compile("[\ud800-\udfff]")


def email_of(name: str, value: object) -> str:
    """Return an e-mail, which is looked at only for obvious slips.

    Raises:
        ValueError: It has no text on both sides of an "@", or white space. The text itself is not
            in the message.
    """
    if _EMAIL.fullmatch(one_of(name, cast(str, value), str)) is None:
        raise ValueError(f"{name} must be an e-mail, such as jordan@example.com")
    return cast(str, value)


_EMAIL = re.compile("[^\\s@,;<>\ud800-\udfff]+@[^\\s@,;<>\ud800-\udfff]+")


def one_of(name: str, value: T, kind: type[object] | tuple[type[object], ...]) -> T:
    """Return a value that is of the right type.

    Raises:
        ValueError: It is of another type. Its text is not in the message.
    """
    if type(value) is kind:  # the usual case; the rest takes five times as long
        return value
    kinds = kind if isinstance(kind, tuple) else (kind,)
    # Python counts True as an int. No caller means it that way.
    is_stray_bool = isinstance(value, bool) and not {bool, object} & set(kinds)
    if not isinstance(value, kinds) or is_stray_bool:
        wanted = " or ".join("None" if each is type(None) else each.__name__ for each in kinds)
        hint = _conversion(value, kinds)
        raise ValueError(f"{name} must be of type {wanted}, not {kind_of(value)}{hint}")
    return value


def kind_of(value: object) -> str:
    """Return the name of the type of a value, with its module if it is not one of Python's own."""
    kind = type(value)
    module = kind.__module__.partition(".")[0]
    return kind.__name__ if module == "builtins" else f"{module}.{kind.__name__}"


def _conversion(value: object, kinds: tuple[type[object], ...]) -> str:
    """Return how a value of a wrong type is usually made one of the right type, or ""."""
    given = type(value)
    if issubclass(given, dict) and issubclass(kinds[0], msgspec.Struct):
        return f"; make one with {kinds[0].__name__}(**fields)"
    is_nan = isinstance(value, float) and isnan(value)
    if is_nan or given.__name__ in {"NAType", "NaTType"}:  # as pandas marks an empty cell
        return "; leave the field out if there is no value"
    return "; call its item()" if given.__module__ == "numpy" else ""


def list_of(
    name: str, values: Iterable[T], kind: type[object] | tuple[type[object], ...]
) -> list[T]:
    """Return values as a list, and check that all have the right type.

    Raises:
        ValueError: It is a single value, such as a text, or an element has another type.
    """
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise ValueError(f"{name} must be a list, not {kind_of(cast(object, values))}")
    return [one_of(f"each of {name}", each, kind) for each in values]


def limit_of(limit: int | None, most: int | None = None, name: str = "limit") -> int | None:
    """Return the size of a page.

    Raises:
        ValueError: It is not an integer, is below 1, or is above the endpoint's maximum.
    """
    if limit is None or (is_int(limit) and 1 <= limit <= (most or limit)):
        return limit
    rule = f"an integer from 1 to {most}" if most else "an integer of at least 1"
    raise ValueError(f"{name} must be {rule}")


def spelling_hint(text: str, known: Iterable[str]) -> str:
    """Return a hint to a known text that is spelt alike, or "" if there is none.

    It is written to follow a sentence: "; did you mean 'Plan'?".
    """
    from difflib import get_close_matches  # noqa: PLC0415 - a twentieth of importing this package

    close = get_close_matches(text, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def is_int(value: object) -> TypeGuard[int]:
    """Whether a value is an integer. True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool)
