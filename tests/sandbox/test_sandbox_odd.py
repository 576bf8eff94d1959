"""Contacts with an odd look, or with a timestamp set by hand."""

import json
from pathlib import Path

import pytest
from msgspec import UNSET

from heymarket_async import ApiSecret, HeymarketClient
from heymarket_async.sandbox import Readings, Sandbox
from heymarket_async.sandbox.odd import KINDS

V1, V2, SEARCH = "POST /v1/contacts", "POST /v2/contacts/list", "POST /v2/contacts/search"


async def raw(account, route, body=None):
    method, path = route.split()
    async with account.session.request(method, path, json=body) as response:
        assert response.status == 200
        return await response.read()


def ids(contacts):
    return [contact["id"] for contact in contacts]


async def shown(serve, kind):
    """Show one contact as the kind, and return it as it was, and its JSON in a list of one."""
    account = await serve(1, readings=Readings(list_has_uuid=True, list_has_channels=True))
    (usual,) = await account.ask(V1, {})
    account.sandbox.show_as(usual["id"], kind)
    return usual, (await raw(account, V1, {}))[1:-1]


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("lone_surrogate", rb'"display_name":"Jo \ud83d"'),
        ("raw_tab", b'"first":"Jo\tAnn"'),
        ("raw_newline", b'"first":"Jo\nAnn"'),
        ("invalid_utf8", b'"last":"Ib\xe1\xf1ez"'),
        ("nan", b'"custom":{"1305":NaN}'),
        ("infinity", b'"custom":{"1305":-Infinity}'),
        ("id_huge", b'"id":9223372036854775808'),
        ("rev_huge", b'"rev":9223372036854775808'),
        ("rev_fraction", b'"rev":1.5'),
    ],
)
async def test_a_kind_may_be_json_that_strict_parsers_refuse(serve, kind, part):
    assert part in (await shown(serve, kind))[1]


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("uuid_empty", "uuid", ""),
        ("external_id_number", "external_id", 42),
        ("custom_array", "custom", []),
        ("tags_object", "tags", {}),
        ("note_text", "note", "Prefers texts"),
        ("assignee_text", "assigned_user_id", ""),
        ("created_number", "created", 1712935800),
        ("channels_null", "contact_channels", [None]),
        ("updated_null", "updated", None),
        ("updated_empty", "updated", ""),
        ("updated_without_zone", "updated", "2024-04-12T15:30:00"),
        ("updated_zero", "updated", "0000-00-00T00:00:00Z"),
        ("updated_year_0", "updated", "0000-01-01T00:00:00Z"),
        ("updated_year_10000", "updated", "10000-01-01T00:00:00Z"),
        ("updated_second_60", "updated", "2024-04-12T15:30:60Z"),
        ("updated_february_30", "updated", "2024-02-30T15:30:00Z"),
        ("updated_month_13", "updated", "2024-13-12T15:30:00Z"),
        ("updated_hour_24", "updated", "2024-04-12T24:00:00Z"),
        ("updated_year_1", "updated", "0001-01-01T00:00:00Z"),
        ("rev_null", "rev", None),
    ],
)
async def test_a_kind_may_change_one_field_and_no_other(serve, kind, field, value):
    usual, line = await shown(serve, kind)
    assert json.loads(line) == {**usual, field: value}


async def test_a_kind_may_show_the_phone_as_a_number(serve):
    usual, line = await shown(serve, "phone_number")
    assert json.loads(line) == {**usual, "phone": int(usual["phone"])}


async def test_a_kind_may_leave_out_the_revision(serve):
    usual, line = await shown(serve, "rev_missing")
    assert json.loads(line) == {name: usual[name] for name in usual if name != "rev"}


async def test_a_kind_may_be_no_contact_at_all(serve):
    assert (await shown(serve, "null"))[1] == b"null"


@pytest.mark.parametrize("surface", ["contacts", "contacts_v2"])
@pytest.mark.parametrize("count", [1, 31, 101])
async def test_a_client_gets_all_but_one_that_is_null_at_the_end(surface, count):
    async with Sandbox(count) as sandbox:
        newest_first = ids(sandbox.store.contacts)
        *others, last = newest_first if surface == "contacts" else newest_first[::-1]
        sandbox.show_as(last, "null")
        async with HeymarketClient(ApiSecret(*sandbox.credentials), base_url=sandbox.url) as client:
            walk = getattr(client, surface).iterate()
            assert [contact.id async for contact in walk] == others


