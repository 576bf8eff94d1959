"""The error for a job that cannot begin or resume as it was asked for."""

from __future__ import annotations

import msgspec

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""The errors that msgspec raises for bytes that are not what they should be."""


class JobError(ValueError):
    """A job cannot begin or resume: its arguments, its file or its stored state do not fit.

    Its text is the problem, then the remedy in the words of the library. A program with words of
    its own, such as a command line, shows `problem` and says for each `reason` what to do.

    Attributes:
        reason: A name for the kind of problem, for programs: `"unknown_columns"`.
        problem: What is wrong, as a sentence.
        remedy: What to do, as a sentence in the words of the library; may be empty.
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


def _job_error(reason: str, problem: str, remedy: str, about: dict[str, str]) -> JobError:
    return JobError(reason, problem, remedy, **about)
