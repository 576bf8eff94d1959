import uuid

import pytest

from heymarket_async.sandbox import Readings

PHONE = {"channel_type": "phone", "channel_id": "15105553344"}
EMAIL = {"channel_type": "email", "channel_id": "jordan@example.com"}
NOBODY = str(uuid.UUID(int=1))


async def create(account, *channels, **fields):
    body = {"contact_channels": list(channels or (PHONE,)), **fields}
    return (await account.ask("POST /v2/contact", body))["uuid"]


async def channels_of(account, key):
    listed = await account.ask(f"GET /v2/contact/{key}/channels")
    return [(channel["channel_type"], channel["channel_id"]) for channel in listed]


async def test_a_contact_made_from_channels_shows_them_as_phone_and_email(serve):
    account = await serve()
    key = await create(account, EMAIL, PHONE, first="Jordan")
    contact = await account.ask(f"GET /v2/contact/{key}")
    assert (contact["phone"], contact["email"]) == (PHONE["channel_id"], EMAIL["channel_id"])
    assert [channel["channel_type"] for channel in contact["contact_channels"]] == [
        "email",
        "phone",
    ]


async def test_the_email_of_a_new_contact_is_a_channel_too(serve):
    account = await serve()
    key = await create(account, PHONE, email="jo@example.com")
    assert await channels_of(account, key) == [
        ("phone", "15105553344"),
        ("email", "jo@example.com"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"contact_channels": []},
        {"contact_channels": [{"channel_type": "phone"}]},
        {"contact_channels": [{"channel_id": "15105553344"}]},
        {"contact_channels": [{"channel_type": "email", "channel_id": ""}]},
        {"contact_channels": [{"channel_type": "phone", "channel_id": "+1510"}]},
    ],
    ids=str,
)
async def test_a_create_without_a_whole_channel_is_refused(serve, body):
    account = await serve()
    assert await account.status("POST /v2/contact", body) == 400


async def test_a_v1_id_is_no_uuid(serve):
    account = await serve(1)
    assert await account.status("GET /v2/contact/10001") == 400
    assert await account.status(f"GET /v2/contact/{NOBODY}") == 404


async def test_an_update_answers_the_whole_contact(serve):
    account = await serve()
    key = await create(account, custom={"123": "Basic"})
    contact = await account.ask(
        f"PUT /v2/contact/{key}?overwrite=true", {"first": "Jo", "custom": {}}
    )
    assert (contact["first"], contact["custom"], contact["rev"]) == ("Jo", {}, 2)
    assert contact["phone"] == PHONE["channel_id"]


async def test_a_delete_answers_ok(serve):
    account = await serve()
    key = await create(account)
    assert await account.ask(f"DELETE /v2/contact/{key}") == "ok"
    assert await account.status(f"DELETE /v2/contact/{key}") == 404


async def test_search_finds_by_phone_and_by_email_with_and_without_a_type(serve):
    account = await serve(30)
    contact = next(c for c in account.sandbox.store.contacts if c.get("email"))
    for wanted in (
        {"channel_type": "phone", "channel_ids": [contact["phone"]]},
        {"channel_type": "email", "channel_ids": [contact["email"]]},
        {"channel_ids": [contact["email"], contact["phone"]]},
    ):
        found = await account.ask("POST /v2/contacts/search", {"contact_channels": [wanted]})
        assert [hit["id"] for hit in found] == [contact["id"]]


async def test_search_answers_an_empty_array_without_a_match(serve):
    account = await serve(3)
    wanted = [{"channel_ids": ["nobody@example.com"]}]
    assert await account.ask("POST /v2/contacts/search", {"contact_channels": wanted}) == []
    unclear = {"contact_channels": [{"channel_ids": ["what is this"]}]}
    assert await account.status("POST /v2/contacts/search", unclear) == 400


async def test_search_follows_writes(serve):
    account = await serve(3)
    search = {"contact_channels": [{"channel_ids": [PHONE["channel_id"]]}]}
    assert await account.ask("POST /v2/contacts/search", search) == []
    key = await create(account)
    assert len(await account.ask("POST /v2/contacts/search", search)) == 1
    await account.ask(f"PUT /v2/contact/{key}", {"phone": "15105550001"})
    assert await account.ask("POST /v2/contacts/search", search) == []
    await account.ask(f"PUT /v2/contact/{key}", {"phone": PHONE["channel_id"]})
    await account.ask(f"DELETE /v2/contact/{key}")
    assert await account.ask("POST /v2/contacts/search", search) == []


async def test_bulk_creates_updates_and_lists_failures(serve):
    account = await serve()
    key = await create(account)
    bad = [
        {"first": "No channel"},
        {"contact_id": NOBODY},
        {"contact_id": "10001"},
        {"contact_id": key, "contact_channels": [{"channel_type": "phone", "channel_id": "+1"}]},
        {"contact_channels": 7},
    ]
    good = [
        {"contact_id": key, "first": "Jo", "contact_channels": [EMAIL]},
        {"contact_channels": [{"channel_type": "email", "channel_id": "x@example.com"}]},
    ]
    answer = await account.ask("POST /v2/contacts", {"contacts": bad + good})
    assert [contact["email"] for contact in answer["contacts"]] == [
        EMAIL["channel_id"],
        "x@example.com",
    ]
    assert [entry["contact"] for entry in answer["failed_contacts"]] == bad
    assert all(entry["error"] for entry in answer["failed_contacts"])
    assert len(account.sandbox.store) == 2


