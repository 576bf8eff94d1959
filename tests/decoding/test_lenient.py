"""A field of another type than documented costs that field only."""

from __future__ import annotations

import pickle
import tracemalloc

import msgspec
import pytest

from heymarket_async import (
    Contact,
    ContactChannel,
    ContactField,
    ContactRef,
    ContactStatus,
    DecodeError,
    Note,
    Repeat,
)
from heymarket_async.decoding import lenient
from heymarket_async.decoding.lenient import Listed
from heymarket_async.models.message import Message
from heymarket_async.privacy import Hidden
from heymarket_async.request import Endpoint
from heymarket_async.transport import wire
from tests.conftest import answer
from tests.endpoints.conftest import CONTACT_UUID, MoodyContact

GOOD = {"id": 1, "first": "Robin", "updated": "2026-04-12T15:30:00Z"}


def decode(returns, sent):
    request = Endpoint("POST", "/v1/contacts", returns, Repeat.READ).request()
    return wire.decode(request, answer(200, sent), body=None, secrets=Hidden(()))


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("id", "98765a"),
        ("id", 1.5),
        ("rev", 1.5),
        ("rev", True),
        ("uuid", ""),
        ("external_id", 42),
        ("custom", []),
        ("tags", {}),
        ("note", "text"),
        ("assigned_user_id", ""),
        ("created", 1771404540),
        ("updated", {"at": None}),
        ("contact_channels", {}),
        ("phone", ""),
        ("phone", -1.5),
        ("is_opted_out", "yes"),
    ],
)
def test_a_field_of_another_type_is_unset_and_its_value_is_kept(name, sent):
    row = {"display_name": "Jordan", name: sent}

    good, odd = decode(list[Contact], [GOOD, row])

    assert good == Contact(**GOOD)
    assert good.odd == {}
    assert odd.display_name == "Jordan"
    if sent == "" and name == "phone":
        assert (odd.phone, odd.odd) == ("", {})  # a text, if an empty one
    else:
        assert (getattr(odd, name), odd.odd) == (None, {name: sent})


def test_one_contact_is_read_so_too():
    contact = decode(Contact, {**GOOD, "rev": None, "uuid": "", "tags": {}})

    assert (contact.id, contact.first, contact.uuid) == (1, "Robin", None)
    assert contact.odd == {"uuid": "", "tags": {}}


def test_a_phone_that_came_as_a_number_is_its_digits():
    channel = {"channel_type": "phone", "channel_id": 15105553344}

    contact = decode(Contact, {"id": 1, "phone": 15105553344, "contact_channels": [channel]})
    status = decode(ContactStatus, {"id": 1, "phone": 15105553344, "blocked": "?"})

    assert contact.phone == status.phone == "15105553344"
    assert contact.contact_channels[0].channel_id == "15105553344"
    assert contact.odd == {"phone": 15105553344, "contact_channels": [channel]}
    assert status.odd == {"phone": 15105553344, "blocked": "?"}


def test_of_a_list_in_a_contact_the_readable_elements_stay():
    channel = {"channel_type": "email", "channel_id": "r@example.com"}
    row = {"id": 1, "contact_channels": [None, channel, 5], "note": [{"id": 2, "text": 7}]}

    contact = decode(Contact, row)

    assert contact.contact_channels == [ContactChannel(**channel)]
    assert [(note.id, note.text, note.odd) for note in contact.note] == [(2, None, {"text": 7})]
    assert isinstance(contact.note[0], Note)
    assert contact.odd == {"contact_channels": row["contact_channels"], "note": row["note"]}


@pytest.mark.parametrize("number", [2**63, 2**64, 10**30])
def test_a_number_may_be_of_any_size(number):
    contact = decode(list[Contact], [{"id": number, "rev": number}])[0]

    assert (contact.id, contact.rev, contact.odd) == (number, number, {})


def test_elements_that_are_no_objects_are_left_out_and_counted():
    contacts = decode(list[Contact], [None, GOOD, "x", {"id": 2, "rev": "x"}])

    assert [contact.id for contact in contacts] == [1, 2]
    assert isinstance(contacts, Listed)
    assert contacts.left_out == 2
    assert type(decode(list[Contact], [GOOD])) is list


@pytest.mark.parametrize("kind", [Contact, ContactChannel, ContactField])
@pytest.mark.parametrize("count", [1, 30])
def test_a_list_of_nothing_but_null_is_read_and_its_elements_are_counted(kind, count):
    found = decode(list[kind], [None] * count)

    assert (found, found.left_out) == ([], count)


