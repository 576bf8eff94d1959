"""The command line as a reader: a content is arguments, one a line, a blank line, and a file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import typer.testing

from endurance.files.jobs import variables_of
from endurance.fuzzing.targets import Target, layouts, outcomes, spreadsheets, vcards
from heymarket_async.cli.app import app
from heymarket_async.sandbox import Sandbox

CODES = {0, 1, 2, 3}
"""Those that docs/cli.md gives to a command that nobody interrupts."""
ENDLESS = {"sandbox", "listen", "probe", "doctor", "--every", "--follow"}
"""They wait for others, or ask for more than the account."""

COMMANDS = [
    "contacts import FILE --region US --ignore-others",
    "contacts import FILE --dry-run --json --region US --batch-size 7",
    "contacts import FILE --overwrite --create-tags --outcomes out.jsonl --region GB",
    "contacts import - --dry-run --region DE --encoding utf-8 --delimiter ;",
    "messages send FILE --text Hi --inbox 1 --creator 1 --region US --dry-run",
    "messages send FILE --text Hello{first} --inbox 1 --creator 1 --region US --default first=x",
    "contacts export FILE.csv --page-size 10 --surface v2 --since 2026-01-01",
    "contacts export c.jsonl --concurrency 2 --json --report r.json",
    "contacts export new.db --page-size 30",
    "sync FILE.db --concurrency 2 --full",
    "messages export m.jsonl",
    "contacts search --phone 15105553344 --email jordan@example.com",
    "contacts create --phone 15105553344 --first Jordan --custom Plan=Gold --tag 55",
    "contacts ensure --phone 15105553344 --first Jordan --region US",
    "contacts update 5 --phone 15105553344 --first Jordan --custom Plan=Gold --overwrite",
    "contacts delete 5 --yes",
    "contacts get 5 --json",
    "contacts count --since 2026-04-12T15:30:00Z",
    "contacts find --phone 15105553344",
    "conversations export v.jsonl --inbox 1",
    "messages export p.csv --phone 15105553344 --inbox 1",
    "whoami --json --verbose",
    "fields --no-progress",
]


@contextmanager
def command() -> Generator[Target]:
    """Give the command line, in a folder of its own, with an account."""
    with (
        TemporaryDirectory(prefix="heymarket-fuzz-") as folder,
        chdir(folder),
        Sandbox(contacts=30, messages=30, seed=3, limit=None) as sandbox,
        patch.dict(os.environ, variables_of(sandbox), COLUMNS="200"),
    ):
        files = [*layouts()[:6], *vcards()[:2], *spreadsheets()[:1], *outcomes()]
        seeds = [
            each.replace(" ", "\n").encode() + b"\n\n" + files[number % len(files)]
            for number, each in enumerate(COMMANDS * 2)
        ]
        yield Target(
            "command line", seeds, lambda content: _run(Path(folder), content), memory=4 << 30
        )


def _run(folder: Path, content: bytes) -> None:
    """Run a command in this process.

    Raises:
        ValueError: It was refused, as docs/cli.md says.
    """
    head, _, body = content.partition(b"\n\n")
    # No argument leaves the folder.
    arguments = head.decode(errors="replace").replace("/", "_").split("\n")
    if not ENDLESS.isdisjoint(arguments):
        return
    (folder / "FILE").write_bytes(body)
    result = typer.testing.CliRunner().invoke(app, arguments, input=body)
    error = result.exception
    if error is not None and not isinstance(error, SystemExit):
        raise error
    if result.exit_code not in CODES or "Traceback" in result.output:
        raise AssertionError(f"ended with {result.exit_code}: {result.output[-500:]}")
    if result.exit_code and not result.output.strip():
        raise AssertionError(f"ended with {result.exit_code}, and says nothing")
    if folder.stat().st_nlink > 20 or len(list(folder.iterdir())) > 20:
        _empty(folder)
    if result.exit_code == 2:
        # Click quotes an argument as a whole, however long it is.
        raise ValueError(result.output[-1000:])


def _empty(folder: Path) -> None:
    for each in folder.iterdir():
        shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
