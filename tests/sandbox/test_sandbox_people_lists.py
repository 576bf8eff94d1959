"""Lists of people; `test_sandbox_lists.py` is about the lists that calls answer."""

import pytest

from heymarket_async.sandbox import Readings

JORDAN, AVERY = "15105553344", "15105553355"


async def account_with_two(serve, **readings):
    """Return an account with two contacts, their ids, and a list of the first one."""
    account = await serve(readings=Readings(**readings))
    ids = [
        (await account.ask("POST /v1/contact", {"phone": phone, "first": first, "email": email}))[
            "id"
        ]
        for phone, first, email in (
            (JORDAN, "Jordan", "jordan@example.com"),
            (AVERY, "Avery", "avery@example.com"),
        )
    ]
    made = await account.ask(
        "POST /v2/lists", {"title": "Regulars", "local_id": "vips", "contacts": ids[:1]}
    )
    return account, ids, made


async def targets(account, key):
    return (await account.ask(f"GET /v1/list/{key}"))["targets"]


async def test_a_list_is_created_shown_renamed_and_deleted(serve):
    account, _, made = await account_with_two(serve)
    assert made == {"id": made["id"], "rev": 1, "uuid": "vips"}
    shown = await account.ask(f"GET /v1/list/{made['id']}")
    assert shown.keys() == {
        *("id", "name", "local_id", "targets", "team_id", "creator_id", "shared", "created"),
        *("updated", "rev", "archived"),
    }
    assert shown["targets"] == {JORDAN: {"f": "Jordan", "l": ""}}
    path = f"/v2/lists/{made['id']}"
    assert await account.ask(f"PUT {path}", {"title": "Gold"}) == {**made, "rev": 2}
    assert (await account.ask(f"GET /v1/list/{made['id']}"))["name"] == "Gold"
    assert await account.ask(f"DELETE {path}") == {"deleted": True, "id": made["id"]}
    assert await account.status(f"GET /v1/list/{made['id']}") == 404
    assert len(account.sandbox.store) == 2


async def test_members_are_named_by_contact_phone_or_email(serve):
    account, ids, _ = await account_with_two(serve)
    sent = {
        "contacts": ids[:1],
        "phones": [AVERY],
        "emails": ["jordan@example.com", "x@example.com"],
    }
    made = await account.ask("POST /v2/lists", {"title": "All", "local_id": "all", **sent})
    people = {JORDAN: {"f": "Jordan", "l": ""}, AVERY: {"f": "Avery", "l": ""}}
    assert await targets(account, made["id"]) == {**people, "x@example.com": {"f": "", "l": ""}}
    assert account.sandbox.lists.members(made["id"]) == people
    assert account.sandbox.lists.members(5) is None


async def test_an_unknown_phone_becomes_a_contact(serve):
    account, _, _ = await account_with_two(serve)
    sent = {"title": "All", "local_id": "all", "phones": [JORDAN, "15105553366"]}
    await account.ask("POST /v2/lists", sent)
    assert len(account.sandbox.store) == 3
    assert (await account.ask("POST /v1/contact/get", {"phone": "15105553366"}))["phone"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": None}, "title"),
        ({"title": ""}, "title"),
        ({"local_id": ""}, "local_id"),
        ({"type": "leads"}, "type"),
        ({"contacts": [5]}, "contacts"),
        ({"phones": ["+15105553344"]}, "phones"),
        ({"emails": ["nobody"]}, "emails"),
    ],
)
async def test_a_wrong_list_is_answered_400(serve, wrong, field):
    account, _, _ = await account_with_two(serve)
    sent = {"title": "All", "local_id": "all", "phones": ["15105553366"], **wrong}
    status, answer = await account.try_("POST /v2/lists", sent)
    assert (status, answer["message"].split(":")[0]) == (400, field)
    assert len(account.sandbox.store) == 2


async def test_a_contact_without_phone_and_email_cannot_be_a_member(serve):
    account, _, made = await account_with_two(serve)
    contact = {"contact_channels": [{"channel_type": "chat", "channel_id": "x"}]}
    key = (await account.ask("POST /v2/contact", contact))["id"]
    status, answer = await account.try_(f"PUT /v2/lists/{made['id']}", {"add_contacts": [key]})
    assert (status, "no phone" in answer["message"]) == (400, True)


@pytest.mark.parametrize(
    ("sent", "members"),
    [
        ({"contacts": [1]}, [AVERY]),
        ({"contacts": []}, []),
        ({"add_contacts": [1]}, [JORDAN, AVERY]),
        ({"add_phones": [AVERY]}, [JORDAN, AVERY]),
        ({"add_emails": ["avery@example.com"]}, [JORDAN, AVERY]),
        ({"remove_contacts": [0]}, []),
        ({"remove_phones": [JORDAN, "1555"]}, []),
        ({"remove_emails": ["jordan@example.com"]}, []),
        ({"contacts": [1], "add_phones": [JORDAN], "remove_phones": [AVERY]}, [JORDAN]),
    ],
)
async def test_a_change_replaces_adds_and_removes_members(serve, sent, members):
    account, ids, made = await account_with_two(serve)
    sent = {
        name: [ids[one] if isinstance(one, int) else one for one in named]
        for name, named in sent.items()
    }
    await account.ask(f"PUT /v2/lists/{made['id']}", sent)
    assert sorted(await targets(account, made["id"])) == members


