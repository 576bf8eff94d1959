"""An export of messages or conversations is what the account has, in any reading of the docs."""

from __future__ import annotations

import asyncio
import csv
import itertools
import json

import pyarrow.parquet
import pytest

from heymarket_async import PaginationError
from heymarket_async.bulk import (
    Csv,
    JsonLines,
    Parquet,
    Stream,
    Xlsx,
    export_conversations,
    export_messages,
)
from heymarket_async.bulk.kind import MESSAGE
from heymarket_async.bulk.sinks.tables import Table
from heymarket_async.sandbox import Readings, Sandbox
from heymarket_async.timestamps import parse
from tests.bulk.accounts import Editor, client_of, lines_of
from tests.bulk.archives import a_phone, conversations_of, messages_of

READINGS = [
    Readings(inclusive=inclusive, chat_page_base=base, chat_counts=counts)
    for inclusive, (base, counts) in itertools.product((True, False), ((1, "text"), (0, "int")))
]


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize(
    "readings", READINGS, ids=lambda each: f"{each.inclusive:d}{each.chat_page_base}"
)
async def test_an_export_of_messages_equals_the_account_on_every_reading(
    readings, concurrency, tmp_path
):
    async with (
        Sandbox(contacts=20, messages=450, message_ties=150, readings=readings, limit=None) as box,
        client_of(box) as client,
    ):
        report = await export_messages(
            client, JsonLines(tmp_path / "m"), page_size=40, concurrency=concurrency
        )

        assert lines_of(tmp_path / "m") == messages_of(box)
    assert report.messages == report.added == report.distinct == report.counted_after == 450
    assert (report.doubts, report.changed, report.largest_tie) == ([], 0, 150)


async def test_the_oldest_and_the_newest_are_timestamps_of_the_account(tmp_path):
    async with Sandbox(contacts=3, messages=4) as box, client_of(box) as client:
        box.customer.text(a_phone(box), "Hi")
        report = await export_messages(client, JsonLines(tmp_path / "m"))
        dates = [json.loads(line)["date"] for line in lines_of(tmp_path / "m")]

    assert "." in report.newest
    assert (report.oldest, report.newest) == (min(dates), max(dates))


@pytest.mark.parametrize("count", [0, 1, 30, 31])
async def test_small_archives_are_exported_whole(count, tmp_path):
    async with Sandbox(contacts=5, messages=count) as box, client_of(box) as client:
        messages = await export_messages(client, JsonLines(tmp_path / "m"))
        conversations = await export_conversations(client, JsonLines(tmp_path / "c"))

        assert lines_of(tmp_path / "m") == messages_of(box)
        assert lines_of(tmp_path / "c") == conversations_of(box)
    assert (messages.messages, messages.doubts, conversations.doubts) == (count, [], [])
    assert messages.is_proved


async def test_an_export_without_an_answer_to_the_count_is_not_proved(tmp_path):
    readings = Readings(chat_counts="empty")
    async with (
        Sandbox(contacts=5, messages=40, readings=readings) as box,
        client_of(box) as client,
    ):
        messages = await export_messages(client, JsonLines(tmp_path / "m"))
        conversations = await export_conversations(client, JsonLines(tmp_path / "c"))

    assert messages.doubts == ["the account does not say how many messages there should be"]
    assert conversations.doubts == [
        "the account does not say how many conversations there should be"
    ]


async def test_messages_that_come_while_the_list_is_read_are_exported_too(tmp_path):
    async with Sandbox(contacts=20, messages=300) as box:
        phone = a_phone(box)
        editor = Editor(box, lambda box, _: box.customer.text(phone, "Hi"), times=8)
        async with client_of(box, on_attempt=editor) as client:
            report = await export_messages(client, JsonLines(tmp_path / "m"), page_size=30)

        assert lines_of(tmp_path / "m") == messages_of(box)
    assert (report.messages, report.doubts) == (308, [])


async def test_conversations_that_move_while_the_list_is_read_are_exported_once(tmp_path):
    async with Sandbox(contacts=120, messages=600) as box:
        phones = [json.loads(line)["target"] for line in conversations_of(box)]
        editor = Editor(
            box, lambda box, chance: box.customer.text(chance.choice(phones), "Hi"), times=5
        )
        async with client_of(box, on_attempt=editor) as client:
            report = await export_conversations(client, JsonLines(tmp_path / "c"))

        assert lines_of(tmp_path / "c") == conversations_of(box)
    assert report.conversations == report.distinct == len(phones)
    assert not report.doubts


