"""`heymarket sandbox`: what it starts with, what it keeps, and where it posts events."""

from __future__ import annotations

import json
import stat
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import typer

from heymarket_async import ApiSecret, HeymarketClient, NewMessage
from heymarket_async.cli import show
from heymarket_async.webhooks import parse


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
