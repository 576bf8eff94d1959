"""Small jobs on files: how they begin, and what must be there when they have ended."""

from __future__ import annotations

import csv
import gzip
import json
import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from endurance.files.commands import Commands
from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import create, edit_one, lines_of, query
from tests.bulk.archives import a_phone, messages_of, stored
from tests.bulk.contact_kills import contents
from tests.bulk.importing.imports import outcomes_of

CONTACTS, MESSAGES, ROWS = 70, 70, 20
PAGES = ["--page-size", "30"]
WRONG_ROWS = {4, 12}
TABLES = {"csv", "parquet", "xlsx"}
REJECTED = ("people.csv.rejected.csv", "people.csv.rejected-2.csv")
"""Rows that were rejected in two runs may be in two files."""


class Job(ABC):
    """A command, in a folder of its own.

    Args:
        sandbox: The account.

    Attributes:
        code: Its exit code if nothing goes wrong.
    """

    code = 0

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def begin(self, folder: Path, number: int) -> None:  # noqa: B027 - most begin with nothing
        """Put what the job needs into its folder; no two jobs have one number."""

    @abstractmethod
    def arguments(self, folder: Path) -> list[str]:
        """Return the command."""

    @abstractmethod
    def check_between(self, folder: Path) -> None:
        """Check what must hold after the job went wrong: nothing is half under its final name."""

    @abstractmethod
    def kept(self, folder: Path) -> int:
        """Return how much of the work need not be done again."""

    @abstractmethod
    def check_result(self, folder: Path) -> None:
        """Check that the result is whole."""

    def check_end(self, folder: Path) -> None:
        """Check that the result is whole, and that nothing else is left."""
        self.check_result(folder)
        found = {each.name for each in folder.iterdir()}
        assert found <= self.names(), f"nothing else is left: {found}"

    @abstractmethod
    def names(self) -> set[str]:
        """Return the names of the files that there may be in the end."""


class Export(Job):
    """An export of contacts or messages, into a new file or over an old one."""

    def __init__(
        self, sandbox: Sandbox, kind: str, *, of: str = "contacts", old: Path | None = None
    ) -> None:
        super().__init__(sandbox)
        self._kind, self._of = kind, of
        self._old = b"" if old is None else old.read_bytes()
        self._before = [] if old is None else self._contents(old)

    def begin(self, folder: Path, number: int) -> None:  # noqa: ARG002 - for imports
        """Put the old file there, if there is one."""
        if self._old:
            self.path(folder).write_bytes(self._old)

    def arguments(self, folder: Path) -> list[str]:
        """Return the command."""
        more = ["--report", str(folder / "report.json")] if self._kind == "csv" else []
        return [self._of, "export", str(self.path(folder)), *PAGES, *more]

    def check_between(self, folder: Path) -> None:
        """Check the file under its final name."""
        path = self.path(folder)
        if not path.exists() or (self._old and path.read_bytes() == self._old):
            return
        if self._kind != "db":
            assert self._contents(path) == self._wanted(), "no half file has the final name"
        elif not is_new_database(path) and self._of == "contacts":
            assert self._contents(path) in (self._before, self._wanted())

    def kept(self, folder: Path) -> int:
        """Count the records that need not be read again."""
        path, staged = self.path(folder), folder / f"records.{self._kind}.partial"
        if self._kind == "db":
            return _rows(path, "contacts", "incoming", "messages")
        if path.exists() and path.read_bytes() != self._old:
            return len(self._contents(path))
        try:
            state = json.loads((staged / "heymarket-state.json").read_bytes())
            rows = (staged / "heymarket-rows").read_bytes()[: state["length"]]
        except FileNotFoundError:
            return 0
        lines = gzip.decompress(rows) if self._kind.endswith(".gz") else rows
        return len(lines.splitlines())

    def check_result(self, folder: Path) -> None:
        """Check the file, and the report."""
        assert self._contents(self.path(folder)) == self._wanted(), "all records are there"
        if self._kind == "csv":
            assert json.loads((folder / "report.json").read_bytes())["doubts"] == []

    def names(self) -> set[str]:
        """Return the names of the file and the report."""
        return {f"records.{self._kind}", *(["report.json"] if self._kind == "csv" else [])}

    def path(self, folder: Path) -> Path:
        """Return the file."""
        return folder / f"records.{self._kind}"

    def _contents(self, path: Path) -> Sequence[object]:
        if self._of == "messages":
            return stored(path) if self._kind == "db" else lines_of(path)
        return contents(self._kind, path)

    def _wanted(self) -> Sequence[object]:
        if self._of == "messages":
            return messages_of(self.sandbox)
        lines = sorted(self.sandbox.store.lines())
        if self._kind not in TABLES:
            return lines
        sent = [json.loads(line) for line in lines]
        return sorted((each["id"], each["rev"]) for each in sent)