@pytest.mark.parametrize("shape", ["objects", "mixed"])
async def test_conversations_of_any_shape_are_exported(shape, tmp_path):
    readings = Readings(conversation_shape=shape, inboxes="wrapped", never="null")
    async with (
        Sandbox(contacts=12, messages=60, readings=readings) as box,
        client_of(box) as client,
    ):
        report = await export_conversations(client, JsonLines(tmp_path / "c"))
        table = await export_conversations(client, Csv(tmp_path / "c.csv"))

        assert lines_of(tmp_path / "c") == conversations_of(box)
    assert report.conversations == table.conversations == 12
    assert (report.doubts, table.doubts) == ([], [])


async def test_a_cursor_that_is_a_lower_bound_ends_the_export_with_an_error(tmp_path):
    readings = Readings(messages_cursor="after")
    async with (
        Sandbox(contacts=9, messages=90, readings=readings) as box,
        client_of(box) as client,
    ):
        with pytest.raises(PaginationError, match="wrong side of its cursor"):
            await export_messages(client, JsonLines(tmp_path / "m"))

    assert not (tmp_path / "m").exists()


async def test_some_inboxes_have_their_conversations(tmp_path):
    async with Sandbox(contacts=40, messages=200) as box, client_of(box) as client:
        inbox_id = box.conversations._rows[0].inbox_id

        report = await export_conversations(
            client, JsonLines(tmp_path / "c"), inbox_ids=[inbox_id, inbox_id]
        )

        wanted = [row.line for row in box.conversations._rows if row.inbox_id == inbox_id]
        assert lines_of(tmp_path / "c") == sorted(wanted)
    assert (report.doubts, report.counted_after, report.is_proved) == ([], None, True)


async def test_a_conversation_has_its_messages_though_the_server_lists_all(tmp_path):
    async with Sandbox(contacts=10, messages=200) as box, client_of(box) as client:
        chat_id = box.conversations._rows[0].id

        report = await export_messages(client, JsonLines(tmp_path / "m"), conversation_id=chat_id)

        wanted = [row.line for row in box.messages._rows if row.chat_id == chat_id]
        assert lines_of(tmp_path / "m") == sorted(wanted)
        assert box.requests[-1].body["parent_id"] == chat_id
    assert report.messages == len(wanted) > 0


async def test_a_message_whose_conversation_cannot_be_read_belongs_to_none(tmp_path):
    async with Sandbox(contacts=1, messages=3) as box, client_of(box) as client:
        chat_id = box.conversations._rows[0].id
        rows = [{"id": 1, "date": "2026-04-12T15:30:00Z"}, {"id": 2, "conversation": 5}]
        box.faults.answer(200, on="POST /v1/messages/all", body=rows, times=None)

        report = await export_messages(client, JsonLines(tmp_path / "m"), conversation_id=chat_id)

    assert report.messages == 0


@pytest.mark.parametrize("concurrency", [1, 3])  # its list cannot be divided
async def test_a_phone_has_its_messages(concurrency, tmp_path):
    async with Sandbox(contacts=1, messages=170, message_ties=9) as box, client_of(box) as client:
        chat = box.conversations._rows[0]
        for number in range(4):
            box.customer.text(chat.targets[0], f"{number}", chat.inbox_id)

        report = await export_messages(
            client,
            JsonLines(tmp_path / "m"),
            phone=f"+{chat.targets[0]}",
            inbox_id=chat.inbox_id,
            concurrency=concurrency,
        )

        wanted = [row.line for row in box.messages._rows if row.chat_id == chat.id]
        assert lines_of(tmp_path / "m") == sorted(wanted)
    assert report.messages == len(wanted) >= 100
    assert (report.doubts, report.counted_after) == ([], None)


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        ([0] * 50, "more messages in one second"),
        ([0] * 30, "more messages in one second"),
        ([2, 0, 1], "not sorted by their times"),
    ],
)
async def test_a_phone_whose_messages_cannot_all_be_reached_is_an_error(seconds, reason, tmp_path):
    async with Sandbox(contacts=1) as box, client_of(box) as client:
        rows = [
            {"id": number, "date": f"2026-04-12T15:30:0{each}.{number:03}Z"}
            for number, each in enumerate(seconds, 1)
        ]
        box.faults.answer(200, on="GET /v1/messages", body=rows, times=None)

        with pytest.raises(PaginationError, match=reason):
            await export_messages(
                client, JsonLines(tmp_path / "m"), phone="15105550100", inbox_id=1
            )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"phone": "15105550100"}, "phone needs inbox_id"),
        ({"inbox_id": 3}, "inbox_id needs phone"),
        ({"phone": "15105550100", "inbox_id": 3, "conversation_id": 3}, "exclude each other"),
        ({"conversation_id": 0}, "conversation_id must be a positive integer"),
        ({"window_s": -1}, "window_s must be a number of seconds, 0 or above"),
        ({"page_size": 0}, "page_size must be"),
    ],
)
async def test_a_query_that_breaks_a_rule_sends_nothing(query, message, tmp_path):
    async with Sandbox(contacts=1) as box, client_of(box) as client:
        with pytest.raises(ValueError, match=message):
            await export_messages(client, JsonLines(tmp_path / "m"), **query)
        with pytest.raises(ValueError, match="inbox_ids must not be empty"):
            await export_conversations(client, JsonLines(tmp_path / "c"), inbox_ids=[])

        assert not box.requests


