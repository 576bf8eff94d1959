"""Answers become models, or errors without private data."""

from __future__ import annotations

import math
import re
import time
from email.utils import formatdate

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from heymarket_async import (
    AuthenticationError,
    BadRequestError,
    Contact,
    DecodeError,
    NewContact,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    Repeat,
    ServerError,
    StatusError,
)
from heymarket_async.privacy import Hidden
from heymarket_async.request import Endpoint
from heymarket_async.transport import wire
from tests.conftest import answer

TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJpIiwiaWF0IjoxfQ.c2lnbmF0dXJl"
CREATE = Endpoint("POST", "/v1/contact", object, Repeat.UNSAFE)


def decode(result, *, returns=object, body=msgspec.UNSET):
    request = CREATE.returning(returns).request(body=body)
    return wire.decode(request, result, body=wire.encode(body), secrets=Hidden((TOKEN,)))


def error_of(status: int, said: object, *, body: object = msgspec.UNSET, **headers) -> StatusError:
    with pytest.raises(StatusError) as raised:
        decode(answer(status, said, **headers), body=body)
    return raised.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, StatusError),
        (400, BadRequestError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (409, StatusError),
        (410, NotFoundError),
        (422, StatusError),
        (429, RateLimitError),
        (500, ServerError),
        (503, ServerError),
        (599, ServerError),
    ],
)
def test_each_status_has_its_error(status, kind):
    error = error_of(status, {}, X_Request_Id="r-1")

    assert type(error) is kind
    assert (error.status, error.request_id, error.call) == (status, "r-1", "POST /v1/contact")


# The shape of Heymarket's error bodies is not documented; these were seen elsewhere.
@pytest.mark.parametrize(
    ("said", "code", "detail"),
    [
        ({"error": "bad_data", "message": "phone is invalid"}, "bad_data", "phone is invalid"),
        ({"error_code": "invalid_phone_number", "message": "no"}, "invalid_phone_number", "no"),
        ({"code": "bad_data", "detail": "no"}, "bad_data", "no"),
        ({"message": "phone is invalid"}, "", "phone is invalid"),
        ({"error": "phone is invalid"}, "", "phone is invalid"),
        ({"error": "bad_data"}, "bad_data", ""),
        ({"message": "bad_data"}, "", "bad_data"),
        ("phone is invalid", "", "phone is invalid"),
        (b"phone is invalid\n", "", "phone is invalid"),
        (b"<html><body>Bad Gateway</body></html>", "", "(an HTML page)"),
        (b"", "", ""),
        (b"\xff\xfe", "", "\ufffd\ufffd"),
        (b"[" * 5000, "", "[" * 300),
        ({"message": "two\nlines \x1b[31mred\t"}, "", "two lines [31mred"),
        ({"errors": [{"field": "phone"}]}, "", '{"errors":[{"field":"phone"}]}'),
        (
            {"code": "bad_data", "fields": ["phone"]},
            "bad_data",
            '{"code":"bad_data","fields":["phone"]}',
        ),
        ({"message": "no", "fields": ["phone"]}, "", "no"),
        ([1, 2], "", "[1,2]"),
        ({"code": 7, "message": None}, "", '{"code":7,"message":null}'),
    ],
)
def test_an_error_body_is_read_in_every_form(said, code, detail):
    error = error_of(400, said)

    assert (error.code, error.detail) == (code, detail)
    expected = "answered 400" + f" {code}" * bool(code) + f": {detail}" * bool(detail)
    assert str(error) == f"POST /v1/contact {expected}"


def test_a_long_explanation_is_cut():
    assert len(error_of(500, {"message": "so " * 5000}).detail) == 300


def test_a_cut_explanation_does_not_end_with_half_of_a_sent_text():
    body = {"first": "J" * 95, "last": "x" * 100}
    said = f"{body['first']} " * 10 + body["last"]

    detail = error_of(400, {"message": said}, body=body).detail

    assert "x" not in detail
    assert detail.endswith("***")


