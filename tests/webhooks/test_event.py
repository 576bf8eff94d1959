"""From a body to events, or to a refusal."""

from __future__ import annotations

import hmac
import json
import pickle
import traceback

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heymarket_async.sandbox import Readings, Sandbox
from heymarket_async.webhooks import Event, EventKind, WebhookError, parse
from tests.webhooks.deliveries import PHONE, STAMP, TEXT, TOKEN, body, delivery, message


def refusal_of(sent: bytes, tokens=TOKEN) -> WebhookError:
    with pytest.raises(WebhookError) as raised:
        parse(sent, tokens)
    return raised.value


def test_a_message_is_typed():
    (event,) = parse(body(delivery()), TOKEN)

    assert event.kind == EventKind.MESSAGE_RECEIVED
    assert (event.message.id, event.message.text, event.message.target) == (1, TEXT, PHONE)
    assert event.conversation.inbox_id == 3
    assert event.data["status"] == "received"


def test_a_conversation_is_typed():
    (event,) = parse(body(delivery({"id": 7, "inbox": {"id": 3}}, "chat_closed")), TOKEN)

    assert (event.kind, event.message) == (EventKind.CHAT_CLOSED, None)
    assert (event.conversation.id, event.conversation.inbox_id) == (7, 3)


# Keys


def test_two_messages_of_one_configuration_have_two_keys():
    first, second = parse(body(delivery(message(1)), delivery(message(2))), TOKEN)

    assert json.loads(first.raw)["id"] == json.loads(second.raw)["id"] == 55
    assert first.dedupe_key != second.dedupe_key


def test_a_delivery_that_comes_again_has_the_same_key():
    again = delivery(message(text="mended"), "message_received", id=56, further=1)

    (first,), (second,) = parse(body(delivery()), TOKEN), parse(body(again), TOKEN)

    assert first.dedupe_key == second.dedupe_key


@pytest.mark.parametrize(
    "other",
    [
        delivery(message(status="delivered")),
        delivery(message(updated="2026-03-01T10:00:01Z")),
        delivery(kind="message_sent"),
    ],
)
def test_another_version_or_kind_has_another_key(other):
    (first,), (second,) = parse(body(delivery()), TOKEN), parse(body(other), TOKEN)

    assert first.dedupe_key != second.dedupe_key


def test_a_status_alone_makes_a_version():
    sent = [delivery({"id": 5, "status": "sent"}, further=further) for further in (1, 2)]
    (first,), (second,) = [parse(body(each), TOKEN) for each in sent]

    assert first.dedupe_key == second.dedupe_key == "message_received:5:sent:"


@pytest.mark.parametrize("place", ["event_data", "message"])
def test_a_message_is_not_known_by_its_conversation(place):
    seven = {"id": 7, "updated": STAMP}
    sent = [
        {"event": "message_sent", "token": TOKEN, place: {"text": text}, "conversation": seven}
        for text in ("one", "two")
    ]
    (first,), (second,) = [parse(body(each), TOKEN) for each in sent]

    assert first.dedupe_key != second.dedupe_key


def test_the_key_of_an_empty_opt_out_is_a_digest_without_the_token():
    sent = [delivery({}, "target_opt_out", token) for token in (TOKEN, "new")]
    (old,), (new,) = [parse(body(each), [TOKEN, "new"]) for each in sent]
    (other,) = parse(body(delivery({}, "target_opt_out", at=STAMP)), TOKEN)

    assert old.dedupe_key == new.dedupe_key != other.dedupe_key
    assert (old.message, old.conversation, old.data) == (None, None, {})


@pytest.mark.parametrize("data", [{"id": 7}, {"updated": STAMP}, {"id": "?", "updated": STAMP}])
def test_without_an_id_and_a_version_all_that_came_makes_the_key(data):
    sent = [delivery({**data, "name": name}, "chat_closed") for name in ("Ada", "Bo")]
    (first,), (second,) = [parse(body(each), TOKEN) for each in sent]

    assert first.dedupe_key != second.dedupe_key


# Shapes


def test_both_spellings_are_one_kind():
    kinds = ["message_recieved", "message_received"]

    assert {parse(body(delivery(kind=each)), TOKEN)[0].kind for each in kinds} == {kinds[1]}


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"message": message()}, f"message_received:1:received:{STAMP}"),
        ({"message": message(conversation=None), "conversation": {"id": 7}}, None),
        (message(), None),  # its id may be that of the configuration
    ],
)
def test_the_old_shape_has_an_event_and_the_message_inline(more, key):
    (event,) = parse(body({"event": "message_received", "token": TOKEN, **more}), TOKEN)

    assert (event.kind, event.message.text, event.conversation.id) == ("message_received", TEXT, 7)
    assert key is None or event.dedupe_key == key
    assert (event.dedupe_key.count(":") == 1) is ("message" not in more)


