"""Runs a job inside callgrind; the count is of its second run, when all is imported."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import sys
from pathlib import Path

import callgrind_marks  # type: ignore[import-not-found] # compiled by benchmarks.callgrind


def main(job: str, arguments: dict[str, object]) -> None:
    module, _, function = job.partition(".")
    work = getattr(importlib.import_module(f"benchmarks.bulk.{module}"), function)
    asyncio.run(work(**arguments))
    Path(str(arguments["path"])).unlink()
    gc.collect()
    callgrind_marks.start()
    asyncio.run(work(**arguments))
    callgrind_marks.stop()


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
