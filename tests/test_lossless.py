"""The tools of `python -m benchmarks lossless` run, and its tables are those of its figures."""

from __future__ import annotations

import json
import re

import pytest

from benchmarks.lossless import command, report
from benchmarks.lossless.reading import ENDLESS, SUCCESS, available, outcome
from benchmarks.lossless.scenarios import SCENARIOS, SMALL
from benchmarks.lossless.tools import OURS, TOOLS
from tests.test_documents import ROOT

pytestmark = pytest.mark.unmeasured


@pytest.mark.parametrize("tool", [each for each in available() if each not in OURS])
def test_a_tool_that_loses_contacts_reports_success(tool):
    counted = outcome(tool, SMALL["ties"])

    assert counted.reported == SUCCESS
    assert 0 < counted.missing < 300


def test_the_walk_loses_none():
    counted = outcome("iterate", SMALL["ties"])

    assert (counted.reported, counted.missing, counted.old) == (SUCCESS, 0, 0)


def test_the_export_has_the_newest_version_of_what_was_edited_meanwhile():
    counted = outcome("export", SMALL["edits"])

    assert (counted.reported, counted.missing, counted.old) == (SUCCESS, 0, 0)
    assert counted.edited == SMALL["edits"].edits


def test_a_tool_that_never_ends_is_stopped():
    counted = outcome("script", SMALL["inclusive"])

    assert counted.reported == ENDLESS
    assert counted.requests == SMALL["inclusive"].most_requests


def test_the_command_shows_the_tools_that_are_installed(monkeypatch, capsys):
    monkeypatch.setattr(command, "available", lambda: ["iterate"])

    command.main(["--small", "group"])

    shown = capsys.readouterr().out
    assert "left out: usual script, dlt" in shown
    assert re.search(r"^one group +0$", shown, re.MULTILINE)


def test_a_full_run_needs_every_tool(monkeypatch, capsys):
    monkeypatch.setattr(command, "available", lambda: ["iterate"])

    with pytest.raises(SystemExit):
        command.main([])

    assert command.INSTALL in capsys.readouterr().err


def test_the_tables_are_those_of_the_figures():
    record = json.loads(report.DATA.read_text())

    assert report.text(record) in report.PAGE.read_text()
    assert list(record["outcomes"]) == list(SCENARIOS)
    assert all(list(row) == list(TOOLS) for row in record["outcomes"].values())


def test_the_readme_has_the_figures_of_the_first_account():
    row = json.loads(report.DATA.read_text())["outcomes"]["ties"]

    assert {tool: each["missing"] for tool, each in row.items() if tool in OURS} == {
        "iterate": 0,
        "export": 0,
    }
    (lost,) = {each["missing"] for tool, each in row.items() if tool not in OURS}
    assert f"Loses {lost} of {SCENARIOS['ties'].contacts:,} on" in (ROOT / "README.md").read_text()
