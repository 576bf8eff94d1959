"""Outcomes of large batches; what single answers mean is tested with the endpoints."""

from __future__ import annotations

import sys

import msgspec
import pytest

from heymarket_async import Channel, NewContact, NewContactV2, Outcome
from heymarket_async.batches import batch_result, lists_what_was_stored, upsert_result


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


PHONES = ["14155550100", "14155550101"]
STORED = {"id": 1, "phone": PHONES[0]}


@pytest.mark.parametrize(
    ("answer", "is_whole"),
    [
        ([STORED], True),
        ([{"id": 1, "phone": "+1 (415) 555-0100"}], True),
        ([STORED, {"id": 2, "rev": 1}], False),
        ([STORED, {"id": 2, "phone": "(415) 555-0101"}], False),
        ([STORED, {"phone": PHONES[1]}], False),
        ([], False),
        ("ok", False),
    ],
)
def test_a_list_of_stored_contacts_has_ids_and_sent_phones(answer, is_whole):
    result = batch_result([NewContact(phone=phone) for phone in PHONES], answer)

    assert lists_what_was_stored(result) is is_whole


def test_a_phone_of_an_answer_is_known_however_it_is_written():
    row = {"id": 1, "phone": "+1 (415) 555-0100"}

    assert batch_result([NewContact(phone=PHONES[0])], [row]).items[0].returned == row
