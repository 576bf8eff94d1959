"""`client.inboxes`, `client.team` and `client.users`: what is sent, and what is made of answers."""

from __future__ import annotations

import logging

import msgspec
import pytest

from heymarket_async import (
    DecodeError,
    HeymarketClient,
    NotFoundError,
    Outcome,
    TeamMember,
    UserChanges,
)
from tests.conftest import SECRET
from tests.transport.test_direct import by_session, echoing
from tests.transport.test_http import server

SALES = {"id": 3, "name": "Sales", "phone": "+15105550100", "phones": ["+15105550100"]}
ROBIN = {"id": 7, "name": "Robin Lee", "phone": "15105553344", "email": "Robin@Example.com"}
KIM = {"id": 8, "name": "Kim", "phone": "+15105553355", "email": "kim@example.com", "role_id": 2}


@pytest.mark.parametrize("sent", [[SALES], {"inboxes": [SALES]}, {"x": 1, "inboxes": [SALES]}])
async def test_inboxes_come_as_a_list_or_under_their_name(sent, client, heymarket):
    heymarket.answers(sent)

    (inbox,) = await client.inboxes.all()

    assert heymarket.sent == ("GET /v1/inboxes", {}, msgspec.UNSET)
    assert (inbox.id, inbox.phone, inbox.phone_digits) == (3, "+15105550100", "15105550100")
    assert inbox.odd == {}


@pytest.mark.parametrize("sent", [[], {"inboxes": []}, {"inboxes": None}, None])
async def test_there_may_be_no_inbox(sent, client, heymarket):
    heymarket.answers(sent)

    assert await client.inboxes.all() == []


@pytest.mark.parametrize("sent", [{}, {"error": "x"}, {"inboxes": 5}, {"inboxes": "x"}, "x", 5])
async def test_an_answer_without_inboxes_is_an_error(sent, client, heymarket):
    heymarket.answers(sent)

    with pytest.raises(DecodeError):
        await client.inboxes.all()


@pytest.mark.parametrize("invited", [True, False, ["a", "b"], [], None])
async def test_invited_comes_in_both_documented_shapes(invited, client, heymarket):
    heymarket.answers({"inboxes": [{"id": 3, "invited": invited, "members": ["9", 8]}]})

    (inbox,) = await client.inboxes.all()

    assert (inbox.invited, inbox.members, inbox.phone_digits) == (invited, [9, 8], None)


async def test_an_odd_field_takes_nothing_from_a_wrapped_inbox(client, heymarket):
    heymarket.answers({"inboxes": [{"id": 3, "phone": 15105550100, "name": {"x": 1}}, 5]})

    (inbox,) = await client.inboxes.all()

    assert (inbox.phone_digits, inbox.name) == ("15105550100", None)
    assert inbox.odd == {"phone": 15105550100, "name": {"x": 1}}


async def test_the_team_shows_its_members(client, heymarket):
    members = [{"id": 9, "name": "Robin", "role": "admin"}, {"id": 8, "name": "Kim", "role": 2}]
    heymarket.answers({"id": 7001, "name": "Acme", "list_size": 500, "members": members})

    team = await client.team.get()

    assert heymarket.sent == ("GET /v1/team", {}, msgspec.UNSET)
    assert (team.id, team.list_size) == (7001, 500)
    assert team.members == [
        TeamMember(id=9, name="Robin", role="admin"),
        TeamMember(id=8, name="Kim", role=2),
    ]


@pytest.mark.parametrize(
    ("sent", "error"), [({"error": "x"}, DecodeError), ("ok", DecodeError), (None, NotFoundError)]
)
async def test_an_answer_without_a_team_is_an_error(sent, error, client, heymarket):
    heymarket.answers(sent)

    with pytest.raises(error):
        await client.team.get()


async def test_users_are_found_by_phone_and_email(client, heymarket, caplog):
    heymarket.answers({"memberships": [ROBIN, KIM]})

    users = await client.users.find(phones=["+15105553355"], emails=["robin@example.com"])

    body = {"phone": ["15105553355"], "email": ["robin@example.com"]}
    assert heymarket.sent == ("GET /v1/users/get", {}, body)
    assert [(user.id, user.name) for user in users] == [(7, "Robin Lee"), (8, "Kim")]
    assert caplog.records == []


async def test_users_that_were_not_asked_for_are_left_out_and_logged(client, heymarket, caplog):
    heymarket.answers({"memberships": [ROBIN, KIM, {"id": 9, "name": "shows neither"}]})

    users = await client.users.find(emails=["kim@example.com"])

    (record,) = caplog.records
    assert [user.id for user in users] == [8, 9]
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("GET /v1/users/get: 1 of 3 users in the answer were not")
    assert "robin" not in record.getMessage().casefold()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({}, "find needs at least one phone or e-mail"),
        ({"phones": "15105553344"}, "phones must be a list"),
        ({"phones": ["555-3344"]}, "each of phones must be E.164 digits"),
        ({"emails": ["robin"]}, "each of emails must be an e-mail"),
        ({"emails": [5]}, "each of emails must be of type str"),
    ],
)
async def test_users_are_asked_for_by_what_can_be_asked(wanted, message, client, heymarket):
    with pytest.raises(ValueError, match=message):
        await client.users.find(**wanted)

    assert not heymarket.requests


@pytest.mark.parametrize("way", ["direct", "session"])
async def test_a_get_is_sent_with_its_body(way, monkeypatch):
    if way == "session":
        by_session(monkeypatch)
    async with server(echoing) as (url, _), HeymarketClient(SECRET, base_url=url) as client:
        found = client.request("GET", "/v1/users/get", body={"phone": ["1"]}, returns=str)

        head, _, body = (await found).partition("\r\n\r\n")

    assert head.startswith("GET /v1/users/get HTTP/1.1\r\n")
    assert "\r\nContent-Length: 15" in head
    assert body == '{"phone":["1"]}'


async def test_each_changed_user_has_an_outcome(client, heymarket):
    heymarket.answers({"memberships": [KIM, {**ROBIN, "role_id": 5}]})
    changes = [
        UserChanges(id=7, role_id=4),
        UserChanges(id=8, first_name="Kim", role_id=2),
        UserChanges(id=9, last_name="Lee"),
    ]

    items = await client.users.update(changes)

    assert heymarket.sent.call == "POST /v1/users/update"
    assert heymarket.sent.body == {
        "users": [
            {"id": 7, "role_id": 4},
            {"id": 8, "first_name": "Kim", "role_id": 2},
            {"id": 9, "last_name": "Lee"},
        ]
    }
    assert [item.user for item in items] == changes
    assert [item.outcome for item in items] == [Outcome.UNKNOWN, Outcome.STORED, Outcome.UNKNOWN]
    assert [item.stored and item.stored.name for item in items] == ["Robin Lee", "Kim", None]


@pytest.mark.parametrize("users", [[], [UserChanges(id=7, role_id=1)] * 2, [{"id": 7}], "x"])
async def test_users_that_cannot_be_changed_together_are_refused(users, client, heymarket):
    with pytest.raises(ValueError, match="users"):
        await client.users.update(users)

    assert not heymarket.requests


@pytest.mark.parametrize(
    "fields", [{}, {"first_name": ""}, {"last_name": 5}, {"role_id": 0}, {"id": 0, "role_id": 1}]
)
def test_changes_of_a_user_keep_the_rules(fields):
    with pytest.raises(ValueError, match=r"first_name|last_name|role_id|id must"):
        UserChanges(**{"id": 7, **fields})
