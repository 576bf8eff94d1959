"""All calls of a walk or a job go to one account, even if its credentials change meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
import pytest

from heymarket_async import (
    ApiKey,
    AuthenticationError,
    ClientStateError,
    DeadlineError,
    HeymarketError,
    NoResponseError,
    RetryPolicy,
)
from heymarket_async.endpoints.contacts import Contacts
from heymarket_async.pacing.window import RateLimit
from heymarket_async.request import Endpoint, Repeat
from heymarket_async.transport.account import account_of
from heymarket_async.transport.auth import Signer
from heymarket_async.transport.http import Answer, Http
from heymarket_async.transport.send import Transport
from tests.conftest import answer, jumping_time, now, transport_over

READ = Endpoint("GET", "/v1/contact/{id}", object, Repeat.READ).request(id=1)
WRITE = Endpoint("POST", "/v1/contact", object, Repeat.UNSAFE).request(body={})
PUT = Endpoint("PUT", "/v1/contact/{id}", object, Repeat.IDEMPOTENT).request(id=1, body={})

OTHER = (
    r"the credentials changed, and belong to another account \(team 2 of"
    r" https://api.heymarket.com instead of team 1 of https://api.heymarket.com\), so it was"
    r" not sent\. Run it again with credentials of the account that it began with"
)


class Accounts(Http):
    """Answers by the key of the request: "a1" and "a2" are of team 1, "b1" of team 2."""

    def __init__(self) -> None:
        super().__init__()
        self.key = "a1"
        self.revoked: set[str] = set()
        self.team: Answer | None = None
        self.steps: list[object] = []
        self.sent: list[tuple[str, str]] = []
        self.signer = Signer(self._credentials)

    async def _credentials(self) -> ApiKey:
        await asyncio.sleep(0)
        return ApiKey(self.key)

    def change(self, key: str) -> None:
        """Let the callable return another key, and call it before the next request."""
        self.key = key
        self.signer._asked_at = float("-inf")

    async def exchange(
        self, method, base_url, target, *, headers, body, timeout_s, max_bytes, task
    ):
        key = headers.reveal()["Authorization"].removeprefix("Bearer ")
        call = f"{method} {target}"
        self.sent.append((key, call))
        if key in self.revoked:
            return answer(401)
        if call == "GET /v1/team":
            await asyncio.sleep(1)
            return self.team or answer(200, {"id": 2 if key[0] == "b" else 1})
        step = self.steps.pop(0) if self.steps else answer(200, {})
        if callable(step):
            step = step()
        if isinstance(step, Exception):
            raise step
        return step

    @property
    def keys(self) -> list[str]:
        """The keys of all requests, except those for the team."""
        return [key for key, call in self.sent if call != "GET /v1/team"]

    @property
    def asked(self) -> list[str]:
        """The keys of the requests for the team."""
        return [key for key, call in self.sent if call == "GET /v1/team"]


async def held(http: Accounts, **options) -> Transport:
    """A transport that was held to its account at the start, as a job's is."""
    transport = transport_over(http, signer=http.signer, **options)
    await account_of(transport)
    http.sent.clear()
    return transport


@jumping_time
async def test_nothing_is_sent_to_another_account():
    http = Accounts()
    transport = await held(http)
    await transport.send(WRITE)
    http.change("b1")

    with pytest.raises(ClientStateError, match=f"^POST /v1/contact: {OTHER}$") as raised:
        await transport.send(WRITE)

    assert (http.keys, http.asked) == (["a1"], ["b1"])
    assert not raised.value.may_have_taken_effect


@jumping_time
async def test_new_credentials_of_the_same_account_are_asked_about_once():
    http = Accounts()
    transport = await held(http)

    for key in ("a1", "a2", "a1", "a2"):
        http.change(key)
        await transport.send(WRITE)

    assert (http.keys, http.asked) == (["a1", "a2", "a1", "a2"], ["a2"])


@jumping_time
async def test_calls_continue_when_the_account_is_back():
    http = Accounts()
    transport = await held(http)
    http.change("b1")
    with pytest.raises(ClientStateError):
        await transport.send(WRITE)
    http.change("a1")

    await transport.send(WRITE)

    assert (http.keys, http.asked) == (["a1"], ["b1"])


@jumping_time
async def test_a_refused_token_is_not_followed_by_one_of_another_account():
    http = Accounts()
    transport = await held(http)
    http.key = "b1"
    http.revoked.add("a1")

    with pytest.raises(ClientStateError, match=OTHER):
        await transport.send(WRITE)

    assert (http.keys, http.asked) == (["a1"], ["b1"])


