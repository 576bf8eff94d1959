"""`heymarket doctor` tells the answers of Heymarket from those of others."""

from __future__ import annotations

import pytest

from tests.cli.doctor.conftest import problems
from tests.cli.peer import answering

PAGE = "<!DOCTYPE html><title>Sign in</title>"
GATEWAY = "is not Heymarket's: it is a gateway's. Correct the base URL, log in to the network"


def test_a_page_of_a_gateway(examine, sandbox):
    sandbox.faults.answer(200, body=PAGE, times=None)

    _, checks = examine()

    assert f"The answer (200) {GATEWAY}" in problems(checks)["connection"]


def test_a_path_that_heymarket_does_not_have(examine, sandbox):
    _, checks = examine(HEYMARKET_BASE_URL=f"{sandbox.url}/wrong")

    assert f"The answer (404) {GATEWAY}" in problems(checks)["connection"]


@pytest.mark.parametrize("status", [403, 404, 502])
def test_a_refusal_by_a_gateway(status, examine):
    head = f"HTTP/1.1 {status} No\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}"
    with answering(f"{head}\r\n\r\n{PAGE}".encode()) as port:
        _, checks = examine(HEYMARKET_BASE_URL=f"http://127.0.0.1:{port}")

    assert f"The answer ({status}) {GATEWAY}" in problems(checks)["connection"]
    assert checks["clock"]["state"] == "skipped"


def test_a_right_that_is_missing_is_no_problem(examine, sandbox):
    sandbox.faults.answer(403, times=None)

    _, checks = examine()

    assert problems(checks) == {}
    assert checks["account"]["text"] == "the credentials work, but may not read the team"


def test_a_failure_of_heymarket(examine, sandbox):
    sandbox.faults.answer(503, times=None)

    _, checks = examine()

    assert problems(checks)["account"].startswith("GET /v1/team answered 503")
    assert problems(checks)["account"].endswith("Heymarket failed. Try again later.")


def test_a_limit_that_others_use_up(examine, sandbox):
    sandbox.faults.answer(429, times=None)

    _, checks = examine()

    assert problems(checks)["account"].startswith("Other programs with these credentials use up")


def test_another_service(examine, sandbox):
    sandbox.faults.answer(200, body=["hello"], times=None)

    _, checks = examine()

    assert problems(checks)["account"].endswith("Is the base URL that of another service?")


def test_an_answer_that_is_lost(examine, sandbox):
    sandbox.faults.cut_body(times=None)

    _, checks = examine()

    assert "Run this again." in problems(checks)["connection"]
