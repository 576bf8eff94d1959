"""`heymarket sync`, the kinds of files of an export, and what is shown meanwhile."""

from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
import stat
import time

import pyarrow.parquet
import pytest

from heymarket_async.cli import bulk_commands, job_progress


def rows_in(path) -> int:
    database = sqlite3.connect(path)
    try:
        return database.execute("SELECT count(*) FROM current_contacts").fetchone()[0]
    finally:
        database.close()


def test_a_sync_fills_a_file_and_then_asks_for_what_changed(run, tmp_path):
    path = tmp_path / "c.db"
    first = run("sync", path)
    run("contacts", "create", "--phone", "15105550000")
    second = run("sync", path, "--json")

    assert (first.exit_code, first.stdout) == (0, "")
    assert first.stderr.startswith(f"130 contacts in {path}, 130 added, 0 changed, 0 deleted, ")
    report = json.loads(second.stdout)
    assert (report["kind"], report["added"], report["contacts"]) == ("changes", 1, 131)
    assert second.stderr == ""
    assert rows_in(path) == 131
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("option", ["--full", "--detect-deletions"])
def test_a_sync_that_may_miss_something_exits_with_3(option, run, sandbox, tmp_path):
    run("sync", tmp_path / "c.db")
    gone = sandbox.store.contacts[0]["id"]
    run("contacts", "delete", gone, "--yes")

    result = run("sync", tmp_path / "c.db")
    after = run("sync", tmp_path / "c.db", option)

    assert result.exit_code == 3
    assert "Something may be missing: the account counts 129, 1 fewer than" in result.stderr
    assert result.stderr.endswith(
        "; they may have been deleted meanwhile. Mark those that are gone with --full.\n"
    )
    assert after.exit_code == 0
    assert ", 1 deleted, " in after.stderr


