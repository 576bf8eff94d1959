"""The log of the package on standard error: warnings always, each attempt with --verbose."""

from __future__ import annotations

import logging
import re

import pytest

from heymarket_async.cli import logs, settings, show

AWAY = "redis://127.0.0.1:1/0"
LINE = re.compile(r"\d\d:\d\d:\d\d GET /v1/team: attempt (\d), status (\d+), \d\.\d{3} s, ")


def test_a_store_that_is_away_is_said(start, environment):
    environment["HEYMARKET_STORE"] = AWAY

    process = start("whoami")
    output, errors = process.communicate(timeout=60)

    assert (process.returncode, b"Sandbox Team" in output) == (0, True)
    assert errors == (
        b"Warning: Redis for the shared rate limit is unreachable (connection refused). Until it is"
        b" back, this client sends at most 50 requests a minute.\n"
    )


@pytest.mark.parametrize("option", ["-v", "--verbose"])
@pytest.mark.parametrize("place", [0, 1])
def test_verbose_shows_each_attempt(option, place, run, sandbox):
    sandbox.faults.answer(503)
    arguments = ["whoami"]
    arguments.insert(place, option)

    lines = run(*arguments).stderr.splitlines()

    assert [LINE.match(line) and LINE.match(line).groups() for line in lines] == [
        ("1", "503"),
        None,
        ("2", "200"),
    ]
    assert re.fullmatch(r"[\d:]{8} GET /v1/team: next attempt in \d\.\d s", lines[1])


def test_verbose_shows_nothing_personal(run, sandbox):
    contact = sandbox.store.contacts[0]

    log = run("-v", "contacts", "find", "--phone", contact["phone"]).stderr

    assert log
    assert contact["phone"] not in log
    assert contact["first"] not in log


def test_without_verbose_there_is_no_log(run, sandbox):
    assert run("-v", "whoami").stderr
    assert run("whoami").stderr == ""


def test_the_log_is_as_before_when_the_command_has_ended(run):
    logger = logging.getLogger("heymarket_async")
    before = list(logger.handlers), logger.level

    run("-v", "whoami")

    assert (logger.handlers, logger.level) == before


def test_a_log_that_cannot_be_written_ends_nothing(monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise BrokenPipeError

    settings.begin()
    monkeypatch.setattr(show, "say", fail)
    monkeypatch.setattr(logging, "raiseExceptions", False)

    with logs.on_stderr():
        logging.getLogger("heymarket_async").warning("anything")
