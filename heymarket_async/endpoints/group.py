"""The base of all groups of calls."""

from __future__ import annotations

from typing import NoReturn

from heymarket_async.misuse import Explained, not_copied
from heymarket_async.privacy import hides_locals
from heymarket_async.transport.send import Transport


class Group(Explained):
    """Calls about one kind of thing, as a client shows them."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        hides_locals(cls)

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._send = transport.send

    def __reduce__(self) -> NoReturn:
        not_copied(self)