def test_a_sync_that_repeats_outlives_an_error_and_ends_when_interrupted(start, sandbox, tmp_path):
    process = start("sync", tmp_path / "c.db", "--every", "1s", "--json", "--quiet")
    first = json.loads(process.stdout.readline())
    sandbox.faults.answer(400, on="POST /v2/contacts/list")
    second = json.loads(process.stdout.readline())
    with sqlite3.connect(tmp_path / "c.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        failed = [process.stderr.readline() for _ in range(4)]
    other.close()
    third = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert [each["kind"] for each in (first, second, third)] == ["full", "changes", "changes"]
    assert process.returncode == 130
    said = [each.partition(b":")[2].partition(b" ")[2] for each in failed]  # without the time
    assert said[0].startswith(b"Error: POST /v2/contacts/list answered 400")
    assert said[2].endswith(b"c.db: database is locked\n")
    assert said[1] == said[3] == b"Next try in 1 s.\n"
    assert b"Errno" not in said[2]


def test_a_repeated_sync_continues_after_errors_that_may_pass(start, sandbox, tmp_path):
    rows = sandbox.store._rows
    for place, kind in enumerate(("updated_zero", "updated_second_60", "id_huge", "null")):
        sandbox.show_as(rows[-2 - place].id, kind)
    process = start("sync", tmp_path / "c.db", "--every", "1s", "--json", "--quiet")
    first = json.loads(process.stdout.readline())
    sandbox.faults.answer(200, on="POST /v2/contacts/list", body={"data": []})
    sandbox.faults.answer(403, on="POST /v2/contacts/list")
    errors = b"".join(process.stderr.readline() for _ in range(4))
    second = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert (first["kind"], second["kind"]) == ("full", "changes")
    assert b"but the body cannot be read" in errors
    assert b"answered 403" in errors
    assert process.returncode == 130


def test_mended_contacts_are_reported(run, sandbox, tmp_path):
    sandbox.show_as(sandbox.store._rows[3].id, "raw_tab")

    export, sync = run("contacts", "export", tmp_path / "c"), run("sync", tmp_path / "c.db")

    assert export.stderr.endswith(", 1 contact mended\n")
    assert sync.stderr.endswith(", 1 mended\n")


def test_a_sync_of_an_account_that_has_moved_is_rebound(run, tmp_path):
    path = tmp_path / "c.db"
    assert run("sync", path).exit_code == 0

    refused = run("sync", path, "--sandbox", 130)
    rebound = run("sync", path, "--sandbox", 130, "--rebind")

    assert refused.exit_code == 2
    assert "use --rebind if the account has moved" in refused.stderr
    assert rebound.exit_code == 0


def test_a_sync_that_repeats_ends_when_nobody_reads_its_reports(start, sandbox, tmp_path):
    process = start("sync", tmp_path / "c.db", "--every", "1s", "--json", "--quiet")
    assert process.stdout.readline()
    process.stdout.close()
    process.stdout = None

    _, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (141, b"")


def test_a_sync_that_fails_is_one_line(run, sandbox, tmp_path):
    sandbox.faults.answer(403, on="POST /v2/contacts/list", times=None)

    result = run("sync", tmp_path / "c.db")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: POST /v2/contacts/list answered 403")


def test_an_interrupted_first_sync_is_resumed(start, run, sandbox, tmp_path):
    path = tmp_path / "c.db"
    sandbox.faults.delay(60, on="POST /v2/contacts/list", after=1)
    process = start("sync", path, "--page-size", 30)
    while not sandbox.requests or len(sandbox.requests) < 4:
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 143

    result = run("sync", path, "--page-size", 30)

    assert result.exit_code == 0
    assert result.stderr.endswith(", resumed\n")
    assert rows_in(path) == 130


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["--every", "soon"], "--every must be a time such as 30s, 5m, 1h or 1d"),
        (["--every", "0m"], "--every must be a time such as 30s, 5m, 1h or 1d"),
        (["--page-size", "101"], "--page-size must be an integer from 1 to 100"),
    ],
)
def test_a_wrong_option_of_a_sync_is_reported(arguments, rule, run, tmp_path):
    result = run("sync", tmp_path / "c.db", *arguments)

    assert result.exit_code == 2
    assert rule in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("-", "use heymarket contacts export -."),
        ("new.csv", "Name it new.db, or use heymarket contacts export new.csv."),
        ("new.PARQUET", "FILE ends in .PARQUET, but a sync keeps an SQLite file."),
    ],
)
def test_a_sync_into_something_else_is_refused(name, rule, run, sandbox, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    result = run("sync", name)

    assert result.exit_code == 2
    assert rule in result.stderr
    assert not list(tmp_path.iterdir())
    assert not sandbox.requests


def test_a_file_of_an_earlier_sync_may_have_any_name(run, tmp_path):
    assert run("sync", tmp_path / "c.db").exit_code == 0
    (tmp_path / "c.db").rename(tmp_path / "c.csv")

    assert run("sync", tmp_path / "c.csv").exit_code == 0


def test_the_pauses_of_a_sync_are_read():
    pauses = [bulk_commands.seconds_of(each, "--every") for each in ("30s", "5m", "2h", "1d")]
    assert pauses == [30, 300, 7200, 86_400]


def test_another_file_is_one_line(run, tmp_path):
    (tmp_path / "c.db").write_text("something else, and long enough to be read as a header" * 20)

    result = run("sync", tmp_path / "c.db")

    assert result.exit_code == 2
    assert (
        result.stderr == f"Error: {tmp_path / 'c.db'} is not an SQLite file. Name another file.\n"
    )


# Kinds of files


def test_an_export_is_of_the_kind_that_its_name_says(run, sandbox, tmp_path):
    for name in ("c.csv", "c.parquet", "c.db", "c.jsonl.gz", "c.ndjson.zst", "c"):
        assert run("contacts", "export", tmp_path / name).exit_code == 0

    with (tmp_path / "c.csv").open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 130
    assert pyarrow.parquet.read_table(tmp_path / "c.parquet").num_rows == 130
    assert rows_in(tmp_path / "c.db") == 130
    assert (tmp_path / "c.jsonl.gz").read_bytes()[:2] == b"\x1f\x8b"
    assert (tmp_path / "c.ndjson.zst").read_bytes()[:4] == b"\x28\xb5\x2f\xfd"
    assert sorted((tmp_path / "c").read_bytes().splitlines()) == sorted(sandbox.store.lines())


def test_a_name_without_an_ending_is_said_to_get_json_lines(run, tmp_path):
    said = run("contacts", "export", tmp_path / "c").stderr.splitlines()
    silent = run("contacts", "export", tmp_path / "c", "--json").stderr
    with_ending = run("contacts", "export", tmp_path / "c.jsonl").stderr

    assert said[0] == (
        f"{tmp_path / 'c'} has no ending, so it is written as JSON Lines. For another format, end"
        " its name in .csv, .xlsx, .parquet or .db."
    )
    assert silent == ""
    assert "no ending" not in with_ending


def test_a_file_that_was_there_is_said_to_be_replaced(run, tmp_path):
    first = run("contacts", "export", tmp_path / "c.csv").stderr
    second = run("contacts", "export", tmp_path / "c.csv").stderr

    assert first.startswith(f"130 contacts to {tmp_path / 'c.csv'}, 3 pages, ")
    assert second.startswith(f"130 contacts to {tmp_path / 'c.csv'}, which was replaced, 3 pages, ")


def test_csv_for_a_spreadsheet(run, sandbox, tmp_path):
    contact = sandbox.store.contacts[0]["id"]
    run("contacts", "update", contact, "--phone", "15105550000", "--first", "=1")

    run("contacts", "export", tmp_path / "c.csv", "--bom")
    run("contacts", "export", tmp_path / "raw.csv", "--raw-formulas")

    assert (tmp_path / "c.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert b",'=1," in (tmp_path / "c.csv").read_bytes()
    assert b",=1," in (tmp_path / "raw.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["c.xls"], "PATH must end in .jsonl, .jsonl.gz, .jsonl.zst, .csv, .xlsx, .parquet or .db"),
        (["c.xlsx.gz"], "PATH must end in"),
        (["c.csv.gz"], "PATH must end in"),
        (["c.parquet.zst"], "PATH must end in"),
        (["c", "--since", "2026-01-01T00:00:00Z"], "--since needs --surface v2"),
        (["c", "--report", "c"], "--report must be another file than PATH"),
        (["c", "--report", "-"], "--report must be a file. For standard output, use --json"),
        (["c", "--bom"], "--bom and --raw-formulas are for .csv"),
        (["-", "--checkpoint", "x"], "Leave out --checkpoint"),
        (["c.db", "--checkpoint", "x"], "Leave out --checkpoint"),
        (
            ["c", "--surface", "v2", "--since", "May"],
            "--since must be a date, such as 2026-04-12, or",
        ),
    ],
)
def test_a_wrong_option_of_an_export_is_reported(arguments, rule, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    result = run("contacts", "export", *arguments)

    assert result.exit_code == 2
    assert rule in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_of_a_report_that_is_missing_is_reported_before_the_account_is_read(
    run, sandbox, tmp_path
):
    result = run("contacts", "export", tmp_path / "c", "--report", tmp_path / "none" / "r")

    assert result.exit_code == 1
    assert result.stderr == f"Error: The folder {tmp_path / 'none'} does not exist.\n"
    assert not sandbox.requests


def test_a_report_may_be_a_link(run, sandbox, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "report.json")

    run("contacts", "export", tmp_path / "c", "--report", tmp_path / "link")

    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "report.json").read_text())["contacts"] == 130


