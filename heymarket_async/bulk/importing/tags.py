"""The ids of tags by their names, for the thread that reads the rows of an import."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, wait
from typing import TypeVar, cast

from heymarket_async.bulk.errors import JobError
from heymarket_async.bulk.tags import create_tag, tags_of, unread_tags
from heymarket_async.client import HeymarketClient
from heymarket_async.endpoints.tags import loose
from heymarket_async.errors import ClientStateError
from heymarket_async.privacy import hides_locals
from heymarket_async.transport import wire

T = TypeVar("T")

OTHERS = "(other names)"
"""The name under which names are counted if there are very many."""

MOST_NEW = 50
"""The most tags that one run creates. A column with more names is probably free text."""

_MOST_NAMES = 1000
_PATIENCE_S = 0.2
"""Seconds after which a thread that waits for the event loop looks whether it is still running."""


@hides_locals
class TagsByName:
    """The ids of the account's tags by name. The tags are read once, when a name is looked up.

    Make it in the event loop of the client. `find` and `tag_id` are for another thread, which they
    block while the loop asks Heymarket.

    Args:
        client: Asks Heymarket.
        creates: Whether `tag_id` creates tags that are missing.
        dry_run: Whether nothing is written. A tag that would be created then has a negative id,
            so that a row with it differs from contacts without it.

    Attributes:
        unknown: How many rows have a tag that the account does not have, by its name as shown in
            reports: masked. If the tags cannot be read, all names are unknown.
        created: The same for tags that were created, or in a dry run would be.
        cannot_be_read: The tags were asked for, and cannot be read.
    """

    def __init__(
        self, client: HeymarketClient, *, creates: bool = False, dry_run: bool = False
    ) -> None:
        self.unknown: Counter[str] = Counter()
        self.created: Counter[str] = Counter()
        self.cannot_be_read = False
        self._client = client
        self._creates = creates
        self._dry_run = dry_run
        self._loop = asyncio.get_running_loop()
        self._ids: dict[str, int] = {}
        self._is_read = False
        self._new: dict[str, str] = {}

    async def read(self) -> bool:
        """Read the tags of the account now, and return whether they could be read.

        Raises:
            JobError: They cannot be read, and missing ones were to be created.
            HeymarketError: Heymarket cannot be asked.
        """
        tags = await tags_of(self._client)
        if tags is None and self._creates:
            raise unread_tags()
        self._ids, self._is_read, self.cannot_be_read = tags or {}, True, tags is None
        return not self.cannot_be_read

    def find(self, name: str) -> int | None:
        """Return the id of a tag, or None if the account has none of this name.

        Nothing is created or counted: a cell may be one name, or several.

        Raises:
            ClientStateError: The event loop has ended.
            JobError, HeymarketError: See `read`.
        """
        if not self._is_read:
            self._ask(self.read)
        return self._ids.get(loose(name))

    def tag_id(self, name: str) -> int | None:
        """Return the id of a tag of a row, which may be created for it; None if there is none.

        Raises:
            ClientStateError: The event loop has ended.
            JobError: See `read` and `create_tag`; or more than `MOST_NEW` tags would be created.
            HeymarketError: See `read` and `create_tag`.
        """
        if not (key := loose(name)):
            return None
        found = self.find(name)
        if found is None and self._creates:
            found = self._create(name, key)
        if found is None:
            _count(self.unknown, _shown(name))
        elif key in self._new:
            _count(self.created, self._new[key])
        return found

    def _create(self, name: str, key: str) -> int:
        if len(self._new) == MOST_NEW:
            raise JobError(
                "too_many_new_tags",
                f"The file has more than {MOST_NEW} tags that the account does not have, and the"
                f" first {MOST_NEW} are all that one run creates.",
                "Ignore the column if it holds other text, or import again to create more.",
                column="tags",
            )
        number = -1 - len(self._new)
        if not self._dry_run:
            number = self._ask(lambda: create_tag(self._client, name))
        self._ids[key] = number
        self._new[key] = _shown(name)
        return number

    def _ask(self, work: Callable[[], Coroutine[object, object, T]]) -> T:
        """Run a piece of work in the event loop, and wait for it in this thread."""
        coroutine = _named(work)
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError:  # the loop is closed
            coroutine.close()
            raise _ended() from None
        while not wait([future], _PATIENCE_S).done:
            if not self._loop.is_running():
                # Work that was not begun would be a warning of Python.
                if inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
                    coroutine.close()
                raise _ended()
        try:
            return future.result()
        except CancelledError:
            raise _ended() from None


async def _named(work: Callable[[], Coroutine[object, object, T]]) -> T:
    # run_coroutine_threadsafe has made a task of it, without a way to name it.
    cast("asyncio.Task[T]", asyncio.current_task()).set_name("heymarket-tags")
    return await work()


def _ended() -> ClientStateError:
    return ClientStateError("the event loop that asks for tags has ended")


def _count(names: Counter[str], name: str) -> None:
    names[name if name in names or len(names) < _MOST_NAMES else OTHERS] += 1


def _shown(name: str) -> str:
    # In a file with mixed up columns, it is a phone or an e-mail.
    return wire.masked(" ".join(name.split()), None).strip('"')
