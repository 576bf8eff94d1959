"""`heymarket doctor` finds each broken set-up, and says the remedy."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from importlib import metadata

import pytest

from heymarket_async.cli.doctor.way import why_unconnected
from heymarket_async.errors import ConnectError
from tests.cli.conftest import COMMAND
from tests.cli.peer import CERTIFICATE, answering
from tests.ports import free_port
from tests.redis_server import RIGHTS, RedisServer

HEYMARKET = {"HEYMARKET_BASE_URL": "https://api.heymarket.com"}


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch):
    for name in list(os.environ):
        if name.startswith("HEYMARKET_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def examine(run, environment):
    """Run the doctor, and return its exit code and its checks by name."""

    def examine(**changes: str | None) -> tuple[int, dict[str, dict[str, str]]]:
        env = {**environment, **changes}
        result = run("doctor", "--json", env={name: env[name] for name in env if env[name]})
        found = json.loads(result.stdout)
        assert result.exit_code == (0 if found["ok"] else 1)
        return result.exit_code, {each["check"]: each for each in found["checks"]}

    return examine


def problems(checks) -> dict[str, str]:
    """The problems by check, each with its remedy."""
    return {
        name: f"{each['text']} {each['remedy']}".rstrip()
        for name, each in checks.items()
        if each["state"] == "problem"
    }


def test_a_set_up_that_works_is_ok(examine, sandbox):
    code, checks = examine()

    assert (code, {each["state"] for each in checks.values()}) == (0, {"ok"})
    assert checks["account"]["text"] == "Sandbox Team (team 7001)"
    assert checks["credentials"]["text"] == "HEYMARKET_SECRET_ID and HEYMARKET_SECRET_KEY"
    assert checks["server"]["text"] == sandbox.url
    assert {(each.method, each.path) for each in sandbox.requests} == {("GET", "/v1/team")}


def test_each_check_is_one_line_however_narrow_the_terminal_is(run, environment):
    env = {**environment, "HEYMARKET_SECRET_KEY": "", "COLUMNS": "30"}
    checks = json.loads(run("doctor", "--json", env=env).stdout)["checks"]

    shown = run("doctor", env=env)

    assert shown.exit_code == 1
    assert shown.stdout.splitlines() == [
        f"{each['state']:<8}{each['check']:<12}{each['text']} {each['remedy']}".rstrip()
        for each in checks
    ]


def test_nothing_shows_a_secret(run, environment, sandbox):
    sandbox.faults.answer(401, times=None, body={"message": environment["HEYMARKET_SECRET_KEY"]})
    store = "redis://user:geheim@127.0.0.1:1/0"

    result = run("doctor", env={**environment, "HEYMARKET_STORE": store})

    assert environment["HEYMARKET_SECRET_KEY"] not in result.output
    assert environment["HEYMARKET_SECRET_ID"] not in result.output
    assert "geheim" not in result.output


def test_no_credentials(examine, sandbox):
    code, checks = examine(HEYMARKET_SECRET_ID=None, HEYMARKET_SECRET_KEY=None)

    assert code == 1
    assert problems(checks)["credentials"].startswith("No credentials are set. Set HEYMARKET_SECR")
    assert {checks[name]["state"] for name in ("connection", "account", "clock")} == {"skipped"}
    assert not sandbox.requests


@pytest.mark.parametrize("missing", ["HEYMARKET_SECRET_ID", "HEYMARKET_SECRET_KEY"])
def test_half_of_the_credentials(missing, examine):
    _, checks = examine(**{missing: None})

    assert problems(checks) == {
        "credentials": f"{missing} is not set. A secret needs both its id and its key."
    }


@pytest.mark.parametrize("changes", [{}, {"HEYMARKET_API_KEY": "k"}])
def test_a_wrong_secret(changes, examine):
    _, checks = examine(HEYMARKET_SECRET_KEY="wrong" * 10, **changes)

    assert checks["connection"]["state"] == "ok"
    assert problems(checks)["account"].startswith(
        "Heymarket refuses the credentials (401). Compare them with Settings, Integrations, API"
    )
    assert ("HEYMARKET_API_KEY is set too" in checks["credentials"]["text"]) is bool(changes)


def test_an_api_key(examine, sandbox):
    _, checks = examine(
        HEYMARKET_SECRET_ID=None, HEYMARKET_SECRET_KEY=None, HEYMARKET_API_KEY=sandbox.api_key
    )

    assert problems(checks) == {}
    assert checks["credentials"]["text"] == "HEYMARKET_API_KEY"


@pytest.mark.parametrize(("wrong_s", "side"), [(600, "behind"), (-600, "ahead of")])
def test_a_clock_that_is_off_by_ten_minutes(wrong_s, side, examine, sandbox):
    sandbox.faults.clock_offset_s = wrong_s

    code, checks = examine()

    assert code == 1
    assert checks["account"]["state"] == "ok"  # signed anew with the time of the answer
    assert problems(checks) == {
        "clock": f"The clock of this machine is 10.0 minutes {side} Heymarket's. Set it, and keep"
        " it right with NTP: tokens are valid for five minutes."
    }


def test_a_name_that_does_not_resolve(examine):
    _, checks = examine(HEYMARKET_BASE_URL="https://heymarket.invalid")

    assert problems(checks) == {
        "connection": "The name of heymarket.invalid cannot be resolved. Check the network, the VPN"
        " and its DNS. Check the base URL for a slip."
    }
    assert checks["account"]["state"] == checks["clock"]["state"] == "skipped"


def test_a_connection_that_is_refused(examine):
    _, checks = examine(HEYMARKET_BASE_URL=f"http://127.0.0.1:{free_port()}")

    assert problems(checks) == {
        "connection": "127.0.0.1 refuses the connection. Is it running? Check the base URL for a"
        " slip."
    }


def doctor(environment, **changes) -> dict[str, dict[str, str]]:
    """Run the doctor as a process: aiohttp reads the trusted certificates when it is imported."""
    done = subprocess.run(
        [*COMMAND, "doctor", "--json"],
        env={**os.environ, **environment, **changes},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    return problems({each["check"]: each for each in json.loads(done.stdout)["checks"]})


def test_a_certificate_that_is_not_trusted(environment, tmp_path):
    missing = tmp_path / "nowhere.pem"
    with answering(b"", tls=True) as port:
        url = f"https://localhost:{port}"
        found = doctor(environment, HEYMARKET_BASE_URL=url)
        named = doctor(environment, HEYMARKET_BASE_URL=url, SSL_CERT_FILE=str(missing))

    unknown = "The certificate of localhost is not signed by an authority that is known here."
    assert found == {
        "connection": f"{unknown} If the network looks into TLS, put its certificate into a file,"
        " and name that in SSL_CERT_FILE."
    }
    assert named == {
        "connection": f"{unknown} SSL_CERT_FILE names {missing}, which does not exist: correct it."
    }


def test_a_certificate_for_another_name(environment):
    with answering(b"", tls=True, host="127.0.0.2") as port:
        found = doctor(
            environment,
            HEYMARKET_BASE_URL=f"https://127.0.0.2:{port}",
            SSL_CERT_FILE=str(CERTIFICATE),
        )

    assert found["connection"].startswith("The certificate of 127.0.0.2 is for another name.")


def test_a_port_without_tls(examine):
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        _, checks = examine(HEYMARKET_BASE_URL=f"https://localhost:{port}")

    assert problems(checks)["connection"].startswith("localhost does not speak TLS here.")


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (403, "refuses to connect to api.heymarket.com (403). Have it let api.heymarket.com pass"),
        (407, "wants a login, or another one (407). Put it into the variable"),
    ],
)
def test_a_proxy_that_refuses(status, text, examine):
    with answering(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status) as port:
        proxy = f"http://127.0.0.1:{port}"
        _, checks = examine(**HEYMARKET, HTTPS_PROXY=proxy.replace("//", "//user:geheim@"))

    assert f"The proxy {proxy} {text}" in problems(checks)["connection"]
    assert checks["proxy"]["text"] == f"{proxy}, from HTTPS_PROXY"
    assert "geheim" not in json.dumps(checks)


def test_a_proxy_that_is_away(examine):
    proxy = f"http://127.0.0.1:{free_port()}"

    _, checks = examine(**HEYMARKET, https_proxy=proxy)

    assert problems(checks) == {
        "connection": f"The proxy {proxy} refuses the connection. Is it running? Check the proxy's"
        " URL for a slip, or unset it if no proxy is needed."
    }


def test_a_proxy_that_cannot_be_used(examine):
    _, checks = examine(**HEYMARKET, HTTPS_PROXY="socks5://127.0.0.1:1")

    assert problems(checks) == {
        "proxy": "HTTPS_PROXY must be the URL of an HTTP proxy, such as http://proxy.example:3128"
    }


def test_a_proxy_is_not_used_for_this_machine(examine):
    _, checks = examine(HTTP_PROXY="http://127.0.0.1:1")

    assert problems(checks) == {}
    assert checks["proxy"]["text"] == "none; HTTP_PROXY does not count for this server"


def test_a_store_that_is_away(examine):
    _, checks = examine(HEYMARKET_STORE=f"redis://127.0.0.1:{free_port()}/0")

    assert checks["account"]["state"] == "ok"
    assert problems(checks) == {
        "store": "The rate limit store cannot be used: connection refused. Start or mend it, or"
        " correct its URL. Without it, each process keeps to a part of the limit."
    }


@pytest.mark.own_redis
def test_a_store_and_its_rights(examine):
    with RedisServer() as server:
        _, checks = examine(HEYMARKET_STORE=server.url)
        server.run("ACL", "SETUSER", "few", "on", ">pw", *RIGHTS, "-hset")
        _, refused = examine(HEYMARKET_STORE=server.url_of("few:pw"))

    assert checks["store"]["text"] == "reachable, and it runs scripts"
    assert problems(checks) == {}
    assert "cannot be used: its user has no right to" in problems(refused)["store"]


def test_a_missing_extra(examine, monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)

    _, checks = examine(HEYMARKET_STORE="redis://127.0.0.1:1/0")

    assert problems(checks) == {
        "rate limit": "HEYMARKET_STORE needs the extra redis: pip install redis"
    }


def installed(folder, name: str, version: str, *needs: str) -> None:
    """Make it look as if a package were installed."""
    place = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    place.mkdir()
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {each}" for each in needs]
    (place / "METADATA").write_text("\n".join(lines))


def test_a_dependency_that_is_too_old_or_missing(examine, tmp_path, monkeypatch):
    needs = ("aiohttp>=3.14", "nowhere-to-be-found>=2", "redis>=5.2; extra == 'redis'",
             "no-such-sheet>=1; extra == 'xlsx'", "pytest>=999; extra == 'test'")  # fmt: skip
    installed(tmp_path, "heymarket-async", "9.9", *needs)
    installed(tmp_path, "aiohttp", "3.9.0")
    installed(tmp_path, "redis", "4.0")
    monkeypatch.syspath_prepend(tmp_path)

    _, checks = examine()

    assert problems(checks) == {
        "package": "aiohttp 3.9.0, nowhere-to-be-found is missing: too old. Run: pip install"
        " --upgrade 'aiohttp>=3.14' 'nowhere-to-be-found>=2'",
        "extras": "redis 4.0: too old. Run: pip install --upgrade 'redis>=5.2'",
    }


def test_extras_that_are_not_installed_are_no_problem(examine, tmp_path, monkeypatch):
    installed(tmp_path, "heymarket-async", "9.9", "no-such-sheet>=1; extra == 'xlsx'")
    monkeypatch.syspath_prepend(tmp_path)

    _, checks = examine()

    assert problems(checks) == {}
    assert checks["extras"]["text"].endswith("Not installed: xlsx (exports to .xlsx)")


def test_a_folder_that_is_not_installed(examine, monkeypatch):
    def requires(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)

    _, checks = examine()

    assert checks["package"]["text"].endswith("from a folder: versions are not checked")


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


def test_a_base_url_that_cannot_be_used(examine):
    _, checks = examine(HEYMARKET_BASE_URL="http://api.heymarket.com")

    assert problems(checks)["server"].startswith("HEYMARKET_BASE_URL must be https")
    assert checks["proxy"]["state"] == "skipped"


def test_a_slip_in_the_name_of_a_variable(examine):
    _, checks = examine(HEYMARKET_STOER="redis://127.0.0.1:1/0", HEYMARKET_DEV_SECRET_ID="x")

    assert problems(checks) == {
        "variables": "Nothing reads HEYMARKET_STOER. If it is HEYMARKET_STORE, correct its name."
    }


def refused_certificate(code: int) -> ConnectError:
    cause, error = ssl.SSLCertVerificationError(), ConnectError("could not connect")
    cause.verify_code = code
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (refused_certificate(10), "The certificate of x.example has expired, or is not valid yet."),
        (TimeoutError(), "x.example does not answer."),
        (OSError("No route to host"), "could not connect."),
    ],
    ids=["expired", "time-out", "anything else"],
)
def test_the_reasons_that_no_local_server_can_give(error, text):
    if not isinstance(error, ConnectError):
        cause, error = error, ConnectError("could not connect")
        error.__cause__ = cause

    assert why_unconnected(error, "x.example", "")[0] == text