@pytest.mark.parametrize("sent", [["x", 5], [None, "x"]])
def test_a_list_without_a_readable_element_is_an_error(sent):
    with pytest.raises(DecodeError, match="no element of the list can be read"):
        decode(list[Contact], sent)


@pytest.mark.parametrize("odd", ["x", None, {"id": "x"}])
def test_a_list_with_too_many_odd_elements_is_an_error(odd, monkeypatch):
    monkeypatch.setattr(lenient, "_MOST_ODD", 5, raising=False)

    assert decode(list[Contact], [GOOD] + [odd] * 5)[0].id == 1
    with pytest.raises(DecodeError, match="too many elements are not as documented"):
        decode(list[Contact], [GOOD] + [odd] * 6)


def test_keys_that_are_not_known_take_no_memory():
    body = msgspec.json.encode({"id": 1, "rev": "x", **{f"k{n}": n for n in range(20_000)}})
    lenient.read(Contact, body)
    tracemalloc.start()
    try:
        assert lenient.read(Contact, body).odd == {"rev": "x"}
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < len(body)


def test_an_odd_contact_is_a_contact_that_pickles_and_shows_what_is_odd():
    odd = decode(Contact, {"id": 1, "tags": {}})

    assert isinstance(odd, Contact)
    assert pickle.loads(pickle.dumps(odd)) == odd
    assert odd != Contact(id=1)
    assert msgspec.to_builtins(odd)["odd"] == {"tags": {}}
    assert "odd" not in msgspec.to_builtins(Contact(id=1))
    assert msgspec.structs.replace(odd, first="Robin").odd == {"tags": {}}


def test_a_key_of_that_name_is_no_field():
    contact = decode(Contact, {"id": 1, "tags": {}, "odd": 5})

    assert contact.odd == {"tags": {}}


def test_a_custom_field_without_a_title_is_read():
    fields = decode(list[ContactField], [{"id": 1, "title": None}, {"id": 2}, {"title": "Plan"}])

    assert [(field.id, field.title) for field in fields] == [(1, ""), (2, "")]
    assert fields[0].odd == {"title": None}
    assert fields.left_out == 1


def test_what_a_write_answers_is_read_so_too():
    ref = decode(ContactRef, {"id": 1, "rev": None, "uuid": ""})

    assert (ref.id, ref.uuid, ref.odd) == (1, None, {"uuid": ""})
    with pytest.raises(DecodeError, match="has no id"):
        decode(ContactRef, {"id": "x"})
    with pytest.raises(DecodeError, match="has no id"):
        decode(ContactRef, {"uuid": str(CONTACT_UUID)})


def test_a_type_of_ones_own_is_strict_and_the_error_says_where_and_what_to_do():
    with pytest.raises(DecodeError) as raised:
        decode(list[MoodyContact], [GOOD, {"id": 98765, "phone": 15105553344}])

    assert str(raised.value).endswith(
        " - at `$[1].phone`, in the contact with id 98765, which does not fit MoodyContact: widen"
        " the type of that field, or pass returns=msgspec.Raw"
    )


def test_a_single_thing_of_ones_own_type_is_named_too():
    with pytest.raises(DecodeError, match=r"`\$.mood`, in the contact with id 98765, which"):
        decode(MoodyContact, {"id": 98765, "mood": 5})
    with pytest.raises(DecodeError, match=r"`\$.mood`, which does not fit MoodyContact"):
        decode(MoodyContact, {"mood": 5})
    with pytest.raises(DecodeError, match=r"got `null` - at `\$\[0\]`, which does not fit"):
        decode(list[MoodyContact], [None])
    with pytest.raises(DecodeError, match=r"Expected `array`, got `object`$"):
        decode(list[MoodyContact], {"contacts": []})


def test_a_struct_in_a_field_is_read_leniently_too():
    sent = b'{"id":7,"conversation":{"id":5,"muted":"loud","inbox":{"id":"3","name":"Sales"}}}'

    message = lenient.read(Message, sent)

    assert message.conversation.inbox_id == 3
    assert message.conversation.odd == {"muted": "loud"}
    assert pickle.loads(pickle.dumps(message)) == message
    assert lenient.read(Message, b'{"id":7,"conversation":"none"}').odd == {"conversation": "none"}
