"""`heymarket doctor` says why no connection is made."""

from __future__ import annotations

import json
import os
import ssl
import subprocess

import pytest

from heymarket_async.cli.doctor.way import why_unconnected
from heymarket_async.errors import ConnectError
from tests.cli.conftest import COMMAND
from tests.cli.doctor.conftest import HEYMARKET, problems
from tests.cli.peer import CERTIFICATE, answering
from tests.ports import free_port


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
