"""What an account does not show, or shows oddly, is a doubt at the end and never the end."""

from __future__ import annotations

import asyncio
import csv
import json

import pyarrow.parquet
import pytest

from heymarket_async import ClientStateError, Contacts, RetryPolicy, ServerError
from heymarket_async.bulk import Csv, JsonLines, Parquet, Sqlite, export_contacts, sync_contacts
from heymarket_async.bulk.custom_fields import UNREAD
from heymarket_async.bulk.read import checkpoint as checkpoints
from heymarket_async.bulk.read.catch_up import count_records
from heymarket_async.bulk.read.source import CONTACTS_V2
from heymarket_async.sandbox import Sandbox
from heymarket_async.transport.account import Account
from tests.bulk.accounts import client_of, current, edit, ids_of, lines_of, query

FIELDS, COUNT, GET = "POST /v1/contact-fields", "POST /v1/contacts/count", "GET /v1/contact/{id}"
UNCOUNTED = "the account does not say how many contacts there should be"


def with_titles(sandbox, *titles):
    fields = [{"id": 123 + place, "title": title} for place, title in enumerate(titles)]
    sandbox.faults.answer(200, on=FIELDS, body=fields, times=None)


def csv_column(path, name):
    with path.open(newline="", encoding="utf-8") as file:
        return [row[name] for row in csv.DictReader(file)]


@pytest.mark.parametrize("title", [None, "", 5])
@pytest.mark.parametrize("sink", [Csv, Parquet, Sqlite])
async def test_a_custom_field_without_a_title_is_shown_by_its_id(sink, title, tmp_path):
    path = tmp_path / "c"
    async with Sandbox(contacts=20) as sandbox, client_of(sandbox) as client:
        with_titles(sandbox, title)
        report = await export_contacts(client, sink(path))
        plans = sorted(each["custom"]["123"] for each in sandbox.store.contacts)

    if sink is Sqlite:
        rows = [plan for (plan,) in query(path, 'SELECT "custom:123" FROM current_contacts')]
    elif sink is Csv:
        rows = csv_column(path, "custom:123")
    else:
        rows = pyarrow.parquet.read_table(path).column("custom:123").to_pylist()
    assert (sorted(rows), report.doubts) == (plans, [])


@pytest.mark.parametrize(
    "odd", [None, {}, {"id": None, "title": "x"}, {"id": 2**63}, {"id": "x"}, "x", {"id": 1.5}]
)
async def test_one_odd_custom_field_takes_nothing_from_the_others(odd, tmp_path):
    async with Sandbox(contacts=20) as sandbox, client_of(sandbox) as client:
        body = [{"id": 123, "title": "Plan"}, odd, {"id": "124", "title": "Half \ud83d"}]
        text = json.dumps(body).encode()  # with the half emoji as an escape
        sandbox.faults.answer(200, on=FIELDS, body=text, times=None)
        export = await export_contacts(client, Sqlite(tmp_path / "c.db"))
        sync = await sync_contacts(client, tmp_path / "s.db")

    assert export.doubts == sync.doubts == []
    for path in (tmp_path / "c.db", tmp_path / "s.db"):
        assert query(path, "SELECT * FROM fields") == [(123, "Plan"), (124, "Half \ufffd")]


@pytest.mark.parametrize("titles", [("Plan", "Plan"), (None, "Plan"), ("Plan", "Other")])
async def test_a_custom_field_that_is_listed_twice_is_one(titles, tmp_path):
    async with Sandbox(contacts=20) as sandbox, client_of(sandbox) as client:
        fields = [{"id": 123, "title": title} for title in titles]
        sandbox.faults.answer(200, on=FIELDS, body=fields, times=None)
        await export_contacts(client, Sqlite(tmp_path / "c.db"))
        await sync_contacts(client, tmp_path / "s.db")

    for path in (tmp_path / "c.db", tmp_path / "s.db"):
        assert query(path, "SELECT * FROM fields") == [(123, "Plan")]


@pytest.mark.parametrize("body", [[{"error": "x"}], [None], {"error": "x"}])
async def test_an_answer_without_a_custom_field_that_can_be_read_is_a_doubt(body, tmp_path):
    async with Sandbox(contacts=20) as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(200, on=FIELDS, body=body, times=None)

        report = await export_contacts(client, Sqlite(tmp_path / "c.db"))

    assert report.doubts == [UNREAD]


