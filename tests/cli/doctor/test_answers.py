"""`heymarket doctor` tells the answers of Heymarket from those of others."""

from __future__ import annotations

import pytest

from tests.cli.doctor.conftest import doctor, problems
from tests.cli.peer import CERTIFICATE, answering

PAGE = "<!DOCTYPE html><title>Sign in</title>"
GATEWAY = (
    "is not Heymarket's: it is that of a gateway, a login page or another service. Correct the base"
    " URL, log in to the network"
)


def test_a_page_of_a_gateway(examine, sandbox):
    sandbox.faults.answer(200, body=PAGE, times=None)

    _, checks = examine()

    assert f"The answer (200) {GATEWAY}" in problems(checks)["connection"]


def test_a_path_that_heymarket_does_not_have(examine, sandbox):
    _, checks = examine(HEYMARKET_BASE_URL=f"{sandbox.url}/wrong")

    assert f"The answer (404) {GATEWAY}" in problems(checks)["connection"]


@pytest.mark.parametrize("adds_id", [False, True])
@pytest.mark.parametrize("status", [401, 403, 404, 502])
def test_a_refusal_by_a_gateway(status, adds_id, examine):
    head = f"HTTP/1.1 {status} No\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}"
    if adds_id:
        head += "\r\nX-Request-Id: of-the-gateway"
    # The peer hangs up. A second request, as after a 401, must not try that connection.
    with answering(f"{head}\r\nConnection: close\r\n\r\n{PAGE}".encode()) as port:
        _, checks = examine(HEYMARKET_BASE_URL=f"http://127.0.0.1:{port}")

    if (status, adds_id) == (502, True):  # it may be a gateway of Heymarket
        assert "answered 502" in problems(checks)["account"]
        return
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


@pytest.mark.parametrize("body", [["hello"], [], {}, {"name": "Mine"}])
def test_another_service(body, examine, sandbox):
    sandbox.faults.answer(200, body=body, times=None)

    _, checks = examine()

    assert f"The answer (200) {GATEWAY}" in problems(checks)["connection"]
    assert checks["account"]["state"] == "skipped"


def test_an_answer_that_is_lost(examine, sandbox):
    sandbox.faults.cut_body(times=None)

    _, checks = examine()

    assert "Run this again." in problems(checks)["connection"]


@pytest.mark.parametrize(
    ("wrong_s", "span"),
    [(90, "1.5 minutes"), (5 * 3600, "5.0 hours"), (3 * 86_400, "3.0 days")],
)
def test_a_refused_secret_says_little_while_the_clock_is_wrong(wrong_s, span, examine, sandbox):
    sandbox.faults.clock_offset_s = wrong_s

    _, checks = examine(HEYMARKET_SECRET_KEY="wrong" * 10)

    assert checks["account"]["state"] == "skipped"
    assert checks["account"]["text"].startswith("mend the clock first")
    assert problems(checks)["clock"].startswith(
        f"The clock of this machine is {span} behind Heymarket's."
    )


def test_a_refused_api_key_has_nothing_to_do_with_the_clock(examine, sandbox):
    sandbox.faults.clock_offset_s = 600

    _, checks = examine(
        HEYMARKET_SECRET_ID=None, HEYMARKET_SECRET_KEY=None, HEYMARKET_API_KEY="wrong"
    )

    assert problems(checks).keys() == {"account", "clock"}


@pytest.mark.parametrize(("age", "is_believed"), [("0", True), ("7200", False)])
def test_a_time_from_a_cache_is_not_believed(age, is_believed, examine):
    body = b'{"id": 7, "name": null}'
    head = f"HTTP/1.1 200 OK\r\nDate: Mon, 02 Jan 2023 10:00:00 GMT\r\nAge: {age}"
    with answering(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body) as port:
        _, checks = examine(HEYMARKET_BASE_URL=f"http://127.0.0.1:{port}")

    assert checks["account"]["text"] == "without a name (team 7)"
    assert checks["clock"]["state"] == ("problem" if is_believed else "skipped")


SETTINGS = b"\0\0\0\4\0\0\0\0\0"
"""The first frame of a server that speaks HTTP/2, such as Caddy, Envoy or HAProxy."""
ONLY_HTTP2 = {
    "connection": "The server answers in HTTP/2, and not in HTTP/1.1, which this package speaks."
    " Check the base URL for a slip, or let the gateway speak HTTP/1.1 too."
}


def test_a_gateway_that_speaks_http2_alone(examine):
    with answering(SETTINGS) as port:
        _, checks = examine(HEYMARKET_BASE_URL=f"http://localhost:{port}")

    assert problems(checks) == ONLY_HTTP2


def test_a_gateway_that_speaks_http2_over_tls_alone(environment):
    with answering(SETTINGS, tls=True) as port:
        url = f"https://localhost:{port}"
        found = doctor(environment, HEYMARKET_BASE_URL=url, SSL_CERT_FILE=str(CERTIFICATE))

    assert found == ONLY_HTTP2
