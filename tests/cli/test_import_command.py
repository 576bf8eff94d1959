"""`heymarket contacts import`: from a file to contacts, and what became of each row."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import phonenumbers
import pytest

from heymarket_async import RetryPolicy
from heymarket_async.bulk.store.private_files import lock
from heymarket_async.cli.import_report import lines_of_reasons
from tests.bulk.importing.imports import BATCH, outcomes_of
from tests.cli.imports import lines_of, preview_of

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


def report(errors: str) -> str:
    """The lines after the preview of the columns."""
    lines = errors.splitlines(keepends=True)
    return "".join(x for x in lines if " → " not in x and not x.startswith("Not imported: "))


def stored(sandbox) -> dict[str, dict]:
    return {contact["phone"]: contact for contact in sandbox.store.contacts[:2]}


def test_a_file_becomes_contacts_and_outcomes(run, sandbox, file):
    result = run("contacts", "import", file, *MAPPED)

    assert result.exit_code == 3
    assert result.stdout == ""
    lines = lines_of(result)
    assert lines[0].startswith("4 rows: 2 created, 2 rejected; 1 duplicate of an earlier row; ")
    assert lines[1:] == [
        "row 3: phone must be a valid number of US, or begin with a plus and the country code",
        "row 4: row 1 has the same phone",
        f"Phones were checked by the numbering plans of phonenumbers {phonenumbers.__version__};"
        " update phonenumbers if the number is a new one.",
        f"The outcome of each row is in {file}.outcomes.jsonl",
        f"The rejected rows are in {file}.rejected.csv. Mend them, and import that file.",
    ]
    zoe = stored(sandbox)["14155550100"]
    assert (zoe["first"], zoe["custom"]) == ("Zoë", {"123": "Premium"})
    assert len(sandbox.store) == 132
    outcomes = outcomes_of(Path(f"{file}.outcomes.jsonl"))
    assert {row: line["outcome"] for row, line in outcomes.items()} == {
        1: "created", 2: "created", 3: "rejected", 4: "rejected",
    }  # fmt: skip


@pytest.mark.parametrize("options", [(), ("--resume",)])
def test_a_second_run_resumes_by_itself(options, run, sandbox, file):
    run("contacts", "import", file, *MAPPED)
    sandbox.requests.clear()

    resumed = run("contacts", "import", file, *MAPPED, *options)

    assert resumed.exit_code == 3
    assert "2 of them done by an earlier run" in resumed.stderr
    assert "once more, use --restart.\n" in resumed.stderr
    assert BATCH not in [f"{each.method} {each.path}" for each in sandbox.requests]


def test_a_restarted_import_sends_rows_that_were_done(run, sandbox, file):
    run("contacts", "import", file, *MAPPED)
    for each in sandbox.store.contacts[:2]:
        sandbox.store.remove(sandbox.store.by_id(each["id"]))

    result = run("contacts", "import", file, *MAPPED, "--restart")

    assert lines_of(result)[0].startswith("4 rows: 2 created, 2 rejected; ")
    assert "earlier run" not in result.stderr
    assert len(sandbox.store) == 132


def test_mended_rows_are_imported_by_the_same_command_and_nobody_twice(run, sandbox, file):
    run("contacts", "import", file, *MAPPED)
    file.write_text(file.read_text().replace("0101,Al", "415-555-0102,Al"))

    result = run("contacts", "import", file, *MAPPED)

    assert lines_of(result)[0].startswith("4 rows: 3 created, 1 rejected; 1 duplicate")
    assert len(sandbox.store) == 133


def test_the_file_of_rejected_rows_is_mended_and_imported(run, sandbox, file):
    run("contacts", "import", file, *MAPPED)
    rejected = Path(f"{file}.rejected.csv")
    text = rejected.read_text()
    rejected.write_text(text.replace("0101,Al", "415-555-0102,Al"))

    result = run("contacts", "import", rejected, *MAPPED)

    assert text.splitlines()[0].endswith("Cell phone,First,Plan,Notes,import_error")
    assert rejected.stat().st_mode & 0o777 == 0o600
    assert lines_of(result)[0].startswith("2 rows: 1 created, 1 unchanged; ")
    assert len(sandbox.store) == 133


@pytest.mark.parametrize("what", ["no file", "at work", "no folder", "nothing to resume"])
def test_what_is_wrong_with_the_files_is_said_before_anything_is_asked(
    what, run, sandbox, file, tmp_path
):
    outcomes = tmp_path / ("nodir" if what == "no folder" else "") / "o"
    arguments = [tmp_path / "x.csv" if what == "no file" else file, "--outcomes", outcomes]
    with ExitStack() as stack:
        if what == "is there":
            arguments = ["-", "--outcomes", outcomes]
        if what in {"is there", "at work"}:
            lock(stack.enter_context(outcomes.open("wb")).fileno(), outcomes)
        if what == "nothing to resume":
            arguments = ["-", "--format", "csv", "--resume"]

        result = run("contacts", "import", *arguments)

    assert result.exit_code in {1, 2}
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert not sandbox.requests


@pytest.mark.parametrize("route", ["POST /v1/contact-fields", "GET /v1/team"])
def test_requests_before_the_first_row_are_shown(route, run, sandbox, file, monkeypatch):
    monkeypatch.setattr("heymarket_async.cli.job_progress._LINE_EVERY_S", 0.0)
    sandbox.faults.answer(400, on=route, times=None)

    result = run("contacts", "import", file, *MAPPED)

    assert any(line.startswith("starting") for line in result.stderr.splitlines())


def test_a_dry_run_writes_neither_contacts_nor_a_file(run, sandbox, file, tmp_path):
    result = run("contacts", "import", file, *MAPPED, "--dry-run")
    kept = run("contacts", "import", file, *MAPPED, "--dry-run", "--outcomes", tmp_path / "o")

    assert lines_of(result)[0].startswith("4 rows: 2 would be created, 2 would be rejected; ")
    assert "nothing was written" in result.stderr
    assert len(sandbox.store) == 130
    assert sorted(each.name for each in tmp_path.iterdir()) == ["o", "people.csv"]
    assert kept.stderr.endswith(f"The outcome of each row is in {tmp_path / 'o'}\n")


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
    assert report["rejected_rows"] == f"{file}.rejected.csv"
    assert report["left_out"] == []
    assert report["columns"] == {
        "Cell phone": "phone",
        "First": "first",
        "Plan": "custom field Plan (123)",
        "Notes": "not imported",
    }


def test_overwriting_is_asked_for(run, sandbox, tmp_path):
    path = tmp_path / "people.jsonl"
    known = sandbox.store.contacts[0]
    path.write_text(json.dumps({"phone": known["phone"], "first": "Renamed"}))

    kept = run("contacts", "import", path, "--outcomes", tmp_path / "1")
    changed = run("contacts", "import", path, "--outcomes", tmp_path / "2", "--overwrite")

    assert lines_of(kept)[0].startswith("1 row: 1 unchanged; ")
    assert lines_of(changed)[0].startswith("1 row: 1 updated; ")
    assert sandbox.store.get(known["id"])["first"] == "Renamed"


def test_progress_has_a_total_by_the_size_of_the_file(run, tmp_path, monkeypatch):
    monkeypatch.setattr("heymarket_async.cli.job_progress._LINE_EVERY_S", 0.0)
    path = tmp_path / "people.csv"
    path.write_text("phone\n" + "".join(f"{14155550000 + n}\n" for n in range(95)))

    result = run("contacts", "import", path, "--batch-size", 10)
    quiet = run("contacts", "import", path, "--batch-size", 10, "--quiet")

    progress = [line for line in result.stderr.splitlines() if line.startswith("importing")]
    assert progress[-1].startswith("importing: 95 of 95, ")
    assert quiet.stderr.startswith("95 rows: 95 created; 95 of them done by an earlier run")


def test_an_empty_file_is_no_rows(run, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("phone\n")

    assert lines_of(run("contacts", "import", path))[0].startswith("0 rows; ")


def test_unknown_rows_are_to_be_resumed(run, sandbox, tmp_path, monkeypatch):
    path = tmp_path / "people.csv"
    path.write_text("phone\n14155550100\n")
    monkeypatch.setattr(RetryPolicy, "jitter_s", lambda *_: 0.0)
    sandbox.faults.answer(500, on=BATCH, times=None)

    result = run("contacts", "import", path)
    sandbox.faults.clear()
    resumed = run("contacts", "import", path)

    assert result.exit_code == 3
    assert "1 row: 1 unknown; " in result.stderr
    assert result.stderr.endswith("unknown. Run the same command again to look them up.\n")
    assert resumed.exit_code == 0
    assert len(sandbox.store) == 131


def test_unknown_rows_of_standard_input_cannot_be_resumed(run, sandbox, monkeypatch):
    monkeypatch.setattr(RetryPolicy, "jitter_s", lambda *_: 0.0)
    sandbox.faults.answer(500, on=BATCH, times=None)

    result = run("contacts", "import", "-", "--format", "csv", input="phone\n14155550100\n")

    assert result.exit_code == 3
    assert result.stderr.endswith(
        "unknown. Run the import again: no phone gets a second contact.\n"
    )


@pytest.mark.parametrize("what", ["folder", "team"])
def test_an_outcome_file_that_was_never_made_is_not_named_to_resume_from(
    what, run, sandbox, file, tmp_path
):
    if what == "team":
        sandbox.faults.answer(404, on="GET /v1/team", times=None)
    path = tmp_path / ("nodir" if what == "folder" else "") / "o"

    result = run("contacts", "import", file, *MAPPED, "--outcomes", path)

    assert result.exit_code == 1
    assert not path.exists()
    assert len(lines_of(result, "Error: ")) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--map", "Cell phone=fone"],
            'Unknown columns: "Cell phone=fone". Map one with --map "Cell phone=phone", skip one'
            ' with --ignore "Cell phone", or skip all unknown ones'
            " with --ignore-others. The fields are phone, first, last, ",
        ),
        (["--ignore", "Cell"], "The file has no column Cell to map or ignore"),
        (["--encoding", "utf-99"], "Use a name such as utf-8"),
        (["--delimiter", ";;"], '--delimiter must be one character, or "tab"'),
        (["--delimiter", '"'], '--delimiter must be one character, or "tab"'),
        (["--format", "jsonl", "--delimiter", ";"], "A delimiter is for CSV only."),
        (["--format", "xlsx", "--encoding", "utf-8"], "An encoding is for text only."),
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


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "phone,frist",
            'Unknown columns: frist (did you mean first?). Map one with --map "frist=first", skip'
            " one with --ignore frist, or skip all unknown ones with --ignore-others. The fields"
            " are phone, first, ",
        ),
        (
            "phone,Plan,custom:Plan",
            "Columns Plan and custom:Plan mean the same field. Skip one with --ignore custom:Plan,"
            " or rename one if both have the same name.\n",
        ),
        ("first", 'No column has the phones. Map one with --map "COLUMN=phone".\n'),
        (
            "phone,Twice",
            "2 custom fields have the title Twice: 7 and 8. Map the column by the id: --map"
            ' "COLUMN=custom:7".\n',
        ),
    ],
)
def test_the_remedy_for_a_header_is_an_option(header, message, run, sandbox, tmp_path):
    body = [{"id": 7, "title": "Twice"}, {"id": 8, "title": "Twice"}, {"id": 9, "title": "Plan"}]
    sandbox.faults.answer(200, on="POST /v1/contact-fields", body=body)
    path = tmp_path / "people.csv"
    path.write_text(f"{header}\n")

    result = run("contacts", "import", path)

    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {message}")


def test_the_remedy_for_an_outcome_file_is_an_option(run, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("phone\n14155550100\n")
    (wrong := tmp_path / "wrong.csv").write_text("phone\n")
    run("contacts", "import", path)

    result = run("contacts", "import", path, "--overwrite")
    other = run("contacts", "import", path, "--outcomes", wrong)
    restarted = run("contacts", "import", path, "--outcomes", wrong, "--restart")

    assert (result.exit_code, other.exit_code, restarted.exit_code) == (2, 2, 2)
    assert result.stderr.endswith(
        " belongs to another import: overwrite false, not true. Use the options that it began"
        " with, begin anew with --restart, or name another file with --outcomes.\n"
    )
    for refused in (other, restarted):
        assert refused.stderr.endswith(
            f"Error: {wrong} is not an outcome file (line 1). Name another file with --outcomes.\n"
        )
    assert wrong.read_text() == "phone\n"


def test_a_file_needs_no_name_that_says_its_format(run, tmp_path):
    path = tmp_path / "people"
    path.write_text("phone\n14155550100\n")

    assert lines_of(run("contacts", "import", path))[0].startswith("1 row: 1 created; ")


def test_resuming_standard_input_needs_an_outcome_file(run):
    result = run("contacts", "import", "-", "--format", "csv", "--resume", input="phone\n")

    assert (result.exit_code, result.stderr) == (
        2,
        "Error: Without an outcome file there is nothing to resume from. Name the file of that"
        " job with --outcomes.\n",
    )


def test_a_file_that_is_not_there_is_one_line(run, tmp_path):
    result = run("contacts", "import", tmp_path / "x.csv")

    assert result.exit_code == 1
    assert result.stderr == f"Error: {tmp_path}/x.csv does not exist.\n"


def test_a_file_in_another_encoding_is_read_and_said_once(run, sandbox, tmp_path):
    path = tmp_path / "people.csv"
    path.write_bytes("phone,first\n14155550100,Zoë\n14155550101,José\n".encode("latin-1"))

    found = run("contacts", "import", path)
    given = run("contacts", "import", path, "--restart", "--encoding", "latin-1")

    remark = "The file is not UTF-8. It was read as windows-1252; if names look wrong, give the"
    assert (found.exit_code, given.exit_code) == (0, 0)
    assert found.stderr.count(remark) == 1
    assert remark not in given.stderr
    assert stored(sandbox)["14155550100"]["first"] == "Zoë"


def test_one_row_that_is_not_utf_8_does_not_stop_the_others(run, tmp_path):
    path = tmp_path / "people.csv"
    rows = "phone,first\n14155550100,Zoë\n14155550101,Ann\n".encode()
    path.write_bytes(rows + b"14155550102,\xeb\n")

    result = run("contacts", "import", path)

    assert result.exit_code == 3
    assert lines_of(result)[0].startswith("3 rows: 2 created, 1 rejected; ")
    assert "row 3: is not UTF-8; save the file as UTF-8 (line 4)\n" in result.stderr
    assert b"14155550102,\xeb," in Path(f"{path}.rejected.csv").read_bytes()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_import_can_be_resumed(number, code, start, run, sandbox, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("phone\n" + "".join(f"{14155550000 + n}\n" for n in range(40)))
    sandbox.faults.delay(60, on=BATCH, after=1)
    process = start("contacts", "import", path, "--batch-size", 10, "--concurrency", 1)
    while [each.path for each in sandbox.requests].count("/v1/batch/contacts") < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)

    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    result = run("contacts", "import", path, "--batch-size", 10)

    way_on = f"To resume, run the same command again. The outcome of each row is in {path}"
    assert (process.returncode, output) == (code, b"")
    assert errors.decode().splitlines() == ["phone → phone", f"{way_on}.outcomes.jsonl"]
    assert result.exit_code == 0
    assert lines_of(result)[0].startswith("40 rows: 40 created; 10 of them done by an earlier run")
    assert len(sandbox.store) == 170


def test_an_import_into_an_embedded_sandbox(run, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("phone\n14155550100\n")

    result = run("contacts", "import", path, "--sandbox", 3, env={})

    assert result.exit_code == 0
    assert lines_of(result)[0].startswith("1 row: 1 created; 3 requests, ")


@pytest.mark.parametrize("kind", ["standard input", "named pipe"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_pipe_that_is_silent_does_not_keep_the_import_from_its_end(
    kind, number, code, start, sandbox, tmp_path
):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    begun = b"phone\n" + b"".join(b"%d\n" % (14155550000 + n) for n in range(15))
    arguments = ("--format", "csv", "--batch-size", 5)
    if kind == "named pipe":
        process = start("contacts", "import", pipe, *arguments)
        writer = os.open(pipe, os.O_WRONLY)
    else:
        process = start("contacts", "import", "-", *arguments, stdin=subprocess.PIPE)
        writer = os.dup(process.stdin.fileno())
    os.write(writer, begun)
    while len(sandbox.store) < 145:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)

    process.send_signal(number)
    process.wait(timeout=10)
    os.close(writer)
    errors = process.communicate()[1].decode()

    assert process.returncode == code
    noted = "To resume, run" if kind == "named pipe" else "There is no outcome file to resume from."
    assert errors.splitlines()[1].startswith(noted)
    assert len(errors.splitlines()) == 2


def test_an_error_of_the_file_says_how_to_resume(run, sandbox, tmp_path):
    path = tmp_path / "people.csv"
    rows = "".join(f"{14155550000 + n}\n" for n in range(25))
    path.write_text(f'phone\n{rows}"{rows}')

    result = run("contacts", "import", path, "--batch-size", 10)
    path.write_text(f"phone\n{rows}14155550099\n")
    resumed = run("contacts", "import", path)

    assert result.exit_code == 2
    assert lines_of(result, "Error: ") == [
        "Error: The row in line 27 has a quoted cell without an end, or one that is far too long."
        " Correct it.",
        "To resume, run the same command again. The outcome of each row is in"
        f" {path}.outcomes.jsonl",
    ]
    assert lines_of(resumed)[0].startswith("26 rows: 26 created; 25 of them done by an earlier run")


def test_an_error_of_the_account_says_how_to_resume(run, sandbox, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("phone\n14155550100\n")
    sandbox.faults.answer(403, on=BATCH, times=None)

    result = run("contacts", "import", path)
    dry = run("contacts", "import", tmp_path / "none.csv")

    assert result.exit_code == 1
    assert lines_of(result, "Error: ")[1].startswith("To resume, run the same command again. ")
    anew = run("contacts", "import", path, "--restart")
    assert "To resume, run the same command again without --restart. " in anew.stderr
    assert "resume" not in dry.stderr


def test_a_mended_file_is_resumed(run, sandbox, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("phone\n14155550100\n1415555\n")
    run("contacts", "import", path)
    path.write_text("phone\n14155550102\n14155550101\n14155550100\n")

    result = run("contacts", "import", path, "--resume")

    assert result.exit_code == 0
    phones = [contact["phone"] for contact in sandbox.store.contacts]
    assert [phones.count(f"1415555010{n}") for n in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "jsonl.gz", "xlsx", "parquet", "db"])
def test_what_was_exported_is_imported_as_it_is(ending, run, sandbox, tmp_path):
    path = tmp_path / f"contacts.{ending}"
    run("contacts", "export", path, "--quiet")
    before = {each["phone"]: each["first"] for each in sandbox.store.contacts}
    for each in sandbox.store.contacts[100:]:
        sandbox.store.remove(sandbox.store.by_id(each["id"]))

    result = run("contacts", "import", path)

    assert result.exit_code == 0, result.stderr
    made = len(before) - 100
    assert lines_of(result)[0].startswith(f"{len(before)} rows: {made} created, 100 unchanged; ")
    (left_out,) = [line for line in result.stderr.splitlines() if line.startswith("Not imported: ")]
    names = left_out.removeprefix("Not imported: ").split(", ")
    assert {"id", "rev", "updated", "created"} <= set(names)
    assert {each["phone"]: each["first"] for each in sandbox.store.contacts} == before


@pytest.mark.parametrize("options", [(), ("--delimiter", "given")])
@pytest.mark.parametrize(("delimiter", "name"), [(";", ";"), ("\t", "tab"), ("|", "|")])
def test_a_file_may_be_divided_otherwise_and_have_columns_of_no_meaning(
    delimiter, name, options, run, sandbox, tmp_path
):
    path = tmp_path / "people.csv"
    path.write_text("Email;phone;Nick\na@b.example;14155550150;x\n".replace(";", delimiter))
    options = [name if each == "given" else each for each in options]

    result = run("contacts", "import", path, "--map", "Email=custom:Plan", *options)

    assert result.exit_code == 0, result.stderr
    assert preview_of(result) == {"Email": "custom field Plan (123)", "phone": "phone"}
    assert "\nNot imported: Nick\n" in result.stderr
    assert stored(sandbox)["14155550150"]["custom"] == {"123": "a@b.example"}


def test_names_to_ignore_that_are_in_no_row_of_json_are_reported(run, tmp_path):
    path = tmp_path / "people.jsonl"
    path.write_text('{"phone": "14155550100"}\n')
    arguments = ("contacts", "import", path, "--ignore", "Notse", "--map", "x=first")

    result = run(*arguments, "--outcomes", tmp_path / "1")
    report = json.loads(run(*arguments, "--outcomes", tmp_path / "2", "--json").stdout)

    assert result.exit_code == 0
    assert "\nNamed by --map or --ignore, but in no row: x, Notse\n" in result.stderr
    assert (report["unseen"], report["left_out"]) == (["x", "Notse"], [])


def test_standard_input_that_is_closed_is_one_line(start):
    process = start("contacts", "import", "-", "--format", "csv", preexec_fn=lambda: os.close(0))

    _, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    assert errors == b"Error: standard input is closed\n"


def test_many_rejected_rows_are_counted_by_reason(run, tmp_path):
    path = tmp_path / "people.csv"
    rows = [f"{'abc' if n % 3 else '12'},\n" for n in range(1200)] + [
        '15105550100,"[true, {}]"\n'
    ] * 6
    path.write_text("phone,Groups\n" + "".join(rows))

    result = run("contacts", "import", path, "--map", "Groups=tags")
    shown = lines_of(result)
    report = json.loads(
        run("contacts", "import", path, "--map", "Groups=tags", "--json", "--dry-run").stdout
    )

    assert shown[0].startswith("1,206 rows: 1,206 rejected; ")
    assert sum(line.startswith("row ") for line in shown) == 20
    assert shown[21] == f"… and 1,186 more in {path}.rejected.csv. By reason:"
    assert shown[22] == "  800 rows: phone must not have letters in it"
    assert shown[23].startswith("  400 rows: phone must be a valid number with a plus")
    assert shown[24] == (
        "  6 rows: tags must be ids, or names, or a list in JSON as exports have it"
        ' (column "Groups")'
    )
    assert list(report["reasons"].values()) == [800, 400, 6]
    assert sum(report["reasons"].values()) == report["rejected"]


def test_few_rejected_rows_are_not_counted_by_reason(run, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("phone\n" + "abc\n" * 20)

    result = run("contacts", "import", path)

    assert "By reason" not in result.stderr


def test_reasons_beyond_the_first_ten_are_summed_up():
    shown = lines_of_reasons({f"reason {n}": 20 - n for n in range(12)})

    assert shown[0] == "  20 rows: reason 0"
    assert shown[-2:] == ["  11 rows: reason 9", "  19 rows: other reasons"]
