"""`client.contact_channels`: what the examples of the documentation do not show."""

from __future__ import annotations

import msgspec
import pytest

from heymarket_async import Channel, ContactChannel, NotFoundError
from tests.endpoints.conftest import CONTACT_UUID

PATH = f"/v2/contact/{CONTACT_UUID}"
EMAIL = Channel(channel_type="email", channel_id="robin@example.com")
SHOWN = {
    "id": 7,
    "team_id": 3,
    "contact_id": 98765,
    "channel_type": "email",
    "channel_id": "robin@example.com",
    "channel_handle": None,
    "info_channel": "x",
    "created": "2026-04-12T15:30:00Z",
    "updated": "2026-04-12T15:30:00Z",
    "unknown": 1,
}


@pytest.mark.parametrize("answer", ["ok", [SHOWN], SHOWN, msgspec.UNSET, None])
async def test_replace_takes_any_answer(answer, client, heymarket):
    heymarket.answers(answer)

    assert await client.contact_channels.replace(CONTACT_UUID, EMAIL) is None

    body = {"channel_type": "email", "channel_id": "robin@example.com"}
    assert heymarket.sent == (f"PUT {PATH}/channel", {}, body)


@pytest.mark.parametrize("answer", ["ok", [], msgspec.UNSET])
async def test_remove_takes_any_answer(answer, client, heymarket):
    heymarket.answers(answer)

    assert await client.contact_channels.remove(CONTACT_UUID, "email") is None

    assert heymarket.sent == (f"DELETE {PATH}/channel/email", {}, msgspec.UNSET)


async def test_all_channels_are_listed(client, heymarket):
    heymarket.answers([SHOWN])

    (channel,) = await client.contact_channels.all(str(CONTACT_UUID))

    assert heymarket.sent == (f"GET {PATH}/channels", {}, msgspec.UNSET)
    shown = {name: value for name, value in SHOWN.items() if name != "unknown"}
    assert channel == ContactChannel(**shown)


async def test_one_channel_is_got_by_its_type(client, heymarket):
    heymarket.answers(SHOWN)

    channel = await client.contact_channels.get(CONTACT_UUID, "email")

    assert heymarket.sent == (f"GET {PATH}/channel/email", {}, msgspec.UNSET)
    assert channel.channel_id == "robin@example.com"


async def test_a_channel_that_is_not_there_is_not_found(client, heymarket):
    heymarket.answers({})

    with pytest.raises(NotFoundError):
        await client.contact_channels.get(CONTACT_UUID, "fax")


async def test_a_type_is_quoted_into_the_path(client, heymarket):
    heymarket.answers("ok")

    await client.contact_channels.remove(CONTACT_UUID, "a/b?c")

    assert heymarket.sent.call == f"DELETE {PATH}/channel/a%2Fb%3Fc"


@pytest.mark.parametrize("channel_type", ["", ".", "..", None])
async def test_a_type_that_would_lead_elsewhere_is_refused(channel_type, client, heymarket):
    with pytest.raises(ValueError, match="channel_type must be"):
        await client.contact_channels.remove(CONTACT_UUID, channel_type)

    assert not heymarket.requests


@pytest.mark.parametrize(
    ("channel_type", "channel_id"),
    [("", "x"), ("email", ""), ("phone", "555-3344"), (5, "x"), ("email", None)],
)
def test_a_channel_that_breaks_a_rule_is_refused(channel_type, channel_id):
    with pytest.raises(ValueError, match="channel_"):
        Channel(channel_type=channel_type, channel_id=channel_id)


async def test_a_channel_of_another_type_is_refused(client, heymarket):
    for call in (client.contact_channels.add, client.contact_channels.replace):
        with pytest.raises(ValueError, match="channel must be of type Channel, not dict"):
            await call(CONTACT_UUID, {"channel_type": "email", "channel_id": "r@a.example"})

    assert not heymarket.requests
