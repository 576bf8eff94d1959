"""The result of one check of `heymarket doctor`."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    PROBLEM = "problem"
    SKIPPED = "skipped"


class Finding(msgspec.Struct, frozen=True):
    """The result of a check. It holds no secret.

    Attributes:
        check: The name of the check.
        state: How it ended.
        text: The facts, the problem, or the reason why it was skipped; a sentence or a phrase.
        remedy: How to mend a problem, else "".
    """

    check: str
    state: State
    text: str
    remedy: str = ""


def ok(check: str, text: str) -> Finding:
    """Return a finding about something that works."""
    return Finding(check, State.OK, text)


def problem(check: str, text: str, remedy: str) -> Finding:
    """Return a finding about something that must be mended."""
    return Finding(check, State.PROBLEM, text, remedy)


def skipped(check: str, why: str) -> Finding:
    """Return a finding about something that could not be checked."""
    return Finding(check, State.SKIPPED, why)
