"""Endpoints as data."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from heymarket_async import Repeat
from heymarket_async.request import Endpoint

GET = Endpoint("GET", "/v2/contact/{contactID}/channel/{channelType}", object, Repeat.READ)


def test_an_endpoint_filled_in_names_its_call_without_anyones_data():
    request = GET.request(contactID=UUID(int=1), channelType="phone")

    assert request.target == "/v2/contact/00000000-0000-0000-0000-000000000001/channel/phone"
    assert request.call == "GET /v2/contact/{contactID}/channel/{channelType}"
    assert request.body is msgspec.UNSET


@given(st.text(min_size=1))
def test_a_segment_stays_one_segment(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return

    target = GET.request(contactID=1, channelType=text, query={"a": text}).target

    url = URL(f"https://host{target}", encoded=True)
    assert url.raw_path.count("/") == 5
    assert url.query == {"a": text}
    assert url.host == "host"


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (7, "7"), ("a b", "a+b")]
)
def test_a_query_is_written_as_the_api_writes_it(value, text):
    assert GET.request(contactID=1, channelType="x", query={"q": value}).target.endswith(
        f"?q={text}"
    )


def test_an_endpoint_with_another_answer_is_the_same_otherwise():
    other = GET.returning(int)

    assert other.returns is int
    assert (other.method, other.path, other.repeat, other.one) == (
        "GET",
        GET.path,
        GET.repeat,
        False,
    )
