"""Slips of the hand: each is answered with words, the way, and the documented exit code."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
import tempfile

import pytest

from heymarket_async.bulk.store.private_files import check_place
from heymarket_async.cli import options, remedies
from heymarket_async.cli.values import WrongValue
from heymarket_async.transport.http import CONNECTIONS
from heymarket_async.version import __version__


def test_python_m_is_the_command():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "heymarket_async", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert (done.stdout, done.stderr) == (f"heymarket-async {__version__}\n", "")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["export"], "'contacts export' or 'conversations export' or 'messages export'"),
        (["listen"], "'webhooks listen'"),
        (["contacts", "whoami"], "'whoami'"),
        (["messages", "import"], "'contacts import'"),
        (["contacts", "list"], "'contacts export' or 'contacts search'"),
        (["contacts", "add"], "'contacts create'"),
        (["contacts", "rm"], "'contacts delete'"),
        (["messages", "list"], "'messages export'"),
    ],
)
def test_a_command_is_found_where_it_is(typed, meant, run):
    result = run(*typed)

    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == (
        f"Error: No such command '{typed[-1]}'. Did you mean {meant}?"
    )


def test_a_command_that_is_nowhere_is_not_guessed(run):
    assert run("frobnicate").stderr.startswith("Error: No such command 'frobnicate'.")


def test_an_odd_phone_or_id_names_what_was_typed(run):
    assert run("contacts", "get", "abc").stderr.startswith("Error: ID must be a positive integer")
    assert run("contacts", "search", "--phone", "abc").stderr.startswith("Error: --phone must be")


@pytest.mark.parametrize(
    ("date", "counted"),
    [("2024-01-01", "130\n"), ("2999-01-01", "0\n"), ("2024-01-01T00:00:00Z", "130\n")],
)
def test_a_plain_date_is_midnight_utc(date, counted, run, sandbox):
    assert run("contacts", "count", "--since", date).stdout == counted
    assert json.loads(sandbox.requests[0].raw)["date"] == f"{date[:10]}T00:00:00Z"


def test_a_date_that_does_not_exist_is_refused(run, sandbox):
    result = run("contacts", "count", "--since", "2024-02-31")

    assert (result.exit_code, len(sandbox.requests)) == (2, 0)
    assert result.stderr.startswith("Error: --since must be ")


@pytest.mark.parametrize(
    ("typed", "rule"),
    [
        ("contacts count --sandbox abc", "--sandbox must be an integer from 0 to 1,000,000"),
        ("contacts count --sandbox -1", "--sandbox must be an integer from 0 to 1,000,000"),
        (f"contacts count --sandbox {10**20}", "--sandbox must be an integer from 0 to 1,000,000"),
        (f"sandbox --contacts {10**20}", "--contacts must be an integer from 0 to 1,000,000"),
        ("sandbox --messages x", "--messages must be an integer from 0 to 1,000,000"),
        ("sandbox --seed x", "--seed must be an integer"),
        ("sandbox --port 99999", "--port must be an integer from 0 to 65535"),
        ("webhooks listen --port -1", "--port must be an integer from 0 to 65535"),
        ("contacts export x.csv --concurrency 0", "--concurrency must be an integer from 1 to 100"),
        ("contacts import x --concurrency 101", "--concurrency must be an integer from 1 to 100"),
        ("contacts export x.csv --page-size 0", "--page-size must be an integer of at least 1"),
        ("contacts create --phone 1 --tag abc", "--tag must be an integer of at least 1"),
        (f"messages export x --conversation {10**20}", "--conversation is too large"),
    ],
)
def test_a_number_out_of_bounds_is_refused_in_one_dress(typed, rule, run, sandbox):
    result = run(*typed.split())

    assert (result.exit_code, len(sandbox.requests)) == (2, 0)
    assert result.stderr.splitlines()[0] == f"Error: {rule}"
    assert result.stderr.splitlines()[1].startswith("Try ")


def test_the_bounds_are_those_of_the_client():
    assert options.MOST_AT_ONCE == CONNECTIONS


def test_a_rule_without_an_option_is_a_sentence_too():
    assert WrongValue("must be short").format_message() == "the value must be short"


@pytest.mark.parametrize("command", ["export", "import"])
def test_an_empty_path_is_said_to_be_empty(command, run):
    result = run("contacts", command, "")

    assert result.exit_code == 1
    assert result.stderr == "Error: The path is empty, or is this folder. Name a file.\n"


def test_a_folder_that_takes_no_files_is_named(tmp_path, monkeypatch):
    def refuse(**_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "tmp123")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)  # as in /proc

    with pytest.raises(OSError, match=f"^No file can be made in {tmp_path}. Name another folder"):
        check_place(tmp_path / "x.csv")


@pytest.mark.parametrize("command", [["sandbox"], ["webhooks", "listen"]])
def test_a_port_in_use_is_said_in_words(command, run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run(*command, "--port", port, env={"HEYMARKET_WEBHOOK_TOKENS": "a"})

    assert (result.exit_code, result.stderr) == (
        1,
        f"Error: Port {port} is in use. Stop the program that uses it, or choose another port;"
        " --port 0 takes a free one.\n",
    )


def test_a_missing_place_is_said_in_words_and_ends_with_1(run, tmp_path):
    missing, folder = tmp_path / "x.csv", tmp_path / "nowhere"
    send = ["--text", "hi", "--inbox", 1, "--creator", 1]
    (people := tmp_path / "people.csv").write_text("phone\n15105550102\n")

    for command, text in (
        (["contacts", "import", missing], f"{missing} does not exist."),
        (["messages", "send", missing, *send], f"{missing} does not exist."),
        (["contacts", "import", folder / "x.csv"], f"The folder {folder} does not exist."),
        (["contacts", "export", folder / "x.csv"], f"The folder {folder} does not exist."),
        (["contacts", "export", "a.csv", "--report", folder / "x"], f"The folder {folder} does no"),
        (["contacts", "export", tmp_path], f"{tmp_path} is a folder. Name a file."),
        (["contacts", "import", tmp_path], f"{tmp_path} is a folder. Name a file."),
        (["sync", tmp_path], f"{tmp_path} is a folder. Name a file."),
        (["contacts", "export", "a.csv", "--report", tmp_path], f"{tmp_path} is a folder."),
        (["whoami", "--sandbox", 1, "--state", tmp_path], f"{tmp_path} is a folder."),
        (["contacts", "import", people, "--outcomes", tmp_path], f"{tmp_path} is a folder."),
        (["messages", "send", people, *send, "--outcomes", tmp_path], f"{tmp_path} is a folder."),
        (["probe", "--save", tmp_path], f"{tmp_path} is a folder."),
    ):
        result = run(*command)
        assert result.stderr.startswith(f"Error: {text}"), result.stderr
        assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (
            errno.EFBIG,
            "A file would be larger than it may be here. Raise the limit (ulimit -f), or use"
            " another disk, then run the same command again.",
        ),
        (
            errno.EMFILE,
            "Too many files are open at once. Raise the limit (ulimit -n), then run the same"
            " command again.",
        ),
        (errno.ENOSPC, "The disk is full. Make room, then run the same command again."),
        (
            errno.EDQUOT,
            "The disk quota is used up. Free some of it, then run the same command again.",
        ),
        (errno.EACCES, "/x cannot be opened: this user has no permission."),
        (errno.EROFS, "/x cannot be written: its disk is read-only."),
        (errno.ENOTDIR, "/x is below a file. Name a folder that exists."),
        (errno.EIO, f"{os.strerror(errno.EIO)}: '/x'"),
    ],
)
def test_an_error_of_the_system_is_said_without_its_number(number, text):
    assert remedies.message_of_os(OSError(number, os.strerror(number), "/x")) == text


def test_a_text_of_our_own_stays():
    assert remedies.message_of_os(OSError("our own")) == "our own"
    assert remedies.message_of_os(OSError(errno.EADDRINUSE, "odd")).startswith("The port is in use")
    assert remedies.message_of_os(OSError(errno.ENOENT, "gone", "/x")) == "gone: '/x'"


def test_the_proxy_of_the_environment_is_used(run, environment):
    env = {
        "HEYMARKET_BASE_URL": "https://api.heymarket.com",
        "HEYMARKET_API_KEY": "k",
        "HTTPS_PROXY": "socks5://127.0.0.1:1",
    }

    result = run("whoami", env=env)

    assert result.exit_code == 2
    assert result.stderr.startswith("Error: HTTPS_PROXY must be the URL of an HTTP proxy")


def test_a_phone_is_read_as_in_a_region(run, sandbox):
    phone = ["--phone", "(510) 555-0102", "--region", "us"]
    created = run("contacts", "create", *phone, "--first", "Ada", "--json")
    contact = json.loads(created.stdout)["id"]

    assert sandbox.store.contacts[0]["phone"] == "15105550102"
    assert run("contacts", "update", contact, *phone, "--last", "L").exit_code == 0
    assert json.loads(run("contacts", "ensure", *phone, "--json").stdout)["id"] == contact
    assert json.loads(run("contacts", "find", *phone, "--json").stdout)["id"] == contact
    assert json.loads(run("contacts", "search", *phone, "--json").stdout)[0]["id"] == contact


@pytest.mark.parametrize("command", ["create", "ensure", "find", "search"])
def test_a_phone_that_a_region_does_not_have_names_the_option(command, run, sandbox):
    result = run("contacts", command, "--phone", "555-3377", "--region", "US")
    unknown = run("contacts", command, "--phone", "(510) 555-0102", "--region", "USA")

    assert (result.exit_code, unknown.exit_code) == (2, 2)
    assert result.stderr.startswith("Error: --phone must be a valid number of US")
    assert unknown.stderr.startswith("Error: --region must be two letters of a country")
    assert not sandbox.requests


@pytest.mark.parametrize("command", ["create", "ensure", "find", "search"])
def test_a_phone_that_cannot_be_read_names_the_option_and_no_function(command, run, sandbox):
    result = run("contacts", command, "--phone", "(510) 555-3377")

    assert result.exit_code == 2
    assert result.stderr.startswith(
        "Error: --phone must be E.164 digits with the country code, such as 15105553344: no spaces,"
    )
    assert "heymarket_async" not in result.stderr
    assert "555-3377" not in result.stderr
    assert not sandbox.requests
