"""Measure the bulk jobs: `python -m benchmarks.bulk [a] [b] [c] [d] [e] [f] [g] [--small]`."""

from __future__ import annotations

import argparse
import functools

from benchmarks.bulk import cpu, formats, importing, memory, messages, pace, texts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="a|b|c|d|e|f|g", help="the parts to measure; default: all"
    )
    parser.add_argument(
        "--small", action="store_true", help="a quick check that all works; the figures mean little"
    )
    parser.add_argument(
        "--real", action="store_true", help="run part c with real minutes; takes eight minutes"
    )
    asked = parser.parse_args()
    parts = {
        "a": cpu.measure,
        "b": memory.measure,
        "c": functools.partial(pace.measure, real=asked.real),
        "d": importing.measure,
        "e": formats.measure,
        "f": texts.measure,
        "g": messages.measure,
    }
    if unknown := set(asked.parts) - set(parts):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    for part in asked.parts or parts:
        parts[part](small=asked.small)


if __name__ == "__main__":
    main()
