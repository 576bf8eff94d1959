"""A contact's life, and calls under bad conditions, over real sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from heymarket_async import (
    ApiSecret,
    AuthenticationError,
    Channel,
    HeymarketClient,
    NewContact,
    NotFoundError,
    RateLimit,
    RetryPolicy,
)
from heymarket_async.sandbox import Sandbox

pytestmark = pytest.mark.unmeasured

QUICK = RetryPolicy(attempts=10, base_s=0.001)


def client_of(sandbox: Sandbox, **options) -> HeymarketClient:
    options = {"retry": QUICK, "rate_limit": RateLimit(100_000, per_s=1), **options}
    return HeymarketClient(ApiSecret(*sandbox.credentials), base_url=sandbox.url, **options)


async def test_a_contact_is_created_found_updated_given_a_channel_and_deleted():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        custom = await client.contact_fields.resolve({"Plan": "Premium", "Region": "EMEA"})
        made = await client.contacts.create(NewContact(phone="15105553344", custom=custom))
        found = await client.contacts.find(phone="+15105553344")
        assert found is not None
        assert (found.id, found.rev, found.custom) == (made.id, 1, custom)

        plan = {key: "Basic" for key in custom if custom[key] == "Premium"}
        new = NewContact(phone="15105553344", first="Jordan", custom=plan)
        await client.contacts.update(made.id, new)
        merged = await client.contacts.get(made.id)
        assert merged.first == "Jordan"
        assert merged.custom == {**custom, **plan}
        await client.contacts.update(made.id, new, overwrite=True)
        assert (await client.contacts.get(made.id)).custom == plan

        email = Channel(channel_type="email", channel_id="jordan@example.com")
        await client.contact_channels.add(made.uuid, email)
        kinds = {each.channel_type for each in await client.contact_channels.all(made.uuid)}
        assert kinds == {"phone", "email"}

        await client.contacts.delete(made.id)
        with pytest.raises(NotFoundError):
            await client.contacts.get(made.id)
        assert await client.contacts.find(phone="15105553344") is None


@pytest.mark.parametrize("page_size", [None, 100])
async def test_a_token_that_expires_during_a_walk_is_replaced(page_size):
    async with Sandbox(contacts=500) as sandbox, client_of(sandbox) as client:
        ids = set()
        async for contact in client.contacts.iterate(limit=page_size):
            if len(ids) in {100, 300}:
                sandbox.faults.clock(300 if len(ids) == 100 else 900)
            ids.add(contact.id)

    assert len(ids) == 500
    assert [received.status for received in sandbox.requests].count(401) == 2


@pytest.mark.parametrize("offset_s", [-86_400, -400, 400, 86_400])
async def test_a_wrong_clock_costs_one_request(offset_s):
    async with Sandbox(contacts=3) as sandbox, client_of(sandbox) as client:
        sandbox.faults.clock(offset_s)

        assert await client.contacts.count() == 3
        made = await client.contacts.create(NewContact(phone="15105553344"))

    assert made.id
    assert [received.status for received in sandbox.requests] == [401, 200, 200]


async def test_wrong_credentials_are_tried_twice_and_no_more():
    async with Sandbox() as sandbox:
        wrong = ApiSecret(sandbox.credentials.secret_id, "wrong" * 10)
        async with HeymarketClient(wrong, base_url=sandbox.url) as client:
            with pytest.raises(AuthenticationError) as raised:
                await client.contacts.count()

    assert len(sandbox.requests) == 2
    assert raised.value.request_id == sandbox.requests[1].request_id


def open_sockets() -> int:
    # Linux only; elsewhere the tasks have to do.
    links = [link for link in Path("/proc/self/fd").glob("*") if link.is_symlink()]
    return sum(str(link.readlink()).startswith("socket:") for link in links)


async def test_a_thousand_calls_at_once_leave_no_task_and_no_socket():
    async with Sandbox(contacts=100, limit=None) as sandbox:
        tasks, sockets = len(asyncio.all_tasks()), open_sockets()
        async with client_of(sandbox) as client:
            counts = await asyncio.gather(*(client.contacts.count() for _ in range(1000)))
        async with asyncio.timeout(10):
            while len(asyncio.all_tasks()) > tasks or open_sockets() > sockets:
                await asyncio.sleep(0.01)

    assert counts == [100] * 1000
    assert len(sandbox.requests) == 1000


async def test_a_call_cancelled_at_any_await_leaves_nothing_behind():
    async with Sandbox(contacts=5, limit=None) as sandbox, client_of(sandbox) as client:
        await client.contacts.count()
        cancelled = 0
        for awaits in range(60):
            call = asyncio.ensure_future(client.contacts.count())
            for _ in range(awaits):
                await asyncio.sleep(0)
            call.cancel()
            result = (await asyncio.gather(call, return_exceptions=True))[0]
            cancelled += isinstance(result, asyncio.CancelledError)
            assert result == 5 or isinstance(result, asyncio.CancelledError)

        counts = await asyncio.gather(*(client.contacts.count() for _ in range(200)))

    assert cancelled > 3
    assert counts == [5] * 200, "all connections can be had"
    assert client.waiting == ""


async def test_closing_in_the_middle_of_many_calls_ends_them_all():
    async with Sandbox(contacts=5, limit=None) as sandbox:
        client = client_of(sandbox)
        sandbox.faults.delay(30, times=None)
        calls = [asyncio.ensure_future(client.contacts.count()) for _ in range(300)]
        async with asyncio.timeout(10):
            while len(sandbox.requests) < 100:
                await asyncio.sleep(0.01)

        await client.aclose()
        results = await asyncio.gather(*calls, return_exceptions=True)

    assert {type(result).__name__ for result in results} == {"ClientStateError"}


async def test_the_limit_of_the_server_is_never_met_by_paced_calls():
    rate = RateLimit(50, per_s=0.5)
    sandbox = Sandbox(contacts=5, limit=50, per_s=0.5)
    async with sandbox, client_of(sandbox, rate_limit=rate) as client:
        await asyncio.gather(*(client.contacts.count() for _ in range(150)))

    assert {received.status for received in sandbox.requests} == {200}


async def test_unpaced_calls_that_meet_the_limit_get_through_later():
    rate = RateLimit(70, per_s=0.3)
    sandbox = Sandbox(contacts=5, limit=50, per_s=0.3)
    async with sandbox, client_of(sandbox, rate_limit=rate) as client:
        counts = await asyncio.gather(*(client.contacts.count() for _ in range(120)))

    assert counts == [5] * 120
    assert 429 in {received.status for received in sandbox.requests}
