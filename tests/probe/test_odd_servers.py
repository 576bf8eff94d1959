"""Servers and accounts that show little, or change while they are probed."""

from __future__ import annotations

import asyncio

import pytest

from heymarket_async import ApiSecret, AuthenticationError, ConnectError, HeymarketClient
from heymarket_async.client import transport_of
from heymarket_async.endpoints import contacts
from heymarket_async.probe import probe
from heymarket_async.probe.asker import Asker
from heymarket_async.sandbox import Readings, Sandbox
from tests.probe.probing import (
    assert_right,
    client_of,
    findings_of,
    right_answers,
    sandbox_of,
    values_of,
)

LIST = "POST /v1/contacts"


def reasons_of(findings) -> dict[str, str]:
    return {fact.name: fact.reason for fact in findings.facts if fact.reason}


async def test_pages_of_html_show_nothing():
    sandbox = Sandbox(100)
    sandbox.faults.html(times=None)
    findings = await findings_of(sandbox)

    assert values_of(findings.profile) == {"rate_headers": ()}
    assert reasons_of(findings)["v1.order"] == "the server answered 200, and no list"
    assert reasons_of(findings)["count_date"] == "the server answered 200, and no number"
    assert findings.requests == 3


async def test_wrong_credentials_end_it():
    nobody = ApiSecret("nobody", "nothing")
    async with Sandbox(100) as sandbox, HeymarketClient(nobody, base_url=sandbox.url) as client:
        with pytest.raises(AuthenticationError):
            await probe(client)
    assert len(sandbox.requests) == 2  # the second has a new token


async def test_without_a_connection_it_ends():
    async with Sandbox() as sandbox:
        client = client_of(sandbox)
    async with client:
        with pytest.raises(ConnectError):
            await probe(client)


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize(("contacts", "ties"), [(0, 1), (1, 1), (2, 1), (4, 1), (100, 100)])
async def test_a_small_account_shows_little_but_nothing_wrong(contacts, ties, newest_first):
    readings = Readings(newest_first=newest_first, page_base=0)
    findings = await findings_of(Sandbox(contacts, ties=ties, readings=readings))

    assert_right(findings, readings)
    known = set(values_of(findings.profile))
    assert {"v1.end", "count_as_text"} <= known
    assert ("unknown_find" in known) is (contacts > 0)
    assert not {"v1.includes_date", "stored_finer", "stamp_digits"} & known
    assert "v1.order" not in known
    assert ("v1.first_page" in known) is (contacts > 2)


async def test_a_server_that_forbids_one_call_is_asked_the_rest():
    sandbox = Sandbox(300)
    sandbox.faults.answer(403, on=LIST, times=None)
    sandbox.faults.answer(403, on="GET /v1/contact/{id}", times=None)
    findings = await findings_of(sandbox)

    assert reasons_of(findings)["v1.order"] == "the server answered 403, and no list"
    assert reasons_of(findings)["unknown_id"] == "a known contact is not found either"
    assert findings.profile.v2.largest_limit == 100
    assert findings.profile.stored_finer is False


@pytest.mark.parametrize("fault", ["reset", "cut_body", "html"])
async def test_a_failure_by_chance_changes_nothing(fault):
    sandbox = Sandbox(300)
    order = getattr(sandbox.faults, fault)
    for on in (LIST, "POST /v2/contacts/list", "POST /v1/contacts/count"):
        order(on=on, after=1)
    findings = await findings_of(sandbox)

    if fault == "html":
        assert_right(findings, sandbox.readings)
        return
    assert set(values_of(findings.profile)) == set(
        values_of((await findings_of(Sandbox(300))).profile)
    )


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({}, "none"),
        ({"Retry-After": "1"}, "seconds"),
        ({"Retry-After": "x"}, None),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, "date"),
    ],
)
async def test_a_429_is_waited_out_and_its_form_noted(headers, form, monkeypatch):
    sandbox = Sandbox(300)
    sandbox.faults.answer(429, on="GET /v1/contact/{id}", headers=headers)
    async with sandbox, client_of(sandbox, rate_limit=None) as client:
        monkeypatch.setattr(transport_of(client), "_window_s", 0.01)
        findings = await probe(client)

    assert findings.profile.retry_after == form
    assert findings.profile.unknown_id == "404"