BODY = {
    "phone": "15105553344",
    "first": "Jordan",
    "email": "jordan.rivera@example.com",
    "custom": {"123": ["Premium plan"]},
    "tags": [{"tag_id": 55}],
    "channel_type": "email",
    "display_name": "José",
}


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ("phone 15105553344 is taken", "phone *** is taken"),
        ("phone +1 (510) 555-3344 is taken", "phone *** is taken"),
        ("JORDAN is not a name", "*** is not a name"),
        ("mail to someone.else@example.org", "mail to ***"),
        ("'Premium plan' is not a plan", "'***' is not a plan"),
        (f"token {TOKEN} expired", "token *** expired"),
        ({"errors": ["Jos\u00e9"]}, '{"errors":["***"]}'),
        ("Bearer eyJhbGciOi.eyJpc3Mi.x1", "Bearer ***"),
        ("contact 98765 has rev 3", "contact 98765 has rev 3"),
        ("no channel of type email", "no channel of type email"),
        ("tag 55 is unknown", "tag 55 is unknown"),
    ],
)
def test_what_was_sent_and_personal_data_are_masked(said, detail):
    said = said if isinstance(said, dict) else {"message": said}

    assert error_of(400, said, body=BODY).detail == detail


def test_what_a_server_escapes_is_masked_too():
    said = b'{"errors": [{"display_name": "Jos\\u00e9"}]}'

    assert error_of(400, said, body=BODY).detail == '{"errors":[{"display_name":"***"}]}'


def test_what_was_sent_in_a_query_is_masked_too():
    query = {"name": "Jordan Smith", "overwrite": True}
    request = CREATE.request(query=query)

    with pytest.raises(StatusError) as raised:
        wire.decode(request, answer(400, "no Jordan Smith; true"), body=None, secrets=Hidden(()))

    assert raised.value.detail == "no ***; true"


def test_a_secret_is_masked_within_words_too():
    request = CREATE.request()

    with pytest.raises(StatusError) as raised:
        said = answer(400, "SECRETKEYx and x_SECRETKEY")
        wire.decode(request, said, body=None, secrets=Hidden(("SECRETKEY",)))

    assert raised.value.detail == "***x and x_***"


def test_a_made_up_secret_of_two_letters_spoils_no_explanation():
    with pytest.raises(StatusError) as raised:
        wire.decode(CREATE.request(), answer(401, "invalid id"), body=None, secrets=Hidden(("id",)))

    assert raised.value.detail == "invalid id"


def test_numbers_of_custom_fields_are_masked_and_ids_are_not():
    body = {"custom": {"1": 98765, "2": [{"a": 1234.5}], "3": 12}, "assignee_id": 43210}
    said = {"message": "98765 and 1234.5, 12 of 43210"}

    assert error_of(400, said, body=body).detail == "*** and ***, 12 of 43210"


def test_white_space_does_not_eat_an_explanation():
    assert error_of(500, b"Traceback:\n" + b" " * 1500 + b"boom").detail == "Traceback: boom"


def test_a_code_that_was_sent_is_masked_too():
    error = error_of(400, {"error": "jordan"}, body={"first": "jordan"})

    assert error.code == ""
    assert "jordan" not in str(error)


words = st.text(st.characters(categories=["L"]), min_size=2, max_size=12)
names = words.filter(lambda word: word.casefold() not in {"true", "false"})  # these are shown