@pytest.mark.parametrize("name", ["conversation", "chat", None])
def test_an_old_conversation_is_read_too(name):
    shown = {"id": 7, "updated": STAMP}
    old = {"event": "chat_updated", "token": TOKEN, **({name: shown} if name else shown)}
    (event,) = parse(body(old), TOKEN)

    assert (event.kind, event.message, event.conversation.id) == ("chat_updated", None, 7)
    assert (event.dedupe_key == f"chat_updated:7::{STAMP}") is (name is not None)
    assert json.loads(event.raw) == {key: each for key, each in old.items() if key != "token"}


SHAPES = ["event_data", "event", "inline", "named"]


@pytest.mark.parametrize("shape", SHAPES)
def test_all_shapes_of_the_sandbox_are_read(shape):
    with Sandbox(contacts=3, readings=Readings(webhook_retries=0)) as sandbox:
        sandbox.webhooks.add("http://127.0.0.1:9/", TOKEN, shape=shape, spelling="both")
        for text in ("one", "two", "STOP"):
            sandbox.customer.text(PHONE, text)
        sandbox.webhooks.settle()
        bodies = [each.body for each in sandbox.webhooks.deliveries if each.attempt == 1]
        events = [event for each in bodies for event in parse(each, TOKEN)]

    texts = [event.message.text for event in events if event.message is not None]
    assert {event.kind for event in events} == {"message_received", "target_opt_out"}
    assert sorted(texts) == ["STOP", "one", "two"]
    assert len({event.dedupe_key for event in events}) == len(events) == 4
    assert {event.conversation.target for event in events if event.message} == {PHONE}


def test_an_array_may_have_one_event():
    assert parse(b"[%b]" % body(delivery()), TOKEN) == parse(body(delivery()), TOKEN)


@pytest.mark.parametrize("kind", ["incoming_call", "target_paused", "", 5, None])
def test_an_unknown_kind_is_an_event_too_and_nothing_is_dropped(kind):
    (event,) = parse(body(delivery({"from": PHONE}, kind, further=[1])), TOKEN)

    assert event.kind == (kind if isinstance(kind, str) else "")
    assert (event.data, json.loads(event.raw)["further"], event.message) == (
        {"from": PHONE},
        [1],
        None,
    )


@pytest.mark.parametrize("data", [[], "text", 5, [{}]])
def test_a_message_that_is_none_leaves_the_event(data):
    (event,) = parse(body(delivery(data)), TOKEN)

    assert (event.kind, event.message, json.loads(event.raw)["event_data"]) == (
        "message_received",
        None,
        data,
    )


def test_odd_values_of_a_message_are_kept_apart():
    (event,) = parse(body(delivery(message(user="me", target=15105550177))), TOKEN)

    assert (event.message.id, event.message.user, event.message.target) == (1, None, PHONE)
    assert event.message.odd["user"] == "me"


def test_half_an_emoji_loses_no_message():
    sent = body(delivery(message(text="\ud83d!")))

    assert b"\\ud83d" in sent
    assert parse(sent, TOKEN)[0].message.text == "\ufffd!"


@pytest.mark.parametrize("place", ["kind", "custom"])
def test_a_number_that_is_too_large_loses_no_message(place):
    sent = {"kind": delivery(kind="1e999"), "custom": delivery(message(custom="1e999"))}[place]
    (event,) = parse(body(sent).replace(b'"1e999"', b"1e999"), TOKEN)

    assert event.data["text"] == TEXT
    assert place == "kind" or event.message.text == TEXT


@pytest.mark.parametrize(
    "digits", ["9" * 4301, "-" + "9" * 6000, "1" + "0" * 400 + ".5", "1" * 310 + "e5"]
)
def test_a_number_with_too_many_digits_is_refused_at_once(digits):
    sent = body(delivery(message(custom="N"))).replace(b'"N"', digits.encode())

    assert refusal_of(sent).status == 400


@pytest.mark.parametrize("number", ["9" * 4300, "1" * 199 + "e99", '"' + "9" * 6000 + '"'])
def test_long_numbers_that_can_be_read_and_long_texts_are_taken(number):
    (event,) = parse(body(delivery(message(custom="N"))).replace(b'"N"', number.encode()), TOKEN)

    assert event.data["custom"] == json.loads(number)


# Tokens


@pytest.mark.parametrize(
    "token", ["wrong", "", TOKEN.upper(), TOKEN + " ", None, 5, [TOKEN], {"a": 1}, "tök", "\ud83d"]
)
def test_a_wrong_token_is_refused(token):
    assert refusal_of(body(delivery(token=token))).status == 401


