"""Compare this package with its alternatives: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec

from benchmarks import goals, results
from benchmarks.lossless import command as lossless
from benchmarks.measuring import Lab, Results, available
from benchmarks.rivals import RIVALS
from benchmarks.tables import as_text
from benchmarks.works import WORKS

INSTALL = "pip install -e '.[bench]'"


def main() -> None:
    works = "; ".join(f"{key}: {work.TITLE}" for key, work in WORKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog="A full run writes benchmarks/results.md, results.json and docs/performance.svg."
        " `python -m benchmarks lossless --help` is about contacts that are lost.",
    )
    parser.add_argument("works", nargs="*", metavar="work", help=f"default: all. {works}")
    parser.add_argument(
        "--rounds",
        type=int,
        help="rounds of each work; default: 9; results are written only for 7 or more",
    )
    parser.add_argument(
        "--small", action="store_true", help="a quick check that all works; the figures mean little"
    )
    parser.add_argument(
        "--show", action="store_true", help="write tables and chart again from the last full run"
    )
    asked = parser.parse_args()
    if unknown := set(asked.works) - set(WORKS):
        parser.error(f"there is no work {', '.join(sorted(unknown))}")
    if find_spec("uvloop") is None:
        parser.error(f"the server needs uvloop: {INSTALL}")
    rounds = asked.rounds or (1 if asked.small else 9)
    is_full = not asked.works and not asked.small and rounds >= 7
    missing = [entry.title for name, entry in RIVALS.items() if name not in available()]
    if missing:
        print(f"left out: {', '.join(missing)}; they need: {INSTALL}")
    if (missing or find_spec("matplotlib") is None) and (is_full or asked.show):
        parser.error(f"a full run needs: {INSTALL}")
    if not asked.show:
        with Lab(rounds=rounds, seconds=0.02 if asked.small else 0.2, small=asked.small) as lab:
            taken = measure(lab, asked.works or list(WORKS))
        print(as_text(goals.table(taken)))
        if is_full:
            results.save(lab, taken)
    if is_full or asked.show:
        results.show()


def measure(lab: Lab, works: list[str]) -> Results:
    taken: Results = {}
    for key in works:
        taken |= WORKS[key].measure(lab)
        for table in WORKS[key].tables(taken):
            print(as_text(table), flush=True)
    return taken


if __name__ == "__main__":
    if sys.argv[1:2] == ["lossless"]:
        lossless.main(sys.argv[2:])
    else:
        main()
