import dataclasses
import inspect

import pytest

from heymarket_async.sandbox import Readings

JORDAN = {"phone": "15105553344", "first": "Jordan", "last": "Rivera", "email": "j@example.com"}
CHANNELS = {"contact_channels": [{"channel_type": "phone", "channel_id": "15105553344"}]}


async def account_with_jordan(serve, **readings):
    account = await serve(readings=Readings(**readings))
    ref = await account.ask(
        "POST /v1/contact",
        {**JORDAN, "tags": [{"tag_id": 1}], "custom": {"123": "Basic"}, "assignee_id": 42},
    )
    return account, ref["id"]


async def updated(serve, sent, **readings):
    account, key = await account_with_jordan(serve, **readings)
    await account.ask(f"PUT /v1/contact/{key}", {"phone": JORDAN["phone"], **sent})
    return account.sandbox.store.get(key)


def test_every_reading_says_which_gap_it_stands_for():
    source = inspect.getsource(Readings)
    for field in dataclasses.fields(Readings):
        line = source.index(f"    {field.name}: ")
        assert source[line:].split("\n")[1].lstrip().startswith('"""'), field.name


@pytest.mark.parametrize(
    ("reading", "status", "contacts", "first"),
    [("create", 200, 2, "Jordan"), ("reject", 400, 1, "Jordan"), ("update", 200, 1, "Jo")],
)
@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_create_with_a_known_phone(serve, reading, status, contacts, first, version):
    account, key = await account_with_jordan(serve, duplicate_phone=reading)
    sent = {"first": "Jo", **(CHANNELS if version == "v2" else {"phone": JORDAN["phone"]})}
    assert await account.status(f"POST /{version}/contact", sent) == status
    assert len(account.sandbox.store) == contacts
    assert account.sandbox.store.get(key)["first"] == first


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_new_phone_is_created_whatever_known_ones_do(serve, version):
    account = await serve(readings=Readings(duplicate_phone="reject"))
    sent = CHANNELS if version == "v2" else JORDAN
    assert await account.status(f"POST /{version}/contact", sent) == 200


async def test_omitted_fields_are_kept(serve):
    contact = await updated(serve, {"first": "Jo"})
    assert (contact["first"], contact["last"], contact["email"]) == (
        "Jo",
        "Rivera",
        "j@example.com",
    )
    assert (contact["display_name"], contact["assigned_user_id"]) == ("Jordan Rivera", 42)


async def test_omitted_fields_may_be_blanked(serve):
    contact = await updated(serve, {"first": "Jo"}, omitted="blank")
    assert (contact["first"], contact["last"], contact["email"]) == ("Jo", "", "")
    assert (contact["display_name"], contact["tags"]) == ("Jo", [])
    assert (contact["assigned_user_id"], contact["custom"]) == (None, {"123": "Basic"})
    contact = await updated(serve, {"assignee_id": 7}, omitted="blank")
    assert (contact["assigned_user_id"], contact["first"]) == (7, "")


async def test_a_sent_display_name_survives_blanking(serve):
    contact = await updated(serve, {"display_name": "JR"}, omitted="blank")
    assert contact["display_name"] == "JR"


NULLS = {"last": None, "tags": None, "assignee_id": None, "custom": None}


async def test_null_clears_a_field(serve):
    contact = await updated(serve, NULLS)
    assert (contact["last"], contact["tags"], contact["custom"]) == (None, [], {})
    assert contact["assigned_user_id"] is None


async def test_null_may_count_as_not_sent(serve):
    contact = await updated(serve, NULLS, null_write="keep")
    assert (contact["last"], contact["custom"]) == ("Rivera", {"123": "Basic"})
    assert (len(contact["tags"]), contact["assigned_user_id"]) == (1, 42)


@pytest.mark.parametrize(("reading", "custom"), [("remove", {}), ("store", {"123": None})])
async def test_a_null_custom_value(serve, reading, custom):
    contact = await updated(serve, {"custom": {"123": None}}, custom_null=reading)
    assert contact["custom"] == custom


@pytest.mark.parametrize(("replaces", "tags"), [(True, [2]), (False, [1, 2])])
async def test_tags_replace_or_add(serve, replaces, tags):
    contact = await updated(serve, {"tags": [{"tag_id": 2}]}, tags_replace=replaces)
    assert [tag["tag_id"] for tag in contact["tags"]] == tags


async def test_email_suppressions_are_kept(serve):
    contact = await updated(serve, {"email_suppressions": [9]})
    assert contact["email_suppressions"] == [9]


async def test_an_unknown_custom_field_is_dropped_without_a_word(serve):
    contact = await updated(serve, {"custom": {"Plan": "Premium", "9": "x", "456": "y"}})
    assert contact["custom"] == {"123": "Basic", "456": "y"}


