import pytest

from heymarket_async.sandbox import Readings

JORDAN = {"phone": "15105553344", "first": "Jordan", "last": "Rivera"}


async def create(account, **fields):
    return (await account.ask("POST /v1/contact", {**JORDAN, **fields}))["id"]


async def test_a_create_answers_both_ids_and_the_revision(serve):
    account = await serve()
    ref = await account.ask("POST /v1/contact", JORDAN)
    assert ref["rev"] == 1
    assert set(ref) == {"id", "rev", "uuid"}
    assert account.sandbox.store.get(ref["id"])["uuid"] == ref["uuid"]


async def test_a_created_contact_reads_as_it_was_written(serve):
    account = await serve()
    key = await create(account, email="j@example.com", tags=[{"tag_id": 5}], assignee_id=42)
    contact = await account.ask(f"GET /v1/contact/{key}")
    assert contact["display_name"] == "Jordan Rivera"
    assert contact["assigned_user_id"] == 42
    assert contact["tags"] == [{"id": key * 10, "tag_id": 5}]
    assert (contact["rev"], contact["op"]) == (1, "create")
    assert contact["created"] == contact["updated"]


async def test_a_display_name_that_is_sent_is_kept(serve):
    account = await serve()
    key = await create(account, display_name="JR")
    assert account.sandbox.store.get(key)["display_name"] == "JR"


async def test_an_update_raises_the_revision(serve):
    account = await serve()
    key = await create(account)
    ref = await account.ask(f"PUT /v1/contact/{key}", JORDAN)
    contact = await account.ask(f"GET /v1/contact/{key}")
    assert (ref["rev"], contact["rev"], contact["op"]) == (2, 2, "update")


async def test_custom_fields_are_merged_unless_overwritten(serve):
    account = await serve()
    key = await create(account, custom={"123": "Basic", "789": "EMEA"})
    sent = {**JORDAN, "custom": {"123": "Premium"}}
    await account.ask(f"PUT /v1/contact/{key}?overwrite=false", sent)
    assert account.sandbox.store.get(key)["custom"] == {"123": "Premium", "789": "EMEA"}
    await account.ask(f"PUT /v1/contact/{key}?overwrite=true", sent)
    assert account.sandbox.store.get(key)["custom"] == {"123": "Premium"}


async def test_minus_one_unassigns(serve):
    account = await serve()
    key = await create(account, assignee_id=42)
    await account.ask(f"PUT /v1/contact/{key}", {**JORDAN, "assignee_id": -1})
    assert account.sandbox.store.get(key)["assigned_user_id"] is None


async def test_a_written_contact_becomes_the_newest(serve):
    account = await serve(50)
    oldest = account.sandbox.store.contacts[-1]["id"]
    await account.ask(f"PUT /v1/contact/{oldest}", JORDAN)
    assert (await account.ask("POST /v1/contacts", {}))[0]["id"] == oldest


async def test_a_deleted_contact_is_gone(serve):
    account = await serve(3)
    key = account.sandbox.store.contacts[0]["id"]
    assert await account.ask(f"DELETE /v1/contact/{key}") == "ok"
    assert await account.status(f"GET /v1/contact/{key}") == 404
    assert await account.status(f"DELETE /v1/contact/{key}") == 404
    assert len(account.sandbox.store) == 2


async def test_find_takes_a_phone_or_an_id_written_as_text(serve):
    account = await serve(20)
    first, second = account.sandbox.store.contacts[:2]
    by_phone = await account.ask("POST /v1/contact/get", {"phone": first["phone"]})
    by_id = await account.ask("POST /v1/contact/get", {"id": str(second["id"])})
    both = {"phone": first["phone"], "id": str(second["id"])}
    assert (by_phone["id"], by_id["id"]) == (first["id"], second["id"])
    assert (await account.ask("POST /v1/contact/get", both))["id"] == first["id"]
    assert await account.status("POST /v1/contact/get", {"phone": "4915112345678"}) == 404


async def test_a_count_is_of_all_or_of_those_updated_after_a_date(serve):
    account = await serve(40)
    tenth = account.sandbox.store.contacts[9]["updated"]
    assert await account.ask("POST /v1/contacts/count", {}) == 40
    assert await account.ask("POST /v1/contacts/count") == 40
    assert await account.ask("POST /v1/contacts/count", {"date": tenth}) == 9


@pytest.mark.parametrize(
    ("status", "unsubscribed", "blocked"),
    [
        ("unsubscribed", True, True),
        ("subscribed", False, True),
        ("unblocked", True, False),
        ("blocked", True, True),
        ("active", False, False),
    ],
)
async def test_set_status_changes_what_status_shows(serve, status, unsubscribed, blocked):
    account = await serve()
    key = await create(account, is_opted_out=True)
    await account.ask("POST /v1/contact/set_status", {"id": key, "status": "blocked"})
    answer = await account.ask(
        "POST /v1/contact/set_status", {"phone": JORDAN["phone"], "status": status}
    )
    assert answer == "success"
    assert await account.ask("POST /v1/contact/status", {"id": key}) == {
        "id": key,
        "phone": JORDAN["phone"],
        "unsubscribed": unsubscribed,
        "blocked": blocked,
    }


async def test_opting_out_is_a_write_and_blocking_is_not(serve):
    account = await serve()
    key = await create(account)
    await account.ask("POST /v1/contact/set_status", {"id": key, "status": "blocked"})
    assert account.sandbox.store.get(key)["rev"] == 1
    await account.ask("POST /v1/contact/set_status", {"id": key, "status": "unsubscribed"})
    assert account.sandbox.store.get(key)["rev"] == 2
    assert account.sandbox.store.get(key)["is_opted_out"] is True
    assert (await account.ask("POST /v1/contact/status", {"id": key}))["blocked"] is True


