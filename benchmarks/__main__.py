"""Compare this package with its alternatives: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec

from benchmarks import callgrind, gate, goals, results
from benchmarks.lossless import command as lossless
from benchmarks.measuring import Lab, Results, available
from benchmarks.rivals import RIVALS
from benchmarks.tables import as_text
from benchmarks.works import WORKS

INSTALL = "pip install -e '.[bench]'"


def main() -> None:
    parser = _parser()
    asked = parser.parse_args()
    if unknown := set(asked.works) - set(WORKS):
        parser.error(f"there is no work {', '.join(sorted(unknown))}")
    if find_spec("uvloop") is None:
        parser.error(f"the server needs uvloop: {INSTALL}")
    if asked.gate:
        _keep_gate(parser)
        return
    rounds = asked.rounds or (1 if asked.small else 9)
    is_full = not asked.works and not asked.small and rounds >= 7
    only_counts = asked.works == ["i"] and not asked.small
    is_written = is_full or only_counts or asked.show
    missing = [entry.title for name, entry in RIVALS.items() if name not in available()]
    if missing:
        print(f"left out: {', '.join(missing)}; they need: {INSTALL}")
    if (missing or find_spec("matplotlib") is None) and is_written:
        parser.error(f"a run that is written needs: {INSTALL}")
    if not asked.show:
        with Lab(rounds=rounds, seconds=0.02 if asked.small else 0.2, small=asked.small) as lab:
            taken = measure(lab, asked.works or list(WORKS))
        print(as_text(goals.table(taken)))
        if is_full:
            results.save(lab, taken)
        elif only_counts:
            results.save_counts(taken)
    if is_written:
        results.show()


def _parser() -> argparse.ArgumentParser:
    works = "; ".join(f"{key}: {work.TITLE}" for key, work in WORKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog="A full run writes benchmarks/results.md, results.json and docs/performance.svg. So"
        " does a run of i alone, which leaves all else as it was."
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
    parser.add_argument(
        "--gate", action="store_true", help="count and keep the ratios that CI holds the package to"
    )
    return parser


def measure(lab: Lab, works: list[str]) -> Results:
    taken: Results = {}
    for key in works:
        taken |= WORKS[key].measure(lab)
        for table in WORKS[key].tables(taken):
            print(as_text(table), flush=True)
    return taken


def _keep_gate(parser: argparse.ArgumentParser) -> None:
    before = gate.kept() or {}
    try:
        with Lab() as lab:
            ratios = gate.counted(lab)
    except callgrind.CannotCountError as error:
        parser.error(str(error))
    gate.write(ratios)
    for work, ratio in ratios.items():
        print(f"{work}, instructions to the baseline: {ratio}; before: {before.get(work, 'none')}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["lossless"]:
        lossless.main(sys.argv[2:])
    else:
        main()
