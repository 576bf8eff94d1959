"""Credentials show no secret, and tokens are always fresh."""

from __future__ import annotations

import asyncio
import copy
import pickle
import random

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heymarket_async import (
    ApiKey,
    ApiSecret,
    BadRequestError,
    ConnectError,
    DeadlineError,
    HeymarketError,
    Repeat,
    RetryPolicy,
)
from heymarket_async.request import Endpoint
from heymarket_async.transport.auth import Signer
from tests.conftest import SECRET, Scripted, answer, jumping_time, transport_over

ID, KEY = "3c1b4a5e-0000-4000-8000-000000000000", "k" * 40
READ = Endpoint("GET", "/v1/team", object, Repeat.READ).request()
OK = answer(200, {})


class Clocks:
    """A wall clock that can be set, and one that never goes back."""

    def __init__(self, wall: float = 1_750_000_000.0) -> None:
        self.wall_s = wall
        self.monotonic_s = 1000.0

    def signer(self, credentials=SECRET) -> Signer:
        return Signer(credentials, wall=lambda: self.wall_s, monotonic=lambda: self.monotonic_s)

    def pass_(self, seconds: float) -> None:
        self.wall_s += seconds
        self.monotonic_s += seconds


def issued_at(token: str) -> int:
    options = {"verify_iat": False}
    return jwt.decode(token, f"{ID}||{KEY}", algorithms=["HS256"], options=options)["iat"]


def test_a_token_is_signed_as_documented():
    token = ApiSecret(ID, KEY).token(1_750_000_000.9)

    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    claims = jwt.decode(
        token, f"{ID}||{KEY}".encode(), algorithms=["HS256"], options={"verify_iat": False}
    )
    assert claims == {"iss": ID, "iat": 1_750_000_000}


def test_a_token_is_what_openssl_makes_of_it():
    # printf %s "$HEADER.$PAYLOAD" | openssl dgst -sha256 -hmac "$ID||$KEY" -binary | base64
    assert ApiSecret(ID, KEY).token(1_750_000_000) == (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
        ".eyJpc3MiOiIzYzFiNGE1ZS0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDAiLCJpYXQiOjE3NTAwMDAwMDB9"
        ".xzqsyp9_Kc8YGppHMp1VK67DHgWFgBQvAqkODj7zJPQ"
    )


def test_a_token_is_reused_for_240_seconds_and_not_longer():
    clocks = Clocks()
    signer = clocks.signer()
    first = signer.token()

    clocks.pass_(239)
    assert signer.token() == first
    clocks.pass_(1)
    assert signer.token() != first


@given(st.lists(st.tuples(st.floats(0, 400), st.floats(-1000, 1000)), max_size=30))
def test_no_clock_makes_an_old_token_go_out(steps):
    clocks = Clocks()
    signed_at = 0.0

    class Watched(ApiSecret):
        def token(self, now: float) -> str:
            nonlocal signed_at
            signed_at = clocks.monotonic_s
            return super().token(now)

    signer = clocks.signer(Watched(ID, KEY))

    for passed_s, set_by_s in steps:
        clocks.pass_(passed_s)
        clocks.wall_s += set_by_s
        token = signer.token()
        assert clocks.monotonic_s - signed_at < 240
        assert 0 <= clocks.wall_s - issued_at(token.reveal()) < 240


def test_a_machine_that_slept_signs_anew():
    clocks = Clocks()
    signer = clocks.signer()
    first = signer.token()

    clocks.wall_s += 3600  # the monotonic clock stands still during suspend

    assert signer.token() != first


def test_a_refused_token_teaches_the_servers_clock():
    clocks = Clocks(wall=1_750_000_000.0)
    signer = clocks.signer()

    signer.distrust(signer.token(), "Sun, 15 Jun 2025 16:00:00 GMT")

    assert issued_at(signer.token().reveal()) == 1_750_003_200


@pytest.mark.parametrize("date", ["", "rubbish", "Sun, 99 Jun 2025 16:00:00 GMT"])
def test_a_date_that_cannot_be_read_teaches_nothing(date):
    clocks = Clocks(wall=1_750_000_000.0)
    signer = clocks.signer()

    signer.distrust(signer.token(), date)

    assert issued_at(signer.token().reveal()) == 1_750_000_000


@pytest.mark.parametrize("date", [None, "rubbish", "Sun, 15 Jun 2025 15:06:40 GMT"])
def test_a_wrong_date_is_forgotten_when_the_next_token_is_refused(date):
    clocks = Clocks(wall=1_750_000_000.0)
    signer = clocks.signer()
    signer.distrust(signer.token(), "Mon, 01 Jan 2001 00:00:00 GMT")
    assert issued_at(signer.token().reveal()) == 978_307_200

    signer.distrust(signer.token(), date)

    assert issued_at(signer.token().reveal()) == 1_750_000_000


def test_a_refusal_of_a_token_that_was_replaced_changes_nothing():
    clocks = Clocks()
    signer = clocks.signer()
    old = signer.token()
    clocks.pass_(240)
    new = signer.token()

    signer.distrust(old, "Sun, 15 Jun 2025 16:00:00 GMT")

    assert signer.token() == new


@pytest.mark.parametrize("credentials", [ApiSecret(ID, KEY), ApiKey(KEY)], ids=["secret", "key"])
def test_credentials_show_nothing(credentials):
    for shown in (repr(credentials), str(credentials), f"{credentials}", f"{credentials!r}"):
        assert KEY not in shown
        assert ID not in shown
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(credentials)
    with pytest.raises(TypeError, match="does not pickle"):
        copy.deepcopy(credentials)


