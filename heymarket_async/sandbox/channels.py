"""The channels of a v2 contact: its phones, e-mail addresses and accounts elsewhere.

Sources: https://developers.heymarket.com/api-reference/contacts/channels and .../channels-get
"""

from heymarket_async.sandbox import writes
from heymarket_async.sandbox.contacts import Contact
from heymarket_async.sandbox.records import Channel, ChannelIn
from heymarket_async.sandbox.routes import Call, Refused, route


@route("GET /v2/contact/{contactID}/channels")
def list_channels(call: Call) -> object:
    """List a contact's channels."""
    return call.contacts.channels(call.contact())


@route("GET /v2/contact/{contactID}/channel/{channelType}")
def get(call: Call) -> object:
    """Show the first channel of a type."""
    return _first(call, call.contact(), call.path["channelType"])


@route("POST /v2/contact/{contactID}/channel")
def add(call: Call) -> object:
    """Add a channel, unless the contact has it."""
    contact = writes.add_channels(call, call.contact(), [call.parse(ChannelIn)])
    return call.contacts.channels(contact)


@route("PUT /v2/contact/{contactID}/channel")
def change(call: Call) -> object:
    """Change the first channel of a type."""
    contact = call.contact()
    kind, value = writes.pair(call.parse(ChannelIn))
    contact = writes.change_channel(call, contact, _first(call, contact, kind), value)
    answers: dict[str, object] = {
        "ok": "ok",
        "channels": call.contacts.channels(contact),
        "channel": _first(call, contact, kind),
    }
    return answers[call.readings.channel_put_answer]


@route("DELETE /v2/contact/{contactID}/channel/{channelType}")
def delete(call: Call) -> object:
    """Delete the channels of a type."""
    contact, kind = call.contact(), call.path["channelType"]
    _first(call, contact, kind)
    left = [known for known in call.contacts.channels(contact) if known.channel_type != kind]
    contact = writes.save(call, contact, call.contacts.record(contact), left)
    return call.contacts.channels(contact) if call.readings.channel_delete_answer != "ok" else "ok"


def _first(call: Call, contact: Contact, kind: str) -> Channel:
    for known in call.contacts.channels(contact):
        if known.channel_type == kind:
            return known
    raise Refused(call.readings.missing, "no such channel")
