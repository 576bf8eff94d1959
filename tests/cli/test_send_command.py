"""`heymarket messages send`: from a file to texts."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path

import pytest

from tests.bulk.importing.imports import outcomes_of
from tests.bulk.sending.sends import CURLY, HISTORY, SEND
from tests.cli.imports import lines_of
from tests.cli.test_import_preview import in_terminal

CSV = f"""\
First Name,Cell #,Plan,Opted out?
Zoé,(415) 555-0100,Premium,no
Al,+1 415 555 0101,Basic{CURLY}s,STOP
Ana,415-555-0102,NULL,
Bo,415-555-0100,Basic,
,415-555-0103,Basic,
"""
OPTIONS = ("--inbox", 301, "--creator", 4201, "--region", "US")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(CSV)
    return path


def texts(sandbox) -> list[str]:
    return [f"{each.phone[-4:]} {each.text}" for each in sandbox.outbox]


def test_people_of_a_file_get_a_text_and_each_row_an_outcome(run, sandbox, file):
    result = run("messages", "send", file, *OPTIONS, "--text", "Hi {first}", "--skip-empty")

    assert result.exit_code == 0
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0] == "2 texts in 2 segments, before people who opted out are looked up."
    assert re.fullmatch(
        r"5 rows: 2 sent, 3 skipped; 1 person opted out; 1 duplicate of an earlier row;"
        r" 2 segments; 4 requests, \d\.\d s",
        lines[2],
    )
    assert lines[3:] == [
        "Rows count from 1, without the headings:",
        "row 2: the input says that this person opted out",
        "row 4: row 1 has the same phone",
        "row 5: {first} is empty",
        f"The outcome of each row is in {file}.texts.jsonl",
    ]
    assert sorted(texts(sandbox)) == ["0100 Hi Zoé", "0102 Hi Ana"]
    outcomes = outcomes_of(Path(f"{file}.texts.jsonl"))
    assert [outcomes[row]["outcome"] for row in (1, 2, 3)] == ["sent", "skipped", "sent"]


def test_a_second_run_texts_only_those_who_are_new(run, sandbox, file):
    command = ["messages", "send", file, *OPTIONS, "--text", "Hi {first}", "--skip-empty"]
    run(*command)
    file.write_text(CSV + "Cy,415-555-0109,,\n")

    result = run(*command)

    assert len(sandbox.outbox) == 3
    assert texts(sandbox)[2] == "0109 Hi Cy"
    assert "2 of them sent by an earlier run" in result.stderr
    assert "To text the people of the earlier run once more, use --restart." in result.stderr
    run(*command, "--restart")
    assert len(sandbox.outbox) == 6


def test_a_dry_run_shows_texts_and_segments_and_sends_nothing(run, sandbox, file):
    text = f"Hi {{first}}, it{CURLY}s about {{plan}}"
    defaults = ("--default", "first=there", "--default", "plan=a=b")

    result = run("messages", "send", file, *OPTIONS, "--text", text, *defaults, "--dry-run")

    assert result.exit_code == 0
    assert result.stderr.splitlines()[:5] == [
        f"→ Hi Zoé, it{CURLY}s about Premium",
        f"→ Hi Ana, it{CURLY}s about a=b",
        f"→ Hi there, it{CURLY}s about Basic",
        "3 texts in 3 segments, before people who opted out are looked up.",
        f"3 texts in UCS-2, which holds 70 characters instead of 160, because of '{CURLY}' (in 3).",
    ]
    assert "5 rows: 3 would be sent, 2 would be skipped; " in result.stderr
    assert result.stderr.splitlines()[6].endswith("; nothing was sent")
    assert not sandbox.outbox
    assert not Path(f"{file}.texts.jsonl").exists()


def test_a_dry_run_says_who_has_the_text_already(run, file):
    command = ["messages", "send", file, *OPTIONS, "--text", "Hi {first}", "--skip-empty"]
    run(*command)
    outcomes = Path(f"{file}.texts.jsonl").read_bytes()
    file.write_text(CSV + "Cy,415-555-0109,,\n")

    result = run(*command, "--dry-run")
    anew = run(*command, "--dry-run", "--restart")

    assert "\n6 rows: 1 would be sent, 3 would be skipped; " in result.stderr
    assert "; 2 sent by an earlier run; " in result.stderr
    assert "\n6 rows: 3 would be sent, 3 would be skipped; " in anew.stderr
    assert "The outcome of each row is in" not in result.stderr
    assert Path(f"{file}.texts.jsonl").read_bytes() == outcomes


def test_a_file_that_was_renamed_is_continued_with_its_outcomes(run, sandbox, file, tmp_path):
    command = (*OPTIONS, "--text", "Hi {first}", "--skip-empty", "--outcomes", tmp_path / "o.jsonl")
    run("messages", "send", file, *command)

    result = run("messages", "send", file.rename(tmp_path / "guests.csv"), *command)

    assert result.exit_code == 0
    assert sorted(texts(sandbox)) == ["0100 Hi Zoé", "0102 Hi Ana"]


def test_a_job_says_that_it_finds_no_earlier_outcomes(run, file):
    command = ["messages", "send", file, *OPTIONS, "--text", "Hi", "--yes"]
    new = f"A new job: no earlier outcomes in {file}.texts.jsonl\n"

    dry, first, second = run(*command, "--dry-run"), run(*command), run(*command)

    assert [new in each.stderr for each in (dry, first, second)] == [True, True, False]


def test_the_report_for_machines_has_texts_of_a_dry_run_only(run, sandbox, file):
    options = ("--text", "{first}: {plan}", "--skip-empty", "--json")

    dry = run("messages", "send", file, *OPTIONS, *options, "--dry-run")
    sent = run("messages", "send", file, *OPTIONS, *options)

    assert (dry.stderr, sent.stderr) == ("", "")
    report = json.loads(dry.stdout)
    assert (report["texts"], report["in_ucs_2"]) == (["Zoé: Premium"], 0)
    assert report["outcomes"] is None
    report = json.loads(sent.stdout)
    assert (report["sent"], report["texts"]) == (1, [])
    assert report["outcomes"] == f"{file}.texts.jsonl"
    assert report["problems"][1] == {
        "row": 3, "outcome": "skipped", "reason": "{plan} is empty",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (
            ("--text", "Hi {first}"),
            "{first} is empty in 1 row: 5. Nothing was sent. Rows count from 1, without the"
            ' headings. Give a default with --default "first=there", or leave such rows out with'
            " --skip-empty.",
        ),
        (("--text", "Hi {plaan}", "--skip-empty"), "No row has the field {plaan} (did you mean"),
        (("--text", "Hi", "--limit", 2), "3 texts would be sent, and the limit is 2. Nothing was"),
        (("--text", "Hi {{first_name}}"), "--text must not hold {{first_name}}, which Heymarket"),
        (("--text", "Hi {"), "--text must have each field within braces, such as {first}"),
        (("--text", "Hi", "--default", "x"), "--default must be COLUMN=VALUE, such as"),
        (("--text", "Hi", "--map", "x"), "--map must be COLUMN=FIELD, such as"),
        (("--text", "Hi", "--template", 5), "text and template_id exclude each other"),
        ((), "one of text, template_id, media_url and survey_id is needed"),
    ],
)
def test_nothing_is_sent_if_something_is_wrong(options, error, run, sandbox, file):
    result = run("messages", "send", file, *OPTIONS, *options)

    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {error}")
    assert not sandbox.outbox
    assert not Path(f"{file}.texts.jsonl").exists()


def test_a_template_is_sent_without_a_text(run, sandbox, file):
    template_id = sandbox.templates.create("Reminder", "See you")

    result = run("messages", "send", file, *OPTIONS, "--template", template_id)

    assert result.stderr.startswith("3 texts, before people who opted out are looked up.\n")
    assert texts(sandbox)[0].endswith(" See you")


def test_many_texts_are_sent_with_yes(run, sandbox, tmp_path):
    file = tmp_path / "many.csv"
    file.write_text("phone\n" + "".join(f"+1415555{n:04}\n" for n in range(101)))

    refused = run("messages", "send", file, *OPTIONS, "--text", "Hi")
    sent = run("messages", "send", file, *OPTIONS, "--text", "Hi", "--yes")

    assert "101 texts would be sent, and the limit is 100. " in refused.stderr
    assert refused.stderr.endswith("Look at them with --dry-run, then send them with --yes.\n")
    assert (refused.exit_code, sent.exit_code, len(sandbox.outbox)) == (2, 0, 101)


def test_a_rejected_and_an_unknown_row_exit_with_3_and_many_are_cut(run, sandbox, tmp_path):
    file = tmp_path / "many.csv"
    file.write_text("phone\n" + "+14155550100\n" + "none\n" * 24)
    sandbox.faults.reset(on=SEND)
    sandbox.faults.answer(404, on=HISTORY, times=None)

    result = run("messages", "send", file, *OPTIONS, "--text", "Hi", "--restart")

    lines = lines_of(result)
    assert result.exit_code == 3
    assert lines[0].startswith("25 rows: 24 rejected, 1 unknown; ")
    assert lines[-5] == f"… and 5 more in {file}.texts.jsonl. By reason:"
    assert lines[-4].startswith("  24 rows: phone must not have letters in it")
    assert lines[-3].startswith("  1 row: ")
    assert lines[-2:] == [
        f"The outcome of each row is in {file}.texts.jsonl",
        "Some outcomes are unknown. Run the same command again without --restart to look them up.",
    ]


def test_standard_input_needs_a_file_for_the_outcomes(run, sandbox, tmp_path):
    command = ["messages", "send", "-", *OPTIONS, "--text", "Hi {first}"]
    refused = run(*command, input=CSV)
    dry = run(*command, "--default", "first=you", "--dry-run", input=CSV)
    sent = run(*command, "--default", "first=you", "--outcomes", tmp_path / "o.jsonl", input=CSV)

    assert refused.exit_code == 2
    assert refused.stderr.startswith("Error: standard input needs --outcomes FILE.")
    assert (dry.exit_code, sent.exit_code, len(sandbox.outbox)) == (0, 0, 3)


def test_phones_without_a_country_need_a_region(run, sandbox, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("Phone,First\n415-555-0100,Zoé\n")

    result = run("messages", "send", file, *OPTIONS[:4], "--text", "Hi")

    assert "No phone in the first rows has a country code. " in result.stderr
    assert result.exit_code == 2


def test_json_lines_are_read_with_their_custom_fields(run, sandbox, tmp_path):
    file = tmp_path / "people.jsonl"
    rows = [
        {"phone": "+14155550100", "first": "Zoé", "custom": {"Plan": "Premium"}, "tags": ["VIP"]},
        {"phone": "+14155550101", "first": None, "custom": {"Plan": "Basic"}},
        {"phone": "+14155550102", "first": "Al", "is_opted_out": True},
        {"phone": "odd"},
    ]
    file.write_text("\n".join(map(json.dumps, rows)))

    text = "{first}: {custom:Plan}"
    run("messages", "send", file, *OPTIONS, "--text", text, "--default", "first=?")

    assert sorted(texts(sandbox)) == ["0100 Zoé: Premium", "0101 ?: Basic"]


@pytest.mark.parametrize(("answer", "sent"), [(b"y\n", 2), (b"\n", 0)])
def test_a_terminal_shows_the_texts_and_asks(answer, sent, sandbox, file, environment):
    command = ["messages", "send", file, *OPTIONS, "--text", "Hi {first}", "--skip-empty"]

    shown, code = in_terminal([*command, "--limit", 1], answer, environment)

    assert "→ Hi Zoé" in shown
    assert "Send this? [y/N]" in shown
    assert (len(sandbox.outbox), code) == (sent, 0 if sent else 1)
    assert ("Nothing was sent." in shown) == (not sent)


@pytest.mark.parametrize(
    ("options", "way_on"), [((), "again."), (("--restart",), "again without --restart.")]
)
def test_an_interrupted_run_says_how_to_resume(options, way_on, start, sandbox, file):
    sandbox.faults.delay(60, on=SEND)
    process = start("messages", "send", file, *OPTIONS, "--text", "Hi", *options)
    while not any(each.path == SEND.split()[1] for each in list(sandbox.requests)):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert errors.decode().splitlines()[-1] == (
        f"To resume, run the same command {way_on} The outcome of each row is in {file}.texts.jsonl"
    )
