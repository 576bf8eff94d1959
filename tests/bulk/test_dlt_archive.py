"""The dlt source loads messages and conversations, if they are asked for."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from functools import partial

import pytest

from heymarket_async.dlt import heymarket
from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import client_of
from tests.bulk.archives import a_phone, conversations_of, first_sent, messages_of
from tests.bulk.test_dlt import Warehouse, dlt_at_home  # noqa: F401 - a fixture

NAMES = ("messages", "conversations")


@pytest.fixture
def box():
    with Sandbox(contacts=20, messages=120, message_ties=9) as box:
        yield box


def load(warehouse: Warehouse, box: Sandbox, *names: str, **options: str) -> dict[str, int]:
    """Load these resources, and return how many records of each were read."""
    source = heymarket(partial(client_of, box))
    warehouse.pipeline.run(source.with_resources(*names) if names else source, **options)
    counts = warehouse.pipeline.last_trace.last_normalize_info.row_counts
    return {name: counts.get(name, 0) for name in NAMES}


def statuses(lines: list[bytes]) -> list[tuple[int, str]]:
    return sorted((row["id"], row["status"]) for row in map(json.loads, lines))


def test_messages_and_conversations_are_loaded_only_if_they_are_asked_for(box, tmp_path):
    warehouse = Warehouse(tmp_path)

    assert load(warehouse, box) == {"messages": 0, "conversations": 0}
    counts = load(warehouse, box, *NAMES)

    assert counts == {"messages": 120, "conversations": len(conversations_of(box))}
    for name, lines in (("messages", messages_of(box)), ("conversations", conversations_of(box))):
        rows = warehouse.ask(f"SELECT id, status FROM crm.{name}")
        assert sorted((row["id"], row["status"]) for row in rows) == statuses(lines)


def test_a_later_load_adds_what_is_new_and_learns_a_new_status(box, tmp_path):
    warehouse = Warehouse(tmp_path)
    load(warehouse, box, *NAMES)
    box.customer.text(a_phone(box), "Hi")
    box.carrier.deliver(first_sent(box))
    time.sleep(1)  # a load trusts no time that is later than its own beginning, to the second

    load(warehouse, box, *NAMES)
    third = load(warehouse, box, "messages")

    rows = warehouse.ask("SELECT id, status FROM crm.messages")
    assert sorted((row["id"], row["status"]) for row in rows) == statuses(messages_of(box))
    assert third["messages"] < 120


def test_times_of_messages_are_times_and_their_errors_one_column(box, tmp_path):
    warehouse = Warehouse(tmp_path)
    message = {
        "id": 5,
        "date": "2026-04-12T15:30:00.25Z",
        "updated": "soon",
        "target_errors": {"15105550100": "30005"},
        "broadcast_id": 2**70,
    }
    box.faults.answer(200, on="POST /v1/messages/all", body=[message])

    load(warehouse, box, "messages")

    (row,) = warehouse.ask("SELECT * FROM crm.messages WHERE id = 5")
    assert row["date"].astimezone(UTC) == datetime(2026, 4, 12, 15, 30, 0, 250_000, tzinfo=UTC)
    assert (row["updated"], row["updated_as_sent"]) == (None, "soon")
    assert json.loads(row["target_errors"]) == message["target_errors"]
    assert row["broadcast_id_as_sent"] == str(2**70)