async def test_a_contact_may_come_twice_on_one_page_and_once_alone(serve):
    account = await serve(3)
    first, second, third = ids(account.sandbox.store.contacts)
    account.sandbox.show_as(second, "twice")
    assert ids(await account.ask(V1, {})) == [first, second, second, third]
    assert (await account.ask(f"GET /v1/contact/{second}"))["id"] == second
    assert len(account.sandbox.store.lines()) == 3


def test_every_kind_is_tried_here():
    tried = Path(__file__).read_text()
    assert not [kind for kind in KINDS if f'"{kind}"' not in tried]


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_every_answer_shows_the_contact_oddly(serve, version):
    account = await serve(2, readings=Readings(v2_create_answer="contact"))
    odd, _ = account.sandbox.store.contacts
    account.sandbox.show_as(odd["id"], {"first": 7, "last": b"1e2", "email": UNSET})
    by_phone = {"channel_type": "phone", "channel_ids": [odd["phone"]]}
    key, update = odd["uuid"], {"contact_id": odd["uuid"], "contact_channels": []}
    answers = {
        "v1": [
            (await account.ask(V1, {}))[0],
            await account.ask(f"GET /v1/contact/{odd['id']}"),
            await account.ask("POST /v1/contact/get", {"phone": odd["phone"]}),
        ],
        "v2": [
            (await account.ask(V2, {}))[0],
            await account.ask(f"GET /v2/contact/{key}"),
            (await account.ask(SEARCH, {"contact_channels": [by_phone]}))[0],
            await account.ask(f"PUT /v2/contact/{key}", {"display_name": "Jo"}),
            (await account.ask("POST /v2/contacts", {"contacts": [update]}))["contacts"][0],
        ],
    }[version]
    assert {(each["id"], each["first"], each["last"]) for each in answers} == {
        (odd["id"], 7, 100.0)
    }
    assert not any("email" in each for each in answers)


async def test_a_contact_may_be_any_bytes_until_it_is_as_usual_again(serve):
    account = await serve(1)
    (usual,) = await account.ask(V1, {})
    account.sandbox.show_as(usual["id"], b'{"data":{"id":5}}')
    assert await account.ask(f"GET /v1/contact/{usual['id']}") == {"data": {"id": 5}}
    account.sandbox.show_as(usual["id"], None)
    assert await account.ask(V1, {}) == [usual]


async def test_an_odd_contact_keeps_its_place_and_its_stored_values(serve):
    account = await serve(5)
    sandbox = account.sandbox
    key = ids(sandbox.store.contacts)[2]
    sandbox.show_as(key, "updated_null")
    assert [contact["updated"] is None for contact in await account.ask(V1, {})].index(True) == 2
    assert sandbox.store.get(key)["updated"]
    assert b'"updated":null' in sandbox.store.lines()[2]


async def test_a_contact_may_be_stamped_years_ahead_while_writes_are_stamped_now(serve):
    account = await serve(3)
    early, late = ids(account.sandbox.store.contacts)[1:]
    account.sandbox.stamp(late, "2999-01-01T00:00:00Z")
    phone = account.sandbox.store.get(early)["phone"]
    await account.ask(f"PUT /v1/contact/{early}", {"phone": phone})
    page = await account.ask(V1, {})
    assert ids(page)[:2] == [late, early]
    assert page[0]["updated"] == "2999-01-01T00:00:00Z" > page[1]["updated"]


async def test_a_stamp_changes_the_revision_only_if_there_is_one(serve):
    account = await serve(1)
    (usual,) = account.sandbox.store.contacts
    account.sandbox.stamp(usual["id"], "2025-01-01T00:00:00Z")
    assert account.sandbox.store.get(usual["id"])["rev"] == usual["rev"]
    account.sandbox.stamp(usual["id"], "2025-01-01T00:00:01Z", rev=0)
    now = await account.ask(f"GET /v1/contact/{usual['id']}")
    assert (now["rev"], now["updated"]) == (0, "2025-01-01T00:00:01Z")
    assert (now["op"], now["phone"]) == (usual["op"], usual["phone"])


def test_what_is_unknown_is_refused():
    sandbox = Sandbox(1)
    with pytest.raises(ValueError, match="no contact 5"):
        sandbox.show_as(5, "null")
    with pytest.raises(ValueError, match="no contact 5"):
        sandbox.stamp(5, "2025-01-01T00:00:00Z")
    with pytest.raises(ValueError, match=r"no kind 'odd'; known: lone_surrogate, .*twice"):
        sandbox.show_as(10_001, "odd")
    with pytest.raises(ValueError, match="RFC 3339"):
        sandbox.stamp(10_001, "soon")
