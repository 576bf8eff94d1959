"""Explains usual mistakes in the use of a client, where Python's own errors do not."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, NoReturn, ParamSpec, TypeVar

from heymarket_async.checks import spelling_hint

P = ParamSpec("P")
S = TypeVar("S")


def not_copied(owner: object) -> NoReturn:
    """Explain that a client, or a part of one, is not copied."""
    raise TypeError(
        f"{type(owner).__name__} is not copied and does not pickle: a client holds connections and"
        " a secret. For other options use with_options; in another process make a client, as with"
        " HeymarketClient.from_env()"
    )


class Explained:
    """The base of classes that explain a wrong use.

    Type checkers do not see its method, so they report the mistakes too. Other special methods are
    left to Python's own errors: programs look for them to learn what an object can do.
    """

    if not TYPE_CHECKING:  # pragma: no branch - see above

        def __getattr__(self, name: str) -> NoReturn:
            """Explain that there is no such attribute."""
            if name.startswith("_"):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            raise AttributeError(_missing(self, name), name=name, obj=self)


def one_value(
    init: Callable[Concatenate[S, P], None],
) -> Callable[Concatenate[S, P], None]:
    """Explain a constructor of a client that is called without credentials, or with their parts."""

    @functools.wraps(init)
    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
        if len(args) + ("credentials" in kwargs) != 1:
            raise TypeError(
                "a client takes its credentials as one value, and options by name:"
                " HeymarketClient(ApiSecret(secret_id, secret_key)). HeymarketClient.from_env()"
                " reads them from the environment"
            )
        init(self, *args, **kwargs)

    return call


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_INFORMING = {"from_env", "waiting", "fingerprint"}
"""Names of a client that nobody means by another name."""


def _missing(owner: object, name: str) -> str:
    kind = type(owner)
    if name == "close":
        return f"{kind.__name__} has no close(). Use `async with`, or await its aclose()"
    if name.upper() in _METHODS and hasattr(kind, "request"):
        return f'{kind.__name__} has no {name!r}; use request("{name.upper()}", path)'
    known = {each for each in {*dir(kind), *vars(owner)} - _INFORMING if not each.startswith("_")}
    hint = spelling_hint(name, known) or f". It has {', '.join(sorted(known))}"
    return f"{kind.__name__} has no {name!r}{hint}"
