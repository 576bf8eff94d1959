"""One odd row stops no job: it is in the result, and the report tells of it."""

from __future__ import annotations

import csv
import itertools
import json

import pyarrow.parquet
import pytest

from heymarket_async import BadRequestError
from heymarket_async.bulk import (
    Csv,
    JsonLines,
    Parquet,
    Sqlite,
    export_contacts,
    sync_contacts,
)
from heymarket_async.sandbox import Readings, Sandbox
from heymarket_async.sandbox.odd import KINDS
from tests.bulk.accounts import client_of, current, edit, ids_of, lines_of, query

MENDED = {"lone_surrogate", "raw_tab", "raw_newline", "invalid_utf8", "nan", "infinity"}
UNPLACED = {each for each in KINDS if each.startswith("updated_")}
NO_CONTACT = "a list element that is not a contact was skipped "
SINKS = {"jsonl": JsonLines, "csv": Csv, "parquet": Parquet, "db": Sqlite}
LISTS = {"v1": "POST /v1/contacts", "v2": "POST /v2/contacts/list"}


def odd_account(kind, **options):
    """A sandbox in which one contact, not the first and not the last, is odd."""
    sandbox = Sandbox(contacts=70, **options)
    odd = sandbox.store._rows[40].id
    sandbox.show_as(odd, kind)
    return sandbox, odd


def count_in(path, sink):
    if sink == "jsonl":
        return len(path.read_bytes().splitlines())
    if sink == "csv":
        with path.open(newline="", encoding="utf-8") as file:
            return len(list(csv.DictReader(file)))
    if sink == "parquet":
        return pyarrow.parquet.read_table(path).num_rows
    return len(query(path, "SELECT * FROM current_contacts"))


def check(report, kind, odd):
    assert report.mended == (kind in MENDED)
    if kind == "updated_february_30" and not report.doubts:
        return  # it may stand where it belongs as text
    if kind in UNPLACED:
        (doubt,) = report.doubts
        assert f": {odd}" in doubt or "none has an id" in doubt
    elif kind == "null":
        assert any(NO_CONTACT in each for each in report.doubts)
    else:
        assert report.doubts == []


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("kind", KINDS)
async def test_an_odd_contact_is_exported_with_all_others(kind, sink, tmp_path):
    sandbox, odd = odd_account(kind)
    async with sandbox, client_of(sandbox) as client:
        report = await export_contacts(client, SINKS[sink](tmp_path / "c"), page_size=30)

    assert report.contacts == count_in(tmp_path / "c", sink) == 70 - (kind == "null")
    check(report, kind, odd)


ODD_FOR_A_WALK = UNPLACED | {"id_huge", "rev_null", "rev_missing", "null", "twice"}
"""Where a contact stands, or whether it came before, is told by these fields alone."""
FOLLOWED = [
    (kind, surface, newest_first)
    for kind in KINDS
    for surface, newest_first in itertools.product(("v1", "v2"), (True, False))
    if kind in ODD_FOR_A_WALK or (surface == "v1") is newest_first
]


@pytest.mark.parametrize(("kind", "surface", "newest_first"), FOLLOWED)
async def test_an_account_with_an_odd_contact_is_followed(kind, surface, newest_first, tmp_path):
    sandbox, odd = odd_account(kind, readings=Readings(newest_first=newest_first))
    path = tmp_path / "c.db"
    async with sandbox, client_of(sandbox) as client:
        first = await sync_contacts(client, path, surface=surface)
        check(first, kind, odd)
        edit(sandbox, ids_of(sandbox)[3])

        later = await sync_contacts(client, path, surface=surface)
        full = await sync_contacts(client, path, surface=surface, detect_deletions=True)

    assert (later.kind, later.changed, later.added) == ("changes", 1, 0)
    assert (full.deleted, full.contacts) == (0, 70 - (kind == "null"))
    assert full.changed == 0
    if kind != "null":
        assert later.doubts == full.doubts == []
    assert count_in(path, "db") == 70 - (kind == "null")


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_contacts_without_a_time_are_exported_once_and_the_first_ids_told(
    surface, concurrency, tmp_path
):
    async with Sandbox(contacts=600, limit=None) as sandbox, client_of(sandbox) as client:
        odd = ids_of(sandbox)[::20]
        for each in odd:
            sandbox.show_as(each, "updated_null")
        report = await export_contacts(
            client,
            JsonLines(tmp_path / "c"),
            surface=surface,
            page_size=40,
            concurrency=concurrency,
        )

    ids = [json.loads(line)["id"] for line in lines_of(tmp_path / "c")]
    assert len(ids) == len(set(ids)) == 600
    (doubt,) = report.doubts
    assert doubt.startswith("30 contacts have no `updated`")
    assert doubt.endswith("and 10 more")


