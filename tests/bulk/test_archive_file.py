"""An SQLite file of messages: later exports add what is new, and learn a new status."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import aclosing

import pytest

from heymarket_async.bulk import (
    JobError,
    Sqlite,
    archive,
    export_contacts,
    export_conversations,
    export_messages,
    follow_messages,
    sync_contacts,
)
from heymarket_async.models.new_message import NewMessage
from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import client_of, current, query
from tests.bulk.archives import a_phone, conversations_of, first_sent, messages_of, stored

LIST = "POST /v1/messages/all"


async def send(box: Sandbox, client) -> int:
    """Send a text, and return the message's id."""
    chat = box.conversations._rows[0]
    creator = json.loads(chat.line)["members"][0]["id"]
    sent = await client.messages.send(
        NewMessage(
            inbox_id=chat.inbox_id, creator_id=creator, phone_number=chat.targets[0], text="Hi"
        )
    )
    return sent.id


@pytest.fixture
async def box():
    async with Sandbox(contacts=20, messages=300, message_ties=12) as box:
        yield box


async def test_a_later_export_adds_what_is_new(box, tmp_path):
    path = tmp_path / "a.db"
    async with client_of(box) as client:
        first = await export_messages(client, Sqlite(path))
        for number in range(40):
            box.customer.text(a_phone(box), f"{number}")
        before = len(box.requests)
        second = await export_messages(client, Sqlite(path))

        assert stored(path) == messages_of(box)
        assert len(box.requests) - before < 20
    assert (first.messages, first.added, first.doubts) == (300, 300, [])
    assert (second.messages, second.added, second.changed, second.doubts) == (340, 40, 0, [])


async def test_a_message_that_was_sent_becomes_delivered(box, tmp_path):
    path = tmp_path / "a.db"
    async with client_of(box) as client:
        message_id = await send(box, client)
        await export_messages(client, Sqlite(path))
        (before,) = query(path, f"SELECT date, status FROM current_messages WHERE id={message_id}")
        box.carrier.deliver(message_id)

        report = await export_messages(client, Sqlite(path))

    (after,) = query(path, f"SELECT date, status FROM current_messages WHERE id={message_id}")
    assert (before[1], after) == ("sent", (before[0], "delivered"))
    assert (report.added, report.changed, report.doubts) == (0, 1, [])


async def test_a_status_is_read_again_within_the_window_alone(box, tmp_path):
    path = tmp_path / "a.db"
    async with client_of(box) as client:
        await export_messages(client, Sqlite(path))
        box.carrier.deliver(first_sent(box))

        within_ten_seconds = await export_messages(client, Sqlite(path), window_s=10)
        within_a_day = await export_messages(client, Sqlite(path))

        assert stored(path) == messages_of(box)
    assert (within_ten_seconds.changed, within_a_day.changed) == (0, 1)


async def test_of_two_versions_with_one_updated_the_one_that_was_read_last_stays(box, tmp_path):
    path = tmp_path / "a.db"
    row = {"id": 1, "date": "2026-04-12T15:30:00Z", "updated": "2026-04-12T15:30:00Z"}
    async with client_of(box) as client:
        for status in ("sent", "delivered"):
            rows = [{**row, "status": status}]
            box.faults.answer(200, on=LIST, body=rows, times=None)
            report = await export_messages(client, Sqlite(path))
            box.faults.clear()

    assert (report.added, report.changed) == (0, 1)
    assert query(path, "SELECT status FROM current_messages") == [("delivered",)]


async def test_the_view_joins_messages_conversations_and_contacts(box, tmp_path):
    path = tmp_path / "a.db"
    async with client_of(box) as client:
        await export_messages(client, Sqlite(path))
        alone = query(path, "SELECT count(*), count(conversation_name) FROM archive")
        await export_conversations(client, Sqlite(path))
        await sync_contacts(client, path)

        (joined,) = query(
            path,
            "SELECT count(*), count(DISTINCT id), count(conversation_status), count(contact_id)"
            " FROM archive",
        )
        names = {each["id"]: each["display_name"] for each in map(json.loads, box.store.lines())}
        rows = query(path, "SELECT DISTINCT contact_id, contact_name FROM archive")
        assert current(path) == sorted(box.store.lines())
        assert stored(path, "conversations") == conversations_of(box)
    assert alone == [(300, 0)]
    assert joined == (300, 300, 300, 300)
    assert all(names[contact_id] == name for contact_id, name in rows)


async def test_an_export_of_contacts_leaves_the_messages_in_their_file(box, tmp_path):
    path = tmp_path / "a.db"
    async with client_of(box) as client:
        await export_contacts(client, Sqlite(path))
        await export_messages(client, Sqlite(path))
        await export_contacts(client, Sqlite(path))

        assert stored(path) == messages_of(box)
        assert current(path) == sorted(box.store.lines())
        with pytest.raises(JobError, match="holds an export"):
            await sync_contacts(client, path)