async def test_odd_messages_are_named_as_messages(tmp_path):
    async with Sandbox(contacts=1) as box, client_of(box) as client:
        far = "2999-01-01T00:00:00Z"
        rows = [
            {"id": 5, "date": far, "updated": far},
            {"id": 6, "date": None},
            {"id": 7, "date": "2026-04-12T15:30:00Z"},
            None,
        ]
        box.faults.answer(200, on="POST /v1/messages/all", body=rows)

        report = await export_messages(client, JsonLines(tmp_path / "m"))

    assert report.doubts[-3:] == [
        "1 message has no `date` that is a time, so an edit may be missed: 6",
        "1 message has a `date` that is in the future by the server's clock; it will be read again"
        " each time: 5",
        "a list element that is not a message was skipped once",
    ]


async def test_tables_have_a_column_for_each_field_of_a_message(tmp_path):
    async with Sandbox(contacts=9, messages=60) as box, client_of(box) as client:
        for sink in (Csv(tmp_path / "m.csv"), Parquet(tmp_path / "m.parquet")):
            await export_messages(client, sink)
        await export_conversations(client, Xlsx(tmp_path / "c.xlsx"))
        wanted = {row["id"]: row for row in map(json.loads, messages_of(box))}

    with (tmp_path / "m.csv").open(newline="") as file:
        rows = {int(row["id"]): row for row in csv.DictReader(file)}
    typed = pyarrow.parquet.read_table(tmp_path / "m.parquet").to_pylist()
    assert list(rows[next(iter(rows))]) == [*MESSAGE.columns, "other"]
    for row in typed:
        sent = wanted[row["id"]]
        assert (row["text"], row["flagged"]) == (sent["text"], sent["flagged"])
        assert json.loads(row["conversation"]) == sent["conversation"]
        assert rows[row["id"]]["date"] == sent["date"]
        assert row["date"] == parse(sent["date"])


@pytest.mark.parametrize(
    "line",
    [
        {"id": 1, "text": "Hi", "custom": {"a": 1}, "media": [], "target_errors": {"1": "x"}},
        {"id": 1, "custom": None, "new": 5},
        {"id": 1, "user": "12", "flagged": "no"},
    ],
)
def test_a_row_of_a_message_is_the_same_in_both_ways(line):
    table = Table([], MESSAGE)

    cells = table.row(json.dumps(line).encode())

    assert cells == table._odd_row(json.dumps(line).encode())
    assert len(cells) == len(table.columns)


async def test_messages_stream_into_a_pipe(tmp_path):
    async with Sandbox(contacts=9, messages=60) as box, client_of(box) as client:
        with (tmp_path / "m").open("wb") as file:
            await export_messages(client, Stream(file))

        assert lines_of(tmp_path / "m") == messages_of(box)


async def test_an_export_that_was_cancelled_is_resumed(tmp_path):
    async with Sandbox(contacts=9, messages=400) as box:
        async with client_of(box) as client:
            box.faults.delay(60, on="POST /v1/messages/all", after=5)
            job = asyncio.create_task(
                export_messages(client, JsonLines(tmp_path / "m"), page_size=30)
            )
            await asyncio.sleep(0.3)
            job.cancel()
            await asyncio.gather(job, return_exceptions=True)
        box.faults.clear()
        async with client_of(box) as client:
            report = await export_messages(client, JsonLines(tmp_path / "m"), page_size=30)

        assert lines_of(tmp_path / "m") == messages_of(box)
    assert (report.messages, report.doubts) == (400, [])
