"""Files of a command that would overwrite each other are refused before anything is done."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("contacts export z.csv --sandbox 5 --state z.csv", "--state must be another file than PA"),
        ("contacts export z.csv --checkpoint z.csv", "--checkpoint must be another file than PATH"),
        ("contacts export ./z.csv --report z.csv", "--report must be another file than PATH"),
        ("contacts export z.csv --report l.csv", "--report must be another file than PATH"),
        (
            "messages export a.db --report r --checkpoint r",
            "--report must be another file than --c",
        ),
        ("contacts import z.csv --rejected z.csv", "--rejected must be another file than FILE"),
        (
            "contacts import z.csv --outcomes o --rejected o",
            "--rejected must be another file than ",
        ),
        ("sync z.db --sandbox 5 --state z.db", "--state must be another file than FILE"),
        ("probe --save z --sandbox 5 --state z", "--state must be another file than --save"),
        ("sandbox --env-file e --credentials e", "--credentials must be another file than --env-"),
        ("sandbox --env-file e --state e", "--env-file must be another file than --state"),
        (
            "contacts export z.csv --report z.csv.partial",
            "--report must have another name: z.csv.p",
        ),
        (
            "contacts export z.csv --report z.csv.heymarket-new",
            "z.csv.heymarket-new is used for PA",
        ),
        (
            "contacts export z.csv.lock --sandbox 1 --state z.csv",
            "PATH must have another name: z.c",
        ),
        ("contacts export z.db --report z.db-wal", "--report must have another name: z.db-wal is"),
        (
            "contacts import z.csv --rejected z.csv.outcomes.jsonl",
            "z.csv.outcomes.jsonl is used fo",
        ),
    ],
)
def test_files_that_are_the_same_are_refused(
    arguments, problem, run, sandbox, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "l.csv").symlink_to("z.csv")

    result = run(*arguments.split())

    assert result.exit_code == 2
    assert problem in result.stderr
    assert result.stderr.splitlines()[1].startswith("Try ")
    assert [each.name for each in tmp_path.iterdir()] == ["l.csv"]
    assert not sandbox.requests


def test_a_second_name_of_a_file_is_found(run, sandbox, tmp_path):
    (tmp_path / "z.csv").write_text("")
    (tmp_path / "y.csv").hardlink_to(tmp_path / "z.csv")

    result = run("contacts", "export", tmp_path / "z.csv", "--report", tmp_path / "y.csv")

    assert result.stderr.startswith("Error: --report must be another file than PATH.")
    assert not sandbox.requests


def test_the_usual_name_may_be_given_and_nowhere_is_no_file(run, tmp_path):
    path = tmp_path / "z.csv"

    named = run("contacts", "export", path, "--checkpoint", f"{path}.partial")
    nowhere = run("contacts", "import", "/dev/null", "--outcomes", "/dev/null")

    assert named.exit_code == 0, named.stderr
    assert "another file" not in nowhere.stderr