@given(
    phone=st.from_regex(r"[1-9][0-9]{7,14}", fullmatch=True),
    name=names,
    email=st.emails(),
    before=st.text(max_size=30),
)
def test_no_error_repeats_a_person(phone, name, email, before):
    body = {"phone": phone, "first": name, "contact_channels": [{"channel_id": email}]}
    text = f"{before} {phone} {name}, {email}"

    for said in (text, {"message": text}, {"oops": text}, text.encode(errors="replace")):
        error = error_of(400, said, body=body)
        shown = f"{error} {error.detail} {error.code} {error!r} {vars(error)}"
        assert phone not in shown
        assert email.casefold() not in shown.casefold()
        pattern = rf"(?<!\w){re.escape(name)}(?!\w)"
        whole_names = re.findall(pattern, error.detail, re.IGNORECASE)
        assert not whole_names


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry_After": "17"}, 17.0),
        ({"Retry_After": "0"}, None),
        ({"Retry_After": "1.5"}, 1.5),
        ({"Retry_After": "-3"}, None),
        ({"Retry_After": "3, 1"}, 3.0),
        ({"Retry_After": "3; comment"}, 3.0),
        ({"Retry_After": "3 (busy); delay=9"}, 3.0),
        ({"Retry_After": "120 seconds"}, 120.0),
        ({"Retry_After": '"120s"'}, 120.0),
        ({"Retry_After": "2 minutes"}, None),
        ({"Retry_After": "1e300"}, 1e300),
        ({"Retry_After": "9" * 400}, None),
        ({"Retry_After": "1771404540", "Date": formatdate(1771404500, usegmt=True)}, 40.0),
        ({"Retry_After": "1771404540000", "Date": formatdate(1771404500, usegmt=True)}, 40.0),
        ({"Retry_After": "1771404540000000", "Date": formatdate(1771404500, usegmt=True)}, 40.0),
        ({"Retry_After": "1771404540000000000", "Date": formatdate(1771404500, usegmt=True)}, 40.0),
        ({"Retry_After": "1771404540e9", "Date": formatdate(1771404600, usegmt=True)}, None),
        ({"Retry_After": "1771404540", "Date": formatdate(1771404600, usegmt=True)}, None),
        (
            {
                "Retry_After": f"5, {formatdate(1030, usegmt=True)}, 7",
                "Date": formatdate(1000, usegmt=True),
            },
            30.0,
        ),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": ""}, None),
        ({"Retry_After": "nan"}, None),
        ({"Retry_After": "inf"}, None),
        (
            {"Retry_After": formatdate(1030, usegmt=True), "Date": formatdate(1000, usegmt=True)},
            30.0,
        ),
        (
            {"Retry_After": formatdate(900, usegmt=True), "Date": formatdate(1000, usegmt=True)},
            None,
        ),
        (  # the old form, without a zone, is in UTC
            {"Retry_After": "Thu Jan  1 00:17:10 1970", "Date": "Thu Jan  1 00:16:40 1970"},
            30.0,
        ),
        ({"Retry_After": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}, None),
    ],
)
def test_a_hint_to_wait_is_read_in_seconds_and_as_a_date(headers, seconds):
    assert error_of(429, {}, **headers).retry_after_s == seconds


def test_of_two_hints_to_wait_the_longer_counts():
    headers = CIMultiDict([("Retry-After", "1"), ("retry-after", "7"), ("Retry-After", "2")])

    assert wire.retry_after_s(headers) == 7.0


@given(st.text(), st.text())
def test_headers_that_make_no_sense_raise_nothing(hint, date):
    seconds = wire.retry_after_s(CIMultiDict({"Retry-After": hint, "Date": date}))

    assert seconds is None or 0 < seconds < math.inf


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://api2.example.com/v1/contact?phone=15105553344", "api2.example.com"),
        ("//user:pass@api2.example.com:8443/v1", "api2.example.com:8443"),
        ("HTTP://192.168.100.200:8080/", "192.168.100.200:8080"),
        ("http://[::1]:80/", "[::1]:80"),
        ("http://[2001:db8::1]", "[2001:db8::1]"),
        ("http://user@[::ffff:192.168.100.200]:8443/x", "[::ffff:192.168.100.200]:8443"),
        ("https://bücher.example/x", "bücher.example"),
        ("//bücher.example:8443?x=1", "bücher.example:8443"),
        ("https://xn--bcher-kva.example#x", "xn--bcher-kva.example"),
        ("https://b%C3%BCcher.example/", "b%C3%BCcher.example"),
        ("https://Jörg:s3cret@例え.example:80/", "例え.example:80"),
        ("https://user:s3cret@word@api2.example.com/", "api2.example.com"),
        ("ftp://api2.example.com/x", "api2.example.com"),
        ("https://under_score.example./", "under_score.example."),
        ("https://b\udcfccher.example/", "b cher.example"),
        (f"https://{'ü' * 1200}.example/", "ü" * 300),
        (f"https://{'ü' * 298}15105553344.example/", "ü" * 298 + "**"),
        ("/v2/contact/15105553344", "another path"),
        ("contact/15105553344", "another path"),
        ("?phone=15105553344", "another path"),
        ("/away?to=https://15105553344.example/", "another path"),
        ("https:///x", "another path"),
        ("https://user:s3cret/word@api2.example.com/", "another path"),
        ("https://15105553344.example.com", "***.example.com"),
        (f"https://{TOKEN}.example.com", "***.example.com"),
    ],
)
def test_a_redirect_names_the_host_that_it_leads_to_and_nothing_more(location, host):
    error = error_of(301, b"", Location=location)

    expected = f"answered 301 (a redirect to {host}, which is not followed)"
    assert str(error) == f"POST /v1/contact {expected}"