class Sync(Job):
    """A first sync, or one of an account that has changed since the file was made."""

    def __init__(self, sandbox: Sandbox, *, old: Path | None = None) -> None:
        super().__init__(sandbox)
        self._old = b"" if old is None else old.read_bytes()
        self._before = set() if old is None else _ids(stored(old, "contacts"))

    def begin(self, folder: Path, number: int) -> None:  # noqa: ARG002 - for imports
        """Put the old file there, if there is one."""
        if self._old:
            self.path(folder).write_bytes(self._old)

    def arguments(self, folder: Path) -> list[str]:
        """Return the command."""
        return ["sync", str(self.path(folder)), *PAGES]

    def check_between(self, folder: Path) -> None:
        """Check the file under its final name."""
        path = self.path(folder)
        if path.exists() and not is_new_database(path):
            found = _ids(stored(path, "contacts"))
            assert self._before <= found <= _ids(self.sandbox.store.lines())

    def kept(self, folder: Path) -> int:
        """Count the records that need not be read again."""
        return _rows(self.path(folder), "contacts")

    def check_result(self, folder: Path) -> None:
        """Check the file."""
        found = stored(self.path(folder), "contacts")
        assert found == sorted(self.sandbox.store.lines()), "all contacts are there"

    def names(self) -> set[str]:
        """Return the name of the file."""
        return {"account.db"}

    def path(self, folder: Path) -> Path:
        """Return the file."""
        return folder / "account.db"


