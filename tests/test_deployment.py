"""The recipes of the page on deployment, under the servers that it names, as processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heymarket_async.sandbox import Readings, Sandbox
from tests.ports import free_port
from tests.redis_server import RedisServer
from tests.test_documents import ROOT

pytestmark = pytest.mark.unmeasured

PAGE = (ROOT / "docs" / "deployment.md").read_text()
SAVED = re.compile(r"Save this as\s`(\w+\.py)`")
PYTHON = re.compile(r"^```py(?:thon)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LIMIT_S = 60.0


@pytest.fixture
def folder(tmp_path):
    """A folder with the files that the page says to save."""
    for named in SAVED.finditer(PAGE):
        code = PYTHON.search(PAGE, named.end())
        assert code
        (tmp_path / named[1]).write_text(code[1])
    return tmp_path


@pytest.fixture
def account():
    # The real server may not notice that a text is sent twice.
    readings = Readings(local_id_dedupes="none")
    with Sandbox(contacts=20, seed=3, readings=readings) as sandbox:
        yield sandbox


def environment(account: Sandbox, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "HEYMARKET_BASE_URL": account.url,
        "HEYMARKET_SECRET_ID": account.credentials.secret_id,
        "HEYMARKET_SECRET_KEY": account.credentials.secret_key,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        **more,
    }


def command_with(text: str) -> list[str]:
    """The command of the page with this text."""
    (found,) = re.findall(rf"^\$ (.*{text}.*)$", PAGE, re.MULTILINE)
    return found.split()


@contextmanager
def running(command: list[str], folder: Path, variables: dict[str, str]) -> Iterator[Path]:
    """Run a server, give the file of all that it prints, and stop it as a container does."""
    printed = folder / "printed.txt"
    with (
        printed.open("wb") as output,
        subprocess.Popen(
            command, cwd=folder, env=variables, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            yield printed
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(LIMIT_S)
            finally:
                process.kill()


def get(url: str) -> tuple[int, str]:
    """Ask a server that may still be starting."""
    end = time.monotonic() + LIMIT_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""
        except urllib.error.URLError:
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.mark.parametrize(
    ("package", "text"),
    [
        ("uvicorn", "fastapi_app:app"),
        ("django", "django_app:application"),
        ("waitress", "flask_app:app"),
    ],
)
def test_a_web_service_asks_with_one_client(package, text, account, folder):
    pytest.importorskip(package)
    port = free_port()
    command = [part.replace("8000", str(port)) for part in command_with(text)]
    first = account.store.contacts[0]
    variables = environment(account, DJANGO_SECRET_KEY="made-up")
    account.faults.drop_idle()

    with running(command, folder, variables) as printed:
        url = f"http://127.0.0.1:{port}/contacts"
        answers = [get(f"{url}/{contact}") for contact in (first["id"], first["id"], 9)]

    assert [status for status, _ in answers] == [200, 200, 404], printed.read_text()
    assert json.loads(answers[0][1]) == {"name": first["display_name"]}
    assert "Traceback" not in printed.read_text()
    # A second request came over the connection of the first, so both have one client.
    assert "drop_idle" in [received.fault for received in account.requests]


def test_a_celery_job_that_is_delivered_twice_sends_one_text(account, folder):
    pytest.importorskip("celery")
    with RedisServer() as redis:
        variables = environment(account, BROKER_URL=redis.url)
        planned_at = datetime.now(UTC).isoformat()
        queue = f"""
from tasks import remind
for _ in range(2):
    remind.delay("15105553344", "appointment-17", {planned_at!r})
"""
        subprocess.run([sys.executable, "-c", queue], cwd=folder, env=variables, check=True)
        account.faults.reset(on="POST /v1/message/send", after_write=True)
        with running([*command_with("celery"), "--concurrency", "1"], folder, variables) as printed:
            end = time.monotonic() + LIMIT_S
            while printed.read_text().count("succeeded in") < 2:
                assert time.monotonic() < end, printed.read_text()
                time.sleep(0.05)

    assert [sent.text for sent in account.outbox] == ["See you tomorrow at 9."]