def test_a_report_is_not_put_in_the_place_of_a_pipe(run, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    result = run("contacts", "export", tmp_path / "c", "--report", pipe)

    assert result.exit_code == 2
    assert "is a pipe, a device or the like. Name a regular file." in result.stderr
    assert list(tmp_path.iterdir()) == [pipe]


@pytest.mark.parametrize("name", ["c.jsonl", "c.db"])
def test_a_trial_on_the_sandbox_leaves_an_unfinished_export_alone(name, run, sandbox, tmp_path):
    path = tmp_path / name
    sandbox.faults.answer(400, on="POST /v1/contacts", after=1, times=2)
    assert run("contacts", "export", path).exit_code == 1

    trial = run("contacts", "export", path, "--sandbox", 3)

    assert trial.exit_code == 2
    assert "the checkpoint belongs to another account: " in trial.stderr
    assert "Start anew with --restart, or name another file." in trial.stderr
    assert "resumed" in run("contacts", "export", path).stderr
    assert run("contacts", "export", path, "--sandbox", 3).exit_code == 0


def test_an_export_since_a_time_holds_what_was_updated_after_it(run, sandbox, tmp_path):
    middle = sandbox.store.contacts[65]["updated"]

    result = run("contacts", "export", tmp_path / "c", "--surface", "v2", "--since", middle)

    assert result.exit_code == 0
    later = [line for line in sandbox.store.lines() if json.loads(line)["updated"] > middle]
    assert sorted((tmp_path / "c").read_bytes().splitlines()) == sorted(later)


def test_edits_are_reported(run, sandbox, tmp_path):
    contact = sandbox.store.contacts[0]["id"]

    # The sandbox answers with what it has, and with an edit that came in between.
    page = sandbox.store.lines()[:100]
    sandbox.faults.answer(
        200, body="[" + ",".join(map(bytes.decode, page)) + "]", on="POST /v1/contacts"
    )
    run("contacts", "update", contact, "--phone", "15105550000")
    summary = run("contacts", "export", tmp_path / "c").stderr

    assert summary.endswith(", 1 contact edited meanwhile\n")


# What is shown meanwhile


def test_without_a_terminal_a_line_is_shown_every_few_seconds(run, tmp_path, monkeypatch):
    monkeypatch.setattr(job_progress, "_LINE_EVERY_S", 0.0)

    shown = run("contacts", "export", tmp_path / "c").stderr.splitlines()
    silent = run("contacts", "export", tmp_path / "c", "--quiet").stderr.splitlines()

    assert shown[1] == "starting: 0, 0 of 500 requests/min"
    assert "130 of 130, " in shown[-2]
    assert len(silent) == 1
