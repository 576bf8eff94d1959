"""`heymarket contacts import`: from a file to contacts, and what became of each row."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from heymarket_async import RetryPolicy
from tests.bulk.imports import BATCH, outcomes_of

CSV = """\
Cell phone,First,Plan,Notes
(415) 555-0100,Zoë,Premium,x
+1 415 555 0101,,,
0101,Al,,
415-555-0100,Again,,
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(CSV)
    return path


MAPPED = ("--map", "Cell phone=phone", "--ignore", "Notes", "--region", "US")


def stored(sandbox) -> dict[str, dict]:
    return {contact["phone"]: contact for contact in sandbox.store.contacts[:2]}


def test_a_file_becomes_contacts_and_outcomes(run, sandbox, file):
    result = run("contacts", "import", file, *MAPPED)

    assert result.exit_code == 3
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0].startswith("4 rows: 2 created, 2 rejected; 1 of them with the phone of an ")
    assert lines[1].startswith("row 3: phone must be a valid number of US")
    assert lines[2:] == [
        "row 4: row 1 has the same phone",
        f"What became of each row is in {file}.outcomes.jsonl",
    ]
    zoe = stored(sandbox)["14155550100"]
    assert (zoe["first"], zoe["custom"]) == ("Zoë", {"123": "Premium"})
    assert len(sandbox.store) == 132
    outcomes = outcomes_of(Path(f"{file}.outcomes.jsonl"))
    assert {row: line["outcome"] for row, line in outcomes.items()} == {
        1: "created", 2: "created", 3: "rejected", 4: "rejected",
    }  # fmt: skip


def test_a_second_run_is_refused_unless_it_resumes(run, sandbox, file):
    run("contacts", "import", file, *MAPPED)
    sandbox.requests.clear()

    refused = run("contacts", "import", file, *MAPPED)
    resumed = run("contacts", "import", file, *MAPPED, "--resume")

    assert (refused.exit_code, resumed.exit_code) == (2, 3)
    assert "is there already: resume that import (--resume), or name another" in refused.stderr
    assert "4 of them settled by an earlier run" in resumed.stderr
    assert BATCH not in [f"{each.method} {each.path}" for each in sandbox.requests]


def test_a_dry_run_writes_neither_contacts_nor_a_file(run, sandbox, file, tmp_path):
    result = run("contacts", "import", file, *MAPPED, "--dry-run")
    kept = run("contacts", "import", file, *MAPPED, "--dry-run", "--outcomes", tmp_path / "o")

    assert result.stderr.startswith("4 rows: 2 would be created, 2 would be rejected; ")
    assert "nothing was written" in result.stderr
    assert len(sandbox.store) == 130
    assert sorted(each.name for each in tmp_path.iterdir()) == ["o", "people.csv"]
    assert kept.stderr.endswith(f"What became of each row is in {tmp_path / 'o'}\n")


def test_json_lines_from_standard_input(run, sandbox, tmp_path):
    rows = ['{"phone": "+14155550100", "custom": {"Plan": "A"}, "tags": [4]}', ""]

    result = run("contacts", "import", "-", "--format", "jsonl", "--json", input="\n".join(rows))

    report = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert (report["created"], report["rows"], report["outcomes"]) == (1, 1, None)
    assert stored(sandbox)["14155550100"]["custom"] == {"123": "A"}
    assert list(tmp_path.iterdir()) == []


def test_the_report_for_machines_names_the_outcome_file(run, file, tmp_path):
    result = run("contacts", "import", file, *MAPPED, "--json", "--outcomes", tmp_path / "o")

    report = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (3, "")
    assert report["outcomes"] == str(tmp_path / "o")
    assert report["rejections"][1] == {"row": 4, "reason": "row 1 has the same phone"}


def test_overwriting_is_asked_for(run, sandbox, tmp_path):
    path = tmp_path / "people.jsonl"
    known = sandbox.store.contacts[0]
    path.write_text(json.dumps({"phone": known["phone"], "first": "Renamed"}))

    kept = run("contacts", "import", path, "--outcomes", tmp_path / "1")
    changed = run("contacts", "import", path, "--outcomes", tmp_path / "2", "--overwrite")

    assert kept.stderr.startswith("1 row: 1 unchanged; ")
    assert changed.stderr.startswith("1 row: 1 updated; ")
    assert sandbox.store.get(known["id"])["first"] == "Renamed"


