"""`heymarket sandbox`: what it starts with, what it keeps, and where it posts events."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import typer

from heymarket_async import ApiSecret, HeymarketClient, NewMessage
from heymarket_async.cli import sandbox as sandbox_command
from heymarket_async.cli import show
from heymarket_async.sandbox.sandbox import Sandbox
from heymarket_async.webhooks import parse
from tests.cli.conftest import COMMAND


@pytest.fixture
def printed(run, monkeypatch):
    """Start a sandbox, end it once it serves, and return all but the first variable it prints."""

    def printed(*options):
        found = []

        def end(environment):
            found.append(environment)
            raise typer.Exit

        monkeypatch.setattr(show, "print_json", end)
        assert run("sandbox", "--port", 0, "--json", *options).exit_code == 0
        return list(found[0].values())[1:]

    return printed


def test_a_sandbox_keeps_its_credentials_in_a_file_if_asked(printed, environment, tmp_path):
    path = tmp_path / "sandbox.json"

    first = printed("--credentials", path)

    assert printed("--credentials", path) == first
    assert printed() != first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not {*first} & {*environment.values()}  # which may be those of a real account


@pytest.mark.parametrize("text", ["", "HEYMARKET_SECRET_KEY=a", '["id", "key", 5]', '["id", 5]'])
def test_a_file_that_holds_something_else_is_refused_and_stays(text, run, tmp_path):
    path = tmp_path / "other"
    path.write_text(text)

    result = run("sandbox", "--port", 0, "--credentials", path)

    assert result.exit_code == 2
    assert f"{path} holds no credentials of a sandbox" in result.stderr
    assert path.read_text() == text


@pytest.fixture
def posts():
    """The bodies that are posted to a server, and its URL."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.timeout = 30
        thread = Thread(target=server.handle_request)
        thread.start()
        yield received, f"http://127.0.0.1:{server.server_port}/", thread
        thread.join()


async def test_a_sandbox_starts_with_messages_and_posts_events(start, posts):
    received, url, thread = posts
    process = start("sandbox", "--port", 0, "--messages", 20, "--webhook", url, "--json")
    base_url, *secret, token = json.loads(process.stdout.readline()).values()

    async with HeymarketClient(ApiSecret(*secret), base_url=base_url) as client:
        before = await client.messages.count()
        await client.messages.send(
            NewMessage(inbox_id=301, creator_id=4201, phone_number="15105553344", text="Hi")
        )
    thread.join(30)

    assert before == 20
    assert [event.message.text for body in received for event in parse(body, token)] == ["Hi"]


def test_the_token_of_events_stays_with_the_credentials(printed, environment, tmp_path):
    options = ("--credentials", tmp_path / "sandbox.json", "--webhook", "http://127.0.0.1:9/")

    first = printed(*options)

    assert len(first) == 3
    assert printed(*options) == first
    assert printed(*options[2:])[2] != first[2]


def test_a_webhook_that_is_no_url_is_refused(run):
    result = run("sandbox", "--port", 0, "--webhook", "127.0.0.1:8000")

    assert result.exit_code == 2
    assert "--webhook must be a URL" in result.stderr


ALIVE = ("sh", "-c", "kill -0 $PPID && echo $HEYMARKET_BASE_URL && exit 7")


def test_a_command_is_run_against_the_sandbox_and_its_code_returned(start):
    process = start("sandbox", "--port", 0, "--", *ALIVE)
    printed, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (7, b"")
    assert printed.startswith(b"http://127.0.0.1:")


def test_a_command_in_a_sandbox_does_not_use_the_profile(start):
    # The profile is that of a real account, and its file is not even read.
    ours = ("sandbox", "--port", 0, "--contacts", 7, "--", *COMMAND, "contacts", "count")
    process = start(command=["env", "HEYMARKET_PROFILE=production", *COMMAND, *map(str, ours)])
    printed, errors = process.communicate(timeout=60)

    assert (process.returncode, printed, errors) == (0, b"7\n", b"")


def test_a_command_that_a_signal_ends_has_the_code_of_shells(run):
    assert run("sandbox", "--port", 0, "--", "sh", "-c", "kill -9 $$").exit_code == 137


def test_a_command_that_cannot_be_run_is_one_line(run):
    name = "no-such-command-here"
    result = run("sandbox", "--port", 0, "--", name)
    folder = run("sandbox", "--port", 0, "--", "/")

    assert (result.exit_code, folder.exit_code) == (127, 126)  # as shells have it
    assert folder.stderr == "Error: / cannot be run: Permission denied.\n"
    assert (
        result.stderr == "Error: no-such-command-here cannot be run: No such file or directory.\n"
    )


def test_a_request_to_end_reaches_the_command(start, tmp_path):
    script = (
        f"trap 'echo ended >{tmp_path}/end; exit 0' TERM; echo ready; while :; do sleep 0.01; done"
    )
    process = start("sandbox", "--port", 0, "--", "sh", "-c", script)
    assert process.stdout.readline() == b"ready\n"

    process.terminate()
    process.communicate(timeout=60)

    assert process.returncode == 143
    assert (tmp_path / "end").read_text() == "ended\n"


def test_an_interrupt_waits_for_the_command_which_the_terminal_has_interrupted(start, tmp_path):
    script = f"echo ready; until [ -e {tmp_path}/go ]; do sleep 0.01; done; echo done"
    process = start("sandbox", "--port", 0, "--", "sh", "-c", script)
    assert process.stdout.readline() == b"ready\n"

    process.send_signal(signal.SIGINT)
    (tmp_path / "go").touch()
    printed, errors = process.communicate(timeout=60)

    assert (process.returncode, printed, errors) == (130, b"done\n", b"")


