"""A late event does not undo a later status."""

from __future__ import annotations

import itertools

import pytest

from heymarket_async.models.message import MessageStatus
from heymarket_async.webhooks import replaces_status, status_rank


def kept(statuses) -> str | None:
    known = None
    for status in statuses:
        if replaces_status(status, known):
            known = status
    return known


@pytest.mark.parametrize(
    "statuses", [*itertools.permutations(["queued", "sending", "sent", "delivered"])]
)
def test_delivered_stays_in_whichever_order_events_come(statuses):
    assert kept(statuses) == "delivered"


@pytest.mark.parametrize("end", ["delivered", "failed", "undelivered"])
def test_a_message_ends_once(end):
    assert kept([end, "sent", "failed", "delivered", "undelivered"]) == end


def test_a_delivered_message_may_be_seen():
    assert kept(["seen", "delivered", "sent"]) == "seen"


def test_an_unknown_status_replaces_none_alone():
    assert kept(["odd", None]) == "odd"
    assert kept(["odd", "queued"]) == kept(["queued", "odd"]) == "queued"


def test_every_known_status_has_a_rank():
    assert all(status_rank(each) > 0 for each in MessageStatus)