@jumping_time
async def test_a_refused_token_is_followed_by_one_of_the_same_account():
    http = Accounts()
    transport = await held(http)
    http.key = "a2"
    http.revoked.add("a1")

    assert await transport.send(WRITE) == {}

    assert (http.keys, http.asked) == (["a1", "a2"], ["a2"])


@jumping_time
async def test_new_credentials_that_are_refused_too_end_the_call():
    http = Accounts()
    transport = await held(http)
    http.change("a2")
    http.team = answer(401)
    http.revoked.update({"a1", "a2"})

    with pytest.raises(
        ClientStateError, match=r"account cannot be read \(GET /v1/team .*401"
    ) as raised:
        await transport.send(WRITE)

    assert isinstance(raised.value.__cause__, AuthenticationError)
    assert http.keys == []


@jumping_time
async def test_a_token_that_is_refused_twice_raises_as_ever():
    http = Accounts()
    transport = await held(http)
    http.revoked.add("a1")

    with pytest.raises(AuthenticationError):
        await transport.send(WRITE)

    assert http.keys == ["a1", "a1"]


@jumping_time
async def test_a_repeated_attempt_goes_to_the_same_account():
    http = Accounts()
    transport = await held(http, retry=RetryPolicy(base_s=0))
    http.steps = [lambda: http.change("b1") or answer(503)]

    with pytest.raises(ClientStateError, match="another account") as raised:
        await transport.send(PUT)

    assert http.keys == ["a1"]
    assert raised.value.may_have_taken_effect  # in the first account
    assert raised.value.attempts == 1


@jumping_time
async def test_a_lost_answer_is_not_made_up_for_in_another_account():
    http = Accounts()
    transport = await held(http)
    http.steps = [lambda: http.change("b1") or NoResponseError("was cut")]

    with pytest.raises(NoResponseError):
        await transport.send(WRITE)
    with pytest.raises(ClientStateError):
        await transport.send(READ)

    assert http.keys == ["a1"]


@jumping_time
async def test_what_waits_for_its_turn_goes_to_the_same_account():
    http = Accounts()
    transport = await held(http, rate=RateLimit(2, per_s=60), deadline_s=9000)
    waiting = [asyncio.ensure_future(transport.send(WRITE)) for _ in range(8)]
    await asyncio.sleep(1)
    assert http.keys == ["a1"]  # the other turn was for the team
    http.change("b1")
    await http.signer.ask()

    ends = await asyncio.gather(*waiting, return_exceptions=True)

    assert Counter(map(type, ends)) == {dict: 1, ClientStateError: 7}
    assert http.keys == ["a1"]


@jumping_time
async def test_many_calls_ask_once_for_the_account():
    http = Accounts()
    transport = await held(http)
    http.change("a2")

    await asyncio.gather(*(transport.send(WRITE) for _ in range(50)))

    assert (http.keys, http.asked) == (["a2"] * 50, ["a2"])


@jumping_time
async def test_credentials_that_change_while_the_account_is_asked_for_are_asked_about_too():
    http = Accounts()
    transport = await held(http)
    http.change("a2")
    call = asyncio.ensure_future(transport.send(WRITE))
    await asyncio.sleep(0.5)
    http.change("b1")
    await http.signer.ask()

    with pytest.raises(ClientStateError, match=OTHER):
        await call

    assert (http.keys, http.asked) == ([], ["a2", "b1"])


@jumping_time
async def test_the_account_is_that_of_the_credentials_that_its_answer_accepted():
    http = Accounts()
    http.revoked.add("a1")
    transport = transport_over(http, signer=http.signer)
    await transport_over(Accounts(), signer=http.signer).send(READ)
    http.key = "b1"  # the one in use was revoked before the job began

    assert (await account_of(transport)).name == "team 2 of https://api.heymarket.com"
    await transport.send(WRITE)

    assert (http.keys, http.asked) == (["b1"], ["a1", "b1"])


@pytest.mark.parametrize("status", [400, 404, 500, 503])
@jumping_time
async def test_an_account_that_cannot_be_asked_for_is_no_answer_to_the_call(status):
    http = Accounts()
    transport = await held(http, retry=RetryPolicy(attempts=1))
    http.change("a2")
    http.team = answer(status, X_Request_Id="r-1")

    with pytest.raises(
        ClientStateError, match=f"account cannot be read .* answered {status}"
    ) as raised:
        await transport.send(WRITE)

    assert http.keys == []
    assert not raised.value.may_have_taken_effect


@jumping_time
async def test_without_the_right_to_read_the_team_no_account_is_taken_for_the_same():
    http = Accounts()
    transport = await held(http)
    http.change("a2")
    http.team = answer(403)

    with pytest.raises(
        ClientStateError, match="the team cannot be read, so the account cannot be confirmed"
    ):
        await transport.send(WRITE)

    assert http.keys == []


