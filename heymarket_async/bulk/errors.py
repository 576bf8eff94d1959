"""The error for a job that cannot begin or resume as it was asked for."""

from __future__ import annotations

import re

import msgspec

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""The errors that msgspec raises for bytes that are not what they should be."""


class JobError(ValueError):
    """A job cannot begin or resume: its arguments, its file or its stored state do not fit.

    Its text is the problem, then the remedy in the words of the library. A program with words of
    its own, such as a command line, shows `problem`, and has a remedy of its own for each `reason`.

    Attributes:
        reason: A name for the kind of problem, for programs: `"unknown_columns"`.
        problem: The problem, as a sentence.
        remedy: The remedy, as a sentence in the words of the library; may be empty.
        about: The values that a remedy may need, by name: `{"column": "Cell"}`.
    """

    def __init__(self, reason: str, problem: str, remedy: str = "", **about: str) -> None:
        super().__init__(f"{problem} {remedy}".rstrip())
        self.reason = reason
        self.problem = problem
        self.remedy = remedy
        self.about = about

    def __reduce__(self) -> tuple[object, ...]:
        return _job_error, (self.reason, self.problem, self.remedy, self.about)


def mismatch_error(
    name: str,
    place: str,
    stored: str | None,
    wanted: str | None,
    *,
    reason: str = "",
    remedy: str = "Name another file.",
) -> JobError:
    """Return the error for stored state that belongs to something else than this job.

    Args:
        name: The part that differs: "account", "surface", "date", "version".
        place: The stored state: a file, or "The checkpoint".
        stored: The value that it has; None reads "none".
        wanted: The value that this job has.
        reason: For `JobError`; if it is empty, `other_` and the name.
        remedy: In the words of the library.
    """
    # The digest of a phone can be guessed, and errors go to logs.
    has = _PHONE.sub(" with another phone", _shown(stored))
    wants = _PHONE.sub(" with this phone", _shown(wanted))
    named = "list" if name == "surface" else name
    problem = f"{place} belongs to another {named}: {has}, not {wants}."
    return JobError(reason or f"other_{name}", problem, remedy, name=name)


_PHONE = re.compile(r" with phone [0-9a-f]+$")
"""The end of the name of a list with the messages of one phone."""


def _shown(value: str | None) -> str:
    return (value or "none")[:300]  # another program may have stored a very long text


def _job_error(reason: str, problem: str, remedy: str, about: dict[str, str]) -> JobError:
    return JobError(reason, problem, remedy, **about)
