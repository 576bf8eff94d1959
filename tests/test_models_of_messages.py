"""Messages and conversations as answers show them."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from heymarket_async.models.message import Conversation, Message

NEVER = "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "sent",
    [
        b'{"assigned":7,"inbox":3,"read":1}',
        b'{"assigned":{"id":7,"name":"Robin"},"inbox":{"id":3,"name":"Sales"},"read":true}',
    ],
)
def test_a_conversation_shows_its_ids_in_both_documented_shapes(sent):
    conversation = msgspec.json.decode(sent, type=Conversation)

    assert (conversation.assigned_id, conversation.inbox_id, conversation.read) == (7, 3, 1)


def test_times_are_aware_and_never_is_none():
    then = datetime(2026, 4, 12, 15, 30, 0, 123450, UTC)
    message = Message(date="2026-04-12T15:30:00.12345Z", updated=NEVER)
    conversation = Conversation(
        created="2026-04-12T15:30:00.12345Z",
        updated="2026-04-12T15:30:00.12345Z",
        snooze_till=NEVER,
    )

    assert (message.created_at, message.updated_at) == (then, None)
    assert (conversation.created_at, conversation.updated_at) == (then, then)
    assert conversation.snooze_till_at is None
