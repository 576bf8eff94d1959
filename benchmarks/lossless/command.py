"""The command `python -m benchmarks lossless`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks.lossless import report
from benchmarks.lossless.reading import available, outcome
from benchmarks.lossless.scenarios import SCENARIOS, SMALL
from benchmarks.lossless.tools import TOOLS
from benchmarks.tables import as_text

INSTALL = "pip install -e '.[lossless]'"


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks lossless",
        description="Count the contacts that usual tools lose when they read a whole account.",
        epilog="A full run writes benchmarks/lossless/results.json and the tables of docs/walk.md.",
    )
    accounts = "; ".join(f"{name}: {each.title}" for name, each in SCENARIOS.items())
    parser.add_argument("accounts", nargs="*", metavar="account", help=f"default: all. {accounts}")
    parser.add_argument("--small", action="store_true", help="small accounts: does it still run?")
    parser.add_argument(
        "--show", action="store_true", help="write the tables again from the last full run"
    )
    asked = parser.parse_args(arguments)
    scenarios = SMALL if asked.small else SCENARIOS
    if unknown := set(asked.accounts) - set(scenarios):
        parser.error(f"there is no account {', '.join(sorted(unknown))}")
    tools = available()
    if missing := [tool.title for name, tool in TOOLS.items() if name not in tools]:
        print(f"left out: {', '.join(missing)}; they need: {INSTALL}")
    is_full = not (asked.accounts or asked.small or asked.show)
    if missing and is_full:
        parser.error(f"a full run needs: {INSTALL}")
    if not asked.show:
        outcomes = _count(asked.accounts or list(scenarios), tools, small=asked.small)
        for table in (report.lost, report.requests):
            print(as_text(table(outcomes, scenarios)))
        if is_full:
            report.save(outcomes)
    if is_full or asked.show:
        report.write()


def _count(accounts: Sequence[str], tools: Sequence[str], *, small: bool) -> report.Outcomes:
    """Let every tool read every account."""
    scenarios = SMALL if small else SCENARIOS
    outcomes: report.Outcomes = {}
    for name in accounts:
        for tool in tools:
            outcomes.setdefault(name, {})[tool] = counted = outcome(tool, scenarios[name])
            print(f"{name}, {tool}: {counted}", file=sys.stderr)
    return outcomes
