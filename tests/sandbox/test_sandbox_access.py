import base64
import time
from email.utils import parsedate_to_datetime

import pytest

from heymarket_async.sandbox import Readings
from heymarket_async.sandbox.access import MAX_TOKENS, RateLimit
from heymarket_async.sandbox.routes import Refused


async def test_a_fresh_token_is_accepted(serve):
    account = await serve()
    assert await account.status_with(f"Bearer {account.token()}") == 200


async def test_a_token_is_accepted_again_and_again(serve):
    account = await serve()
    header = f"Bearer {account.token()}"
    assert [await account.status_with(header) for _ in range(3)] == [200, 200, 200]


async def test_a_token_of_300_seconds_is_refused(serve):
    account = await serve()
    assert await account.status_with(f"Bearer {account.token(age_s=290)}") == 200
    assert await account.status_with(f"Bearer {account.token(age_s=300)}") == 401


async def test_a_token_dies_while_it_is_in_use(serve):
    account = await serve()
    header = f"Bearer {account.token()}"
    assert await account.status_with(header) == 200
    account.sandbox.faults.clock(301)
    assert await account.status_with(header) == 401


async def test_a_token_from_the_future_is_refused_beyond_the_leeway(serve):
    account = await serve(readings=Readings(future_iat_leeway_s=100))
    assert await account.status_with(f"Bearer {account.token(age_s=-90)}") == 200
    assert await account.status_with(f"Bearer {account.token(age_s=-120)}") == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "someone else"},
        {"iss": None},
        {"iat": None},
        {"iat": float("nan")},
        {"iat": 10**400},
        {"secret": "wrong key" * 8},
    ],
    ids=str,
)
async def test_a_token_with_a_wrong_part_is_refused(serve, claims):
    account = await serve()
    assert await account.status_with(f"Bearer {account.token(**claims)}") == 401


@pytest.mark.parametrize("odd", ["{}=", "{}==", "{}.", "{}+/", "={}"])
async def test_a_token_that_is_not_plain_base64url_is_refused(serve, odd):
    account = await serve()
    header, claims, signature = account.token().split(".")
    for token in (
        f"{odd.format(header)}.{claims}.{signature}",
        f"{header}.{claims}.{odd.format(signature)}",
    ):
        status, answer = await account.try_(
            "GET /v1/team", headers={"Authorization": f"Bearer {token}"}
        )
        assert (status, answer["message"]) == (
            401,
            "the token is not three parts of base64url without padding",
        )


async def test_an_iat_in_milliseconds_has_a_message_of_its_own(serve):
    account = await serve()
    headers = {"Authorization": f"Bearer {account.token(iat=int(time.time() * 1000))}"}
    status, answer = await account.try_("GET /v1/team", headers=headers)
    assert (status, answer["message"]) == (401, "iat must be in seconds, not in milliseconds")


async def test_an_expired_exp_is_refused_unless_the_reading_ignores_it(serve):
    strict, lax = await serve(), await serve(readings=Readings(honours_exp=False))
    past, future = int(time.time()) - 5, int(time.time()) + 300
    assert await strict.status_with(f"Bearer {strict.token(exp=future)}") == 200
    assert await strict.status_with(f"Bearer {strict.token(exp=past)}") == 401
    assert await lax.status_with(f"Bearer {lax.token(exp=past)}") == 200


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer not.a.token", "Digest abc"])
async def test_a_request_without_credentials_is_refused(serve, header):
    account = await serve()
    assert await account.status_with(header) == 401


async def test_the_legacy_key_is_accepted_as_bearer_and_as_basic_user(serve):
    account = await serve(api_key="K")
    basic = base64.b64encode(b"K:").decode()
    assert await account.status_with("Bearer K") == 200
    assert await account.status_with(f"Basic {basic}") == 200
    assert await account.status_with("Basic a3o=") == 401


