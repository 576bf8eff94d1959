"""The outcome file: what is written when, and what a resumed import makes of it."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import threading
from pathlib import Path

import msgspec
import pytest

from heymarket_async import HeymarketError
from heymarket_async.bulk.importing.rules import IMPORTED, ImportHeader
from heymarket_async.bulk.importing.source import RejectedRow
from heymarket_async.bulk.store import outcome_file
from tests.bulk.importing.imports import (
    BATCH,
    SEARCH,
    account,
    counts,
    new,
    outcomes_of,
    phone,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outcomes.jsonl"


async def test_the_file_has_a_header_and_lines_and_no_personal_data(path):
    async with account() as it:
        await it.has(new(1))
        await it.imports([new(1), new(2, first="Zoë"), new(2)], outcomes=str(path))
        url = it.sandbox.url

    lines = path.read_text().splitlines()
    assert msgspec.json.decode(lines[0]) == {
        "version": 1, "kind": "import", "account": f"team 7001 of {url}", "overwrite": False,
    }  # fmt: skip
    rows = [msgspec.json.decode(line) for line in lines[1:]]
    told = [(each["row"], each["outcome"], each.get("before")) for each in rows]
    assert told == [
        (1, "unchanged", None),
        (2, "unknown", "absent"),
        (2, "created", "absent"),
        (3, "rejected", None),
    ]
    assert "Zoë" not in path.read_text()
    assert phone(2) not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_rows_are_on_the_disk_before_they_are_sent(path, monkeypatch):
    synced: list[str] = []
    seen: list[object] = []

    def fsync(descriptor: int) -> None:
        synced.append(threading.current_thread().name)
        seen.append([line["outcome"] for line in outcomes_of(path).values()])

    monkeypatch.setattr(outcome_file.os, "fsync", fsync)
    async with account() as it:
        it.faults.reset(on=BATCH)
        await it.imports([new(1), new(2)], outcomes=path)

        assert len(it.sizes(BATCH)) == 2
    assert synced == ["heymarket-bulk_0"] * 4, "and not in the thread of the loop"
    first = [[]] * 2
    assert seen == [*first, *[["unknown", "unknown"]] * 2], "the file and its name, then the rows"


async def test_a_file_that_is_there_is_kept_and_nothing_is_sent(path):
    path.write_text("precious")
    async with account() as it:
        with pytest.raises(ValueError, match=r"exists already\. Resume that job with resume=True"):
            await it.imports([new(1)], outcomes=path)

        assert not it.sandbox.requests
    assert path.read_text() == "precious"


async def test_a_file_that_appears_at_the_last_moment_is_kept(path):
    header = ImportHeader(kind="import", account="a", overwrite=False)
    path.write_text("precious")

    with pytest.raises(ValueError, match="exists already"):
        async with outcome_file.OutcomeFile(IMPORTED, path, header):
            pass
    assert path.read_text() == "precious"


@pytest.mark.parametrize("length", [0, 1, 30, -1, -30])
async def test_a_line_that_a_kill_has_torn_is_cut_off(length, path):
    async with account() as it:
        await it.imports([new(1), new(2)], outcomes=path)
        path.write_bytes(path.read_bytes()[:length])

        report = await it.imports([new(1), new(2)], outcomes=path, resume=True)

        assert it.phones == {phone(1): 1, phone(2): 1}
    assert report.rows == counts(report).get("created", 0) + counts(report).get("unchanged", 0) == 2
    lines = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    assert [line.get("version") for line in lines] == [1] + [None] * (len(lines) - 1)
    assert all(line["outcome"] != "unknown" for line in outcomes_of(path).values())


@pytest.mark.parametrize("restart", [False, True])
async def test_a_first_line_that_a_power_loss_has_taken_is_written_again(restart, path):
    async with account() as it:
        await it.imports([new(1)], outcomes=path)
        first = path.read_bytes().splitlines(keepends=True)[0]
        path.write_bytes(bytes(len(first)))

        await it.imports([new(1)], outcomes=path, resume=not restart, restart=restart)

    assert path.read_bytes().startswith(first[:-40])
    assert [line["outcome"] for line in outcomes_of(path).values()] == ["unchanged"]


async def test_lines_that_a_power_loss_has_taken_are_found_again(path):
    """Of what was not synced, any blocks may be zeros. The lines behind them count nevertheless."""
    rows = [new(number) for number in range(6)]
    async with account() as it:
        await it.imports(rows, outcomes=path, batch_size=3, concurrency=1)
        whole = path.read_bytes()
        at = whole.index(b"created")
        path.write_bytes(whole[:at] + bytes(60) + whole[at + 60 :])

        for _ in range(2):
            report = await it.imports(rows, outcomes=path, resume=True)

            assert it.phones == {phone(number): 1 for number in range(6)}
            assert report.created == 6, "those that were sent are known"
    lines = path.read_bytes().splitlines()
    assert [line.isspace() for line in lines].count(True) == 1, "other programs can read the rest"
    assert b"\0" not in path.read_bytes()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"overwrite": True},
            "belongs to another import: overwrite false, not true. Resume it as it was",
        ),
        (
            {"dry_run": True},
            'another import: kind "import", not "dry run". Resume it as it was',
        ),
    ],
)
async def test_a_file_of_another_import_is_refused(change, reason, path):
    async with account() as it:
        await it.imports([new(1)], outcomes=path)
        it.sandbox.requests.clear()

        with pytest.raises(ValueError, match=reason):
            await it.imports([new(1)], outcomes=path, resume=True, **change)

        assert not it.sizes(SEARCH)


async def test_a_file_of_an_import_that_overwrites_is_refused_without(path):
    async with account() as it:
        await it.imports([new(1)], outcomes=path, overwrite=True)

        with pytest.raises(ValueError, match="another import: overwrite true, not false"):
            await it.imports([new(1)], outcomes=path, resume=True)


async def test_a_file_of_another_account_or_version_is_refused(path):
    async with account() as it:
        await it.imports([new(1)], outcomes=path)
    async with account() as other:
        with pytest.raises(
            ValueError, match=r"another account: team 7001 of .+, not team 7001 of .+"
        ):
            await other.imports([new(1)], outcomes=path, resume=True)
        path.write_text(path.read_text().replace('"version":1', '"version":2'))
        with pytest.raises(
            ValueError, match=r"another version: 2, not 1\. Name another outcome file\."
        ):
            await other.imports([new(1)], outcomes=path, resume=True)


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b"\x89PNG",
        b'{"version":1,"kind":"import"}',
        b'{"version":1,"kind":"export","account":"a","overwrite":false}\n',
        b"phone",
        b"\0" * 4096,
    ],
)
async def test_a_file_without_a_whole_line_is_refused_and_kept(content, path):
    path.write_bytes(content)
    async with account() as it:
        with pytest.raises(ValueError, match=r"is not an outcome file \(line 1\)"):
            await it.imports([new(1)], outcomes=path, resume=True)

    assert path.read_bytes() == content


@pytest.mark.parametrize("line", ['{"row":-5', '{"row":0', '{"row":1,"digest":"zz"'])
async def test_a_line_that_cannot_be_is_refused(line, path):
    async with account() as it:
        await it.imports([new(1)], outcomes=path)
        first = path.read_text().splitlines()[0]
        digest = "" if "digest" in line else ',"digest":"0123456789abcdef"'
        path.write_text(f'{first}\n{line}{digest},"outcome":"created"}}\n')

        with pytest.raises(ValueError, match=r"is not an outcome file \(line 2\)"):
            await it.imports([new(1)], outcomes=path, resume=True)


@pytest.mark.parametrize("number", [1, 3])
async def test_a_file_that_is_none_is_refused_and_kept(number, path):
    async with account() as it:
        await it.imports([new(1)], outcomes=path)
        lines = path.read_text().splitlines(keepends=True)
        lines.insert(number - 1, "phone,first\n")
        path.write_text("".join(lines))

        with pytest.raises(ValueError, match=rf"is not an outcome file \(line {number}\)"):
            await it.imports([new(1)], outcomes=path, resume=True)
    assert path.read_text() == "".join(lines)


async def test_a_dry_run_may_keep_its_outcomes_and_be_resumed(path):
    async with account() as it:
        await it.imports([new(1)], outcomes=path, dry_run=True)
        report = await it.imports([new(1), new(2)], outcomes=path, dry_run=True, resume=True)

        assert (counts(report), report.skipped) == ({"created": 2}, 1)
        assert not it.phones
    assert outcomes_of(path)[1]["outcome"] == "created"


async def test_a_full_disk_ends_the_import_before_anything_is_sent(path, monkeypatch):
    def fsync(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(outcome_file.os, "fsync", fsync)
    async with account() as it:
        with pytest.raises(OSError, match="No space left"):
            await it.imports([new(1)], outcomes=path)

        assert it.sizes(BATCH) == []


async def test_a_disk_that_is_full_at_the_end_is_told(path, monkeypatch):
    def write(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(outcome_file, "_write", write)
    async with account() as it:
        with pytest.raises(OSError, match="No space left"):
            await it.imports([RejectedRow("bad")], outcomes=path)

    assert "heymarket-bulk_0" not in [each.name for each in threading.enumerate()]


async def test_rows_that_need_no_look_are_written_down_as_they_come(path):
    seen: list[int] = []

    async def rows():
        for _ in range(30):
            seen.append(len(outcomes_of(path)) if path.exists() else 0)
            yield RejectedRow("bad")

    async with account() as it:
        await it.imports(rows(), outcomes=path, batch_size=10)

    assert seen == [0] * 10 + [10] * 10 + [20] * 10


async def test_what_is_settled_is_written_down_though_the_import_ends_early(path):
    rows = [RejectedRow("bad"), new(1), RejectedRow("bad"), new(2)]
    async with account() as it:
        it.faults.answer(403, on=SEARCH, times=None)
        with pytest.raises(HeymarketError):
            await it.imports(rows, outcomes=path, batch_size=2, concurrency=1)

    assert sorted(outcomes_of(path)) == [1, 3]


async def test_two_imports_into_one_file_are_kept_apart(path):
    async with account() as it:
        it.faults.delay(0.3, on=SEARCH)
        first = asyncio.create_task(it.imports([new(1)], outcomes=path))
        await asyncio.sleep(0.1)

        with pytest.raises(OSError, match="another job is using it"):
            await it.imports([new(1)], outcomes=path, resume=True)

        assert (await first).created == 1


@pytest.mark.parametrize("kind", ["row", "header"])
async def test_a_disk_that_is_full_names_the_file(kind, path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    where = "os.fsync" if kind == "row" else "heymarket_async.bulk.store.outcome_file.lock"
    monkeypatch.setattr(where, full)
    async with account() as it:
        with pytest.raises(OSError, match="No space left on device: ") as raised:
            await it.imports([new(1)], outcomes=path)

        assert it.sizes(BATCH) == []
    assert raised.value.filename == str(path)


async def test_a_torn_line_is_cut_off_though_nothing_is_written_after_it(path):
    async with account() as it:
        await it.imports([new(1)], outcomes=path)
        whole = path.read_bytes()
        path.write_bytes(whole + b'{"row":2,"digest":"')

        await it.imports([new(1)], outcomes=path, resume=True)

    assert path.read_bytes() == whole


# A restart


async def test_a_restart_that_ends_before_its_first_row_keeps_the_earlier_outcomes(path):
    async with account() as it:
        await it.imports([new(1)], outcomes=path)
        whole = path.read_bytes()
        it.faults.answer(403, on=SEARCH, times=None)
        with pytest.raises(HeymarketError):
            await it.imports([new(1)], outcomes=path, restart=True)
        with pytest.raises(ValueError, match=r"another kind of job: import, not dry run\. Name"):
            await it.imports([new(1)], outcomes=path, restart=True, dry_run=True)

    assert path.read_bytes() == whole


async def test_a_restart_replaces_the_file_when_it_writes_its_first_row(path):
    async with account() as it:
        await it.imports([new(1), new(2)], outcomes=path)
        path.chmod(0o644)
        await it.imports([new(1)], outcomes=path, restart=True)

    assert [line["outcome"] for line in outcomes_of(path).values()] == ["unchanged"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


async def test_a_restart_keeps_the_file_to_itself(path):
    async with account() as it:
        await it.imports([new(1)], outcomes=path)
        with path.open("rb") as opened_before:
            it.faults.delay(0.3, on=BATCH)
            first = asyncio.create_task(it.imports([new(2)], outcomes=path, restart=True))
            while outcomes_of(path).get(1, {}).get("outcome") != "unknown":
                await asyncio.sleep(0.01)
            with pytest.raises(OSError, match="another job is using it"):
                await it.imports([new(1)], outcomes=path, resume=True)
            with pytest.raises(OSError, match="another job is using it"):
                outcome_file.lock(opened_before.fileno(), path)
            await first
