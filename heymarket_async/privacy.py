"""Keeps secrets and people's data out of what an error tracker stores.

Error trackers, and tracebacks "with locals", store the variables of each frame that an error came
through. Ours hold tokens, bodies and contacts, and so do those of aiohttp below them. So an error
leaves this package with the same traceback, file by file and line by line, but without variables.
"""

from __future__ import annotations

import ast
import copy
import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing
from itertools import islice
from types import CodeType, FrameType, TracebackType
from typing import TYPE_CHECKING, Generic, NoReturn, ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound=BaseException)
C = TypeVar("C", bound=Callable[..., object])


class Hidden(Generic[T]):
    """A value that does not show itself in a `repr`, an f-string or a list of variables."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """Return the value, for the moment in which it is used."""
        return self._value

    def __repr__(self) -> str:
        return "<hidden>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a hidden value does not pickle, so that it is written nowhere")


class Masked:
    """A struct that has a `repr` of its own, which shows nothing that it must not show."""

    __slots__ = ()

    if not TYPE_CHECKING:  # as msgspec types it, it returns something

        def __rich_repr__(self) -> None:
            """Let rich show that `repr`, where msgspec would show all fields."""


def hides_locals(target: C) -> C:
    """Let errors leave a function, or the public methods of a class, without variables.

    Everything else about them stays: a method is a coroutine function as before.
    """
    if isinstance(target, type):
        for name, method in list(vars(target).items()):
            if not name.startswith("_") or name == "__init__":
                setattr(target, name, _hiding(method))
        return cast(C, target)
    return cast(C, _hiding(target))


def strip_locals(error: BaseException) -> None:
    """Take the variables out of the traceback of an error, and out of those that led to it.

    Of those that led to it, aiohttp's frames are dropped. What the caller was handling when it made
    the call is the caller's own, and stays as it is.
    """
    callers = set(_running_frames())
    left, seen = [error], set[int]()
    while left:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if each is not error and any(entry.tb_frame in callers for entry in _entries(each)):
            continue
        _strip(each, dropped="" if each is error else "aiohttp")
        left.extend(_led_to(each))


def stripped_copy(error: E) -> E:
    """Return an error to keep, where the error itself is still on its way through our frames."""
    strip_locals(error)
    copied = copy.copy(error).with_traceback(error.__traceback__)
    copied.__cause__ = error.__cause__
    return copied


def _hiding(target: object) -> object:
    if inspect.iscoroutinefunction(target):
        return _hiding_async(target)
    if inspect.isasyncgenfunction(target):
        return _hiding_items(target)
    return _hiding_sync(target) if inspect.isfunction(target) else target


def _hiding_async(
    function: Callable[P, Coroutine[object, object, T]],
) -> Callable[P, Coroutine[object, object, T]]:
    @functools.wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await function(*args, **kwargs)
        except BaseException as error:
            strip_locals(error)
            raise

    return call


def _hiding_sync(function: Callable[P, T]) -> Callable[P, T]:
    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            strip_locals(error)
            raise

    return call


def _hiding_items(function: Callable[P, AsyncGenerator[T]]) -> Callable[P, AsyncGenerator[T]]:
    @functools.wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[T]:
        try:
            async with aclosing(function(*args, **kwargs)) as items:
                async for item in items:
                    yield item
        except BaseException as error:
            strip_locals(error)
            raise

    return call


def _strip(error: BaseException, *, dropped: str) -> None:
    places = [_Place(entry) for entry in _entries(error)]
    error.__traceback__ = None
    for place in reversed(places):
        if place.code.co_filename != __file__ and place.module.partition(".")[0] != dropped:
            error.__traceback__ = _bare(place, error.__traceback__)


def _led_to(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        yield from cast("BaseExceptionGroup[BaseException]", error).exceptions
    for other in (error.__cause__, error.__context__):
        if other is not None:
            yield other


class _Place:
    """Where an error came through: what a traceback shows of it, and nothing else."""

    def __init__(self, entry: TracebackType) -> None:
        self.code = entry.tb_frame.f_code
        self.module = str(entry.tb_frame.f_globals.get("__name__", ""))
        self.lasti = entry.tb_lasti
        # An interrupt may come where there is no line, whatever the types say.
        self.line = entry.tb_lineno or self.code.co_firstlineno


def _bare(place: _Place, below: TracebackType | None) -> TracebackType:
    """Return an entry of a traceback that looks the same, of a frame without variables."""
    made: list[TracebackType] = []
    try:
        exec(_raising_at(place.code, place.lasti), {"__name__": place.module}, {})  # noqa: S102 - a frame is made by running it
    except Exception as error:  # noqa: BLE001 - which one does not matter
        made.extend(_entries(error))
    return TracebackType(below, made[-1].tb_frame, made[-1].tb_lasti, place.line)


@functools.lru_cache(maxsize=1024)
def _raising_at(code: CodeType, lasti: int) -> CodeType:
    """Return code that raises, and says that it stands in that place."""
    line, end_line, column, end_column = next(islice(code.co_positions(), lasti // 2, None))
    tree = ast.parse("raise Exception")
    for node in ast.walk(tree):
        if isinstance(node, ast.expr | ast.stmt):
            node.lineno, node.end_lineno = line or 1, end_line or line or 1
            node.col_offset, node.end_col_offset = column or 0, end_column or 0
    raising = compile(tree, code.co_filename, "exec")
    return raising.replace(co_name=code.co_name, co_qualname=code.co_qualname)


def _entries(error: BaseException) -> Iterator[TracebackType]:
    entry = error.__traceback__
    while entry is not None:
        yield entry
        entry = entry.tb_next


def _running_frames() -> Iterator[FrameType]:
    frame = inspect.currentframe()
    while frame is not None:
        yield frame
        frame = frame.f_back