def test_a_missing_token_is_refused():
    sent = delivery()
    del sent["token"]

    assert refusal_of(body(sent)).status == 401


def test_one_wrong_token_refuses_the_whole_array():
    assert refusal_of(body(delivery(), delivery(token="wrong"))).status == 401


def test_two_tokens_are_valid_while_one_replaces_the_other():
    for token in ("old", "new"):
        assert parse(body(delivery(token=token)), {"old", "new"})
    assert refusal_of(body(delivery(token="older")), ["old", "new"]).status == 401


def test_all_tokens_are_compared_in_constant_time(monkeypatch):
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda *pair: compared.append(pair) or real(*pair))

    parse(body(delivery()), [TOKEN, "b", "c"])

    assert compared == [(TOKEN.encode(), each) for each in (TOKEN.encode(), b"b", b"c")]


@pytest.mark.parametrize("tokens", ["", [], [""], ["a", ""], 5, [5], None])
def test_no_token_is_no_way_to_take_all(tokens):
    with pytest.raises(ValueError, match=r"^(each of )?tokens must"):
        parse(body(delivery(token="")), tokens)


def test_a_body_is_bytes():
    with pytest.raises(ValueError, match="body must be of type bytes"):
        parse("{}", TOKEN)  # type: ignore[arg-type]


# Bodies

DEEP = b'{"token":"%b","a":' % TOKEN.encode() + b"[" * 200_000 + b"]" * 200_000 + b"}"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b" " * (2 << 20), 413),
        (body(delivery(message(text="x" * (2 << 20)))), 413),
        (b"", 400),
        (b"type=message_sent&token=" + TOKEN.encode(), 400),
        (body(delivery())[:-1], 400),
        (body(delivery()) * 2, 400),
        (b"[]", 400),
        (b"null", 400),
        (b'"text"', 400),
        (b"[1]", 400),
        (b"[[]]", 400),
        (DEEP, 400),
        (b"[" * 500_000, 400),
        (body(delivery()).replace(TEXT.encode(), b"\xff\xfe"), 400),
        (body(delivery()).replace(TOKEN.encode(), b"\xff"), 400),
    ],
    ids=lambda each: None if isinstance(each, int) else repr(each[:12]),
)
def test_a_body_that_cannot_be_read_is_refused(sent, status):
    assert refusal_of(sent).status == status


def test_a_body_of_1_mib_is_read():
    sent = body(delivery(message(text="")))
    sent = sent.replace(b'"text": ""', b'"text": "%b"' % (b"x" * ((1 << 20) - len(sent))))

    assert (len(sent), len(parse(sent, TOKEN))) == (1 << 20, 1)
    assert refusal_of(sent + b" ").status == 413


NAMES = st.sampled_from(
    ["type", "event", "id", "event_data", "message", "conversation", "status", "updated", "x"]
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, ANY), st.sampled_from(["message_x", "chat_x", "x"]))
def test_any_json_with_the_token_is_an_event(fields, kind):
    (event,) = parse(json.dumps({"type": kind, **fields, "token": TOKEN}).encode(), TOKEN)

    assert event.dedupe_key.startswith(event.kind + ":")
    assert json.loads(event.raw).keys() == {"type", *fields}
    assert (repr(event), isinstance(event.data, dict)) != ("", False)


@given(st.binary() | st.text().map(str.encode) | ANY.map(json.dumps).map(str.encode))
def test_any_other_body_is_refused_and_no_other_error_comes(sent):
    assert refusal_of(sent).status in {400, 401}


# Secrets


def test_neither_the_token_nor_the_person_is_in_what_may_be_logged():
    (event,) = parse(body(delivery()), TOKEN)

    assert repr(event) == str(event) == "Event('message_received', message=1, conversation=7)"
    assert TOKEN.encode() not in pickle.dumps(event) + event.raw + msgspec.json.encode(event)
    assert pickle.loads(pickle.dumps(event)) == event


@pytest.mark.parametrize("sent", [body(delivery(token="wrong")), body(delivery())[:-1], DEEP])
def test_a_refusal_holds_nothing_of_the_delivery(sent):
    error = refusal_of(sent, [TOKEN])

    shown = "".join(
        traceback.TracebackException.from_exception(error, capture_locals=True).format()
    )
    assert error.__cause__ is error.__context__ is None
    ours = shown[shown.index("webhooks/event.py") :]
    assert not [each for each in (TOKEN, TEXT, PHONE, "event_data") if each in ours]
    assert "wrong" not in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_an_event_can_be_made_for_a_test():
    assert Event(kind="chat_closed", raw=b"{}", dedupe_key="1").data == {}