async def test_a_401_names_the_reason_and_never_the_token(serve):
    account = await serve()
    token = account.token(age_s=400)
    headers = {"Authorization": f"Bearer {token}"}
    status, answer = await account.try_("GET /v1/team", headers=headers)
    assert (status, answer["message"]) == (401, "the token has expired")
    assert token not in str(answer)


async def test_only_so_many_tokens_are_remembered(serve):
    account = await serve()
    access = account.sandbox._server._access
    assert await account.status_with(f"Bearer {account.token()}") == 200
    assert access._claims.cache_info().maxsize == MAX_TOKENS
    assert access._claims.cache_info().currsize == 1
    assert await account.status_with(f"Bearer {account.token()}=") == 401
    assert access._claims.cache_info().currsize == 1


async def test_credentials_may_be_given(serve):
    account = await serve(secret_id="the id", secret_key="thekey" * 6)
    assert account.sandbox.credentials == ("the id", "thekey" * 6)
    assert await account.status_with(f"Bearer {account.token()}") == 200


async def test_the_request_over_the_limit_is_refused_with_429(serve):
    account = await serve(limit=3)
    assert [await account.status("GET /v1/team") for _ in range(4)] == [200, 200, 200, 429]


async def test_each_credential_has_its_own_limit(serve):
    account = await serve(limit=1)
    assert await account.status("GET /v1/team") == 200
    assert await account.status_with(f"Bearer {account.token()}") == 200
    assert await account.status("GET /v1/team") == 429


async def test_a_request_without_credentials_does_not_use_up_the_limit(serve):
    account = await serve(limit=1)
    assert await account.status_with("Bearer wrong") == 401
    assert await account.status("GET /v1/team") == 200


async def test_without_a_limit_nothing_is_refused(serve):
    account = await serve(limit=None)
    assert {await account.status("GET /v1/team") for _ in range(50)} == {200}


@pytest.mark.parametrize(
    ("window", "times", "refused"),
    [
        # Two a minute: the fixed window allows a second burst at once, the sliding one does not.
        ("fixed", [50, 59, 59.5, 60, 61, 62], [59.5, 62]),
        ("sliding", [50, 59, 59.5, 60, 61, 110, 119, 120], [59.5, 60, 61, 120]),
    ],
)
def test_a_window_lets_its_limit_through(window, times, refused):
    counted = RateLimit(2, 60, Readings(window=window))
    assert [at for at in times if not admits(counted, at)] == refused


@pytest.mark.parametrize(("counts", "at_60"), [(False, True), (True, False)])
def test_refused_requests_count_if_the_reading_says_so(counts, at_60):
    window = RateLimit(1, 60, Readings(counts_429=counts))
    assert admits(window, 0)
    assert not admits(window, 30)
    assert admits(window, 60) is at_60


@pytest.mark.parametrize("window", ["fixed", "sliding"])
def test_retry_after_is_when_the_window_has_room(window):
    counted = RateLimit(2, 60, Readings(window=window, retry_after="seconds"))
    assert admits(counted, 0)
    assert admits(counted, 1)
    with pytest.raises(Refused) as refused:
        counted.admit(20.5, 0)
    assert refused.value.headers == {"Retry-After": "40"}


async def test_retry_after_may_be_a_date_of_the_sandbox_clock(serve):
    account = await serve(limit=1, per_s=30, readings=Readings(retry_after="date"))
    account.sandbox.faults.clock(-86_400)
    await account.ask("GET /v1/team")
    async with account.session.get("/v1/team") as response:
        dates = (response.headers[name] for name in ("Retry-After", "Date"))
    later, now = map(parsedate_to_datetime, dates)
    assert 28 <= (later - now).total_seconds() <= 31


async def test_no_retry_after_is_sent_by_default(serve):
    account = await serve(limit=1)
    await account.ask("GET /v1/team")
    async with account.session.get("/v1/team") as response:
        assert (response.status, "Retry-After" in response.headers) == (429, False)


def admits(window, at):
    try:
        window.admit(at, at)
    except Refused:
        return False
    return True