async def test_an_unknown_custom_field_may_be_rejected(serve):
    account, key = await account_with_jordan(serve, unknown_custom="reject")
    sent = {"phone": JORDAN["phone"], "custom": {"Plan": "Premium"}}
    status, answer = await account.try_(f"PUT /v1/contact/{key}", sent)
    assert (status, answer["message"][:12]) == (400, "custom.Plan:")


async def test_creates_may_answer_201(serve):
    account = await serve(readings=Readings(created_status=201))
    for route, sent in (
        ("POST /v1/contact", JORDAN),
        ("POST /v2/contact", CHANNELS),
        ("POST /v1/contacts/fields", [{"title": "New"}]),
    ):
        assert await account.status(route, sent) == 201


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_deleting_nothing_may_be_fine(serve, version):
    account = await serve(readings=Readings(delete_missing_ok=True))
    key = 5 if version == "v1" else "a1b2c3d4-e5f6-4890-abcd-ef1234567890"
    assert await account.ask(f"DELETE /{version}/contact/{key}") == "ok"
    body = {"contact_channels": [{"channel_type": "id", "channel_ids": [str(key)]}]}
    if version == "v2":
        assert await account.ask("DELETE /v2/contacts", body) == "ok"


async def test_a_missing_contact_may_have_another_status(serve):
    account = await serve(readings=Readings(missing=400))
    assert await account.status("GET /v1/contact/5") == 400


NO_MATCH = [
    ("null", b"null"),
    ("{}", b"{}"),
    ("contact", b'{"contact":null}'),
    ("error", b'{"error":"no such contact"}'),
    ("id", b'{"id":0}'),
    ("empty", b""),
]
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(("reading", "body"), NO_MATCH)
async def test_a_find_without_a_match_may_be_a_success(serve, reading, body):
    account = await serve(readings=Readings(missing_find=reading))
    async with account.session.post("/v1/contact/get", json={"id": 5}) as response:
        assert (response.status, await response.read()) == (200, body)
    assert await account.status("GET /v1/contact/5") == 404


@pytest.mark.parametrize(("reading", "body"), NO_MATCH)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/contact/5"), ("GET", f"/v2/contact/{UNKNOWN}"), ("POST", "/v1/contact/status")],
)
async def test_a_get_of_an_unknown_contact_may_be_a_success(serve, reading, body, method, path):
    account = await serve(readings=Readings(missing_get=reading))
    async with account.session.request(method, path, json={"id": 5}) as response:
        assert (response.status, await response.read()) == (200, body)
    assert await account.status("POST /v1/contact/get", {"id": 5}) == 404


async def test_a_contact_that_is_missing_may_be_gone(serve):
    account = await serve(readings=Readings(missing=410))
    for route in ("GET /v1/contact/5", f"GET /v2/contact/{UNKNOWN}", "DELETE /v1/contact/5"):
        assert await account.status(route) == 410
    for route in ("POST /v1/contact/get", "POST /v1/contact/status", "PUT /v1/contact/5"):
        assert await account.status(route, {"id": 5, "phone": JORDAN["phone"]}) == 410


@pytest.mark.parametrize(
    ("reading", "status", "body"),
    [
        ("text", 200, b'"success"'),
        ("null", 200, b"null"),
        ("object", 200, b'{"success":true}'),
        ("empty", 200, b""),
        ("204", 204, b""),
    ],
)
async def test_set_status_may_answer_in_five_ways(serve, reading, status, body):
    account = await serve(1, readings=Readings(set_status_answer=reading))
    sent = {"id": 10_001, "status": "unsubscribed"}
    async with account.session.post("/v1/contact/set_status", json=sent) as response:
        assert (response.status, await response.read()) == (status, body)
    assert account.sandbox.store.get(10_001)["is_opted_out"] is True


@pytest.mark.parametrize(("reading", "change"), [("rises", 1), ("falls", -1)])
async def test_the_revision_rises_or_falls_with_a_write(serve, reading, change):
    account = await serve(1, readings=Readings(rev=reading))
    before = account.sandbox.store.get(10_001)
    ref = await account.ask("PUT /v1/contact/10001", {"phone": before["phone"]})
    after = await account.ask("GET /v1/contact/10001")
    assert ref["rev"] == after["rev"] == before["rev"] + change
    assert after["updated"] > before["updated"]


