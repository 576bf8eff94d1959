"""The error for a job that cannot begin or resume."""

from __future__ import annotations

import ast
import pickle
from collections.abc import Iterator
from pathlib import Path

from heymarket_async import bulk
from heymarket_async.bulk import JobError
from heymarket_async.bulk.errors import mismatch_error
from heymarket_async.cli import remedies


def test_an_error_gives_the_problem_and_then_the_remedy():
    error = JobError("some_reason", "The file is of another account.", "Name another file.")

    assert str(error) == "The file is of another account. Name another file."
    assert str(JobError("some_reason", "The file is damaged.")) == "The file is damaged."


def test_an_error_survives_pickling():
    error = pickle.loads(pickle.dumps(JobError("some_reason", "It is wrong.", column="Cell")))

    assert (error.reason, error.problem, error.about) == (
        "some_reason",
        "It is wrong.",
        {"column": "Cell"},
    )


def test_the_command_puts_its_own_remedy_in_place_of_the_librarys(monkeypatch):
    error = JobError("some_reason", "Cell is unknown.", "Pass ignore={}.", column="Cell")
    assert remedies.message_of(error) == "Cell is unknown. Pass ignore={}."

    monkeypatch.setitem(remedies._REMEDIES, "some_reason", "Skip it with --ignore {column}.")

    assert remedies.message_of(error) == "Cell is unknown. Skip it with --ignore Cell."


def test_stored_state_of_another_job_is_refused_with_one_text():
    error = mismatch_error("surface", "c.db", "v1", None)

    assert str(error) == "c.db belongs to another list: v1, not none. Name another file."
    assert (error.reason, error.about) == ("other_surface", {"name": "surface"})


def test_an_error_about_the_messages_of_a_phone_shows_no_digest_of_it():
    lists = [f"messages of inbox 301 with phone {digit * 16}" for digit in "ab"]

    assert str(mismatch_error("surface", "m.db", *lists)) == (
        "m.db belongs to another list: messages of inbox 301 with another phone, not messages of"
        " inbox 301 with this phone. Name another file."
    )


def test_a_stored_value_is_shown_in_short():
    error = mismatch_error(
        "account", "c.db", "a" * 9999, "b", reason="moved_account", remedy="Wait."
    )

    assert str(error) == f"c.db belongs to another account: {'a' * 300}, not b. Wait."
    assert error.reason == "moved_account"


# Every reason has a remedy for the command

SAME_IN_THE_COMMAND = {
    "file_of_export",
    "missing_column",
    "no_header",
    "other_account",
    "other_surface",
    "unknown_text_field",
}
"""Reasons whose remedy in the library, if any, has no words of Python in it."""


def reasons_in(tree: ast.Module) -> Iterator[str]:
    """The reasons of the errors that a module makes; `reason = "..."` counts as one, too."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="JobError"), args=[ast.Constant(value=reason), *_]):
                yield reason
            case ast.Call(func=ast.Name(id="JobError")):
                raise AssertionError(f"no reason that can be read: {ast.unparse(node)}")
            case ast.Call(func=ast.Name(id="mismatch_error"), args=[name, *_], keywords=given):
                reason = next((each.value for each in given if each.arg == "reason"), None)
                if isinstance(reason, ast.Constant):
                    yield reason.value
                else:
                    assert isinstance(name, ast.Constant), ast.unparse(node)
                    yield f"other_{name.value}"
            case ast.Assign(targets=[ast.Name(id="reason")], value=ast.Constant(value=reason)):
                yield reason


def test_every_reason_has_a_remedy_in_the_words_of_the_command():
    folder = Path(bulk.__file__).parent
    modules = [each for each in folder.rglob("*.py") if each != folder / "errors.py"]

    reasons = {reason for each in modules for reason in reasons_in(ast.parse(each.read_text()))}

    assert reasons - set(remedies._REMEDIES) == SAME_IN_THE_COMMAND
    assert set(remedies._REMEDIES) <= reasons
