"""The record of each run, which is kept after every process: `endurance/record/RUN.json`."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from endurance.run import Figures

FOLDER = Path(__file__).with_name("record")


class Kept(msgspec.Struct, kw_only=True):
    """The record of one run.

    Attributes:
        seeds: The seeds below this one were done.
        figures: Of the seeds that were done and held.
        errors: Of the seeds that were done and did not hold.
        seconds: Of all its processes.
    """

    seeds: int = 0
    figures: Figures = msgspec.field(default_factory=lambda: Figures(units=0))
    errors: dict[int, str] = {}
    seconds: float = 0


Record = dict[str, Kept]


def load() -> Record:
    """Return the record, empty if there is none."""
    return {
        path.stem: msgspec.json.decode(path.read_bytes(), type=Kept, strict=False)
        for path in sorted(FOLDER.glob("*.json"))
    }


def save(name: str, kept: Kept) -> None:
    """Replace the record of one run, so that a kill leaves the old file or the new one."""
    FOLDER.mkdir(exist_ok=True)
    written = FOLDER / f"{name}.{os.getpid()}"
    written.write_bytes(msgspec.json.format(msgspec.json.encode(kept)) + b"\n")
    written.replace(FOLDER / f"{name}.json")


def drop(name: str) -> None:
    """Remove the record of one run."""
    (FOLDER / f"{name}.json").unlink(missing_ok=True)
