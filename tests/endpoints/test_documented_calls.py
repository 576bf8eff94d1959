"""Every call that Heymarket documents is there, under its path, and repeated rightly."""

from __future__ import annotations

import inspect

import pytest

from heymarket_async import (
    ContactChannels,
    ContactFields,
    Contacts,
    ContactsV2,
    Conversations,
    Emails,
    Messages,
    Repeat,
)
from heymarket_async.endpoints import (
    channels,
    contacts,
    contacts_v2,
    conversations,
    emails,
    fields,
    messages,
)
from heymarket_async.endpoints.listing import WholeListing
from heymarket_async.request import Endpoint

READ, IDEMPOTENT, UNSAFE = Repeat.READ, Repeat.IDEMPOTENT, Repeat.UNSAFE

# From https://developers.heymarket.com/api-reference/contacts/overview and the pages it leads to.
# A write is unsafe where sending it twice could make two contacts, channels or fields.
DOCUMENTED = {
    contacts: {
        "CREATE": ("POST /v1/contact", UNSAFE),
        "GET": ("GET /v1/contact/{id}", READ),
        "FIND": ("POST /v1/contact/get", READ),
        "UPDATE": ("PUT /v1/contact/{id}", IDEMPOTENT),
        "DELETE": ("DELETE /v1/contact/{id}", IDEMPOTENT),
        "PAGE": ("POST /v1/contacts", READ),
        "COUNT": ("POST /v1/contacts/count", READ),
        "STATUS": ("POST /v1/contact/status", READ),
        "SET_STATUS": ("POST /v1/contact/set_status", IDEMPOTENT),
        "CREATE_BATCH": ("POST /v1/batch/contacts", UNSAFE),
    },
    fields: {
        "ALL": ("POST /v1/contact-fields", READ),
        "CREATE": ("POST /v1/contacts/fields", UNSAFE),
    },
    contacts_v2: {
        "CREATE": ("POST /v2/contact", UNSAFE),
        "GET": ("GET /v2/contact/{contactID}", READ),
        "UPDATE": ("PUT /v2/contact/{contactID}", IDEMPOTENT),
        "DELETE": ("DELETE /v2/contact/{contactID}", IDEMPOTENT),
        "PAGE": ("POST /v2/contacts/list", READ),
        "SEARCH": ("POST /v2/contacts/search", READ),
        "UPSERT_MANY": ("POST /v2/contacts", UNSAFE),
        "DELETE_MANY": ("DELETE /v2/contacts", IDEMPOTENT),
    },
    channels: {
        "ADD": ("POST /v2/contact/{contactID}/channel", UNSAFE),
        "REPLACE": ("PUT /v2/contact/{contactID}/channel", IDEMPOTENT),
        "ALL": ("GET /v2/contact/{contactID}/channels", READ),
        "GET": ("GET /v2/contact/{contactID}/channel/{channelType}", READ),
        "REMOVE": ("DELETE /v2/contact/{contactID}/channel/{channelType}", IDEMPOTENT),
    },
    # https://developers.heymarket.com/api-reference/messages/send and the pages beside it
    messages: {
        "SEND": ("POST /v1/message/send", UNSAFE),
        "COMMENT": ("POST /v1/message/send", UNSAFE),
        "BROADCAST": ("POST /v1/message/send", IDEMPOTENT),
        "HISTORY": ("GET /v1/messages", READ),
        "PAGE": ("POST /v1/messages/all", READ),
        "COUNT": ("POST /v1/messages/all/count", READ),
    },
    emails: {"SEND": ("POST /v1/email/send", IDEMPOTENT)},
    # https://developers.heymarket.com/api-reference/conversations/list and the pages beside it
    conversations: {
        "PAGE": ("POST /v1/conversations", READ),
        "COUNT": ("POST /v1/conversations/count", READ),
        "GET": ("GET /v1/conversations/{id}", READ),
        "OPEN": ("POST /v1/conversations/open", IDEMPOTENT),
        "CLOSE": ("POST /v1/conversations/close", IDEMPOTENT),
        "MARK_READ": ("POST /v1/conversations/read", IDEMPOTENT),
        "MARK_UNREAD": ("POST /v1/conversations/unread", IDEMPOTENT),
        "REASSIGN": ("POST /v1/conversations/reassign", IDEMPOTENT),
        "TRANSFER": ("POST /v1/conversations/transfer", IDEMPOTENT),
    },
}


@pytest.mark.parametrize("module", DOCUMENTED, ids=lambda module: module.__name__.split(".")[-1])
def test_the_endpoints_are_those_that_are_documented(module):
    endpoints = {name: each for name, each in vars(module).items() if isinstance(each, Endpoint)}

    assert DOCUMENTED[module] == {
        name: (f"{each.method} {each.path}", each.repeat) for name, each in endpoints.items()
    }


GROUPS = {
    Contacts: "create get find update delete page iterate count status set_status create_batch"
    " ensure",
    ContactsV2: "create get update delete page iterate search upsert_many delete_many",
    ContactChannels: "add replace all get remove",
    ContactFields: "all create resolve",
    Messages: "send send_once broadcast comment find_sent history iterate_history page iterate"
    " count",
    Emails: "send",
    Conversations: "page iterate count get open close mark_read mark_unread reassign transfer",
}


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_has_its_methods_and_each_method_its_page(group):
    methods = {
        name: method
        for name, method in inspect.getmembers(group, inspect.isfunction)
        if not name.startswith("_")
    }

    assert sorted(methods) == sorted(GROUPS[group].split())
    for name, method in methods.items():
        module = inspect.getdoc(inspect.getmodule(group)) or ""
        text = (inspect.getdoc(method) or "") + module * (group is ContactChannels)
        if method is WholeListing.iterate:  # many groups have it, so the group names the page
            text = inspect.getdoc(group) or ""
        assert "https://developers.heymarket.com/" in text or name == "resolve", name
