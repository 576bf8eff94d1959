"""A successful answer is what it claims to be, or an error that says why not."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

import msgspec
import pytest

from heymarket_async import Contact, ContactStatus, DecodeError, NotFoundError, Repeat
from heymarket_async.decoding import mending
from heymarket_async.privacy import Hidden
from heymarket_async.request import Endpoint
from heymarket_async.transport import wire
from tests.conftest import answer
from tests.endpoints.conftest import MoodyContact

ODD = [
    (b"x\\ud83d y", "x\ufffd y"),
    (b"a\tb\nc", "a\tb\nc"),
    (b"Jos\xe9", "Jos\ufffd"),
]


def decode(returns, sent, *, status=200, repeat=Repeat.READ, one=False):
    endpoint = Endpoint("POST", "/v1/contacts", returns, repeat, one)
    request = endpoint.request(about={} if one else None)
    return wire.decode(request, answer(status, sent), body=None, secrets=Hidden(()))


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(("sent", "read"), ODD)
def test_one_odd_text_stops_no_answer(sent, read, bom):
    row = b'{"id":1,"first":"%s","mood":"%s","custom":{"1":NaN}}' % (sent, sent)

    for kind in (Contact, MoodyContact):
        one, listed = decode(kind, bom + row), decode(list[kind], bom + b"[%s,{}]" % row)
        assert one == listed[0]
        assert (one.first, one.custom, one.odd) == (read, {"1": None}, {})
    assert decode(dict[str, object], bom + row)["first"] == read
    raw = decode(msgspec.Raw, bom + row)
    assert mending.decode(msgspec.json.decode, raw)["first"] == read
    assert decode(type(None), bom + row) is None
    rows = decode(list[msgspec.Raw], bom + b"[%s,{}]" % row)
    assert mending.decode(msgspec.json.decode, rows[0])["first"] == read
    assert list(map(mending.is_mended, rows)) == [True, False]


@pytest.mark.parametrize(("text", "kept"), [(b"\\ud83d", b"\\ud83d"), (b"\xe9", "\ufffd".encode())])
def test_kept_bytes_stay_as_sent_where_they_are_utf_8(text, kept):
    row = b'{ "first" : "%s" }'

    assert bytes(decode(msgspec.Raw, row % text)) == row % kept
    assert bytes(decode(list[msgspec.Raw], b"[%s]" % (row % text))[0]) == b" " + row % kept


@pytest.mark.parametrize("first", ["Robin", "Jos\u00e9", "\U0001f600"])
def test_a_page_that_is_sound_is_not_touched(first):
    row = msgspec.json.encode({"first": first})

    assert bytes(decode(list[msgspec.Raw], b"[%s]" % row)[0]) == row


@pytest.mark.parametrize("kind", [Contact, MoodyContact, msgspec.Raw, int])
@pytest.mark.parametrize(("status", "sent"), [(200, b"null"), (204, b""), (200, b" \n")])
def test_a_list_may_end_with_nothing(kind, status, sent):
    assert decode(list[kind], sent, status=status) == []


@pytest.mark.parametrize("kind", [Contact, MoodyContact, msgspec.Raw])
@pytest.mark.parametrize("sent", [{}, {"contacts": []}, "none", "", 0, False])
def test_no_list_ends_with_anything_else(kind, sent):
    with pytest.raises(DecodeError) as raised:
        decode(list[kind], sent)

    assert not raised.value.is_garbled


def test_a_write_that_should_answer_a_list_and_answers_nothing_is_unknown():
    with pytest.raises(DecodeError, match="it is empty"):
        decode(list[Contact], b"", repeat=Repeat.UNSAFE)


@pytest.mark.parametrize("returns", [Contact, list[Contact], msgspec.Raw, int, type(None)])
@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"\n<!DOCTYPE html><p>\xff", "it is an HTML page"),
        (b'[{"id":', "Input data was truncated"),
        (b"upstream error", "JSON is malformed"),
    ],
)
def test_a_body_that_is_no_json_is_garbled_and_says_so(returns, sent, reason):
    with pytest.raises(DecodeError, match=reason) as raised:
        decode(returns, sent)

    assert raised.value.is_garbled
    assert raised.value.__cause__ is raised.value.__context__ is None


@pytest.mark.parametrize("returns", [Contact, msgspec.Raw, int])
def test_an_empty_body_is_garbled_where_something_is_needed(returns):
    with pytest.raises(DecodeError, match="it is empty") as raised:
        decode(returns, b"")

    assert raised.value.is_garbled


@pytest.mark.parametrize(
    "sent",
    [
        {"error": "no such contact"},
        {"error": {"why": "no"}},
        {"errors": [{"field": "phone"}]},
        {"error_code": "forbidden"},
        {"failed_contacts": [{"id": 5}]},
        {"success": False},
        {"success": "false"},
        {"success": 0},
        {"ok": False},
        {"deleted": False},
        {"deleted": False, "id": 5},
        {"deleted": 0},
        {"status": "error"},
        {"status": "Failed"},
        {"status": False},
        {"status": 403},
        {"code": 500, "message": "oops"},
        {"message": "Unauthorized"},
        {"message": "Contact 5 was not found"},
        {"data": {"error": "no"}},
        {"result": "failed"},
        [{"error": "x"}],
        [{"channel_type": "email"}, {"channel_type": "phone", "success": False}],
        [False],
        False,
        0,
        0.0,
        "failed",
        "Error: no such contact",
        " false ",
        "0",
        "no",
        "Internal server error",
    ],
)
def test_an_error_is_no_success_even_if_the_content_is_not_needed(sent):
    with pytest.raises(DecodeError, match="says that the call failed"):
        decode(type(None), sent, repeat=Repeat.IDEMPOTENT)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "ok",
        "success",
        "OK",
        "deleted",
        "contact deleted",
        "No content",
        "0 errors",
        {},
        [],
        True,
        1,
        450,
        {"success": True, "error": None, "errors": [], "failed": 0, "message": "deleted"},
        {"deleted": True, "id": 5},
        {"status": "ok", "code": 0},
        {"status": 200},
        {"status": "subscribed"},
        {"status": 0},
        {"data": None, "result": "ok", "response": {}},
        {"id": 5, "phone": "15105553344", "status": "invalid", "deleted": False, "rev": 0},
        [{"channel_type": "phone", "channel_id": "15105553344", "deleted": False, "status": 0}],
    ],
)
def test_anything_else_is_a_success_where_the_content_is_not_needed(sent):
    assert decode(type(None), sent, repeat=Repeat.IDEMPOTENT) is None


class Level(IntEnum):
    ONE = 1


class Tagged(msgspec.Struct, tag_field="phone", tag=5):
    id: int = 0


@pytest.mark.parametrize("returns", [Level, Literal[1, 2], Tagged, dict[str, Level]])
@pytest.mark.parametrize("phone", [15105550177, -15105550177])
def test_no_error_repeats_a_number(returns, phone):
    sent = {"id": 1, "phone": phone} if returns is Tagged or returns == dict[str, Level] else phone
    with pytest.raises(DecodeError, match=r"alue \*\*\*") as raised:
        decode(returns, sent)

    assert "15105550177" not in str(raised.value)


@pytest.mark.parametrize("returns", [Contact, ContactStatus, MoodyContact, msgspec.Raw])
@pytest.mark.parametrize("sent", [b"", b" null ", b"{}", b"[]", b'""', b"\xef\xbb\xbfnull"])
def test_nothing_means_not_found_where_one_thing_is_asked_for(returns, sent):
    with pytest.raises(NotFoundError):
        decode(returns, sent, one=True)
