"""The channels of a v2 contact: its phones, e-mail addresses and accounts elsewhere.

https://developers.heymarket.com/api-reference/contacts/channels
"""

from heymarket_async.sandbox import writes
from heymarket_async.sandbox.answers import Answer, Refused, as_json
from heymarket_async.sandbox.bodies import ChannelIn
from heymarket_async.sandbox.contacts import Row
from heymarket_async.sandbox.records import Channel
from heymarket_async.sandbox.routes import Call, Handler


def channels(call: Call) -> Answer:
    """List a contact's channels.

    https://developers.heymarket.com/api-reference/contacts/channels-get
    """
    return as_json(call.store.channels(call.row()))


def channel(call: Call) -> Answer:
    """Show the first channel of a type.

    https://developers.heymarket.com/api-reference/contacts/channels
    """
    return as_json(_first(call, call.row(), call.path["channelType"]))


def add_channel(call: Call) -> Answer:
    """Add a channel, unless the contact has it.

    https://developers.heymarket.com/api-reference/contacts/channels
    """
    row = writes.add_channels(call, call.row(), [call.parse(ChannelIn)])
    return as_json(call.store.channels(row))


def change_channel(call: Call) -> Answer:
    """Change the first channel of a type.

    https://developers.heymarket.com/api-reference/contacts/channels
    """
    row = call.row()
    kind, value = writes.pair(call.parse(ChannelIn))
    old = _first(call, row, kind)
    return _changed(call, writes.change_channel(call, row, old, value), kind)


def delete_channel(call: Call) -> Answer:
    """Delete the channels of a type.

    https://developers.heymarket.com/api-reference/contacts/channels
    """
    row = call.row()
    kind = call.path["channelType"]
    _first(call, row, kind)
    left = [old for old in call.store.channels(row) if old.channel_type != kind]
    row = writes.save(call, row, call.store.record(row), left)
    if call.readings.channel_delete_answer == "channels":
        return as_json(call.store.channels(row))
    return as_json("ok")


def _first(call: Call, row: Row, kind: str) -> Channel:
    for known in call.store.channels(row):
        if known.channel_type == kind:
            return known
    raise Refused(call.readings.missing, "no such channel")


def _changed(call: Call, row: Row, kind: str) -> Answer:
    answers: dict[str, object] = {
        "ok": "ok",
        "channels": call.store.channels(row),
        "channel": _first(call, row, kind),
    }
    return as_json(answers[call.readings.channel_put_answer])


ROUTES: dict[str, Handler] = {
    "POST /v2/contact/{contactID}/channel": add_channel,
    "PUT /v2/contact/{contactID}/channel": change_channel,
    "GET /v2/contact/{contactID}/channels": channels,
    "GET /v2/contact/{contactID}/channel/{channelType}": channel,
    "DELETE /v2/contact/{contactID}/channel/{channelType}": delete_channel,
}