class Import(Job):
    """An import of a file of CSV with two rows that are wrong."""

    code = 3

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self._phones: set[str] = set()

    def begin(self, folder: Path, number: int) -> None:
        """Write the file of people, with phones that no other import has."""
        phones = [str(15102_000_000 + number * 100 + row) for row in range(ROWS)]
        rows = [["Phone", "First name"]]
        rows += [
            ["no phone" if row in WRONG_ROWS else phone, f"Person {row}"]
            for row, phone in enumerate(phones)
        ]
        with (folder / "people.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        self._phones = {each for row, each in enumerate(phones) if row not in WRONG_ROWS}

    def arguments(self, folder: Path) -> list[str]:
        """Return the command."""
        more = ["--yes", "--quiet", "--batch-size", "6", "--concurrency", "1"]
        return ["contacts", "import", str(folder / "people.csv"), *more]

    def check_between(self, folder: Path) -> None:
        """Check that no row was done twice, and that rejected rows are whole."""
        self._check_once()
        for path in folder.glob("*.rejected*.csv"):
            # The rows before the end, whole.
            _check_rejected(
                path, {row for row in WRONG_ROWS if f"Person {row}" in path.read_text()}
            )

    def kept(self, folder: Path) -> int:
        """Count the rows that are known to have been sent."""
        path = folder / "people.csv.outcomes.jsonl"
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        # Those that say that a row was sent; the others can be found out again.
        return sum(b'"unknown"' in line and line.endswith(b"}\n") for line in lines)

    def check_result(self, folder: Path) -> None:
        """Check the contacts, the outcomes and the rejected rows."""
        assert set(self._check_once()) == self._phones, "every contact is there"
        lines = outcomes_of(folder / "people.csv.outcomes.jsonl")
        found = Counter(line["outcome"] for line in lines.values())
        assert found == {"created": ROWS - len(WRONG_ROWS), "rejected": len(WRONG_ROWS)}, found
        rejected = [each for each in REJECTED if (folder / each).exists()]
        assert rejected, "there is a file of rejected rows"
        _check_rejected(folder / rejected[-1], WRONG_ROWS)

    def names(self) -> set[str]:
        """Return the names of its files."""
        return {"people.csv", "people.csv.outcomes.jsonl", *REJECTED}

    def _check_once(self) -> Counter[str]:
        """Check that no row was done twice, and return the contacts by phone."""
        found = [each for each in self.sandbox.store.contacts if each["phone"] in self._phones]
        counts = Counter(str(each["phone"]) for each in found)
        assert not counts or max(counts.values()) == 1, "no contact was made twice"
        assert all(each["rev"] == 1 for each in found), "no contact was written twice"
        return counts


def _rows(path: Path, *tables: str) -> int:
    """Return how many rows those tables of a database have that are there."""
    if not path.exists():
        return 0
    names = [name for (name,) in query(path, "SELECT name FROM sqlite_master")]
    tables = tuple(name for name in tables if name in names)
    return sum(query(path, f"SELECT count(*) FROM {name}")[0][0] for name in tables)


def is_new_database(path: Path) -> bool:
    """Whether a database has no tables yet; check that it is whole if it has."""
    if query(path, "SELECT count(*) FROM sqlite_master") == [(0,)]:
        return True
    assert query(path, "PRAGMA integrity_check") == [("ok",)], "the database is whole"
    return False


def said(error: Exception) -> str:
    """Return what an error says, with its kind unless it comes from a check."""
    return str(error) if isinstance(error, AssertionError) else repr(error)


def _ids(lines: Iterable[bytes]) -> set[int]:
    return {json.loads(line)["id"] for line in lines}


def _check_rejected(path: Path, rows: set[int]) -> None:
    with path.open(newline="", encoding="utf-8-sig") as file:
        found = list(csv.DictReader(file))
    assert found, f"{path.name} has no row"
    assert {each["First name"] for each in found} == {f"Person {row}" for row in rows}
    assert all(each["import_error"] for each in found)


EXPORTS = ("jsonl", "jsonl.gz", "csv", "xlsx", "parquet", "db", "messages.jsonl", "messages.db")
JOBS = (*EXPORTS, "sync", "import")
"""The names of the jobs."""


def sandbox_of(seed: int) -> Sandbox:
    """Return an account for them."""
    return Sandbox(contacts=CONTACTS, messages=MESSAGES, ties=7, seed=seed, limit=None)


def variables_of(sandbox: Sandbox) -> dict[str, str]:
    """Return the environment variables of a command that is to use this account."""
    return {
        "HEYMARKET_BASE_URL": sandbox.url,
        "HEYMARKET_SECRET_ID": sandbox.credentials.secret_id,
        "HEYMARKET_SECRET_KEY": sandbox.credentials.secret_key,
    }


def job_of(name: str, sandbox: Sandbox, commands: Commands, scratch: Path, *, again: bool) -> Job:
    """Return a job.

    Args:
        name: One of `JOBS`.
        sandbox: The account.
        commands: Runs the job once, if its file is to be there already.
        scratch: A new folder for that.
        again: Its file is there already, from before the account was changed.
    """
    if name == "import":
        return Import(sandbox)
    of = "messages" if name.startswith("messages.") else "contacts"
    kind = name.removeprefix("messages.")

    def made(old: Path | None = None) -> Export | Sync:
        return Sync(sandbox, old=old) if name == "sync" else Export(sandbox, kind, of=of, old=old)

    job = made()
    if not again:
        return job
    ended = commands.run(job.arguments(scratch), scratch)
    assert ended.code == 0, ended.output
    chance = random.Random(7)
    for number in range(5):
        edit_one(sandbox, chance)
        create(sandbox, number)
        sandbox.customer.text(a_phone(sandbox), f"{number}")
    return made(job.path(scratch))
