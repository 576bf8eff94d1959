"""The reason why a store cannot be used, in words, and never with what was sent to it."""

from __future__ import annotations

import asyncio
import re
import ssl
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from ssl import SSLError

import pytest
from redis import exceptions
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from heymarket_async import RateLimit
from heymarket_async.pacing import shared
from heymarket_async.pacing.store import SharedWindow, StoreLostError, reason_of
from tests.redis_server import RIGHTS, RedisServer


@pytest.fixture(scope="module")
def server():
    with RedisServer() as server:
        yield server


async def reason_at(url: str) -> str:
    store = SharedWindow(url, "credential", timeout_s=0.25)
    with pytest.raises(StoreLostError) as raised:
        await store.server()
        await store.ask(1000.0, 20.0, 5, "a", 1, 0, 0)
    await store.close()
    assert not {"secret", "127.0.0.1", "redis://"} & set(str(raised.value).split())
    return str(raised.value)


async def test_the_reason_names_a_wrong_password_or_none(server):
    for login in (":wrong", "joe:secret", ""):
        assert await reason_at(server.url_of(login)) == "wrong user or password, or none"


async def test_the_reason_names_an_unreachable_server():
    assert await reason_at("redis://127.0.0.1:1/0") == "connection refused"
    assert await reason_at("redis://nowhere.invalid/0") == "its host name is not known"
    assert await reason_at("unix:///nowhere.sock") == "no connection, or it was cut"


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("+evalsha", "its user has no right to EVALSHA$"),
        ("+script|load", "its user has no right to SCRIPT( LOAD)?$"),
        ("+zadd", "its user has no right to (ZADD|a command of the script)$"),
        ("~heymarket:*", r"its user has no right to the keys heymarket:\*$"),
    ],
)
async def test_the_reason_names_a_missing_right(server, missing, reason):
    rights = [right for right in RIGHTS if right != missing]
    server.run("ACL", "SETUSER", "worker", "reset", "on", ">secret", *rights)
    server.run("SCRIPT", "FLUSH")

    assert re.match(reason, await reason_at(server.url_of("worker:secret")))


async def test_the_reason_names_a_missing_database(server):
    url = server.url.removesuffix("0") + "99"
    assert await reason_at(url) == "it has no database of that number"


async def test_the_reason_names_a_replica(server):
    server.run("REPLICAOF", "127.0.0.1", "1")
    reason = await reason_at(server.url)
    server.run("REPLICAOF", "NO", "ONE")

    assert reason == "it is a replica, which takes no writes; name the primary"


async def test_the_reason_names_a_busy_server(server):
    server.run("CONFIG", "SET", "lua-time-limit", 20)
    code = f"import redis; redis.Redis.from_url('{server.url}').eval('while true do end', 0)"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL):
        while (reason := await busy_or_none(server)) is None:
            await asyncio.sleep(0.02)
        server.run("SCRIPT", "KILL")

    assert reason == "it is busy with a script"


async def busy_or_none(server: RedisServer) -> str | None:
    store = SharedWindow(server.url, "credential", timeout_s=1.0)
    try:
        await store.server()
    except StoreLostError as error:
        return str(error)
    finally:
        await store.close()


async def test_the_reason_names_a_server_that_hangs(server):
    server.run("CLIENT", "PAUSE", 600)
    reason = await reason_at(server.url)
    server.run("PING")  # once it is over

    assert reason == "no answer in time"


async def test_the_reason_names_a_sentinel(tmp_path):
    (tmp_path / "sentinel.conf").write_text("")
    with RedisServer(str(tmp_path / "sentinel.conf"), "--sentinel") as sentinel:
        assert "a Sentinel does not, so name the server" in await reason_at(sentinel.url)


@asynccontextmanager
async def tls_server():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).parents[1] / "certificate.pem")
    server = await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_the_reason_names_a_certificate_of_an_unknown_authority():
    async with tls_server() as port:
        reason = await reason_at(f"rediss://127.0.0.1:{port}/0")
        plain = await reason_at(f"redis://127.0.0.1:{port}/0")

    assert reason.startswith("its certificate is not signed by an authority that is known here")
    assert plain == "no connection, or it was cut"


async def test_the_warning_and_the_error_give_the_reason(server, caplog):
    loop = asyncio.get_running_loop()
    rate = RateLimit(5, store=server.url_of(":wrong"), fallback=0)
    pacer = shared.pacer("credential", rate, loop)
    turn = pacer.take()
    await asyncio.wait([turn])
    await pacer.aclose()

    reason = "Redis for the shared rate limit is unreachable (wrong user or password, or none)"
    assert str(turn.exception()) == f"was not sent: {reason}"
    assert [record.getMessage() for record in caplog.records] == [
        f"{reason}. Until it is back, calls raise StoreError."
    ]


MISMATCH = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, "


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SSLError(MISMATCH + "certificate is not valid for 'x'"), "is for another name"),
        (SSLError("CERTIFICATE_VERIFY_FAILED: certificate has expired"), "certificate has expired"),
        (SSLError("[SSL: WRONG_VERSION_NUMBER] wrong version number"), "it does not speak TLS"),
        (AuthenticationError("AUTH <password> called without any password"), "has no password"),
        # Newer servers
        (
            NoPermissionError("User secret has no permissions to run the 'script|load' command"),
            "no right to SCRIPT LOAD$",
        ),
        (
            ResponseError(
                "ACL failure in script: User x has no permissions to run the 'time' com"
                "mand script: on @user_script:15."
            ),
            "no right to TIME$",
        ),
        (NoPermissionError("No permissions to access a key"), "no right to the keys heymarket"),
        (ResponseError("OOM command not allowed when used memory > 'maxmemory'."), "is full"),
        (
            exceptions.ConnectionError("max number of clients reached"),
            "maximum number of clients",
        ),
        (ResponseError("WRONGTYPE Operation against a key holding"), "hold something else"),
        # redis-py before 6.0
        (ResponseError("ASK 7 secret:1"), "cluster is down, or is moving$"),
        (ResponseError("TRYAGAIN Multiple keys request"), "cluster is down, or is moving$"),
        (ResponseError("NOREPLICAS Not enough good replicas to write."), "the error NOREPLICAS$"),
        (ResponseError("something with a secret"), r"not known here \(ResponseError\)$"),
    ],
)
def test_errors_of_servers_have_reasons_in_words(error, reason):
    with pytest.raises(StoreLostError, match=reason) as raised:
        raise StoreLostError(reason_of(error))
    assert "secret" not in str(raised.value)


def test_the_reason_may_be_in_a_cause_of_the_error():
    error = exceptions.ConnectionError("Error 1 connecting to secret:1")
    error.__cause__ = SSLError(MISMATCH)

    assert reason_of(error) == "its certificate is for another name"
