"""A single call, and `ensure`, keep to one account once they may have changed something in it."""

from __future__ import annotations

import pytest

from heymarket_async import ClientStateError, HeymarketError, NewContact, NoResponseError
from heymarket_async.endpoints.contacts import Contacts
from heymarket_async.request import Endpoint, Repeat
from heymarket_async.transport.account import bound_to_account
from heymarket_async.transport.http import Http
from tests.conftest import answer, jumping_time, transport_over
from tests.transport.test_account import OTHER, PUT, READ, WRITE, Accounts

DELETE = Endpoint("DELETE", "/v1/contact/{id}", type(None), Repeat.IDEMPOTENT).request(id=1)


@jumping_time
async def test_a_delete_that_was_lost_is_not_repeated_in_another_account():
    http = Accounts()
    transport = transport_over(http, signer=http.signer)
    http.steps = [lambda: http.change("b1") or answer(503), answer(404, X_Request_Id="r-1")]

    with pytest.raises(ClientStateError, match=f"^DELETE /v1/contact/{{id}}: {OTHER}") as raised:
        await transport.send(DELETE)

    assert (http.keys, http.asked) == (["a1"], ["b1", "a1"])
    assert raised.value.may_have_taken_effect
    assert raised.value.attempts == 1


@jumping_time
async def test_a_delete_that_was_lost_is_repeated_with_new_credentials_of_the_account():
    http = Accounts()
    transport = transport_over(http, signer=http.signer)
    http.steps = [lambda: http.change("a2") or answer(503), answer(404, X_Request_Id="r-1")]

    assert await transport.send(DELETE) is None

    assert (http.keys, http.asked) == (["a1", "a2"], ["a2", "a1"])


@jumping_time
async def test_a_token_refused_after_a_lost_answer_is_not_followed_by_another_account():
    http = Accounts()
    transport = transport_over(http, signer=http.signer)
    http.steps = [NoResponseError("was cut"), lambda: http.change("b1") or answer(401)]

    with pytest.raises(ClientStateError, match=OTHER) as raised:
        await transport.send(PUT)

    assert http.keys == ["a1", "a1"]
    assert raised.value.may_have_taken_effect


@pytest.mark.parametrize(
    ("request_", "first"), [(WRITE, 401), (WRITE, 429), (PUT, 401), (READ, 503)]
)
@jumping_time
async def test_a_single_call_that_has_done_nothing_takes_the_credentials_that_are_valid(
    request_, first
):
    http = Accounts()
    transport = transport_over(http, signer=http.signer)
    http.steps = [lambda: http.change("b1") or answer(first)]

    assert await transport.send(request_) == {}

    assert (http.keys, http.asked) == (["a1", "b1"], [])


@jumping_time
async def test_ensure_writes_to_no_other_account_than_it_looked_in():
    http = Accounts()
    http.steps = [
        answer(404, X_Request_Id="r-1"),
        lambda: http.change("b1") or answer(401),
        answer(200, "ok"),
    ]
    contacts = Contacts(transport_over(http, signer=http.signer))

    with pytest.raises(ClientStateError, match=OTHER) as raised:
        await contacts.ensure(NewContact(phone="15105553344"))

    assert http.keys == ["a1", "a1"]
    assert not raised.value.may_have_taken_effect


@jumping_time
async def test_ensure_does_not_look_in_another_account_for_what_it_wrote():
    http = Accounts()
    http.steps = [
        answer(404, X_Request_Id="r-1"),
        lambda: http.change("b1") or answer(200, "ok"),
        answer(200, {"id": 9, "phone": "15105553344"}),
    ]
    contacts = Contacts(transport_over(http, signer=http.signer))

    with pytest.raises(HeymarketError) as raised:
        await contacts.ensure(NewContact(phone="15105553344"))

    assert isinstance(raised.value.__cause__, ClientStateError)
    assert http.keys == ["a1", "a1"]
    assert raised.value.may_have_taken_effect


@jumping_time
async def test_ensure_may_begin_with_a_token_that_is_refused():
    http = Accounts()
    http.revoked.add("a1")
    contacts = Contacts(transport_over(http, signer=http.signer))
    await transport_over(Accounts(), signer=http.signer).send(READ)
    http.key = "b1"
    http.steps = [answer(200, {"id": 9, "phone": "15105553344"})]

    assert (await contacts.ensure(NewContact(phone="15105553344"))).contact.id == 9

    assert (http.keys, http.asked) == (["a1", "b1"], [])


def test_credentials_that_cannot_change_need_no_account():
    assert bound_to_account(fixed := transport_over(Http())) is fixed
