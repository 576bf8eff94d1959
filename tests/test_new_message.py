"""Messages, broadcasts, comments and e-mails are checked before anything is sent."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import pytest

from heymarket_async import NewBroadcast, NewComment, NewEmail, NewMessage

FROM: dict[str, Any] = {"inbox_id": 1, "creator_id": 2}
TO: dict[str, Any] = {"phone_number": "14155550123"}


def test_only_the_given_fields_are_sent():
    message = NewMessage(**FROM, phone_number="+14155550123", text="Hi", local_id="a")

    assert msgspec.to_builtins(message) == {**FROM, **TO, "text": "Hi", "local_id": "a"}


def test_each_message_has_an_id_of_its_own():
    first, second = (NewMessage(**FROM, **TO, text="Hi") for _ in range(2))

    assert UUID(first.local_id).version == 4
    assert first.local_id != second.local_id


def test_doubles_of_a_group_are_taken_out_in_order():
    message = NewMessage(**FROM, text="Hi", targets=("14155550124", "14155550123", "+14155550124"))

    assert message.targets == ["14155550124", "14155550123"]


@pytest.mark.parametrize(
    "content",
    [
        {"text": "Hi"},
        {"template_id": 7},
        {"survey_id": 7, "activity_id": "a"},
        {"media_url": "https://example.com/a.png"},
        {"text": "Hi", "media_url": "https://example.com/a.png", "survey_id": 7},
    ],
)
@pytest.mark.parametrize(
    "target", [TO, {"chat_id": 5}, {"targets": ["14155550123", "14155550124"]}]
)
def test_a_message_has_one_target_and_some_content(target, content):
    sent = msgspec.to_builtins(NewMessage(**FROM, **target, **content, local_id="a"))

    assert sent == {**FROM, **target, **content, "local_id": "a"}


WRONG = [
    ({}, "phone_number, chat_id and targets"),
    ({**TO, "chat_id": 5}, "exactly one of phone_number, chat_id and targets"),
    ({"chat_id": 5, "targets": ["14155550123", "14155550124"]}, "exactly one of phone_number"),
    ({"chat_id": 0}, "chat_id must be a positive integer"),
    ({"phone_number": "555-0100"}, "phone_number must be E.164 digits"),
    ({"phone_number": 14155550123}, "phone_number must be text, .*, not int"),
    ({"targets": "14155550123"}, "targets must be a list"),
    ({"targets": ["14155550123", "+14155550123"]}, "targets must be two or more phones"),
    ({"targets": ["14155550123", "0"]}, "each of targets must be E.164 digits"),
    ({**TO, "text": None}, "one of text, template_id, media_url and survey_id is needed"),
    ({**TO, "template_id": 7}, "text and template_id exclude each other"),
    ({**TO, "text": " "}, "text must not be empty"),
    ({**TO, "text": 5}, "text must be of type str"),
    ({**TO, "text": None, "template_id": "7"}, "template_id must be a positive integer"),
    ({**TO, "survey_id": -1}, "survey_id must be a positive integer"),
    ({**TO, "media_url": ""}, "media_url must not be empty"),
    ({**TO, "activity_id": ""}, "activity_id must not be empty"),
    ({**TO, "local_id": ""}, "local_id must not be empty"),
    ({**TO, "local_id": None}, "local_id must be of type str"),
    ({**TO, "inbox_id": "1"}, "inbox_id must be a positive integer"),
    ({**TO, "creator_id": True}, "creator_id must be a positive integer"),
]


@pytest.mark.parametrize(("fields", "problem"), WRONG)
def test_a_message_that_cannot_be_right_is_refused(fields, problem):
    with pytest.raises(ValueError, match=problem) as raised:
        NewMessage(**{**FROM, "text": "Hi", **fields})

    assert "0123" not in str(raised.value)


@pytest.mark.parametrize("field", ["text", "media_url", "activity_id", "local_id"])
def test_a_text_with_half_a_character_is_refused_before_it_is_sent(field):
    with pytest.raises(ValueError, match=f"{field} has half of a character"):
        NewMessage(**{**FROM, **TO, "text": "Hi", field: "Hi \ud83d"})

    assert NewMessage(**FROM, **TO, text="Hi \U0001f600 ä").text == "Hi \U0001f600 ä"


@pytest.mark.parametrize("target", [TO, {"chat_id": 5}, {"private": True}])
def test_a_broadcast_goes_to_a_list_and_to_nobody_else(target):
    with pytest.raises(TypeError, match=f"^NewBroadcast has no field '{next(iter(target))}'"):
        NewBroadcast(**FROM, list_id=3, text="Hi", local_id="april", **target)


def test_a_broadcast_has_the_local_id_that_was_chosen_for_it():
    sent = msgspec.to_builtins(NewBroadcast(**FROM, list_id=3, text="Hi", local_id="april"))

    assert sent == {**FROM, "list_id": 3, "text": "Hi", "local_id": "april"}


def test_a_broadcast_without_a_local_id_is_refused_with_the_reason():
    with pytest.raises(ValueError, match=r"local_id is needed: .* nobody gets it twice"):
        NewBroadcast(**FROM, list_id=3, text="Hi")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"list_id": None}, "list_id must be a positive integer"),
        ({"text": None}, "one of text, template_id"),
        ({"local_id": ""}, "local_id is needed"),
        ({"local_id": None}, "local_id is needed"),
        ({"local_id": " "}, "local_id must not be empty"),
    ],
)
def test_a_broadcast_that_cannot_be_right_is_refused(fields, problem):
    with pytest.raises(ValueError, match=problem):
        NewBroadcast(**{**FROM, "list_id": 3, "text": "Hi", "local_id": "april", **fields})


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "exactly one of chat_id and phone_number"),
        ({**TO, "chat_id": 5}, "exactly one of chat_id and phone_number"),
        ({"chat_id": "5"}, "chat_id must be a positive integer"),
        ({"phone_number": "0"}, "phone_number must be E.164 digits"),
        ({**TO, "text": ""}, "text must not be empty"),
        ({**TO, "author": ""}, "author must not be empty"),
        ({**TO, "inbox_id": 0}, "inbox_id must be a positive integer"),
    ],
)
def test_a_comment_that_cannot_be_right_is_refused(fields, problem):
    with pytest.raises(ValueError, match=problem):
        NewComment(**{**FROM, "text": "VIP", **fields})


@pytest.mark.parametrize("field", ["list_id", "targets", "template_id"])
def test_a_comment_has_no_list_no_group_and_no_template(field):
    with pytest.raises(TypeError, match=field):
        NewComment(**FROM, text="VIP", **{field: 5})


ADDRESS = {"to": ["alice@example.com"]}


def test_doubles_of_addresses_are_taken_out():
    email = NewEmail(**FROM, text="<p>Hi</p>", to=("a@example.com",) * 2, cc=["b@example.com"])

    assert (email.to, email.cc) == (["a@example.com"], ["b@example.com"])


@pytest.mark.parametrize(
    "address",
    [
        "a@example.com,b@example.com",
        "a@example.com;b@example.com",
        "a@example.com\n",
        "a@example.com\r\nBcc: b@example.com",
        "Alice <a@example.com>",
        "a@b@example.com",
        "a@example.com\ud83d",
        "a",
        "",
    ],
)
@pytest.mark.parametrize("field", ["to", "cc"])
def test_each_address_is_one_address(field, address):
    with pytest.raises(ValueError, match=f"each of {field} must be an e-mail") as raised:
        NewEmail(**{**FROM, "text": "Hi", **ADDRESS, field: [address]})

    assert "example.com" not in str(raised.value).removesuffix("jordan@example.com")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "exactly one of to and convo_id"),
        ({**ADDRESS, "convo_id": 5}, "exactly one of to and convo_id"),
        ({"cc": ["a@example.com"]}, "exactly one of to and convo_id"),
        ({"convo_id": 5, "cc": ["a@example.com"]}, "cc needs to"),
        ({"convo_id": 0}, "convo_id must be a positive integer"),
        ({"to": "a@example.com"}, "to must be a list"),
        ({**ADDRESS, "text": ""}, "text must not be empty"),
        ({**ADDRESS, "text": None}, "text must be of type str"),
        ({**ADDRESS, "raw_text": ""}, "raw_text must not be empty"),
        ({**ADDRESS, "conv_title": 5}, "conv_title must be of type str"),
        ({**ADDRESS, "local_id": " "}, "local_id must not be empty"),
    ],
)
def test_an_email_that_cannot_be_right_is_refused(fields, problem):
    with pytest.raises(ValueError, match=problem):
        NewEmail(**{**FROM, "text": "Hi", **fields})
