"""Another user has planted files in a folder such as /tmp: nothing of it is taken."""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from heymarket_async.bulk import JsonLines, Sqlite
from heymarket_async.bulk.sinks.stream import open_pipe
from heymarket_async.bulk.store.private_files import UNFINISHED
from tests.bulk.conftest import IS_ROOT, OTHER
from tests.bulk.test_files import contact, written
from tests.bulk.test_shared_folders import FILES

pytestmark = pytest.mark.skipif(
    not IS_ROOT or not shutil.which("setpriv"), reason="only root can be two users"
)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder such as /tmp."""
    folder = Path(tempfile.mkdtemp(prefix="heymarket-shared-"))
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def as_user() -> Iterator[None]:
    # Python may be out of this user's reach: import what xlsxwriter and Parquet need later.
    "".encode("utf-16-le")
    importlib.import_module("heymarket_async.bulk.sinks.arrow")
    os.seteuid(OTHER - 1)
    yield
    os.seteuid(0)


def plant(folder: Path, script: str) -> None:
    """Do something as another user."""
    ids = [f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups"]
    subprocess.run(["setpriv", *ids, "sh", "-c", f"umask 0; {script}"], cwd=folder, check=True)


PLANTED = {
    "c.jsonl": "mkdir c.jsonl.partial; cd c.jsonl.partial; echo '{}' > heymarket-rows; echo"
    """ '{"kind":".jsonl","length":3,"checkpoint":"{}"}' > heymarket-state.json""",
    "c.csv": "mkdir c.csv.partial",
    "c.parquet": "touch elsewhere; ln -s elsewhere c.parquet",
    "c.db": "touch c.db",
    "c.sqlite": "touch c.sqlite-journal",
    "d.db": "touch d.db.heymarket-lock",
}


@pytest.mark.parametrize("victim", ["root", "user"])
@pytest.mark.parametrize("name", PLANTED)
def test_an_export_takes_nothing_that_another_user_has_planted(name, victim, shared, request):
    plant(shared, PLANTED[name])
    if victim == "user":
        request.getfixturevalue("as_user")
    sinks = {**FILES, "c.db": Sqlite, "d.db": Sqlite, "c.sqlite": Sqlite}

    sink = sinks[name](shared / name)
    with pytest.raises(PermissionError, match=r"belongs to another user \(id 65533\)"):
        sink.open(None, restart=False)
    sink.close()


@pytest.mark.parametrize("name", [*FILES, "c.db"])
def test_what_is_made_beside_the_files_of_others_is_the_users_own(name, shared, as_user):
    written({**FILES, "c.db": Sqlite}[name](shared / name), contact())

    facts = (shared / name).stat()
    assert (facts.st_uid, stat.S_IMODE(facts.st_mode)) == (OTHER - 1, 0o600)


def test_root_does_not_write_into_the_database_of_a_user(shared, as_user):
    written(Sqlite(shared / "c.db"), contact())
    os.seteuid(0)

    with pytest.raises(PermissionError, match="run this as that user"):
        Sqlite(shared / "c.db").open(None, restart=False)


def test_a_part_that_was_planted_in_a_sticky_folder_is_refused_by_name(shared, as_user):
    os.seteuid(0)
    plant(shared, f"touch c{UNFINISHED}")
    os.seteuid(OTHER - 1)

    sink = JsonLines(shared / "c")
    with pytest.raises(PermissionError, match=rf"c{UNFINISHED} belongs to another user"):
        sink.open(None, restart=False)
    sink.close()
    assert [each.name for each in shared.iterdir()] == [f"c{UNFINISHED}"]


@pytest.mark.parametrize("script", ["mkfifo c.csv", "mkfifo pipe; ln -s pipe c.csv"])
async def test_a_pipe_of_another_user_gets_no_contacts(script, shared, as_user):
    os.seteuid(0)
    plant(shared, script)
    os.seteuid(OTHER - 1)
    reader = os.open(shared / "c.csv", os.O_RDONLY | os.O_NONBLOCK)

    with pytest.raises(PermissionError, match=r"c\.csv belongs to another user"):
        await asyncio.wait_for(open_pipe(shared / "c.csv"), 5)
    os.close(reader)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_user_in_a_sticky_folder_is_refused_at_the_start(name, shared, as_user):
    os.seteuid(0)
    plant(shared, f"echo x > {name}")
    os.seteuid(OTHER - 1)

    with pytest.raises(PermissionError, match=rf"{name} belongs to another user .* replaced"):
        FILES[name](shared / name).open(None, restart=False)
    assert [each.name for each in shared.iterdir()] == [name]


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_user_is_replaced_where_that_can_be(name, shared, as_user):
    os.seteuid(0)
    shared.chmod(0o777)
    plant(shared, f"echo x > {name}")
    os.seteuid(OTHER - 1)

    written(FILES[name](shared / name), contact())

    assert (shared / name).stat().st_uid == OTHER - 1


@pytest.mark.parametrize(("sink", "name"), [(JsonLines, "c.jsonl"), (Sqlite, "c.db")])
def test_a_folder_that_cannot_be_written_is_a_permission_that_is_denied(
    sink, name, shared, as_user
):
    os.seteuid(0)
    shared.chmod(0o755)
    os.seteuid(OTHER - 1)

    with pytest.raises(PermissionError, match=rf"Permission denied: .*{name}"):
        sink(shared / name).open(None, restart=False)
