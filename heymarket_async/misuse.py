"""Explains usual mistakes in the use of a client, where Python's own errors do not."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, NoReturn, ParamSpec, TypeVar

from heymarket_async.checks import spelling_hint

P = ParamSpec("P")
S = TypeVar("S")


class Explained:
    """The base of classes that explain a wrong use.

    Type checkers do not see its methods, so they report the mistakes too.
    """

    if not TYPE_CHECKING:  # pragma: no branch - see above

        def __getattr__(self, name: str) -> NoReturn:
            """Explain that there is no such attribute."""
            if name.startswith("_"):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            raise AttributeError(_missing(self, name), name=name, obj=self)

        def __enter__(self) -> NoReturn:
            """Explain that `async with` is needed."""
            raise TypeError(f"a {type(self).__name__} is not entered with `with`: use `async with`")

        def __exit__(self, *_: object) -> None:
            """Do nothing: Python looks for it before it calls `__enter__`."""


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


def _missing(owner: object, name: str) -> str:
    kind = type(owner)
    if name == "close":
        return f"{kind.__name__} has no close(). Use `async with`, or await its aclose()"
    known = [each for each in {*dir(kind), *vars(owner)} if not each.startswith("_")]
    hint = spelling_hint(name, known) or f". It has {', '.join(sorted(known))}"
    return f"{kind.__name__} has no {name!r}{hint}"
