"""The team, its inboxes and its users."""

import pytest

from heymarket_async.sandbox import Readings

FIND, UPDATE = "GET /v1/users/get", "POST /v1/users/update"


async def names(account, **body):
    return [user["name"] for user in (await account.ask(FIND, body))["memberships"]]


async def test_an_inbox_has_a_phone_and_members(serve):
    account = await serve()
    inbox = (await account.ask("GET /v1/inboxes"))[0]
    assert (inbox["phone"], inbox["members"]) == ("14155550100", [4201, 4202, 4203])
    assert inbox["invited"] == []


async def test_old_docs_wrap_inboxes_and_write_a_plus_sign(serve):
    account = await serve(readings=Readings(inboxes="wrapped"))
    inbox = (await account.ask("GET /v1/inboxes"))["inboxes"][0]
    assert (inbox["id"], inbox["phone"], inbox["phones"], inbox["invited"]) == (
        301,
        "+14155550100",
        ["+14155550100"],
        False,
    )


async def test_users_are_found_by_phone_or_address(serve):
    account = await serve()
    assert await names(account, phone=["14155550171"]) == ["Dana Whitfield"]
    both = await names(account, phone=["14155550171"], email=["mei@example.com", "no@example.com"])
    assert both == ["Dana Whitfield", "Mei Tanaka"]
    assert await account.status(FIND) == 400
    assert await account.status(FIND, {"phone": [], "email": []}) == 400


async def test_a_lost_body_finds_everyone(serve):
    account = await serve(readings=Readings(users_get_body="dropped"))
    assert len(await names(account, phone=["14155550171"])) == 3


async def test_users_are_changed_and_unknown_ones_left_out(serve):
    account = await serve()
    users = [
        {"id": 4201, "last_name": "Whitfield-Lee"},
        {"id": 9, "first_name": "No"},
        {"id": 4203, "first_name": "May", "role_id": 1},
    ]
    changed = (await account.ask(UPDATE, {"users": users}))["memberships"]
    assert [(user["name"], user["role_id"]) for user in changed] == [
        ("Dana Whitfield-Lee", 2),
        ("May Tanaka", 1),
    ]
    team = await account.ask("GET /v1/team")
    assert team["members"][0]["name"] == "Dana Whitfield-Lee"
    assert changed[0]["updated_at"] > changed[0]["created_at"]


@pytest.mark.parametrize("body", [None, {}, {"users": [{"first_name": "No"}]}])
async def test_a_wrong_change_of_users_is_refused(body, serve):
    account = await serve()
    assert await account.status(UPDATE, body) == 400