@jumping_time
async def test_asking_for_the_account_ends_with_the_deadline_of_the_call():
    http = Accounts()
    transport = await held(http, deadline_s=5)
    http.change("a2")
    http.team = answer(429, Retry_After="4")
    began = now()

    with pytest.raises(HeymarketError):
        await transport.send(WRITE)

    assert now() - began <= 5


@jumping_time
async def test_closing_the_client_ends_a_call_that_asks_for_the_account():
    http = Accounts()
    transport = await held(http)
    http.change("a2")
    call = asyncio.ensure_future(transport.send(WRITE))
    await asyncio.sleep(0.5)
    await transport.aclose()

    with pytest.raises(ClientStateError, match="the client was closed before"):
        await call
    assert call.cancelling() == 0


@jumping_time
async def test_what_the_callable_raises_amid_a_job_comes_through():
    http = Accounts()
    transport = await held(http)
    http.change("")  # no key: ApiKey raises

    with pytest.raises(ValueError, match="key must be text"):
        await transport.send(WRITE)
    http.change("a1")
    await transport.send(WRITE)

    assert http.keys == ["a1"]


# A walk, which has asked for no account when it begins


def walk_of(http: Accounts):
    rows = [{"id": n, "rev": 1, "updated": f"2026-04-12T15:30:{n:02}Z"} for n in range(40)]
    http.steps = [answer(200, rows[:30]), answer(200, rows[29:]), answer(200, [])]
    return Contacts(transport_over(http, signer=http.signer)).iterate(limit=30).pages()


@jumping_time
async def test_a_walk_continues_if_old_and_new_credentials_have_the_same_team():
    http = Accounts()
    pages = walk_of(http)
    await anext(pages)
    http.change("a2")

    assert [len(page) async for page in pages] == [10]

    assert (http.keys, http.asked) == (["a1", "a2", "a2"], ["a2", "a1"])


@pytest.mark.parametrize(("key", "revoked"), [("b1", ""), ("b1", "a1"), ("a2", "a1")])
@jumping_time
async def test_a_walk_ends_where_it_is_not_shown_that_the_team_is_the_same(key, revoked):
    http = Accounts()
    pages = walk_of(http)
    await anext(pages)
    http.change(key)
    http.revoked.add(revoked)

    with pytest.raises(ClientStateError, match="the credentials changed") as raised:
        await anext(pages)

    assert http.keys == ["a1"]
    assert raised.value.cursor is not None


@jumping_time
async def test_a_walk_may_begin_with_a_token_that_is_refused():
    http = Accounts()
    await transport_over(http, signer=http.signer).send(READ)
    http.revoked.add("a1")
    http.key = "a2"

    assert len(await anext(walk_of(http))) == 30

    assert (http.keys, http.asked) == (["a1", "a1", "a2"], [])


@jumping_time
async def test_a_single_call_is_made_with_the_credentials_that_are_valid():
    http = Accounts()
    contacts = transport_over(http, signer=http.signer)
    await contacts.send(WRITE)
    http.change("b1")
    await contacts.send(WRITE)

    assert (http.keys, http.asked) == (["a1", "b1"], [])


# An account that was stored


@jumping_time
async def test_credentials_that_are_stored_with_their_team_are_not_asked_about_again():
    http = Accounts()
    stored = await account_of(transport_over(http, signer=http.signer))
    http.sent.clear()
    transport = transport_over(http, signer=http.signer)

    assert await account_of(transport, stored=stored) == stored
    await transport.send(WRITE)
    assert (http.keys, http.asked) == (["a1"], [])

    http.change("a2")
    await transport.send(WRITE)
    http.change("b1")
    with pytest.raises(ClientStateError, match=OTHER):
        await transport.send(WRITE)
    assert (http.keys, http.asked) == (["a1", "a2"], ["a2", "b1"])


@jumping_time
async def test_other_credentials_or_an_unknown_team_are_asked_about():
    http = Accounts()
    stored = await account_of(transport_over(http, signer=http.signer))
    for change in (
        {"credentials": "credentials of others"},
        {"name": stored.credentials},
        {"name": "team 1 of https://other.example"},
    ):
        http.sent.clear()
        transport = transport_over(http, signer=http.signer)

        account = await account_of(transport, stored=msgspec.structs.replace(stored, **change))

        assert (account, http.asked) == (stored, ["a1"])


@jumping_time
async def test_a_callable_that_does_not_answer_is_not_waited_for_without_end():
    async def never() -> ApiKey:
        await asyncio.sleep(10**6)
        raise AssertionError

    transport = transport_over(Accounts(), signer=Signer(never))

    with pytest.raises(DeadlineError, match="still waiting for its credentials"):
        await transport.ask_fingerprint()
