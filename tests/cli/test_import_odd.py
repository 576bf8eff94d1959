"""`heymarket contacts import` of what odd accounts exported, and into an odd account."""

from __future__ import annotations

import json

import pytest

from tests.cli.test_import_command import MAPPED, file, is_valid, stored

__all__ = ["file"]  # a fixture

FIELDS = "POST /v1/contact-fields"


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_odd_contacts_of_an_export_are_imported_with_the_others(ending, run, sandbox, tmp_path):
    path = tmp_path / f"contacts.{ending}"
    valid = [each for each in sandbox.store.contacts if is_valid(each["phone"])]
    for each in sandbox.store.contacts:
        if each not in valid[:2]:
            sandbox.store.remove(sandbox.store.by_id(each["id"]))
    sandbox.show_as(valid[0]["id"], "lone_surrogate")
    sandbox.show_as(valid[1]["id"], "phone_number")
    run("contacts", "export", path, "--quiet")
    for each in valid[:2]:
        sandbox.store.remove(sandbox.store.by_id(each["id"]))

    result = run("contacts", "import", path)

    assert (result.exit_code, len(sandbox.store)) == (0, 2), result.stderr


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("answer", [{"status": 403}, {"status": 200, "body": [{"error": "x"}]}])
def test_without_custom_fields_to_read_what_needs_none_is_imported(
    answer, ending, run, sandbox, tmp_path
):
    path = tmp_path / f"people.{ending}"
    row = {"phone": "14155550100", "first": "Zoë", "other": "x"}
    text = json.dumps(row) if ending == "jsonl" else "\n".join(map(",".join, (row, row.values())))
    path.write_text(text)
    sandbox.faults.answer(on=FIELDS, times=None, **answer)

    result = run("contacts", "import", path)

    assert result.exit_code == 0, result.stderr
    assert stored(sandbox)["14155550100"]["first"] == "Zoë"


@pytest.mark.parametrize("options", [(), ("--ignore-others",)])
def test_columns_that_may_be_custom_fields_that_cannot_be_read_are_named_before_a_row_is_sent(
    options, run, sandbox, file
):
    sandbox.faults.answer(403, on=FIELDS, times=None)
    mapped = ("--map", "Cell phone=phone", "--map", "First=custom:123", *options)

    result = run("contacts", "import", file, *mapped)
    ignored = run("contacts", "import", file, *MAPPED, "--ignore", "Plan", "--dry-run")

    assert (result.exit_code, ignored.exit_code) == (2, 3)
    assert result.stderr.startswith(
        'Error: Unknown columns: "First=custom:123", Plan. They may be custom fields,'
        ' which cannot be read. Map one with --map "First=FIELD", skip one with --ignore Plan,'
        " or get the right to read custom fields. The fields are phone, first, "
    )
    assert len(sandbox.store) == 130


def test_odd_custom_fields_of_the_account_do_not_stop_an_import(run, sandbox, file):
    body = [*[{"id": 123, "title": "Plan"}] * 2, None, {"id": 2**63, "title": "Plan"}]
    sandbox.faults.answer(200, on=FIELDS, body=body, times=None)

    run("contacts", "import", file, *MAPPED)

    assert stored(sandbox)["14155550100"]["custom"] == {"123": "Premium"}