@pytest.mark.parametrize(("reading", "keys"), [("null", {"rev": None}), ("missing", {})])
async def test_reads_may_have_no_revision(serve, reading, keys):
    account = await serve(3, readings=Readings(rev=reading))
    (first, *_), ref = (
        await account.ask("POST /v1/contacts", {}),
        await account.ask("POST /v1/contact", JORDAN),
    )
    single = await account.ask(f"GET /v1/contact/{first['id']}")
    double = await account.ask(f"GET /v2/contact/{account.sandbox.store.contacts[0]['uuid']}")
    for contact in (first, single, double):
        assert {name: contact[name] for name in contact if name == "rev"} == keys
    assert ref["rev"] == 1
    account.sandbox.show_as(first["id"], {"first": 5})
    odd = await account.ask(f"GET /v1/contact/{first['id']}")
    assert odd == {**first, "first": 5}


async def test_a_batch_may_always_answer_ok(serve):
    account = await serve(readings=Readings(batch_answer="ok"))
    assert await account.ask("POST /v1/batch/contacts", [{"first": "No phone"}]) == "ok"


async def test_a_batch_may_answer_the_contacts(serve):
    account = await serve(readings=Readings(batch_answer="contacts"))
    answer = await account.ask("POST /v1/batch/contacts", [JORDAN, {"first": "No phone"}])
    assert [contact["first"] for contact in answer] == ["Jordan"]


async def test_a_skipped_batch_item_may_count_as_failed(serve):
    account, _ = await account_with_jordan(serve, batch_skipped_fail=True)
    assert await account.ask("POST /v1/batch/contacts", [JORDAN]) == [JORDAN]


async def test_the_error_of_a_bulk_item_may_have_another_name(serve):
    account = await serve(readings=Readings(bulk_error_key="reason"))
    answer = await account.ask("POST /v2/contacts", {"contacts": [{}]})
    assert set(answer["failed_contacts"][0]) == {"contact", "reason"}


async def test_a_count_may_be_text(serve):
    account = await serve(12, readings=Readings(count_as_text=True))
    assert await account.ask("POST /v1/contacts/count", {}) == "12"


async def test_v2_writes_may_answer_otherwise(serve):
    readings = Readings(v2_create_answer="contact", v2_update_answer="ref", v2_delete_answer="gone")
    account = await serve(readings=readings)
    created = await account.ask("POST /v2/contact", CHANNELS)
    assert created["contact_channels"][0]["channel_id"] == "15105553344"
    key = account.sandbox.store.contacts[0]["uuid"]
    ref = await account.ask(f"PUT /v2/contact/{key}", {"first": "Jo"})
    assert ref == {"id": created["id"], "rev": 2, "uuid": key}
    assert await account.ask(f"DELETE /v2/contact/{key}") == "gone"


@pytest.mark.parametrize(("reading", "kind"), [("ok", str), ("channel", dict), ("channels", list)])
async def test_changing_a_channel_may_answer_in_three_ways(serve, reading, kind):
    account = await serve(1, readings=Readings(channel_put_answer=reading))
    key = account.sandbox.store.contacts[0]["uuid"]
    sent = {"channel_type": "phone", "channel_id": "15105550009"}
    assert isinstance(await account.ask(f"PUT /v2/contact/{key}/channel", sent), kind)


async def test_deleting_a_channel_may_answer_the_rest(serve):
    account = await serve(1, readings=Readings(channel_delete_answer="channels"))
    key = account.sandbox.store.contacts[0]["uuid"]
    rest = await account.ask(f"DELETE /v2/contact/{key}/channel/phone")
    assert [channel["channel_type"] for channel in rest] in ([], ["email"])


@pytest.mark.parametrize(
    ("shape", "answer"),
    [
        ("message", {"error": "not_found", "message": "no such contact"}),
        ("error", {"error": "no such contact"}),
        ("code", {"error_code": "not_found", "message": "no such contact"}),
        ("text", "no such contact"),
        ("empty", ""),
    ],
)
async def test_an_error_body_may_have_five_shapes(serve, shape, answer):
    account = await serve(readings=Readings(error_body=shape))
    assert await account.try_("GET /v1/contact/5") == (404, answer)


async def test_a_body_may_be_too_large(serve):
    account = await serve(readings=Readings(max_body_bytes=200))
    assert await account.status("POST /v1/contact", {**JORDAN, "first": "x" * 300}) == 413
    assert account.sandbox.requests[-1].body is None
    assert await account.status("POST /v1/contact", JORDAN) == 200


@pytest.mark.parametrize(
    "options",
    [
        {"duplicate_phone": "explode"},
        {"window": "bogus"},
        {"precision": "years"},
        {"newest_first": "yes"},
        {"page_base": "1"},
        {"default_limit": None},
        {"future_iat_leeway_s": "60"},
        {"fractions": "truncated"},
    ],
)
def test_a_reading_that_is_none_is_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Readings(**options)


def test_every_reading_that_is_named_is_taken():
    assert Readings(page_base=None, future_iat_leeway_s=5, window="fixed").page_base is None
