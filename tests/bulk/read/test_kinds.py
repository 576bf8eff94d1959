"""Messages are listed by `date`, and their versions are told apart by `updated`."""

from __future__ import annotations

import msgspec
import pytest

from heymarket_async.bulk.kind import CONTACT, CONVERSATION, MESSAGE
from heymarket_async.bulk.read import checkpoint as checkpoints
from heymarket_async.bulk.read.collect import Collector
from heymarket_async.bulk.read.versions import batch_of, older
from heymarket_async.bulk.sinks.sink import FOREVER
from heymarket_async.bulk.store.database import records
from heymarket_async.models.contact import Contact
from heymarket_async.models.message import Conversation, Message

DATE = "2026-04-12T15:30:00Z"


def message(updated: str, status: str) -> bytes:
    row = {"id": 5, "date": DATE, "updated": updated, "status": status}
    return msgspec.json.encode(row)


SENT = message("2026-04-12T15:30:01Z", "sent")
DELIVERED = message("2026-04-12T15:31:00Z", "delivered")


@pytest.mark.parametrize("lines", [[SENT, DELIVERED], [DELIVERED, SENT]], ids=["later", "earlier"])
def test_the_message_with_the_later_updated_stays_whenever_it_was_read(lines):
    dropped = list(older(enumerate(lines), latest=FOREVER, kind=MESSAGE))

    assert [lines[place] for place in dropped] == [SENT]


def test_a_message_is_stored_with_its_updated():
    ((record_id, rev, updated, instant, _),) = records([SENT], MESSAGE)

    assert (record_id, rev, updated, instant) == (5, 0, *["2026-04-12T15:30:01Z"] * 2)
    assert batch_of([SENT], MESSAGE).rows.stamps == [DATE]


@pytest.mark.parametrize(
    ("kind", "model"), [(CONTACT, Contact), (MESSAGE, Message), (CONVERSATION, Conversation)]
)
def test_a_kind_has_a_column_for_each_field_of_its_model(kind, model):
    names = {*kind.columns} | ({"custom"} if kind.has_custom_fields else set())

    assert names == {*model.__struct_fields__}
    assert kind.nested <= {*kind.columns}


async def test_a_time_of_a_change_is_compared_with_the_clock_of_now():
    now = ["2026-04-12T15:40:00Z"]
    collector = Collector(
        None,
        None,
        checkpoints.new(account=None, surface="messages"),
        kind=MESSAGE,
        clock=lambda: now[0],
        ahead_s=lambda: 0.0,
    )
    collector.take(batch_of([SENT], MESSAGE))
    now[0] = "2026-04-12T16:40:00Z"
    collector.take(batch_of([DELIVERED], MESSAGE))

    assert collector.seen.latest == "2026-04-12T16:41:00Z"