def test_quiet_says_nothing_if_all_is_stored(run, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("phone\n14155550100\n")

    result = run("contacts", "import", path, "--quiet", "--batch-size", 1, "--concurrency", 1)

    assert (result.exit_code, result.output) == (0, "")


def test_quiet_does_not_hide_what_is_not_stored(run, file):
    assert "2 rejected" in run("contacts", "import", file, *MAPPED, "--quiet").stderr


def test_an_empty_file_is_no_rows(run, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("phone\n")

    assert run("contacts", "import", path).stderr.startswith("0 rows; ")


def test_unknown_rows_are_to_be_resumed(run, sandbox, tmp_path, monkeypatch):
    path = tmp_path / "people.csv"
    path.write_text("phone\n14155550100\n")
    monkeypatch.setattr(RetryPolicy, "jitter_s", lambda *_: 0.0)
    sandbox.faults.answer(500, on=BATCH, times=None)

    result = run("contacts", "import", path)
    sandbox.faults.clear()
    resumed = run("contacts", "import", path, "--resume")

    assert result.exit_code == 3
    assert "1 row: 1 unknown; " in result.stderr
    assert result.stderr.endswith("unknown: run it again with --resume to look them up\n")
    assert resumed.exit_code == 0
    assert len(sandbox.store) == 131


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ignore", "Notes"], 'column "Cell phone" is neither a field of a contact'),
        (["--map", "Cell phone"], "--map must be COLUMN=FIELD"),
        (["--map", "=phone"], "--map must be COLUMN=FIELD"),
        (["--region", "Texas"], "region must be two letters"),
        (["--batch-size", "0"], "--batch-size"),
    ],
)
def test_wrong_arguments_are_refused_before_a_contact_is_sent(arguments, message, run, file):
    result = run("contacts", "import", file, *arguments)

    assert result.exit_code == 2
    assert message in result.stderr
    assert not Path(f"{file}.outcomes.jsonl").exists()


def test_a_name_that_does_not_tell_needs_a_format(run, tmp_path):
    path = tmp_path / "people.txt"
    path.write_text("phone\n14155550100\n")

    assert "--format csv or --format jsonl" in run("contacts", "import", path).stderr
    assert run("contacts", "import", path, "--format", "csv").exit_code == 0


def test_resuming_standard_input_needs_an_outcome_file(run):
    result = run("contacts", "import", "-", "--format", "csv", "--resume", input="phone\n")

    assert (result.exit_code, result.stderr) == (
        2,
        "Error: resume needs outcomes, the file of the import to go on with\n",
    )


def test_a_file_that_is_not_there_is_one_line(run, tmp_path):
    result = run("contacts", "import", tmp_path / "x.csv")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: [Errno 2] No such file or directory")


def test_a_row_in_another_encoding_does_not_stop_the_others(run, tmp_path):
    path = tmp_path / "people.csv"
    path.write_bytes("phone,first\n14155550100,Zoë\n14155550101,Ann\n".encode("latin-1"))

    result = run("contacts", "import", path)

    assert result.exit_code == 3
    assert result.stderr.startswith("2 rows: 1 created, 1 rejected; ")
    assert "row 1: is not UTF-8; save the file as UTF-8\n" in result.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_import_that_is_ended_can_be_resumed(number, code, start, run, sandbox, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("phone\n" + "".join(f"{14155550000 + n}\n" for n in range(40)))
    sandbox.faults.delay(60, on=BATCH, after=1)
    process = start("contacts", "import", path, "--batch-size", 10, "--concurrency", 1)
    while [each.path for each in sandbox.requests].count("/v1/batch/contacts") < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)

    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    result = run("contacts", "import", path, "--batch-size", 10, "--resume")

    assert (process.returncode, output, errors) == (code, b"", b"")
    assert result.exit_code == 0
    assert result.stderr.startswith("40 rows: 40 created; 10 of them settled by an earlier run")
    assert len(sandbox.store) == 170


def test_an_import_into_an_embedded_sandbox(run, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("phone\n14155550100\n")

    result = run("contacts", "import", path, "--sandbox", 3, env={})

    assert result.exit_code == 0
    assert result.stderr.startswith("1 row: 1 created; 3 requests, ")
