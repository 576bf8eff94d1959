"""Another user has planted files in a folder such as /tmp: nothing of it is taken."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from heymarket_async.bulk import JsonLines, Sqlite
from heymarket_async.bulk.sinks.staging import UNFINISHED
from tests.bulk.test_files import contact, written
from tests.bulk.test_shared_folders import FILES, IS_ROOT, OTHER

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
