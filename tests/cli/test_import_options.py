"""The options of `heymarket contacts import`, and the kinds of files that it reads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from heymarket_async.bulk.importing.tags import MOST_NEW
from tests.bulk.importing.imports import BATCH
from tests.bulk.test_tags import LIST
from tests.cli.test_import_command import report, stored


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_of_several_columns_the_first_that_is_filled_counts(run, sandbox, tmp_path):
    path = written(tmp_path / "a.csv", "A,B\n,14155550101\n14155550100,14155550102\n")

    assert run("contacts", "import", path, "--map", "A,B=phone").exit_code == 0
    assert set(stored(sandbox)) == {"14155550100", "14155550101"}


def test_extensions_are_dropped_if_asked_for(run, sandbox, tmp_path):
    path = written(tmp_path / "a.csv", "phone\n+14155550100 ext 5\n")

    assert run("contacts", "import", path).exit_code == 3
    assert run("contacts", "import", path, "--drop-extensions").exit_code == 0
    assert "14155550100" in stored(sandbox)


def test_opt_outs_are_told_and_may_be_ignored(run, sandbox, tmp_path):
    known = sandbox.store.contacts[0]
    path = written(tmp_path / "a.csv", f"phone,Opted out\n{known['phone']},yes\n")

    ignored = run("contacts", "import", path, "--ignore-opt-outs", "--outcomes", tmp_path / "1")
    planned = run("contacts", "import", path, "--dry-run")
    result = run("contacts", "import", path, "--outcomes", tmp_path / "2")
    written(path, f"phone,Opted out\n{known['phone']},no\n")
    kept = run("contacts", "import", path, "--outcomes", tmp_path / "3", "--overwrite")

    assert "opted out, as" not in ignored.stderr
    assert "\n1 existing contact would be opted out, as the file says.\n" in planned.stderr
    assert "\n1 existing contact was opted out, as the file says.\n" in result.stderr
    assert "\n1 contact stayed opted out, although the file says otherwise.\n" in kept.stderr
    assert sandbox.store.get(known["id"])["is_opted_out"] is True


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_column_of_free_text_does_not_become_hundreds_of_tags(ending, run, sandbox, tmp_path):
    rows = [{"phone": str(14155550000 + n), "tags": f"Remark {n:03}"} for n in range(90)]
    lines = [json.dumps({**row, "tags": [row["tags"]]}) for row in rows]
    if ending == "csv":
        lines = ["phone,Tags", *(",".join(row.values()) for row in rows)]
    path = written(tmp_path / f"a.{ending}", "\n".join(lines))

    few = run("contacts", "import", path, "--dry-run")
    result = run("contacts", "import", path, "--create-tags")

    assert few.exit_code == 0
    assert result.exit_code == 2, result.stderr
    assert f"The file has more than {MOST_NEW} tags that the account does not have" in result.stderr
    column = "Tags" if ending == "csv" else "tags"
    assert f'skip it with --ignore "{column}"' in result.stderr


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_right_that_is_missing_is_an_error_and_not_a_reason_for_each_row(
    ending, run, sandbox, tmp_path
):
    text = "phone,Tags\n14155550100,VIP\n"
    if ending == "jsonl":
        text = '{"phone": "14155550100", "tags": ["VIP"]}'
    path = written(tmp_path / f"a.{ending}", text)
    sandbox.faults.answer(403, on=LIST, times=None)

    left_out = run("contacts", "import", path, "--dry-run")
    result = run("contacts", "import", path, "--create-tags")

    column = "Tags" if ending == "csv" else "tags"
    said = f'\nTags of the column "{column}" left out, as tags cannot be read: VIP (1 row).\n'
    assert said in left_out.stderr
    assert (left_out.exit_code, result.exit_code) == (0, 2)
    assert "Get the right to read tags, or leave out --create-tags." in result.stderr


def test_a_rejected_file_is_mended_and_imported_by_the_same_command(run, sandbox, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("phone;first\n14155550100;Zoë\n1415;José\n".encode("mac-roman"))
    arguments = ("--encoding", "mac-roman", "--delimiter", ";")
    first = run("contacts", "import", path, *arguments)
    rejected = Path(f"{path}.rejected.csv")
    text = rejected.read_text(encoding="utf-8-sig")
    rejected.write_text(text.replace("1415", "14155550101"), encoding="utf-8-sig")

    second = run("contacts", "import", rejected)

    assert (first.exit_code, second.exit_code) == (3, 0), second.stderr
    assert {each["first"] for each in stored(sandbox).values()} == {"Zoë", "José"}
    assert len(sandbox.store) == 132


@pytest.mark.parametrize("ending", ["xlsx", "parquet", "db", "jsonl.gz", "csv"])
def test_files_of_all_formats_are_imported(ending, run, sandbox, tmp_path):
    path = tmp_path / f"contacts.{ending}"
    run("contacts", "export", path, "--quiet")
    before = len(sandbox.store)

    result = run("contacts", "import", path, "--json")

    assert (result.exit_code, result.stderr) in {(0, ""), (3, "")}
    found = json.loads(result.stdout)
    assert (found["rows"], found["created"], len(sandbox.store)) == (130, 0, before)


VCARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Zoë\r\nTEL:+14155550100\r\nEND:VCARD\r\n"


def test_cards_are_imported(run, sandbox, tmp_path):
    result = run("contacts", "import", written(tmp_path / "a.vcf", VCARD))

    assert result.exit_code == 0, result.stderr
    assert "14155550100" in stored(sandbox)


def test_cards_are_imported_from_standard_input(start, sandbox):
    process = start("contacts", "import", "-", stdin=subprocess.PIPE)
    _, errors = process.communicate(VCARD.encode(), timeout=60)

    assert process.returncode == 0, errors
    assert "14155550100" in stored(sandbox)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", None])
def test_a_file_that_has_no_contacts_is_one_line(content, run, sandbox, tmp_path):
    path = tmp_path / "a.csv"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)

    result = run("contacts", "import", path)

    assert result.exit_code in {1, 2}
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("Error: ")
    assert BATCH not in [f"{each.method} {each.path}" for each in sandbox.requests]


def test_an_interrupted_import_keeps_the_rejected_rows(start, sandbox, tmp_path):
    rows = "".join(f"{14155550000 + n}\n" for n in range(40))
    path = written(tmp_path / "a.csv", f"phone\n1415\n{rows}")
    sandbox.faults.delay(60, on=BATCH, after=1)
    process = start("contacts", "import", path, "--batch-size", 10, "--concurrency", 1)
    while [each.path for each in sandbox.requests].count("/v1/batch/contacts") < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert report(errors.decode()).startswith("To resume, run the same command again.")
    assert "\n1415," in Path(f"{path}.rejected.csv").read_text(encoding="utf-8-sig")


def test_rows_of_a_pipe_are_sent_while_it_stays_open(start, sandbox):
    process = start("contacts", "import", "-", "--batch-size", 5, stdin=subprocess.PIPE)
    writer = process.stdin.fileno()
    os.write(writer, b"phone,first\n" + b"".join(b"%d,A\n" % (14155550000 + n) for n in range(6)))
    ends = time.monotonic() + 30
    while len(sandbox.store) < 135:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ends
        time.sleep(0.01)

    process.stdin.write(b"14155550006,A\n")
    process.communicate(timeout=60)

    assert (process.returncode, len(sandbox.store)) == (0, 137)


def test_names_that_only_later_objects_have_are_named_after_the_import(run, tmp_path):
    lines = '{"phone": "14155550100"}\n{"phone": "14155550101", "shoe size": 44}\n'
    path = written(tmp_path / "a.jsonl", lines)

    result = run("contacts", "import", path, "--batch-size", 1)

    assert result.exit_code == 0
    assert "\nNot imported either: shoe size\n" in result.stderr


def test_rejected_rows_go_to_the_file_that_is_named(run, tmp_path):
    path = written(tmp_path / "a.csv", "phone\n14155550100\n1415\n")
    rejected = tmp_path / "bad.csv"

    result = run("contacts", "import", path, "--rejected", rejected)

    assert f"The rejected rows are in {rejected}. " in result.stderr
    assert "\n1415," in rejected.read_text(encoding="utf-8-sig")
    assert not Path(f"{path}.rejected.csv").exists()


@pytest.mark.parametrize("is_dry", [True, False])
def test_missing_tags_are_created_once(is_dry, run, sandbox, tmp_path):
    rows = "14155550100,New one\n14155550101,new  ONE\n14155550102,VIP\n"
    path = written(tmp_path / "a.csv", f"Phone,Tags\n{rows}")
    options = ["--create-tags", *(["--dry-run"] if is_dry else [])]

    result = run("contacts", "import", path, *options)

    assert result.exit_code == 0, result.stderr
    verb = "Tags that would be created" if is_dry else "Created tags"
    assert f"{verb}: New one (2 rows).\n" in result.stderr
    labels = [tag["tag"] for tag in sandbox.tags.tags]
    assert labels.count("New one") == (0 if is_dry else 1)
    assert "new  ONE" not in labels


def test_phones_that_all_lack_a_country_code_are_one_error(run, sandbox, tmp_path):
    path = written(tmp_path / "a.csv", "phone\n(415) 555-0100\n\n415 555 0101\n")

    refused = run("contacts", "import", path)
    imported = run("contacts", "import", path, "--region", "US")

    assert (refused.exit_code, imported.exit_code) == (2, 0)
    assert refused.stderr == (
        "Error: No phone in the first rows has a country code. Name the country of these phones"
        " with --region, such as --region US.\n"
    )
    assert len(stored(sandbox)) == 2


@pytest.mark.parametrize("other", ["+14155550101", "14155550101", "12"])
def test_one_phone_of_another_kind_lets_the_rows_be_looked_at(other, run, tmp_path):
    path = written(tmp_path / "a.csv", f"phone\n(415) 555-0100\n{other}\n")

    result = run("contacts", "import", path)

    assert result.exit_code == 3
    assert "row 1: phone must be a valid number" in result.stderr
