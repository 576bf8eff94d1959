"""(e) The cost of a contact in walks of several lengths."""

from __future__ import annotations

from functools import partial

from benchmarks.measuring import Lab, Results, interleaved
from benchmarks.rivals import BARE, BY_CONTACT, BY_PAGE, RIVALS
from benchmarks.tables import Table, column, ratios

TITLE = "growth: walks of 10, 1,000 and 10,000 pages"
PAGES = ("10 pages", "1,000 pages", "10,000 pages")
_RIVALS = (BARE, BY_PAGE, BY_CONTACT)


def name(rival: str) -> str:
    return f"growth, {rival}"


def measure(lab: Lab) -> Results:
    lengths = PAGES[:2] if lab.small else PAGES
    return {
        name(each): interleaved(
            name(each),
            {
                length: partial(
                    lab.walk, each, limit=30, pages=int(length.split()[0].replace(",", ""))
                )
                for length in lengths
            },
            lab.rounds,
        )
        for each in _RIVALS
    }


def tables(results: Results) -> list[Table]:
    rows = [
        [
            f"{RIVALS[each].title}, {length}",
            ratios(rounds, length, PAGES[0]),
            column(taken, "cpu_us", 1),
            ratios(rounds, length, PAGES[0], "contact_us"),
            column(taken, "contact_us", 2),
        ]
        for each in _RIVALS
        if (rounds := results.get(name(each)))
        for length, taken in rounds.items()
    ]
    columns = ["", "a page, ratio to 10 pages", "CPU µs", "a contact, ratio", "CPU µs"]
    notes = (
        "Each walk asks for one page more, which brings nothing; of 10 pages that is a tenth,"
        " so that the ratio by page is the stricter one."
    )
    return [Table("(e) Growth, 30 a page", columns, rows, notes)] if rows else []