@pytest.mark.parametrize(("reading", "members"), [("add", [JORDAN, AVERY]), ("replace", [AVERY])])
@pytest.mark.parametrize("sent", [{"phones": [AVERY]}, {"emails": ["avery@example.com"]}])
async def test_plain_phones_add_or_replace(serve, reading, members, sent):
    account, _, made = await account_with_two(serve, list_phones_put=reading)
    await account.ask(f"PUT /v2/lists/{made['id']}", sent)
    assert sorted(await targets(account, made["id"])) == members
    await account.ask(f"PUT /v2/lists/{made['id']}", {"title": "Gold"})
    assert sorted(await targets(account, made["id"])) == members


@pytest.mark.parametrize(("reading", "status"), [("ignored", 404), ("removed", 200)])
async def test_contact_ids_on_a_delete_are_ignored_or_members_to_remove(serve, reading, status):
    account, ids, made = await account_with_two(serve, list_contact_ids=reading)
    await account.ask(f"DELETE /v2/lists/{made['id']}", {"contact_ids": ids})
    assert await account.status(f"GET /v1/list/{made['id']}") == status
    if status == 200:
        assert await targets(account, made["id"]) == {}
    await account.try_(f"DELETE /v2/lists/{made['id']}", {})
    assert await account.status(f"GET /v1/list/{made['id']}") == 404


@pytest.mark.parametrize(
    ("reading", "uuid"), [("local_id", str), ("uuid", str), ("absent", type(None))]
)
async def test_the_uuid_of_an_answer_is_the_local_id_a_uuid_or_absent(serve, reading, uuid):
    _, _, made = await account_with_two(serve, list_uuid=reading)
    assert isinstance(made.get("uuid"), uuid)
    assert (made.get("uuid") == "vips") == (reading == "local_id")


@pytest.mark.parametrize("route", ["POST /v2/lists", "POST /v1/list"])
@pytest.mark.parametrize(
    ("reading", "status", "more"), [("create", 200, 1), ("return", 200, 0), ("reject", 409, 0)]
)
async def test_a_repeated_local_id_of_a_list(serve, route, reading, status, more):
    account, _, made = await account_with_two(serve, list_local_id=reading)
    before = len(account.sandbox.lists)
    answered, again = await account.try_(route, {"title": "Regulars", "local_id": "vips"})
    assert (answered, len(account.sandbox.lists) - before) == (status, more)
    if reading == "return":
        assert again == made


@pytest.mark.parametrize("version", ["POST /v2/lists", "POST /v1/list"])
async def test_a_taken_title_of_a_list_may_be_refused(serve, version):
    account, _, made = await account_with_two(serve, duplicate_title="reject")
    assert await account.status(version, {"title": "Regulars", "local_id": "other"}) == 400
    for path in (f"/v2/lists/{made['id']}", f"/v1/list/{made['id']}"):
        assert await account.status(f"PUT {path}", {"title": "Newsletter"}) == 400
        assert await account.status(f"PUT {path}", {"title": "Regulars"}) == 200


async def test_the_deprecated_writes_of_v1_work_too(serve):
    account, _, _ = await account_with_two(serve)
    members = {JORDAN: {"f": "J", "l": "R"}, "15105553366": {"f": "New", "l": "One"}}
    made = await account.ask("POST /v1/list", {"title": "Old", "members": members})
    path = f"/v1/list/{made['id']}"
    assert await targets(account, made["id"]) == {
        JORDAN: {"f": "Jordan", "l": ""},
        "15105553366": {"f": "New", "l": "One"},
    }
    await account.ask(f"PUT {path}", {"add_phone": AVERY, "remove_phone": JORDAN})
    assert sorted(await targets(account, made["id"])) == [AVERY, "15105553366"]
    await account.ask(f"PUT {path}", {"title": "Older", "members": {}})
    assert (await account.ask(f"GET {path}"))["name"] == "Older"
    assert await targets(account, made["id"]) == {}
    assert await account.ask(f"DELETE {path}") == "ok"
    assert await account.status(f"DELETE {path}") == 404
    assert await account.status("POST /v1/list", {"members": members}) == 400


async def test_lists_are_listed_in_pages_of_30_before_a_date(serve):
    account = await serve(50)
    lists = account.sandbox.lists
    seeded = len(lists)
    made = [lists.create(f"List {n}", [JORDAN], now_s=2e9 + n) for n in range(40)]
    first = await account.ask("POST /v1/lists", {})
    rest = await account.ask("POST /v1/lists", {"date": first[-1]["updated"]})
    assert (len(first), len(rest)) == (30, 10 + seeded)
    assert first + rest == lists.rows[::-1]
    assert [row["id"] for row in lists.rows[seeded:]] == made
    assert sorted(len(row["targets"]) for row in rest[10:]) == [0, 7, 40]


@pytest.mark.parametrize("reading", [True, False])
async def test_who_opts_out_may_leave_all_lists(serve, reading):
    account, ids, made = await account_with_two(serve, opt_out_leaves_lists=reading)
    other = account.sandbox.lists.create("Others", [AVERY])
    await account.ask("POST /v1/contact/set_status", {"id": ids[0], "status": "unsubscribed"})
    assert (JORDAN in await targets(account, made["id"])) == (not reading)
    assert AVERY in await targets(account, other)