def test_a_redirect_to_a_host_that_repeats_what_was_sent_does_not_name_it():
    error = error_of(301, b"", body={"first": "Jörg"}, Location="https://jörg.example:80/x")

    assert "a redirect to ***.example:80, which" in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_redirect_names_its_host(status):
    assert "a redirect to x.example," in str(error_of(status, b"", Location="https://x.example/"))


def test_a_location_without_a_redirect_is_not_shown():
    assert str(error_of(400, b"", Location="https://x.example")) == "POST /v1/contact answered 400"


@pytest.mark.parametrize("headers", [{}, {"Date": "rubbish"}])
def test_a_date_to_wait_for_is_measured_from_now_if_the_answer_has_none(headers):
    until = formatdate(time.time() + 1000, usegmt=True)

    error = error_of(503, {}, Retry_After=until, **headers)

    assert error.retry_after_s == pytest.approx(1000, abs=60)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_a_success(status):
    assert decode(answer(status, {"a": 1})) == {"a": 1}


@pytest.mark.parametrize("said", [b"", b"  \n", b"null", b'"ok"', b"[]"])
def test_content_that_is_not_needed_may_be_anything(said):
    assert decode(answer(200, said), returns=type(None)) is None


@pytest.mark.parametrize("returns", [type(None), msgspec.Raw, object, int, list[int]])
@pytest.mark.parametrize("said", [b"<html></html>", b'{"a": ', b"\xff"])
def test_an_answer_that_is_no_json_is_an_error(returns, said):
    with pytest.raises(DecodeError, match="answered 200, but the body cannot be read") as raised:
        decode(answer(200, said, X_Request_Id="r-1"), returns=returns)

    assert (raised.value.status, raised.value.request_id) == (200, "r-1")


def test_what_cannot_be_read_is_not_shown():
    with pytest.raises(DecodeError) as raised:
        decode(answer(200, {"a": "15105553344"}), returns=dict[str, bool])

    assert "15105553344" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


def test_an_error_says_how_long_to_wait():
    error = error_of(429, {"error": "too_many"}, Retry_After="3600")

    assert str(error) == "POST /v1/contact answered 429 too_many (asks to wait 3600 s)"


def test_a_request_id_that_could_write_on_a_terminal_is_left_out():
    assert error_of(500, {}, X_Request_Id="r\x1b[31m").request_id == ""


def test_an_answer_that_nests_too_deep_cannot_be_read():
    # From Python 3.14 on it is read as deep as the stack is.
    with pytest.raises(DecodeError, match=r"RecursionError|truncated"):
        decode(answer(200, b"[" * 100_000))


@pytest.mark.parametrize("returns", [5, [], Contact | NewContact])
def test_a_type_that_nothing_can_be_read_into_is_refused_before_anything_is_sent(returns):
    with pytest.raises(ValueError, match="returns must be a type"):
        wire.prepare(CREATE.returning(returns).request())


def test_raw_is_what_the_server_sent():
    said = b' {"b": 1,\n "a": 1.0} '

    assert bytes(decode(answer(200, said), returns=msgspec.Raw)) == said


@pytest.mark.parametrize("body", [object(), {1j: 2}, {"a": {object}}, "\ud800"])
def test_a_body_that_is_no_json_is_a_wrong_argument(body):
    with pytest.raises(ValueError, match="the body cannot be written as JSON"):
        wire.encode(body)


def test_no_body_is_not_null():
    assert wire.encode(msgspec.UNSET) is None
    assert wire.encode(None) == b"null"
