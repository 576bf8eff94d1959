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

    if text in {".", ".."}:
        with pytest.raises(ValueError, match="channel_type"):
            GET.request(contactID=UUID(int=1), channelType=text)
        return

    target = GET.request(contactID=UUID(int=1), channelType=text, query={"a": text}).target

    url = URL(f"https://host{target}", encoded=True)
    assert url.raw_path.count("/") == 5
    assert url.query == {"a": text}
    assert url.host == "host"


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (7, "7"), ("a b", "a+b")]
)
def test_a_query_is_written_as_the_api_writes_it(value, text):
    request = GET.request(contactID=UUID(int=1), channelType="x", query={"q": value})

    assert request.target.endswith(f"?q={text}")


@pytest.mark.parametrize(
    ("path", "ids", "problem"),
    [
        ("/v1/contact/{id}", {"id": UUID(int=1)}, "contact_id must be a positive integer"),
        ("/v1/contact/{id}", {"id": 0}, "contact_id must be a positive integer"),
        ("/v1/tag/{tag_id}", {"tag_id": True}, "tag_id must be a positive integer"),
        ("/v2/contact/{contactID}", {"contactID": 1}, "contact_uuid must be a UUID"),
        ("/v2/channel/{channelType}", {"channelType": ""}, "channel_type must be text"),
    ],
)
def test_each_placeholder_has_a_rule_that_its_id_must_keep(path, ids, problem):
    with pytest.raises(ValueError, match=problem):
        Endpoint("GET", path, object, Repeat.READ).request(**ids)


def test_ids_that_the_answer_holds_are_among_what_it_is_about():
    endpoint = Endpoint(
        "GET", "/v2/contact/{contactID}", object, Repeat.READ, id_fields={"contactID": "uuid"}
    )
    uuid = UUID(int=1)

    assert endpoint.request(contactID=str(uuid)).about == {"uuid": uuid}
    about = {"phone": "15105550101"}
    assert endpoint.request(contactID=uuid, about=about).about == {"uuid": uuid, **about}
    assert GET.request(contactID=uuid, channelType="x").about is None


def test_an_endpoint_with_another_answer_is_the_same_otherwise():
    endpoint = msgspec.structs.replace(GET, one=True, id_fields={"id": "id"}, gone_is_done=False)
    other = endpoint.returning(int)

    assert other.returns is int
    assert msgspec.structs.replace(other, returns=object) == endpoint
    assert msgspec.structs.replace(endpoint.listing(int), returns=object) == endpoint
    assert endpoint.listing(int).returns == list[int]
