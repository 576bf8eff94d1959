"""Removes local variables from tracebacks, because they hold secrets and people's data.

Error trackers, and tracebacks "with locals", store the variables of each frame that an error passed
through. The frames of this package hold tokens, bodies and contacts, and so do the frames of
aiohttp. So an error leaves this package with the same files and lines in its traceback, but without
variables.
"""

from __future__ import annotations

import ast
import copy
import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing
from itertools import islice
from threading import Thread
from types import CodeType, FrameType, TracebackType
from typing import TYPE_CHECKING, Generic, NamedTuple, NoReturn, ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound=BaseException)
C = TypeVar("C", bound=Callable[..., object])


class Hidden(Generic[T]):
    """A value that no `repr`, no f-string and no list of variables shows."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """Return the value. Use it at once: a variable that holds it is not hidden."""
        return self._value

    def __repr__(self) -> str:
        return "<hidden>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a hidden value does not pickle, so that it is not stored by accident")


class Masked:
    """A struct with a `repr` of its own, which hides private values."""

    __slots__ = ()

    if not TYPE_CHECKING:  # pragma: no branch - as msgspec types it, it returns something

        def __rich_repr__(self) -> None:
            """Let rich show that `repr`, where msgspec would show all fields."""


def hides_locals(target: C) -> C:
    """Remove local variables from errors of a function, or of the public methods of a class.

    Nothing else changes: a coroutine function is still a coroutine function.
    """
    if isinstance(target, type):
        for name, method in list(vars(target).items()):
            if not name.startswith("_") or name == "__init__":
                setattr(target, name, _hiding(method))
        return cast(C, target)
    return cast(C, _hiding(target))


def strip_locals(error: BaseException) -> None:
    """Remove the variables from the traceback of an error, and of the errors that led to it.

    Frames of aiohttp are removed from its causes. A cause that is not shown, as after
    `raise ... from None`, is removed. An error that the caller was already handling is not changed.
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
        _strip(each, dropped=None if each is error else "aiohttp")
        if each.__suppress_context__:
            each.__context__ = None
        left.extend(_led_to(each))


def stripped_copy(error: E) -> E:
    """Return a copy of an error to keep, while the error itself still passes through our frames."""
    strip_locals(error)
    copied = copy.copy(error).with_traceback(error.__traceback__)
    copied.__cause__ = error.__cause__
    return copied


# The three wrappers repeat their `except` block, because it cannot be a function. If the stack is
# full (RecursionError), calling one would raise another error, with all variables.


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
            try:
                strip_locals(error)
            except RecursionError:  # the stack is full
                error.__traceback__ = error.__cause__ = error.__context__ = None
            raise

    return call


def _hiding_sync(function: Callable[P, T]) -> Callable[P, T]:
    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            try:
                strip_locals(error)
            except RecursionError:  # the stack is full
                error.__traceback__ = error.__cause__ = error.__context__ = None
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
            try:
                strip_locals(error)
            except RecursionError:  # the stack is full
                error.__traceback__ = error.__cause__ = error.__context__ = None
            raise

    return call


def _strip(error: BaseException, *, dropped: str | None) -> None:
    found: list[tuple[_Place, int]] = []
    entry = error.__traceback__
    # Entries that were stripped before, when the error was raised earlier, follow at the end.
    while entry is not None and _STRIPPED not in entry.tb_frame.f_globals:
        found.append((_place_of(entry), _line_of(entry)))
        entry = entry.tb_next
    error.__traceback__ = entry
    for place, line in reversed(found):
        is_shown = place.filename != __file__ and place.module.partition(".")[0] != dropped
        if is_shown and (bare := _bare(place)) is not None:
            below = error.__traceback__
            error.__traceback__ = TracebackType(below, bare.tb_frame, bare.tb_lasti, line)


def _led_to(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        yield from cast("BaseExceptionGroup[BaseException]", error).exceptions
    for other in (error.__cause__, error.__context__):
        if other is not None:
            yield other


_STRIPPED = "__heymarket_stripped__"
"""A name among the globals of each frame whose variables were removed."""


class _Place(NamedTuple):
    """A place that an error passed through: only the parts that a traceback shows."""

    code: CodeType
    filename: str  # code is the same as its copy in another file
    module: str
    lasti: int


def _place_of(entry: TracebackType) -> _Place:
    code = entry.tb_frame.f_code
    module = str(entry.tb_frame.f_globals.get("__name__", ""))
    return _Place(code, code.co_filename, module, entry.tb_lasti)


def _line_of(entry: TracebackType) -> int:
    # An interrupt may come where there is no line, whatever the types say.
    return entry.tb_lineno or entry.tb_frame.f_code.co_firstlineno


@functools.lru_cache(maxsize=1024)
def _bare(place: _Place) -> TracebackType | None:
    """Return a traceback entry for a place, with a frame that has no variables.

    A frame is made by running code, and keeps the frame of its caller, with its variables. So it is
    made in a thread, where it has no caller of ours. None, if no thread can be started any more.
    """
    made: list[TracebackType] = []
    maker = Thread(target=_make, args=(_raising_at(place), place.module, made))
    try:
        maker.start()
    except RuntimeError:  # the interpreter is ending
        return None
    maker.join()
    return made[-1]


def _make(raising: CodeType, module: str, made: list[TracebackType]) -> None:
    try:
        exec(raising, {"__name__": module, _STRIPPED: True}, {})  # noqa: S102 - our own three words
    except Exception as error:  # noqa: BLE001 - which one does not matter
        made.extend(_entries(error))


def _raising_at(place: _Place) -> CodeType:
    """Return code that raises, with the file, name and line of that place."""
    positions = islice(place.code.co_positions(), place.lasti // 2, None)
    line, end_line, column, end_column = next(positions)
    tree = ast.parse("raise Exception")
    for node in ast.walk(tree):
        if isinstance(node, ast.expr | ast.stmt):
            node.lineno, node.end_lineno = line or 1, end_line or line or 1
            node.col_offset, node.end_col_offset = column or 0, end_column or 0
    raising = compile(tree, place.filename, "exec")
    return raising.replace(co_name=place.code.co_name, co_qualname=place.code.co_qualname)


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
