"""`heymarket webhooks listen`: events as JSON Lines, until it is interrupted."""

from __future__ import annotations

import json
import re
import signal
import urllib.error
import urllib.request

import pytest

from tests.webhooks.deliveries import PHONE, TOKEN, body, delivery, message


@pytest.fixture
def environment() -> dict[str, str]:
    return {"HEYMARKET_WEBHOOK_TOKENS": f"old {TOKEN}"}


@pytest.fixture
def listening(start):
    """Start the command; give its process, with its address."""
    process = start("webhooks", "listen", "--port", 0)
    said = process.stderr.readline().decode()
    process.url = re.search(r"http://127.0.0.1:\d+/", said).group()
    return process


def post(process, data: bytes) -> int:
    try:
        with urllib.request.urlopen(process.url + "any/path", data) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_an_event_is_a_line_once_and_without_its_token(listening):
    assert post(listening, body(delivery())) == post(listening, body(delivery())) == 200
    assert post(listening, body(delivery(message(2), token="old"))) == 200

    first, second = (json.loads(listening.stdout.readline()) for _ in range(2))
    assert first["kind"] == "message_received"
    assert "token" not in first["raw"]
    assert [each["raw"]["event_data"]["id"] for each in (first, second)] == [1, 2]
    listening.send_signal(signal.SIGINT)
    assert listening.wait(10) == 130


def test_a_refusal_is_a_line_on_stderr_without_data(listening):
    assert post(listening, body(delivery(token="wrong"))) == 401

    said = listening.stderr.readline().decode()
    assert "401: its token is missing, or is not one of yours" in said
    assert not {PHONE, TOKEN, "wrong"} & set(said.split())


def test_a_number_with_too_many_digits_does_not_end_it(listening):
    huge = body(delivery(message(custom="N"))).replace(b'"N"', b"9" * 6000)

    assert (post(listening, huge), post(listening, body(delivery()))) == (400, 200)
    assert json.loads(listening.stdout.readline())["raw"]["event_data"]["id"] == 1


def test_an_interrupt_ends_it_silently(listening):
    listening.send_signal(signal.SIGINT)

    assert listening.wait(10) == 130
    assert (listening.stdout.read(), listening.stderr.read()) == (b"", b"")


def test_it_ends_with_the_program_that_reads_its_output(listening):
    listening.stdout.close()
    post(listening, body(delivery()))

    assert listening.wait(10) == 141


def test_without_a_token_it_says_where_to_get_one(run):
    result = run("webhooks", "listen", env={"HEYMARKET_WEBHOOK_TOKENS": " "})

    assert result.exit_code == 2
    assert "HEYMARKET_WEBHOOK_TOKENS must be the token of the webhook" in result.stderr