def test_credentials_are_equal_if_their_secrets_are():
    assert ApiSecret(ID, KEY) == ApiSecret(ID, KEY)
    assert hash(ApiSecret(ID, KEY)) == hash(ApiSecret(ID, KEY))
    assert ApiSecret(ID, KEY) != ApiSecret(ID, "other")
    assert ApiSecret(ID, KEY) != ApiKey(f"{ID}||{KEY}")


@pytest.mark.parametrize("bad", ["", " key", "key\n", "a key", "key\x00", None, 7])
def test_credentials_that_were_copied_badly_are_refused_without_being_shown(bad):
    with pytest.raises(ValueError, match="secret_key") as raised:
        ApiSecret(ID, bad)
    with pytest.raises(ValueError, match="secret_id"):
        ApiSecret(bad, KEY)
    with pytest.raises(ValueError, match="key"):
        ApiKey(bad)

    assert not bad or str(bad) not in str(raised.value) or str(bad).isspace()


@jumping_time
async def test_an_api_key_is_sent_as_it_is():
    http = Scripted(OK)

    await transport_over(http, signer=Signer(ApiKey("legacy"))).send(READ)

    assert http.sent[0].headers["Authorization"] == "Bearer legacy"


@pytest.mark.parametrize(("age", "is_believed"), [("0", True), ("7200", False)])
@jumping_time
async def test_a_refusal_that_a_cache_had_kept_does_not_set_the_clock(age, is_believed):
    date = "Mon, 02 Jan 2023 10:00:00 GMT"
    http = Scripted(answer(401, Date=date, Age=age), OK)
    await transport_over(http, signer=Signer(ApiSecret(ID, KEY))).send(READ)

    first, second = (issued_at(sent.headers["Authorization"][7:]) for sent in http.sent)

    assert (second == 1_672_653_600) is is_believed
    assert (abs(second - first) < 60) is not is_believed


@jumping_time
async def test_rotated_credentials_are_taken_up_after_a_refusal():
    current = [ApiKey("old")]
    signer = Signer(lambda: asyncio.sleep(0, current[0]))
    http = Scripted(OK, answer(401), OK)
    transport = transport_over(http, signer=signer)
    await transport.send(READ)

    current[0] = ApiKey("new")
    await transport.send(READ)

    bearers = [sent.headers["Authorization"] for sent in http.sent]
    assert bearers == ["Bearer old", "Bearer old", "Bearer new"]


@jumping_time
async def test_a_callable_is_asked_once_for_all_calls_that_wait():
    asked = 0

    async def credentials() -> ApiSecret:
        nonlocal asked
        asked += 1
        await asyncio.sleep(1)
        return SECRET

    transport = transport_over(Scripted(OK), signer=Signer(credentials))

    await asyncio.gather(*(transport.send(READ) for _ in range(50)))

    assert asked == 1


async def test_a_callable_is_asked_again_after_240_seconds():
    clocks, given_out = Clocks(), []

    async def credentials() -> ApiSecret:
        given_out.append(clocks.monotonic_s)
        return SECRET

    signer = clocks.signer(credentials)

    for _ in range(5):
        if signer.needs_credentials:
            await signer.ask()
        clocks.pass_(100)

    assert given_out == [1000, 1300]


@jumping_time
async def test_a_callable_that_hangs_is_bound_by_the_deadline():
    signer = Signer(lambda: asyncio.sleep(random.randint(1000, 2000), SECRET))

    with pytest.raises(DeadlineError, match="credentials"):
        await transport_over(Scripted(OK), signer=signer, deadline_s=5).send(READ)


@pytest.mark.parametrize("failure", [TimeoutError, KeyError])
@jumping_time
async def test_what_a_callable_raises_comes_through(failure):
    async def credentials() -> ApiSecret:
        raise failure

    with pytest.raises(failure):
        await transport_over(Scripted(OK), signer=Signer(credentials)).send(READ)


@jumping_time
async def test_a_callable_that_could_not_connect_is_asked_again():
    failures: list[HeymarketError] = [ConnectError("the vault is away")]

    async def credentials() -> ApiSecret:
        if failures:
            raise failures.pop()
        return SECRET

    transport = transport_over(Scripted(OK), signer=Signer(credentials))

    assert await transport.send(READ) == {}
    assert list(transport._turns.pacers) == [SECRET.fingerprint]


@jumping_time
async def test_an_answer_after_a_rotation_is_masked_with_the_old_secrets():
    in_use = [ApiKey("oldhalf-one||oldhalf-two")]

    async def slow_refusal(sent):
        await asyncio.sleep(20)
        return answer(400, {"message": "oldhalf-one was revoked"})

    http = Scripted(slow_refusal, answer(401), OK)
    transport = transport_over(http, signer=Signer(lambda: asyncio.sleep(0, in_use[0])))
    refused = asyncio.ensure_future(transport.send(READ))
    await asyncio.sleep(1)
    in_use[0] = ApiKey("newhalf-one||newhalf-two")
    await transport.send(READ)

    with pytest.raises(BadRequestError, match=r"\*\*\* was revoked"):
        await refused


@jumping_time
async def test_a_callable_that_returns_something_else_is_a_wrong_argument():
    signer = Signer(lambda: asyncio.sleep(0, "secret"))

    with pytest.raises(ValueError, match="must return an ApiSecret or ApiKey"):
        await transport_over(Scripted(OK), signer=signer).send(READ)


def test_a_signer_without_credentials_names_the_missing_step():
    with pytest.raises(RuntimeError, match="ask"):
        Signer(lambda: asyncio.sleep(0, SECRET)).token()


@jumping_time
async def test_a_token_is_not_signed_for_each_attempt():
    http = Scripted(answer(503), answer(503), OK)

    await transport_over(http, retry=RetryPolicy(base_s=0)).send(READ)

    assert len({sent.headers["Authorization"] for sent in http.sent}) == 1
