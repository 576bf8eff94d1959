"""Outcomes of large batches; what single answers mean is tested with the endpoints."""

from __future__ import annotations

import sys

import msgspec

from heymarket_async import Channel, NewContactV2, Outcome
from heymarket_async.outcomes import upsert_result


def contact(number: int) -> NewContactV2:
    channel = Channel(channel_type="phone", channel_id=str(15105000000 + number))
    return NewContactV2(first="A", contact_channels=[channel])


def test_each_item_is_looked_up_and_not_compared_with_every_row():
    batch = [contact(number) for number in range(2000)]
    echoes = [{"contact": {**msgspec.to_builtins(each), "x": 1}} for each in batch[::2]]
    stored = [
        {"id": number, "phone": msgspec.to_builtins(each)["contact_channels"][0]["channel_id"]}
        for number, each in enumerate(batch[1::2])
    ]
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        result = upsert_result(batch, {"contacts": stored, "failed_contacts": echoes})
    finally:
        sys.setprofile(before)

    assert [item.outcome for item in result.items] == [Outcome.FAILED, Outcome.STORED] * 1000
    assert [item.stored.id for item in result.items[1::2] if item.stored] == list(range(1000))
    assert calls < 100 * len(batch)