async def test_what_was_odd_is_told_after_a_resume_too(tmp_path):
    sandbox = Sandbox(contacts=300)
    async with sandbox, client_of(sandbox) as client:
        rows = sandbox.store._rows
        sandbox.show_as(rows[-3].id, "updated_zero")
        sandbox.show_as(rows[-4].id, "lone_surrogate")
        sandbox.show_as(rows[-5].id, "null")
        sandbox.faults.answer(400, on=LISTS["v1"], after=2, times=3)
        with pytest.raises(BadRequestError):
            await export_contacts(client, JsonLines(tmp_path / "c"))

        report = await export_contacts(client, JsonLines(tmp_path / "c"))

    assert (report.resumed, report.contacts, report.mended) == (True, 299, 1)
    assert any(f": {rows[-3].id}" in each for each in report.doubts)
    assert any(NO_CONTACT in each for each in report.doubts)


async def test_json_lines_keep_an_odd_row_as_it_was_sent_where_that_is_utf_8(tmp_path):
    async with Sandbox(contacts=5) as sandbox, client_of(sandbox) as client:
        for each, kind in zip(
            ids_of(sandbox), ("lone_surrogate", "nan", "invalid_utf8"), strict=False
        ):
            sandbox.show_as(each, kind)
        await export_contacts(client, JsonLines(tmp_path / "c"))

    text = (tmp_path / "c").read_text(encoding="utf-8")
    assert r'"Jo \ud83d"' in text
    assert '"1305":null' in text
    assert '"last":"Ib\ufffd\ufffdez"' in text


async def test_an_edit_of_a_contact_without_a_time_is_synced(tmp_path):
    path = tmp_path / "c.db"
    for kind in ({"updated": None}, {"updated": None, "rev": None}):
        sandbox = Sandbox(contacts=20, readings=Readings(newest_first=True))
        async with sandbox, client_of(sandbox) as client:
            odd = sandbox.store._rows[-1].id
            sandbox.show_as(odd, kind)
            await sync_contacts(client, path, surface="v1")
            edit(sandbox, odd)

            report = await sync_contacts(client, path, surface="v1")

        assert report.changed == 1
        assert query(path, f"SELECT json LIKE '%Edited%' FROM contacts WHERE id = {odd}") == [(1,)]
        path.unlink()


@pytest.mark.parametrize("sink", [JsonLines, Sqlite])
async def test_an_export_with_odd_contacts_that_are_edited_ends_with_one_of_each(sink, tmp_path):
    async with Sandbox(contacts=200) as sandbox:
        odd = [row.id for row in sandbox.store._rows[-40:-30]]
        for each in odd:
            sandbox.show_as(each, {"updated": "0000-00-00T00:00:00Z", "display_name": b'"\\ud83d"'})
        edits = odd[:3]

        def edit_one(event):
            if event.call == LISTS["v1"] and edits:
                edit(sandbox, edits.pop())

        async with client_of(sandbox, on_attempt=edit_one) as client:
            report = await export_contacts(client, sink(tmp_path / "c"), page_size=30)

    lines = lines_of(tmp_path / "c") if sink is JsonLines else current(tmp_path / "c")
    assert len(lines) == report.contacts == 200
    assert sum(b"Edited" in line for line in lines) == 3


@pytest.mark.parametrize("odd", ["unplaced", "ahead"])
@pytest.mark.parametrize("count", [1, 20, 21, 50])
async def test_odd_contacts_are_told_by_one_run_however_many_there_are(odd, count, tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=80) as sandbox, client_of(sandbox) as client:

        def spoil(contact_id):
            if odd == "ahead":
                sandbox.stamp(contact_id, "2086-01-01T00:00:00Z")
            else:
                sandbox.show_as(contact_id, "updated_null")

        for each in ids_of(sandbox)[:count]:
            spoil(each)
        (doubt,) = (await sync_contacts(client, path)).doubts
        later = await sync_contacts(client, path)
        full = await sync_contacts(client, path, detect_deletions=True)
        spoil(ids_of(sandbox)[-1])
        (news,) = (await sync_contacts(client, path, detect_deletions=True)).doubts

        assert doubt.startswith("1 contact has " if count == 1 else f"{count} contacts have ")
        assert later.doubts == full.doubts == []
        assert news.startswith("1 contact has ")
        assert news.endswith(f": {ids_of(sandbox)[-1]}")