async def test_a_lasting_429_leaves_a_fact_open(monkeypatch):
    sandbox = Sandbox(300)
    sandbox.faults.answer(429, on="POST /v1/contact/get", times=None)
    async with sandbox, client_of(sandbox, rate_limit=None) as client:
        monkeypatch.setattr(transport_of(client), "_window_s", 0.01)
        findings = await probe(client)

    assert reasons_of(findings)["unknown_find"] == "the server answered 429"


async def test_headers_of_the_rate_limit_are_named_without_their_values():
    sandbox = Sandbox(30)
    sandbox.faults.answer(
        404, on="GET /v1/contact/{id}", headers={"RateLimit-Policy": "500;w=60", "X-Other": "1"}
    )
    findings = await findings_of(sandbox)

    assert findings.profile.rate_headers == ("ratelimit-policy",)


@pytest.mark.parametrize("most", [1, 5, 12, 20])
async def test_it_stops_at_the_most_requests(most):
    sandbox = sandbox_of({}, 1300)
    findings = await findings_of(sandbox, max_requests=most)

    assert_right(findings, sandbox.readings)
    assert len(sandbox.requests) == most
    assert f"all {most} requests were used up" in reasons_of(findings).values()


async def test_each_request_is_counted_before_it_is_sent():
    seen = []
    async with Sandbox(20) as sandbox, client_of(sandbox) as client:
        findings = await probe(
            client, on_request=lambda number: seen.append((number, len(sandbox.requests)))
        )

    assert seen == [(each + 1, each) for each in range(findings.requests)]


@pytest.mark.parametrize("most", [0, True, "5", None])
async def test_wrong_arguments_are_refused(most):
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        with pytest.raises(ValueError, match="max_requests must be an integer of at least 1"):
            await probe(client, max_requests=most)
        with pytest.raises(ValueError, match="client must be"):
            await probe(sandbox)
        with pytest.raises(ValueError, match="on_request must be a function"):
            await probe(client, on_request=5)
    assert not sandbox.requests


async def test_only_reads_can_be_asked():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        asker = Asker(client, 5)
        for write in (contacts.DELETE, contacts.UPDATE):
            with pytest.raises(ValueError, match="is not a read"):
                await asker.ask(write, id=1)
    assert not sandbox.requests


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("ties", [1, 30])
async def test_an_account_that_changes_meanwhile_shows_nothing_wrong(newest_first, inclusive, ties):
    readings = Readings(newest_first=newest_first, inclusive=inclusive)
    sandbox = Sandbox(400, ties=ties, readings=readings, seed=ties)
    contacts = iter([each["id"] for each in sandbox.store.contacts][::7])

    def edit(_) -> None:
        # With each answer, one contact changes, and one is created.
        sandbox.stamp(next(contacts), "2024-05-01T00:00:00Z")

    async with sandbox, client_of(sandbox, on_attempt=edit) as client:
        findings = await probe(client)

    assert_right(findings, readings)
    assert findings.profile.v1.order is not None


async def test_a_watched_contact_that_changes_leaves_facts_open():
    sandbox = Sandbox(400)

    def edit_all(event) -> None:
        if len(sandbox.requests) == 9:
            for contact in sandbox.store.contacts:
                sandbox.stamp(contact["id"], "2024-05-01T00:00:00Z")

    async with sandbox, client_of(sandbox, on_attempt=edit_all) as client:
        findings = await probe(client)

    assert reasons_of(findings)["v1.includes_date"] == "the account changed meanwhile"
    right = right_answers(sandbox.readings)
    known = values_of(findings.profile)
    assert known == {name: right[name] for name in known}


async def test_it_can_be_cancelled():
    async with Sandbox(300) as sandbox, client_of(sandbox) as client:
        sandbox.faults.delay(60, on=LIST)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await probe(client)