async def test_a_batch_creates_and_leaves_known_phones_alone(serve):
    account = await serve()
    key = await create(account)
    batch = [{**JORDAN, "first": "Other"}, {"phone": "15105550000"}]
    assert await account.ask("POST /v1/batch/contacts", batch) == "ok"
    assert len(account.sandbox.store) == 2
    assert account.sandbox.store.get(key)["first"] == "Jordan"
    assert await account.ask("POST /v1/batch/contacts?overwrite=true", batch) == "ok"
    assert account.sandbox.store.get(key)["first"] == "Other"


async def test_a_batch_answers_the_items_that_failed_as_they_were_sent(serve):
    account = await serve()
    bad = [{"first": "No phone"}, {"phone": "+15105550000", "x": 1}, {"phone": 5}, 7]
    batch = [*bad, {"phone": "15105550000"}]
    assert await account.ask("POST /v1/batch/contacts", batch) == bad
    assert len(account.sandbox.store) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"first": "Jo"}, "phone"),
        ({"phone": None}, "phone"),
        ({"phone": "+15105553344"}, "phone"),
        ({"phone": "0151055533"}, "phone"),
        ({**JORDAN, "first": 5}, "first"),
        ({**JORDAN, "tags": [{"tag_id": n} for n in range(6)]}, "tags"),
        ({**JORDAN, "tags": [{"tag_id": "5"}]}, "tags[0].tag_id"),
        ({**JORDAN, "tags": [{}]}, "tags[0].tag_id"),
        ([], "body"),
    ],
    ids=str,
)
async def test_a_wrong_field_is_refused_by_name(serve, body, field):
    account = await serve()
    status, answer = await account.try_("POST /v1/contact", body)
    assert (status, answer["error"]) == (400, "bad_data")
    assert answer["message"].startswith(f"{field}: ")
    assert len(account.sandbox.store) == 0


@pytest.mark.parametrize(
    ("route", "body", "field"),
    [
        ("POST /v1/contact/get", {}, "phone, id"),
        ("POST /v1/contact/get", {"id": "seven"}, "id"),
        ("POST /v1/contact/status", {}, "phone, id"),
        ("POST /v1/contact/set_status", {"id": 10_001}, "status"),
        ("POST /v1/contact/set_status", {"id": 10_001, "status": "gone"}, "status"),
        ("POST /v1/contacts", {"date": "yesterday"}, "date"),
        ("POST /v1/contacts", {"date": "2024-02-31T00:00:00Z"}, "date"),
        ("POST /v1/contacts", {"limit": -1}, "limit"),
        ("POST /v1/contacts", {"limit": "many"}, "limit"),
        ("POST /v1/batch/contacts", {"contacts": []}, "body"),
        ("POST /v1/contacts/fields", [{}], "[0].title"),
        ("GET /v1/contact/a1b2", None, "id"),
        ("PUT /v1/contact/10001?overwrite=maybe", JORDAN, "overwrite"),
        ("PUT /v1/contact/10001", {"first": "Jo"}, "phone"),
    ],
)
async def test_a_wrong_request_is_refused_by_the_field(serve, route, body, field):
    account = await serve(1)
    status, answer = await account.try_(route, body)
    assert status == 400
    assert answer["message"].startswith(f"{field}: ")


async def test_a_body_that_is_no_json_is_refused_and_recorded_raw(serve):
    account = await serve()
    async with account.session.post("/v1/contact", data=b'{"phone":') as response:
        assert (response.status, (await response.json())["message"]) == (400, "body: is not JSON")
    assert account.sandbox.requests[-1].body == b'{"phone":'


@pytest.mark.parametrize("route", ["POST /v1/contact/status", "POST /v1/contact/set_status"])
async def test_the_status_of_nobody_is_missing(serve, route):
    account = await serve()
    assert await account.status(route, {"id": 1, "status": "active"}) == 404


async def test_an_unknown_route_is_missing(serve):
    account = await serve()
    assert await account.status("GET /v1/contacts") == 404
    assert await account.status("POST /v3/contacts", {}) == 404


async def test_custom_fields_are_listed_and_created(serve):
    account = await serve()
    made = await account.ask("POST /v1/contacts/fields", [{"title": "Plan"}, {"title": "New"}])
    assert made == [
        {"id": 123, "title": "Plan", "duplicate": True},
        {"id": 1306, "title": "New", "duplicate": False},
    ]
    fields = await account.ask("POST /v1/contact-fields", {})
    assert {"id": 456, "title": "Renewal Date"} in fields
    assert {"id": 1306, "title": "New"} in fields


async def test_an_account_may_have_no_custom_fields(serve):
    account = await serve(5, fields=False)
    assert await account.ask("POST /v1/contact-fields", {}) == []
    assert {str(contact["custom"]) for contact in account.sandbox.store.contacts} == {"{}"}


async def test_team_and_inboxes_answer_like_an_account(serve):
    account = await serve()
    team, inboxes = await account.ask("GET /v1/team"), await account.ask("GET /v1/inboxes")
    assert {"id", "name", "list_size", "members"} == set(team)
    assert inboxes[0]["members"] == [member["id"] for member in team["members"]]


async def test_two_writes_in_one_unit_tie_and_a_later_one_is_newer(serve):
    account = await serve(5, readings=Readings(precision="nanoseconds"))
    first = await create(account)
    second = await create(account)
    stamps = [account.sandbox.store.get(key)["updated"] for key in (first, second)]
    assert stamps[0] < stamps[1]
    account.sandbox.faults.clock(-1000)
    third = await create(account)
    assert account.sandbox.store.get(third)["updated"] == stamps[1]
