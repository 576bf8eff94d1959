"""Runs one tool in a process of its own: `python -m benchmarks.lossless.child TOOL JOB`."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from benchmarks.lossless.tools import TOOLS, Job

RESULT = "result.json"


def main(tool: str, job: Job) -> None:
    module = importlib.import_module(f"benchmarks.lossless.tools.{TOOLS[tool].module}")
    contacts: dict[int, int] = module.read(job)
    (Path(job.folder) / RESULT).write_text(json.dumps(list(contacts.items())))


if __name__ == "__main__":
    main(sys.argv[1], Job(**json.loads(sys.argv[2])))
