"""The accounts that are read, and how they are read."""

from __future__ import annotations

from typing import NamedTuple


class Scenario(NamedTuple):
    """An account, and a way to read it.

    Attributes:
        title: Its name in tables.
        contacts: Number of contacts.
        ties: Size of the largest group of contacts that share one `updated`.
        size: The `limit` that is set; None: none is, and a page has 30 contacts by default.
        inclusive: Whether a page includes the contacts at its `date`.
        ends_at_short_page: Whether the tools stop at a page that is not full; otherwise, they stop
            at an empty page.
        edits: Number of contacts that people edit meanwhile, three after each page.
    """

    title: str
    contacts: int = 5_000
    ties: int = 50
    size: int | None = 100
    inclusive: bool = False
    ends_at_short_page: bool = False
    edits: int = 0

    @property
    def page(self) -> int:
        """Contacts on a full page."""
        return self.size or 30

    @property
    def most_requests(self) -> int:
        """Requests after which a tool is stopped: six times those of a plain loop."""
        return 6 * (self.contacts // self.page + 1)


SCENARIOS = {
    "ties": Scenario("shared timestamps, 100 a page"),
    "default": Scenario("shared timestamps, no `limit` set", size=None),
    "group": Scenario("3,000 contacts that share one timestamp", contacts=3_000, ties=3_000),
    "inclusive": Scenario("`date` included", inclusive=True),
    "inclusive-short": Scenario(
        "`date` included, stop at a short page", inclusive=True, ends_at_short_page=True
    ),
    "inclusive-default": Scenario(
        "the same, no `limit` set",
        size=None,
        inclusive=True,
        ends_at_short_page=True,
    ),
    "edits": Scenario("150 edits meanwhile, no shared timestamps", ties=1, edits=150),
}

SMALL = {
    "ties": Scenario("shared timestamps", contacts=300, ties=15, size=30),
    "group": Scenario("one group", contacts=120, ties=120, size=30),
    "inclusive": Scenario("the server includes `date`", 300, ties=15, size=30, inclusive=True),
    "edits": Scenario("edits meanwhile", contacts=300, ties=1, size=30, edits=30),
}
"""A few seconds: does everything still run?"""
