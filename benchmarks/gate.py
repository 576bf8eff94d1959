"""The ratios that CI holds this package to, in instructions: `python -m benchmarks --gate`.

They are kept by interpreter and processor, which decide how many instructions the same Python
takes. A change that makes the package cheaper should write them again, so that what was won is
not lost unseen.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path

from benchmarks import callgrind
from benchmarks.measuring import Lab
from benchmarks.rivals import BARE, BY_CONTACT, BY_PAGE
from benchmarks.works import imports, instructions
from benchmarks.works.instructions import CREATE, KEY, LARGE_WALK, WALK

KEPT = Path(__file__).with_name("gate.json")
MARGIN = 1.03
"""More than the same code differs by: counts repeat within half a percent."""

Ratios = dict[str, float]
"""Instructions by work, to a baseline.

It is bare aiohttp and msgspec; for an import, the import of the packages that are needed.
"""


def counted(lab: Lab) -> Ratios:
    """Count both, with a fixed count of work.

    Raises:
        CannotCountError: This machine cannot count.
    """
    ours = ((CREATE, BY_PAGE), (WALK, BY_PAGE), (LARGE_WALK, BY_CONTACT))
    with callgrind.counter() as counter:
        parts = [part._replace(rivals=(BARE, mine)) for part, mine in ours]
        results = instructions.counted(lab, counter, parts)
        imported = instructions.imported(lab, counter)[instructions.name(imports.NAME)]
    ratios = {
        part.what: round(rounds[mine][0][KEY] / rounds[BARE][0][KEY], 3)
        for part, mine in ours
        if (rounds := results[part.name])
    }
    mine, needed = (imported[each][0][KEY] for each in imports.COUNTED)
    return ratios | {imports.NAME: round(mine / needed, 3)}


def kept() -> Ratios | None:
    """Return the ratios for this interpreter and processor, or nothing if none are kept."""
    ratios: dict[str, Ratios] = json.loads(KEPT.read_text())
    return ratios.get(_here())


def write(ratios: Ratios) -> None:
    """Keep the ratios for this interpreter and processor, beside those of others."""
    rows = json.loads(KEPT.read_text()) | {_here(): ratios}
    KEPT.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n")


def excess(counts: Ratios, limits: Ratios) -> list[str]:
    """Say what costs more than it may."""
    return [
        f"{work} takes {counts[work]:.3f} of the instructions of its baseline, more than"
        f" {MARGIN:g} times the {limit:.3f} that is kept"
        for work, limit in limits.items()
        if counts[work] > limit * MARGIN
    ]


def _here() -> str:
    version = ".".join(platform.python_version_tuple()[:2])
    return f"{platform.python_implementation()} {version}, {platform.machine()}"
