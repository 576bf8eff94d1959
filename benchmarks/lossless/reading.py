"""Lets one tool read one account, and compares its result with the account."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.lossless.account import Account, account
from benchmarks.lossless.child import RESULT
from benchmarks.lossless.scenarios import Scenario
from benchmarks.lossless.tools import TOOLS, Job

_ROOT = Path(__file__).parents[2]
_LOOK_S = 0.1

SUCCESS, ERROR, ENDLESS = "success", "error", "endless"


class Outcome(NamedTuple):
    """How a tool did.

    Attributes:
        reported: `success`, `error`, or `endless`: it was stopped after `Scenario.most_requests`.
        requests: The requests that it sent, until it was stopped if it was.
        missing: The contacts that its result lacks, if it reported success.
        old: The contacts that its result has in an old version.
        edited: The contacts that were edited meanwhile.
        said: The last line of its error.
    """

    reported: str
    requests: int
    missing: int = 0
    old: int = 0
    edited: int = 0
    said: str = ""


def outcome(tool: str, scenario: Scenario) -> Outcome:
    """Run a tool, and say how it did."""
    with account(scenario) as served, tempfile.TemporaryDirectory() as folder:
        reported, said = _run(tool, scenario, served, folder)
        requests = min(served.requests(), scenario.most_requests)
        if reported != SUCCESS:
            return Outcome(reported, requests, said=said)
        found = dict(json.loads((Path(folder) / RESULT).read_text()))
        now = served.revisions()
        missing = len(now.keys() - found.keys())
        old = sum(found.get(contact_id, rev) != rev for contact_id, rev in now.items())
        return Outcome(reported, requests, missing, old, served.edited())


def _run(tool: str, scenario: Scenario, served: Account, folder: str) -> tuple[str, str]:
    """Run a tool until it ends, or until it has sent far more requests than a plain loop."""
    ends_at = scenario.ends_at_short_page
    job = Job(served.url, served.key, scenario.size, scenario.page, ends_at, folder)
    command = [sys.executable, "-m", "benchmarks.lossless.child", tool, json.dumps(job._asdict())]
    # No tool reports its use, and none writes outside of its folder.
    environment = {
        **os.environ,
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DLT_DATA_DIR": folder,
        "DO_NOT_TRACK": "1",
        "SINGER_SDK_LOG_LEVEL": "ERROR",
    }
    errors = Path(folder) / "errors.txt"
    with errors.open("w") as file:
        process = subprocess.Popen(
            command, cwd=_ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=file
        )
        try:
            reported = _wait(process, scenario, served)
        finally:
            process.kill()
            process.wait()
    said = errors.read_text().strip().splitlines() if reported == ERROR else []
    return reported, said[-1] if said else ""


def _wait(process: subprocess.Popen[bytes], scenario: Scenario, served: Account) -> str:
    while served.requests() < scenario.most_requests:
        try:
            return ERROR if process.wait(_LOOK_S) else SUCCESS
        except subprocess.TimeoutExpired:
            continue
    return ENDLESS


def available() -> list[str]:
    """Return the tools whose packages are installed."""
    return [name for name, tool in TOOLS.items() if tool.is_there]