@pytest.mark.parametrize("sink", [Csv, Parquet, Sqlite])
async def test_without_the_right_to_read_fields_their_values_are_shown_by_id(sink, tmp_path):
    path = tmp_path / "c"
    async with Sandbox(contacts=20) as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(403, on=FIELDS, times=None)
        report = await export_contacts(client, sink(path))

    assert (report.contacts, report.doubts) == (20, [UNREAD])
    if sink is Csv:
        rows = csv_column(path, "other")
    elif sink is Parquet:
        rows = pyarrow.parquet.read_table(path).column("other").to_pylist()
    else:
        rows = [text for (text,) in query(path, "SELECT json FROM contacts")]
    assert all('"custom":{"123":' in row for row in rows)


async def test_a_sync_keeps_the_titles_that_it_may_not_read_any_more(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=20) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        sandbox.faults.answer(403, on=FIELDS, times=None)
        edit(sandbox, ids_of(sandbox)[0])

        report = await sync_contacts(client, path)

    assert report.doubts == [UNREAD]
    assert len(query(path, 'SELECT "Plan" FROM current_contacts')) == 20


@pytest.mark.parametrize("job", ["export", "sync"])
async def test_what_is_needed_at_the_end_is_asked_for_at_the_beginning(job, tmp_path):
    async with Sandbox(contacts=20) as sandbox, client_of(sandbox, retry=RetryPolicy(1)) as client:
        sandbox.faults.answer(500, on=FIELDS, times=None)
        with pytest.raises(ServerError):
            if job == "sync":
                await sync_contacts(client, tmp_path / "c")
            else:
                await export_contacts(client, Csv(tmp_path / "c"))

        assert not {each.path for each in sandbox.requests} & {"/v1/contacts", "/v2/contacts/list"}


@pytest.mark.parametrize("fault", ["hangs", "is reset"])
async def test_a_count_that_is_not_answered_is_a_doubt(fault, tmp_path, monkeypatch):
    count = Contacts.count

    def impatient(_, **query):
        # Other calls may be slow where the machine is busy.
        return count(client.with_options(timeout_s=0.1).contacts, **query)

    monkeypatch.setattr(Contacts, "count", impatient)
    async with Sandbox(contacts=20) as sandbox, client_of(sandbox, retry=RetryPolicy(1)) as client:
        if fault == "hangs":
            sandbox.faults.delay(30, on=COUNT, times=None)
        else:
            sandbox.faults.reset(on=COUNT, times=None)

        export = await export_contacts(client, JsonLines(tmp_path / "c"))
        sync = await sync_contacts(client, tmp_path / "c.db")

        assert (
            lines_of(tmp_path / "c") == current(tmp_path / "c.db") == sorted(sandbox.store.lines())
        )
    assert export.doubts == sync.doubts == [UNCOUNTED]


async def test_a_client_that_is_closed_meanwhile_ends_the_job(tmp_path):
    async with Sandbox(contacts=20) as sandbox:
        client = client_of(sandbox)

        closing = []

        def close_at_the_count(event):
            if event.call == "POST /v1/contacts":
                closing.append(asyncio.ensure_future(client.aclose()))

        with pytest.raises(ClientStateError):
            await export_contacts(
                client.with_options(on_attempt=close_at_the_count), JsonLines(tmp_path / "c")
            )
        await asyncio.gather(*closing)


# Contacts that are asked for


def hide(sandbox, place):
    row = sandbox.store._rows[place]
    sandbox.store._rows.remove(row)
    return row.id


async def test_a_contact_that_answers_410_is_deleted(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=20) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        hide(sandbox, 3)
        sandbox.faults.answer(410, on=GET)

        report = await sync_contacts(client, path, detect_deletions=True)

    assert report.deleted == 1


@pytest.mark.parametrize("status", [404, 410])
async def test_that_a_contact_is_gone_is_not_believed_without_a_request_id(status, tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=20) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        hide(sandbox, 3)
        sandbox.faults.answer(status, on=GET, headers={"X-Request-Id": ""})

        report = await sync_contacts(client, path, detect_deletions=True)

    assert report.deleted == 0
    assert report.doubts[-1].startswith("1 of the contacts that were not found may be deleted")


async def test_a_contact_that_answers_oddly_is_not_deleted(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=20) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        odd, html = hide(sandbox, 3), hide(sandbox, 5)
        sandbox.faults.answer(200, on=GET, body={"id": odd, "uuid": "", "custom": []})
        sandbox.faults.answer(200, on=GET, body=b"<p>", times=None)

        report = await sync_contacts(client, path, detect_deletions=True)

    assert (report.deleted, report.contacts) == (0, 20)
    assert html != odd


async def test_a_count_by_a_closed_client_is_no_doubt_but_an_error():
    at = checkpoints.new(account=Account("team 1 of x", "y"), surface="v2")
    async with Sandbox(contacts=1) as sandbox, client_of(sandbox) as client:
        await client.aclose()

        with pytest.raises(ClientStateError):
            await count_records(client, CONTACTS_V2, at)