def test_the_variables_are_in_a_file_while_it_runs(run, tmp_path):
    path = tmp_path / "sandbox.env"
    script = f"set -a; . {path}; echo $HEYMARKET_SECRET_KEY; ls -l {path}; cat {path} >{path}.copy"
    environment = {"HEYMARKET_SECRET_KEY": "", "PATH": os.environ["PATH"]}

    result = run(
        "sandbox", "--port", 0, "--env-file", path, "--", "sh", "-c", script, env=environment
    )

    assert result.exit_code == 0
    assert not path.exists()
    names = [
        line.partition("=")[0] for line in (tmp_path / "sandbox.env.copy").read_text().splitlines()
    ]
    assert names[1:] == ["HEYMARKET_BASE_URL", "HEYMARKET_SECRET_ID", "HEYMARKET_SECRET_KEY"]


def test_a_file_of_variables_that_a_kill_has_left_is_replaced(start, run, monkeypatch, tmp_path):
    path = tmp_path / "sandbox.env"
    process = start("sandbox", "--port", 0, "--env-file", path)
    process.stdout.readline()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    process.kill()
    process.communicate(timeout=60)
    left = path.read_text()
    seen = []
    started = sandbox_command._started

    def look(server, port):
        seen.append(path.exists())
        return started(server, port)

    monkeypatch.setattr(sandbox_command, "_started", look)
    check = f'test -n "$(cat {path})" && cat {path} >{path}.copy'
    assert run("sandbox", "--port", 0, "--env-file", path, "--", "sh", "-c", check).exit_code == 0
    assert (tmp_path / "sandbox.env.copy").read_text() != left
    assert seen == [False]  # a program that waits for the file must not read the old one


def test_a_file_of_variables_of_the_users_own_is_refused(run, tmp_path):
    (tmp_path / ".env").write_text("SECRET=1\n")

    result = run("sandbox", "--port", 0, "--env-file", tmp_path / ".env", "--", "true")

    assert result.exit_code == 2
    assert ".env was not written by this command" in result.stderr
    assert (tmp_path / ".env").read_text() == "SECRET=1\n"


def made(monkeypatch, run, *options):
    """Run `true` against a sandbox with these options, and return the sandbox."""
    found = []
    started = sandbox_command._started

    def keep(server, port):
        found.append(server)
        return started(server, port)

    monkeypatch.setattr(sandbox_command, "_started", keep)
    assert run("sandbox", "--port", 0, *options, "--", "true").exit_code == 0
    return found[0]


@pytest.mark.parametrize(
    ("text", "seconds"), [("50ms", 0.05), ("1.5s", 1.5), ("2m", 120), ("1h", 3600), ("90", 90)]
)
def test_answers_are_delayed_and_the_clock_is_wrong(text, seconds, run, monkeypatch):
    faults = made(monkeypatch, run, "--delay", text, f"--clock=-{text}").faults

    assert faults.latency_s == pytest.approx(seconds)
    assert faults.clock_offset_s == pytest.approx(-seconds)


def test_shares_of_the_requests_fail(run, monkeypatch):
    shares = [("503", 0.2), ("reset", 0.1), ("html502", 0.3)]
    options = [each for kind, share in shares for each in ("--fail", f"{kind}:{share}")]
    faults = made(monkeypatch, run, *options).faults

    names = [faults.take("GET /v1/team", reused=False).name for _ in range(5000)]

    for name, share in (("answer 503", 0.2), ("reset", 0.1), ("html 502", 0.3), (None, 0.4)):
        assert names.count(name) / 5000 == pytest.approx(share, abs=0.03)


def test_one_kind_of_failure_does_not_depend_on_another():
    first = set()
    for seed in range(20):
        sandbox = Sandbox(seed=seed)
        sandbox_command._fail(sandbox, [("503", 0.2), ("reset", 0.1)], seed)
        names = [sandbox.faults.take("GET /v1/team", reused=False).name for _ in range(200)]
        first.add(next(filter(None, names)))

    assert first == {"answer 503", "reset"}


def test_all_requests_may_fail(run, monkeypatch):
    options = [each for number in range(10) for each in ("--fail", f"50{number}:0.1")]
    faults = made(monkeypatch, run, *options).faults

    assert None not in {faults.take("GET /v1/team", reused=False).name for _ in range(500)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--delay", "soon"], "--delay must be a time such as 50ms or 2s."),
        (["--delay=-1s"], "--delay must not be negative."),
        (["--clock", "1d"], "--clock must be a time such as 3600, 1h or -90s."),
        (["--fail", "503"], "--fail must be KIND:SHARE such as 503:0.1."),
        (["--fail", "lost:0.1"], "--fail must be KIND:SHARE such as 503:0.1."),
        (["--fail", "503:0.6", "--fail", "500:0.6"], "must be at most 1 together"),
    ],
)
def test_wrong_options_are_refused(options, message, run):
    result = run("sandbox", "--port", 0, *options)

    assert result.exit_code == 2
    assert message in result.stderr


def test_a_port_that_is_in_use_is_said_in_words(run, sandbox):
    port = sandbox.url.rsplit(":", 1)[1]
    result = run("sandbox", "--port", port)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: Port {port} is in use. Stop the program that uses it")


@pytest.mark.parametrize(
    ("number", "words"), [(errno.EACCES, "needs the rights"), (errno.EADDRNOTAVAIL, "cannot be")]
)
def test_a_port_that_cannot_be_opened_is_said_in_words(number, words, run, monkeypatch):
    async def start(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Sandbox, "start", start)
    result = run("sandbox", "--port", 80)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: Port 80 {words}")