async def test_conversations_that_changed_are_brought_up_to_date(box, tmp_path):
    path = tmp_path / "a.db"
    async with client_of(box) as client:
        await export_conversations(client, Sqlite(path))
        box.customer.text(a_phone(box), "Hi")

        report = await export_conversations(client, Sqlite(path))

        assert stored(path, "conversations") == conversations_of(box)
    assert (report.added, report.changed, report.doubts) == (0, 1, [])


async def test_a_restart_drops_the_messages_alone(box, tmp_path):
    path = tmp_path / "a.db"
    async with client_of(box) as client:
        await export_conversations(client, Sqlite(path))
        await export_messages(client, Sqlite(path))
        box.messages.remove(box.messages._rows[0])

        kept = await export_messages(client, Sqlite(path))
        anew = await export_messages(client, Sqlite(path), restart=True)

        assert stored(path) == messages_of(box)
        assert stored(path, "conversations") == conversations_of(box)
    assert kept.doubts
    assert (kept.messages, anew.messages, anew.doubts) == (300, 299, [])


async def test_a_file_belongs_to_one_account_and_to_one_list(box, tmp_path):
    path = tmp_path / "a.db"
    async with client_of(box) as client:
        await export_messages(client, Sqlite(path))
        with pytest.raises(JobError, match="another list: messages, not messages of"):
            await export_messages(client, Sqlite(path), conversation_id=5)
        with pytest.raises(JobError, match="Leave out checkpoint"):
            await export_messages(client, Sqlite(path), checkpoint=tmp_path)
    async with Sandbox(contacts=1) as other, client_of(other) as client:
        with pytest.raises(JobError, match=r"another account.*Name another file\.$"):
            await export_conversations(client, Sqlite(path))
        with pytest.raises(JobError, match="another account"):
            await export_messages(client, Sqlite(path), restart=True)

    assert query(path, "SELECT count(*) FROM messages") == [(300,)]


async def test_an_interrupted_first_export_is_resumed(box, tmp_path):
    path = tmp_path / "a.db"
    async with client_of(box) as client:
        box.faults.delay(60, on=LIST, after=5)
        job = asyncio.create_task(export_messages(client, Sqlite(path), page_size=30))
        await asyncio.sleep(0.4)
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        box.faults.clear()

        report = await export_messages(client, Sqlite(path), page_size=30)

        assert stored(path) == messages_of(box)
    assert (report.messages, report.doubts) == (300, [])


async def test_to_follow_gives_a_report_of_each_run(box, tmp_path):
    path = tmp_path / "a.db"
    added = []
    async with (
        client_of(box) as client,
        aclosing(follow_messages(client, path, every_s=0.01)) as reports,
    ):
        async for report in reports:
            added.append(report.added)
            box.customer.text(a_phone(box), "Hi")
            if len(added) == 3:
                break

        await export_messages(client, Sqlite(path))
        assert stored(path) == messages_of(box)
    assert added == [300, 1, 1]


async def test_to_follow_reads_the_whole_window_once_an_hour(box, tmp_path, monkeypatch):
    read = []

    async def export(*_: object, window_s: float, **__: object) -> None:
        read.append(window_s)

    monkeypatch.setattr(archive, "export_messages", export)
    async with client_of(box) as client:
        with pytest.raises(ValueError, match="window_s must be"):
            await anext(follow_messages(client, tmp_path / "a.db", window_s=-1))
        reports = follow_messages(client, tmp_path / "a.db", every_s=0, window_s=86_400)
        async with aclosing(reports):
            await anext(reports)
            await anext(reports)

    assert read == [86_400, 3600]


@pytest.mark.parametrize(
    ("window_s", "every_s", "expected"),
    [
        (86_400, 1800, [86_400, 9000, 86_400, 9000]),
        (600, 1800, [600, 600, 600, 600]),
        (86_400, 7200, [86_400, 86_400, 86_400, 86_400]),
    ],
)
def test_a_short_window_has_several_pauses(window_s, every_s, expected, monkeypatch):
    now = itertools.count(0, every_s)  # it is read once a run
    monkeypatch.setattr(archive.time, "monotonic", lambda: next(now))

    assert list(itertools.islice(archive.windows(window_s, every_s), 4)) == expected


async def test_runs_of_all_kinds_are_in_one_table(box, tmp_path):
    path = tmp_path / "a.db"
    async with client_of(box) as client:
        await export_messages(client, Sqlite(path))
        await export_messages(client, Sqlite(path))
        await sync_contacts(client, path)

    assert query(path, "SELECT kind, contacts, added, outcome FROM runs") == [
        ("messages: full", None, 300, "done"),
        ("messages: changes", None, 0, "done"),
        ("full", 20, 20, "done"),
    ]
