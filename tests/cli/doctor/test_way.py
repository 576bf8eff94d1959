"""`heymarket doctor` says why no connection is made."""

from __future__ import annotations

import json
import ssl

import pytest

from heymarket_async.cli.doctor.way import why_unconnected
from heymarket_async.errors import ConnectError
from tests.cli.doctor.conftest import HEYMARKET, doctor, problems
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


def test_a_proxy_whose_certificate_is_not_trusted(examine):
    with answering(b"", tls=True) as port:
        proxy = f"https://localhost:{port}"
        _, checks = examine(**HEYMARKET, HTTPS_PROXY=proxy)

    assert problems(checks)["connection"].startswith(
        f"The certificate of the proxy {proxy} is not signed by an authority that is known here."
    )


def test_a_proxy_without_tls(examine):
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        proxy = f"https://localhost:{port}"
        _, checks = examine(**HEYMARKET, HTTPS_PROXY=proxy)

    assert problems(checks)["connection"] == (
        f"The proxy {proxy} does not speak TLS here. Check the proxy's URL for a slip, or unset it"
        " if no proxy is needed. Is it another port?"
    )


def test_a_certificate_behind_a_proxy_is_that_of_the_server():
    error = refused_certificate(62)

    assert why_unconnected(error, "x.example", "http://proxy.example:3128") == (
        "The certificate of x.example is for another name.",
        "Check the base URL for a slip. If it is right, something on the way answers in its place.",
    )


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


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (
            "root:x:0:0:root",
            "SSL_CERT_FILE names {}, which holds no certificate (PEM): correct it.",
        ),
        (None, "SSL_CERT_FILE names {}, which cannot be read (Is a directory)."),
        (
            CERTIFICATE.read_text(),
            "The certificates in {}, which SSL_CERT_FILE names, do not sign it. If the network"
            " looks into TLS, add its certificate there.",
        ),
    ],
    ids=["no certificate", "a folder", "another certificate"],
)
def test_a_file_of_certificates_that_does_not_help(content, remedy, tmp_path, monkeypatch):
    file = tmp_path / "known.pem"
    file.mkdir() if content is None else file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    assert why_unconnected(refused_certificate(20), "x.example", "")[1] == remedy.format(file)


@pytest.mark.parametrize(
    ("exists", "remedy"),
    [
        (False, "SSL_CERT_DIR names {}, which does not exist: correct it."),
        (
            True,
            "The certificates in {}, which SSL_CERT_DIR names, do not sign it. If the network looks"
            " into TLS, add its certificate there, and run openssl rehash for it.",
        ),
    ],
)
def test_a_folder_of_certificates_that_does_not_help(exists, remedy, tmp_path, monkeypatch):
    folder = tmp_path if exists else tmp_path / "nowhere"
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))

    assert why_unconnected(refused_certificate(20), "x.example", "")[1] == remedy.format(folder)


@pytest.mark.parametrize("answer", [b"", b"hello\r\n\r\n"], ids=["closed", "rubbish"])
def test_a_proxy_that_does_not_answer_like_one(answer, examine):
    with answering(answer) as port:
        _, checks = examine(**HEYMARKET, HTTPS_PROXY=f"http://user:geheim@127.0.0.1:{port}")

    assert problems(checks) == {
        "connection": f"The proxy http://127.0.0.1:{port} does not answer like a proxy. Check the"
        " proxy's URL for a slip, or unset it if no proxy is needed."
    }


def test_a_proxy_whose_name_does_not_resolve(examine):
    _, checks = examine(**HEYMARKET, HTTPS_PROXY="http://proxy.invalid:3128")

    assert problems(checks)["connection"].startswith(
        "The name of the proxy http://proxy.invalid:3128 cannot be resolved. Check the network"
    )


def test_a_proxy_that_hangs_is_set_already():
    error = ConnectError("could not connect")
    error.__cause__ = TimeoutError()

    assert why_unconnected(error, "x.example", "http://p:1") == (
        "The proxy http://p:1 does not answer.",
        "A firewall may drop it. Check the proxy's URL for a slip, or unset it if no proxy is"
        " needed.",
    )


def test_http_to_a_port_that_wants_https(examine):
    with answering(b"", tls=True) as port:
        _, checks = examine(HEYMARKET_BASE_URL=f"http://127.0.0.1:{port}")

    assert "Does this port want https? Run this again." in problems(checks)["connection"]


def test_a_lost_answer_over_https_is_not_about_the_port(environment):
    with answering(b"", tls=True) as port:
        found = doctor(
            environment,
            HEYMARKET_BASE_URL=f"https://localhost:{port}",
            SSL_CERT_FILE=str(CERTIFICATE),
        )

    assert "Run this again." in found["connection"]
    assert "https?" not in found["connection"]


@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy"])
def test_a_proxy_for_everything_is_not_read(name, examine):
    _, checks = examine(HEYMARKET_BASE_URL="https://heymarket.invalid", **{name: "http://p:1"})

    assert checks["proxy"]["text"] == f"none; {name} is not read: set HTTPS_PROXY"
