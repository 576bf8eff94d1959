"""The endurance runs resume where they were, keep what failed, and each still works."""

from __future__ import annotations

import subprocess
import sys

import pytest

from endurance import __main__ as command
from endurance import page, record
from endurance.record import Kept
from endurance.run import Figures, Run
from endurance.runs import RUNS

pytestmark = pytest.mark.unmeasured


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A record of its own."""
    monkeypatch.setattr(record, "FOLDER", tmp_path / "record")
    return tmp_path / "record"


def a_run(**changes) -> Run:
    run = Run(
        name="walks",
        title="Walks",
        unit="walks",
        goal=3,
        holds="It holds.",
        work=lambda _: Figures(),
    )
    return run._replace(**changes)


def test_figures_add_up_and_keep_the_extremes():
    one = Figures(units=2, total={"a": 1}, most={"m": 2}, least={"l": 2}, versions={"x": "1"})
    other = Figures(total={"a": 2, "b": 3}, most={"m": 1, "n": 5}, least={"l": 1})

    assert one.with_those_of(other) == Figures(
        units=3, total={"a": 3, "b": 3}, most={"m": 2, "n": 5}, least={"l": 1}, versions={"x": "1"}
    )


def test_a_run_is_resumed_at_the_first_seed_that_was_not_done(folder, monkeypatch):
    asked = []

    def piece(run, seeds):
        asked.extend(seeds)
        return [command.Done(seed, figures=Figures()) for seed in seeds], 1.0

    monkeypatch.setattr(command, "_piece", piece)
    command._resume(a_run(), until=2, ends=float("inf"), processes=1)
    command._resume(a_run(), until=3, ends=float("inf"), processes=1)

    assert asked == [0, 1, 2]
    assert record.load() == {"walks": Kept(seeds=3, figures=Figures(units=3), seconds=3.0)}


def test_a_seed_that_fails_is_kept_until_it_holds(folder, monkeypatch):
    ends = [command.Done(0, error="lost one"), command.Done(0, figures=Figures())]
    monkeypatch.setattr(command, "_piece", lambda run, seeds: ([ends.pop(0)], 1.0))

    kept = Kept()
    command._keep(a_run(), kept, *command._piece(a_run(), [0]))
    assert record.load()["walks"].errors == {0: "lost one"}
    assert "Seed 0 fails:\n\n```\nlost one" in page.text_of(record.load())

    command._do_again(a_run())
    assert record.load()["walks"] == Kept(seeds=1, figures=Figures(), seconds=2.0)


@pytest.mark.parametrize("code", ["import os; os._exit(9)", "import time; time.sleep(60)"])
def test_a_process_that_dies_or_hangs_is_an_error_of_its_seeds(code, monkeypatch):
    monkeypatch.setattr(command, "COMMAND", [sys.executable, "-c", code])

    done, _ = command._piece(a_run(limit_s=1.0), [4, 5])

    assert [(each.seed, each.figures) for each in done] == [(4, None), (5, None)]
    assert done[0].error in {"the process ended with 9", "the process was not done after 1 s"}


def test_the_page_is_written_from_the_record():
    assert page.PAGE.read_text() == page.text_of(record.load())


def test_the_command_says_which_runs_there_are():
    done = subprocess.run(
        [sys.executable, "-m", "endurance", "wlaks"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert f"there is no run wlaks; there are {', '.join(RUNS)}" in done.stderr


@pytest.mark.parametrize("name", RUNS)
def test_a_run_still_works(name, monkeypatch):
    monkeypatch.setenv("HEYMARKET_ENDURANCE_SMALL", "1")

    done, _ = command._piece(RUNS[name]._replace(seeds=1), [0])

    if "LookupError: there is no " in done[0].error:
        pytest.skip(done[0].error.rpartition("LookupError: ")[2])
    assert [each.error for each in done] == [""]
