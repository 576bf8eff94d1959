"""What is read takes every form that the documentation shows; what is sent keeps its rules."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heymarket_async import (
    Channel,
    Contact,
    ContactChanges,
    ContactChannel,
    ListChanges,
    NewContact,
    NewContactV2,
    NewList,
    NewSchedule,
    NewTemplate,
    Note,
    ScheduleContent,
    TagRef,
    TemplateContent,
    UserChanges,
)
from tests.endpoints.conftest import CONTACT_UUID


def read(type_: type, **fields: object) -> object:
    return msgspec.json.decode(msgspec.json.encode(fields), type=type_, strict=False)


def sent(struct: msgspec.Struct) -> object:
    return msgspec.json.decode(msgspec.json.encode(struct))


@pytest.mark.parametrize(
    ("kind", "needed"),
    [
        (NewTemplate, {"title": "a", "content": TemplateContent(text="b")}),
        (NewList, {"title": "a", "local_id": "b"}),
        (ListChanges, {"title": "a"}),
        (UserChanges, {"id": 7, "first_name": "a"}),
        (
            NewSchedule,
            {
                "inbox_id": 3,
                "execute_at": datetime(2026, 4, 12, 17, tzinfo=UTC),
                "content": ScheduleContent(text="a"),
                "list_id": 6,
            },
        ),
    ],
)
def test_none_is_the_same_as_a_field_that_is_left_out(kind, needed):
    nothing = dict.fromkeys(kind.__struct_fields__)

    written = kind(**{**nothing, **needed})

    assert written == kind(**needed)
    assert sent(written).keys() == needed.keys()


@pytest.mark.parametrize("name", Contact.__struct_fields__)
def test_every_field_of_a_contact_may_be_missing_or_null(name):
    assert read(Contact) == Contact()
    assert getattr(read(Contact, **{name: None}), name) is None


def test_a_contact_keeps_its_timestamps_as_text_and_shows_them_as_datetimes():
    contact = read(
        Contact, created="2026-04-12T17:30:00+02:00", updated="2026-04-12T15:30:00.123456789Z"
    )

    assert contact.updated == "2026-04-12T15:30:00.123456789Z"
    assert contact.updated_at == datetime(2026, 4, 12, 15, 30, 0, 123456, tzinfo=UTC)
    assert contact.created_at == datetime(2026, 4, 12, 15, 30, tzinfo=UTC)
    assert read(Contact).created_at is None
    assert read(Contact).updated_at is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-04-12T15:30:00",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "2026-04-12T15:30:60Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2026-04-12T15:30:00+99:99",
        "2026-02-30T15:30:00Z",
        "XXXX-04-12T15:30:00Z",
    ],
)
def test_a_text_that_is_no_time_is_none(text):
    contact = read(Contact, created=text, updated=text)

    assert (contact.created, contact.created_at) == (text, None)
    assert (contact.updated, contact.updated_at) == (text, None)


def test_tags_notes_and_channels_are_read_in_any_form():
    contact = read(
        Contact,
        tags=[{"tag_id": 5}, 6, "vip"],
        note=[{"id": 1, "text": "hi"}, {"id": "n-2", "user_id": 3}],
        contact_channels=[{"id": 1, "contact_id": str(CONTACT_UUID)}, {"id": "c-2"}],
        custom={"123": ["a"], "456": None},
    )

    assert contact.tags == [{"tag_id": 5}, 6, "vip"]
    assert contact.note == [Note(id=1, text="hi"), Note(id="n-2", user_id=3)]
    assert contact.contact_channels == [
        ContactChannel(id=1, contact_id=str(CONTACT_UUID)),
        ContactChannel(id="c-2"),
    ]
    assert contact.custom == {"123": ["a"], "456": None}


def test_what_is_left_out_stays_out_and_none_is_null():
    assert sent(NewContact(phone="15105553344")) == {"phone": "15105553344"}
    assert sent(NewContact(phone="15105553344", email=None, custom=None, tags=None)) == {
        "phone": "15105553344",
        "email": None,
        "custom": None,
        "tags": None,
    }
    assert sent(ContactChanges()) == {}
    assert sent(ContactChanges(phone=None)) == {"phone": None}


def test_custom_keys_may_be_numbers_or_text():
    contact = NewContact(phone="15105553344", custom={123: "a", "456": {"b": [1]}})

    assert sent(contact) == {"phone": "15105553344", "custom": {"123": "a", "456": {"b": [1]}}}


def test_tags_may_be_ids_or_references():
    contact = NewContact(phone="15105553344", tags=(each for each in (1, TagRef(tag_id=2))))

    assert sent(contact) == {"phone": "15105553344", "tags": [{"tag_id": 1}, {"tag_id": 2}]}


def test_a_contact_to_update_goes_out_under_its_own_key():
    assert sent(NewContactV2(contact_uuid=CONTACT_UUID)) == {"contact_id": str(CONTACT_UUID)}


@pytest.mark.parametrize("phone", ["15105553344", "+15105553344"])
@pytest.mark.parametrize("kind", [NewContact, ContactChanges, NewContactV2])
def test_one_leading_plus_is_taken_off(kind, phone):
    assert kind(phone=phone).phone == "15105553344"
    assert Channel(channel_type="phone", channel_id=phone).channel_id == "15105553344"


NO_PHONES = [
    "",
    "+",
    "++15105553344",
    "1",
    "015105553344",
    "1510555334412345",
    "1 510 555 3344",
    "1-510-555-3344",
    "15105553344\n",
    "١٥١٠٥٥٥٣٣٤٤",
    "phone",
]


@pytest.mark.parametrize("phone", NO_PHONES)
@pytest.mark.parametrize("kind", [NewContact, ContactChanges, NewContactV2])
def test_a_phone_that_is_none_is_refused_without_being_shown(kind, phone):
    with pytest.raises(ValueError, match=r"^phone must be E.164 digits") as raised:
        kind(phone=phone)

    assert len(phone) < 6 or phone not in str(raised.value)


@pytest.mark.parametrize("phone", [15105553344, None, b"15105553344"])
def test_a_phone_of_another_type_is_refused(phone):
    with pytest.raises(ValueError, match=f"^phone must be text, .*, not {type(phone).__name__}$"):
        NewContact(phone=phone)


WRONG = [
    ("custom must be keyed by numeric", {"custom": {"Plan": "Premium"}}),
    ("custom must be keyed by numeric", {"custom": {"12.5": "x"}}),
    ("custom must be keyed by numeric", {"custom": {"²": "x"}}),
    ("custom must be keyed by numeric", {"custom": {"": "x"}}),
    ("custom must be keyed by numeric", {"custom": {-1: "x"}}),
    ("custom must not have a field twice", {"custom": {"1": "a", 1: "b"}}),
    ("custom must be of type Mapping, not str", {"custom": "x"}),
    ("custom must be of type Mapping, not list", {"custom": [("1", "x")]}),
    ("tags must be a list of at most 5", {"tags": [1, 2, 3, 4, 5, 6]}),
    ("each of tags must be of type int or TagRef, not str", {"tags": ["vip"]}),
    ("each of tags must be of type int or TagRef, not bool", {"tags": [True]}),
    ("tags must be a list", {"tags": "12"}),
    ("tags must be a list", {"tags": 5}),
    ("first must be of type str, not int", {"first": 5}),
    ("last must be of type str", {"last": b"Rivera"}),
    ("display_name must be of type str", {"display_name": ["a"]}),
    ("email must be of type str", {"email": 1}),
    ("avatar must be of type str", {"avatar": object()}),
    ("assignee_id must be of type int, not str", {"assignee_id": "42"}),
    ("assignee_id must be of type int, not bool", {"assignee_id": True}),
    ("is_opted_out must be of type bool, not str", {"is_opted_out": "no"}),
    ("email_suppressions must be a list", {"email_suppressions": 5}),
    ("each of email_suppressions must be of type int", {"email_suppressions": ["a"]}),
]


@pytest.mark.parametrize(("message", "fields"), WRONG)
@pytest.mark.parametrize("kind", [NewContact, ContactChanges, NewContactV2])
def test_a_field_that_breaks_its_rule_is_refused(kind, message, fields):
    with pytest.raises(ValueError, match=message):
        kind(**{"phone": "15105553344", **fields})


def test_a_tag_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="tag_id must be of type int, not str"):
        TagRef(tag_id="5")


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("contact_channels must be a list", {"contact_channels": "phone"}),
        ("each of contact_channels must be of type Channel", {"contact_channels": [{}]}),
        ("contact_uuid must be a UUID", {"contact_uuid": 98765}),
    ],
)
def test_what_only_v2_takes_is_checked_too(message, fields):
    with pytest.raises(ValueError, match=message):
        NewContactV2(**fields)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_would_go_out_as_null_is_refused(value):
    with pytest.raises(ValueError, match="custom must not hold NaN or infinity"):
        NewContact(phone="15105553344", custom={12: value})
    for nested in ([1, value], {"a": ("b", {"c": value})}, {1.5: [value]}):
        with pytest.raises(ValueError, match="custom must not hold NaN or infinity"):
            NewContact(phone="15105553344", custom={12: nested})
    assert NewContact(phone="15105553344", custom={12: [{"a": 1.5}]}).custom == {"12": [{"a": 1.5}]}


def test_what_holds_itself_is_refused():
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(ValueError, match="custom must not be nested so deeply"):
        NewContact(phone="15105553344", custom={12: endless})


@pytest.mark.parametrize("kind", [NewContact, ContactChanges, NewContactV2])
def test_what_is_sent_can_be_read_from_json_too(kind):
    fields = {"phone": "+15105553344", "custom": {"12": "a"}, "tags": [1, {"tag_id": 2}]}

    contact = msgspec.json.decode(msgspec.json.encode(fields), type=kind)

    assert contact == kind(phone="15105553344", custom={12: "a"}, tags=[1, 2])


def test_five_tags_are_taken():
    assert len(NewContact(phone="15105553344", tags=[1, 2, 3, 4, 5]).tags) == 5


@given(st.from_regex(r"[1-9][0-9]{1,14}", fullmatch=True))
def test_every_e_164_number_is_taken(phone):
    assert NewContact(phone=phone).phone == phone


def test_a_contact_can_be_changed_by_replacing_fields():
    changed = msgspec.structs.replace(
        NewContact(phone="15105553344", custom={1: "a"}, tags=[1]), first="Jordan"
    )

    assert sent(changed) == {
        "phone": "15105553344",
        "first": "Jordan",
        "custom": {"1": "a"},
        "tags": [{"tag_id": 1}],
    }


def test_custom_may_be_any_mapping():
    custom = NewContact(phone="15105550101", custom=MappingProxyType({"123": "Premium"})).custom

    assert custom == {"123": "Premium"}
