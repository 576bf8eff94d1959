"""The measurements ("works"), one module per work.

Every module has `measure`, which returns the values of all rounds, and `tables`, which shows them.
The raw data is enough to show them again.
"""

from __future__ import annotations

from typing import Protocol

from benchmarks.measuring import Lab, Results
from benchmarks.tables import Table
from benchmarks.works import creates, growth, imports, instructions, layers, loops, memory, walks


class Work(Protocol):
    """The shape of these modules."""

    TITLE: str

    def measure(self, lab: Lab) -> Results:
        """Run it, and return the results, by names that no other work uses."""
        ...

    def tables(self, results: Results) -> list[Table]:
        """Show its own results."""
        ...


WORKS: dict[str, Work] = {
    "i": instructions,
    "a": walks,
    "b": creates,
    "c": imports,
    "d": memory,
    "e": growth,
    "f": layers,
    "g": loops,
}
