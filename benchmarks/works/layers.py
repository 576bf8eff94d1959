"""(f) The cost of each layer of this package: turned off, or on."""

from __future__ import annotations

from functools import partial

from benchmarks.measuring import Lab, Results, interleaved
from benchmarks.rivals import BARE, BY_PAGE, RIVALS, WITHOUT
from benchmarks.tables import Table, column, ratios

TITLE = "the price of each layer"
CREATE, WALK, EXCLUSIVE = "layers, create", "layers, walk", "layers, exclusive"


def measure(lab: Lab) -> Results:
    variants = [BY_PAGE, *WITHOUT, BARE]
    pages = 10 if lab.small else 200
    walking = [each for each in variants if each != "without_building"]
    creates = {each: partial(lab.create, each, at_once=1) for each in variants}
    walks = {each: partial(lab.walk, each, limit=30, pages=pages) for each in walking}
    exclusive = {
        each: partial(lab.walk, each, limit=30, pages=pages, exclusive=True)
        for each in (BY_PAGE, BARE)
    }
    return {
        CREATE: interleaved(CREATE, creates, lab.rounds),
        WALK: interleaved(WALK, walks, lab.rounds),
        EXCLUSIVE: interleaved(EXCLUSIVE, exclusive, lab.rounds),
    }


def tables(results: Results) -> list[Table]:
    columns = ["", "CPU, ratio to all of it", "CPU, ratio to bare", "CPU µs"]
    shown = [
        Table(
            f"(f) Layers: {what}",
            columns,
            [
                [
                    _title(each),
                    ratios(rounds, each, BY_PAGE, digits=3),
                    ratios(rounds, each, BARE, digits=3),
                    column(taken, "cpu_us"),
                ]
                for each, taken in rounds.items()
            ],
        )
        for key, what in ((CREATE, "create, 1 at once"), (WALK, "walk of 30 a page"))
        if (rounds := results.get(key))
    ]
    if rounds := results.get(EXCLUSIVE):
        shown.append(
            Table(
                "(f) Walk of 30 a page, where the server leaves out the contact at `date`",
                ["", "CPU a contact, ratio to bare", "CPU µs a contact"],
                [
                    [
                        _title(each),
                        ratios(rounds, each, BARE, "contact_us"),
                        column(taken, "contact_us", 2),
                    ]
                    for each, taken in rounds.items()
                ],
                "There this package reads one contact of each page again, so that it loses none"
                " that share an `updated`. The others lose them.",
            )
        )
    return shown


def _title(each: str) -> str:
    return "heymarket_async, all on" if each == BY_PAGE else (WITHOUT | RIVALS)[each].title
