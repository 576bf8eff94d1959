"""`client.lists`: a slip must not make a contact, and nobody is added and removed at once."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from heymarket_async import DecodeError, ListChanges, ListTarget, NewList, Ref

PHONE = "14155550100"


async def test_a_list_is_created_with_an_id_of_its_own(client, heymarket):
    heymarket.answers({"id": 61, "rev": 1, "uuid": "april-reminders-2026"})
    new = NewList(title="April", contacts=[98765], phones=(f"+{PHONE}",), emails=["r@a.example"])

    made = await client.lists.create(new)

    assert made == Ref(id=61, rev=1, uuid="april-reminders-2026")
    assert heymarket.sent.call == "POST /v2/lists"
    assert heymarket.sent.body == {
        "title": "April",
        "local_id": new.local_id,
        "contacts": [98765],
        "phones": [PHONE],
        "emails": ["r@a.example"],
    }
    assert UUID(new.local_id) != UUID(NewList(title="April").local_id)


async def test_an_id_of_your_own_is_sent(client, heymarket):
    heymarket.answers({"id": 61})

    await client.lists.create(NewList(title="April", local_id="april-2026", type="contacts"))

    body = {"title": "April", "local_id": "april-2026", "type": "contacts"}
    assert heymarket.sent.body == body


async def test_people_are_added_and_removed(client, heymarket):
    heymarket.answers({"id": 61, "rev": 2})
    changes = ListChanges(
        title="May",
        add_contacts=[5],
        add_phones=[f"+{PHONE}"],
        add_emails=["r@a.example"],
        remove_contacts=[6],
        remove_phones=["14155550101"],
        remove_emails=["k@a.example"],
    )

    assert await client.lists.update(61, changes) == Ref(id=61, rev=2)

    assert heymarket.sent.call == "PUT /v2/lists/61"
    assert heymarket.sent.body == {**msgspec.to_builtins(changes), "add_phones": [PHONE]}


@pytest.mark.parametrize("contacts", [[], [1, 2]])
async def test_all_contacts_of_a_list_are_replaced(contacts, client, heymarket):
    heymarket.answers({"id": 61})

    await client.lists.update(61, ListChanges(contacts=contacts))

    assert heymarket.sent.body == {"contacts": contacts}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "there is nothing to change"),
        ({"title": " "}, "title must not be empty"),
        (
            {"add_phones": [f"+{PHONE}"], "remove_phones": [PHONE]},
            "add_phones and remove_phones must have no value in common",
        ),
        (
            {"add_emails": ["R@a.example"], "remove_emails": ["r@a.example", "k@a.example"]},
            "add_emails and remove_emails must have no value in common",
        ),
        (
            {"add_contacts": [5], "remove_contacts": [5]},
            "add_contacts and remove_contacts must have no value in common",
        ),
        ({"contacts": [1], "add_contacts": [2]}, "contacts replaces all"),
        ({"contacts": [1], "remove_contacts": [2]}, "contacts replaces all"),
        ({"add_phones": ["555-3344"]}, "each of add_phones must be E.164 digits"),
        ({"remove_phones": PHONE}, "remove_phones must be a list"),
        ({"add_emails": ["robin"]}, "each of add_emails must be an e-mail"),
        ({"add_emails": ["a@b.example,c@d.example"]}, "each of add_emails must be an e-mail"),
        ({"remove_contacts": ["5"]}, "each of remove_contacts must be a positive integer"),
    ],
)
def test_changes_that_break_a_rule_are_refused(fields, message):
    with pytest.raises(ValueError, match=message) as raised:
        ListChanges(**fields)

    assert PHONE not in str(raised.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title": ""}, "title must not be empty"),
        ({"local_id": ""}, "local_id must not be empty"),
        ({"type": ""}, "type must not be empty"),
        ({"phones": ["05553344"]}, "each of phones must be E.164 digits"),
        ({"emails": [None]}, "each of emails must be of type str"),
        ({"contacts": [0]}, "each of contacts must be a positive integer"),
    ],
)
def test_a_list_that_breaks_a_rule_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        NewList(**{"title": "April", **fields})


async def test_only_lists_and_changes_can_be_written(client, heymarket):
    with pytest.raises(ValueError, match="new_list must be of type NewList"):
        await client.lists.create({"title": "April"})
    with pytest.raises(ValueError, match="changes must be of type ListChanges"):
        await client.lists.update(61, NewList(title="April"))

    assert not heymarket.requests


@pytest.mark.parametrize(
    ("given", "body"),
    [({}, msgspec.UNSET), ({"contact_ids": [5]}, {"contact_ids": [5]})],
)
async def test_a_list_is_deleted(given, body, client, heymarket):
    heymarket.answers({"deleted": True, "id": 61})

    assert await client.lists.delete(61, **given) is None

    assert heymarket.sent == ("DELETE /v2/lists/61", {}, body)


async def test_a_list_that_was_not_deleted_is_an_error(client, heymarket):
    for sent in ({"deleted": False, "id": 61}, {"deleted": True, "id": 62}):
        heymarket.answers(sent)
        with pytest.raises(DecodeError):
            await client.lists.delete(61)


@pytest.mark.parametrize("contact_ids", [5, ["5"], [0]])
async def test_contact_ids_are_checked(contact_ids, client, heymarket):
    with pytest.raises(ValueError, match="contact_ids must be"):
        await client.lists.delete(61, contact_ids=contact_ids)

    assert not heymarket.requests


async def test_a_list_is_read_with_its_people(client, heymarket):
    targets = {PHONE: {"f": "Robin", "l": "Lee"}, "14155550101": {}}
    heymarket.answers({"id": 61, "name": "April", "targets": targets, "archived": True})

    found = await client.lists.get(61)

    assert heymarket.sent == ("GET /v1/list/61", {}, msgspec.UNSET)
    assert found.targets == {PHONE: ListTarget(f="Robin", l="Lee"), "14155550101": ListTarget()}
    assert (found.name, found.archived) == ("April", True)
