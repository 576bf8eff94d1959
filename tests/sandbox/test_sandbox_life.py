import asyncio
import hashlib
import os
import socket
import subprocess
import sys
import textwrap
import threading
import urllib.request
import uuid

import pytest

from heymarket_async import sandbox as package
from heymarket_async.sandbox import Readings, Sandbox


def team(sandbox):
    request = urllib.request.Request(
        f"{sandbox.url}/v1/team", headers={"Authorization": f"Bearer {sandbox.api_key}"}
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        return response.status


def test_the_public_names_are_sorted():
    assert package.__all__ == sorted(package.__all__)
    assert [getattr(package, name).__name__ for name in package.__all__] == package.__all__
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = package.Nothing


def test_a_sandbox_in_a_thread_serves_synchronous_code():
    with Sandbox(5) as sandbox:
        assert team(sandbox) == 200
        assert sandbox.requests[-1].path == "/v1/team"


@pytest.mark.parametrize(
    "create",
    [
        lambda sandbox: sandbox.templates.create("a", "b"),
        lambda sandbox: sandbox.lists.create("a"),
        lambda sandbox: sandbox.surveys.create("a", "b"),
        lambda sandbox: sandbox.tags.create("a"),
    ],
    ids=["a template", "a list", "a survey", "a tag"],
)
def test_a_test_creates_nothing_in_the_middle_of_a_call(create):
    sandbox = Sandbox()
    thread = threading.Thread(target=create, args=[sandbox])
    with sandbox._server._account.lock:  # as a call holds it
        thread.start()
        thread.join(0.05)
        assert thread.is_alive()
    thread.join()


def test_a_closed_sandbox_leaves_no_thread_and_no_port():
    before = threading.active_count()
    with Sandbox() as sandbox:
        port = int(sandbox.url.rpartition(":")[2])
        assert threading.active_count() > before
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


async def test_a_closed_sandbox_leaves_no_task():
    before = asyncio.all_tasks()
    async with Sandbox() as sandbox:
        await asyncio.to_thread(team, sandbox)
    assert asyncio.all_tasks() == before


async def test_closing_twice_is_fine_and_starting_twice_is_not():
    sandbox = Sandbox()
    await sandbox.start()
    with pytest.raises(RuntimeError, match="running already"):
        await sandbox.start()
    await sandbox.aclose()
    await sandbox.aclose()


async def test_a_closed_sandbox_may_be_opened_again_and_keeps_its_contacts():
    sandbox = Sandbox(3)
    for _ in range(2):
        async with sandbox:
            assert await asyncio.to_thread(team, sandbox) == 200
    assert len(sandbox.store) == 3


def test_a_sandbox_that_is_not_running_has_no_url():
    with pytest.raises(RuntimeError, match="not running"):
        _ = Sandbox().url


def test_a_taken_port_is_an_error_that_leaves_nothing_behind():
    before = threading.active_count()
    with Sandbox() as sandbox:
        other = Sandbox(port=int(sandbox.url.rpartition(":")[2]))
        with pytest.raises(OSError, match="in use"), other:
            pytest.fail("it started")
    assert threading.active_count() == before


async def test_an_ipv6_url_has_brackets():
    async with Sandbox(host="::1") as sandbox:
        assert sandbox.url.startswith("http://[::1]:")


@pytest.mark.parametrize("options", [{"contacts": -1}, {"ties": 0}, {"limit": 0}])
def test_impossible_options_are_an_error(options):
    with pytest.raises(ValueError, match="at least"):
        Sandbox(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"contacts": None},
        {"seed": "7"},
        {"readings": "v1"},
        {"limit": 1.5},
        {"per_s": "60"},
        {"host": 5},
        {"port": "80"},
        {"secret_id": 5},
        {"secret_key": b"k"},
        {"api_key": 5},
        {"ties": None},
        {"fields": "no"},
    ],
)
def test_an_option_of_another_type_is_an_error_that_names_it(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be of type"):
        Sandbox(**options)


@pytest.mark.parametrize(
    "hosts",
    [
        *("heymarket", [5], ["ok", ""], ["My.Host:8080"], ["10.0.0.5:80"], ["a:80"], ["http://a"]),
        *(["a/"], ["[::2]"], ["fe80::1%lo"], ["*"], ["*.example"]),
    ],
)
def test_hosts_that_no_request_could_name_are_refused(hosts):
    with pytest.raises(ValueError, match=r'hosts must be .*, such as hosts=\["heymarket", "::2"\]'):
        Sandbox(hosts=hosts)


@pytest.mark.parametrize("per_s", [0, -1.0, float("nan")])
def test_a_window_takes_time(per_s):
    with pytest.raises(ValueError, match="per_s must be above 0"):
        Sandbox(per_s=per_s)


async def test_every_answer_has_a_request_id_that_the_record_knows(serve):
    account = await serve()
    async with account.session.get("/nowhere") as response:
        seen = response.headers["X-Request-Id"]
    assert str(uuid.UUID(seen)) == account.sandbox.requests[-1].request_id


async def test_a_record_holds_the_request_and_masks_its_credentials(serve):
    account = await serve(1)
    body = {"phone": "15105553344"}
    await account.ask("PUT /v1/contact/10001?overwrite=true", body)
    seen = account.sandbox.requests[-1]
    assert (seen.method, seen.path) == ("PUT", "/v1/contact/10001")
    assert (seen.query, seen.body, seen.status) == ({"overwrite": "true"}, body, 200)
    assert seen.headers["content-TYPE"] == "application/json"
    assert seen.headers["authorization"] == "***"
    assert account.sandbox.api_key not in repr(seen)


async def test_a_caller_that_leaves_in_the_middle_of_its_body_makes_no_noise(until, capfd, caplog):
    async with Sandbox() as sandbox:
        host, port = sandbox.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /v1/contact HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{")
        await writer.drain()
        await until(lambda: sandbox.requests)
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.05)
        assert sandbox.requests[0].status is None
    assert (capfd.readouterr().err, caplog.text) == ("", "")


def test_the_same_seed_makes_the_same_account():
    first, second, other = Sandbox(50, seed=7), Sandbox(50, seed=7), Sandbox(50, seed=8)
    assert first.store.contacts == second.store.contacts
    assert first.store.lines() != other.store.lines()


def test_a_seed_makes_the_same_contacts_in_every_version():
    lines = b"\n".join(Sandbox(500, seed=7, ties=5).store.lines())
    assert hashlib.sha256(lines).hexdigest() == (
        "156d40e64e9e01e2a4dad6c785ff6d6028bf1e7bc5ffff557a81c1af5bef0fc4"
    )


def test_readings_change_the_form_of_contacts_and_not_the_people():
    plain, rich = Sandbox(50), Sandbox(50, readings=Readings(list_has_uuid=True))
    assert plain.store.contacts == rich.store.contacts
    assert plain.store.get(1) is None


def test_every_sandbox_has_credentials_of_its_own():
    first, second = Sandbox(5, seed=7), Sandbox(5, seed=7)
    assert first.credentials.secret_id != second.credentials.secret_id
    assert first.credentials.secret_key != second.credentials.secret_key
    assert first.api_key != second.api_key


def test_credentials_that_are_given_stay_and_change_no_contact():
    given = Sandbox(5, seed=7, secret_id="id", secret_key="key", api_key="legacy")
    assert (*given.credentials, given.api_key) == ("id", "key", "legacy")
    assert given.store.contacts == Sandbox(5, seed=7).store.contacts


def test_credentials_look_like_the_real_ones():
    secret_id, secret_key = Sandbox().credentials
    assert str(uuid.UUID(secret_id)) == secret_id
    assert secret_key.isalnum()


def test_made_up_contacts_are_unique_safe_and_varied():
    contacts = Sandbox(5000, seed=7).store.contacts
    assert len({contact["phone"] for contact in contacts}) == 5000
    assert len({contact["uuid"] for contact in contacts}) == 5000
    assert all(contact["phone"].isascii() and contact["phone"].isdigit() for contact in contacts)
    assert all(8 <= len(contact["phone"]) <= 15 for contact in contacts)
    emails = [contact["email"] for contact in contacts if contact.get("email")]
    assert {email.rpartition("@")[2] for email in emails} == {
        "example.com",
        "example.net",
        "example.org",
    }
    for gap in ("", None, ...):
        assert any(contact.get("email", ...) == gap for contact in contacts)
    names = " ".join(contact["display_name"] for contact in contacts)
    assert all(sign in names for sign in ("é", "山", "فا", "🌟", "'"))
    assert {len(contact["tags"]) for contact in contacts} == {0, 1, 2, 3, 4}


def test_made_up_contacts_are_older_than_any_write():
    newest = Sandbox(100, ties=100).store.contacts[0]
    assert newest["updated"] == "2024-04-12T15:30:00Z"
    assert newest["created"] <= newest["updated"]


def test_the_installed_plugin_serves_this_suite_too(heymarket_sandbox):
    assert len(heymarket_sandbox.store) == 100
    assert team(heymarket_sandbox) == 200


@pytest.mark.heymarket_sandbox(contacts=5)
def test_the_installed_plugin_heeds_its_marker(heymarket_sandbox):
    assert len(heymarket_sandbox.store) == 5


PLUGIN_TEST = """
    import urllib.request

    import pytest

    def test_the_fixture_runs_a_sandbox_of_a_hundred(heymarket_sandbox):
        assert len(heymarket_sandbox.store) == 100
        assert heymarket_sandbox.url.startswith("http://127.0.0.1:")

    @pytest.mark.heymarket_sandbox(contacts=5, limit=None)
    class TestMarked:
        def test_the_marker_passes_options(self, heymarket_sandbox):
            assert len(heymarket_sandbox.store) == 5

        @pytest.mark.heymarket_sandbox(contacts=6)
        def test_the_nearest_marker_wins(self, heymarket_sandbox):
            assert len(heymarket_sandbox.store) == 6
"""


def run_plugin(tmp_path, source):
    path = tmp_path / "test_plugged.py"
    path.write_text(textwrap.dedent(source))
    plugin = "heymarket_async.sandbox.pytest_plugin"
    options = ["-p", plugin, "-p", "no:cacheprovider", "--strict-markers", "-W", "error"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", str(tmp_path), str(path)],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_plugin_offers_a_fixture_and_a_marker(tmp_path):
    result = run_plugin(tmp_path, PLUGIN_TEST)
    assert "3 passed" in result.stdout, result.stdout + result.stderr


def test_the_plugin_imports_nothing_until_it_is_used(tmp_path):
    source = """
        import sys

        def test_nothing_is_imported():
            assert "aiohttp.web" not in sys.modules
            assert "heymarket_async.sandbox.server" not in sys.modules
    """
    result = run_plugin(tmp_path, source)
    assert "1 passed" in result.stdout, result.stdout + result.stderr


def test_a_marker_without_names_says_what_it_takes(tmp_path):
    source = """
        import pytest

        @pytest.mark.heymarket_sandbox(5)
        def test_there_are_five(heymarket_sandbox):
            pass
    """
    result = run_plugin(tmp_path, source)
    assert "the marker heymarket_sandbox takes options by name" in result.stdout


WRONG_OPTIONS = {
    "contact=5": "unexpected keyword argument 'contact'",
    "ties=0": "ties and limit at least 1",
    "readings={'x': 1}": "readings must be of type Readings or None, not a dict",
    "contacts='5'": "contacts must be of type int, not a str",
    "host='no host'": "",
}


def test_a_wrong_option_names_the_marker(tmp_path):
    tests = [
        f"@pytest.mark.heymarket_sandbox({option})\ndef test_{number}(heymarket_sandbox): pass\n"
        for number, option in enumerate(WRONG_OPTIONS)
    ]
    result = run_plugin(tmp_path, "import pytest\n" + "".join(tests))
    errors = [line for line in result.stdout.splitlines() if line.startswith("the marker")]
    assert len(errors) == len(WRONG_OPTIONS), result.stdout
    for line, rule in zip(errors, WRONG_OPTIONS.values(), strict=True):
        assert line.startswith("the marker heymarket_sandbox has a wrong option: ")
        assert rule in line
    assert "pytest_plugin.py" not in result.stdout