async def test_bulk_delete_deletes_the_uuids_named(serve):
    account = await serve(10)
    keys = [contact["uuid"] for contact in account.sandbox.store.contacts[:4]]
    body = {"contact_channels": [{"channel_type": "id", "channel_ids": keys}]}
    assert await account.ask("DELETE /v2/contacts", body) == "ok"
    assert len(account.sandbox.store) == 6
    assert await account.status("DELETE /v2/contacts", body) == 404


@pytest.mark.parametrize(
    "channels",
    [
        [],
        [{"channel_type": "phone", "channel_ids": []}],
        [{"channel_type": "id", "channel_ids": []}] * 2,
        [{"channel_type": "id", "channel_ids": ["10001"]}],
    ],
    ids=str,
)
async def test_bulk_delete_takes_one_entry_of_uuids_only(serve, channels):
    account = await serve(1)
    assert await account.status("DELETE /v2/contacts", {"contact_channels": channels}) == 400
    assert len(account.sandbox.store) == 1


async def test_a_channel_is_added_once(serve):
    account = await serve()
    key = await create(account)
    listed = await account.ask(f"POST /v2/contact/{key}/channel", EMAIL)
    again = await account.ask(f"POST /v2/contact/{key}/channel", EMAIL)
    assert listed == again
    assert await channels_of(account, key) == [tuple(PHONE.values()), tuple(EMAIL.values())]
    assert (await account.ask(f"GET /v2/contact/{key}"))["email"] == EMAIL["channel_id"]


async def test_a_made_up_contact_has_its_phone_and_email_as_channels(serve):
    account = await serve(20)
    contact = next(c for c in account.sandbox.store.contacts if c.get("email"))
    one = await account.ask(f"GET /v2/contact/{contact['uuid']}/channel/email")
    assert one["channel_id"] == contact["email"]
    assert one["contact_id"] == contact["id"]
    assert one in contact["contact_channels"]


async def test_a_changed_channel_changes_the_field_it_shows_as(serve):
    account = await serve()
    key = await create(account, PHONE, EMAIL)
    changed = {"channel_type": "phone", "channel_id": "15105550002"}
    listed = await account.ask(f"PUT /v2/contact/{key}/channel", changed)
    assert [channel["channel_id"] for channel in listed] == ["15105550002", EMAIL["channel_id"]]
    assert (await account.ask(f"GET /v2/contact/{key}"))["phone"] == "15105550002"


async def test_a_channel_changed_to_itself_stays(serve):
    account = await serve()
    key = await create(account, PHONE)
    await account.ask(f"PUT /v2/contact/{key}/channel", PHONE)
    assert await channels_of(account, key) == [tuple(PHONE.values())]


async def test_a_deleted_channel_takes_its_field_along(serve):
    account = await serve()
    key = await create(account, PHONE, EMAIL)
    assert await account.ask(f"DELETE /v2/contact/{key}/channel/email") == "ok"
    assert (await account.ask(f"GET /v2/contact/{key}"))["email"] == ""
    assert await account.status(f"GET /v2/contact/{key}/channel/email") == 404
    assert await account.status(f"DELETE /v2/contact/{key}/channel/email") == 404
    assert await account.status(f"PUT /v2/contact/{key}/channel", EMAIL) == 404


async def test_a_field_written_later_is_carried_over_to_the_channels(serve):
    account = await serve()
    key = await create(account, PHONE)
    await account.ask(f"PUT /v2/contact/{key}", {"email": "new@example.com"})
    assert ("email", "new@example.com") in await channels_of(account, key)
    await account.ask(f"PUT /v2/contact/{key}", {"email": "newer@example.com"})
    assert ("email", "newer@example.com") in await channels_of(account, key)
    await account.ask(f"PUT /v2/contact/{key}", {"email": None})
    assert await channels_of(account, key) == [tuple(PHONE.values())]


@pytest.mark.parametrize("ids", ["int", "text"])
async def test_every_channel_has_an_id_of_its_own(serve, ids):
    account = await serve(1, readings=Readings(channel_ids=ids))
    contact = account.sandbox.store.contacts[0]
    more = {"channel_type": "facebook", "channel_id": "jordan.rivera"}
    listed = await account.ask(f"POST /v2/contact/{contact['uuid']}/channel", more)
    keys = [channel["id"] for channel in listed]
    assert len(set(keys)) == len(keys)
    assert {type(key) for key in keys} == {int if ids == "int" else str}
    owner = contact["id"] if ids == "int" else contact["uuid"]
    assert {channel["contact_id"] for channel in listed} == {owner}
