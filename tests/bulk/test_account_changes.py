"""No job mixes two accounts, and none minds new credentials of its own."""

from __future__ import annotations

import csv
import json

import pytest

from heymarket_async import ClientStateError, NewContact
from heymarket_async.bulk import (
    Csv,
    JsonLines,
    Parquet,
    Sqlite,
    export_contacts,
    import_contacts,
    sync_contacts,
)
from tests.bulk.accounts import current, lines_of, query
from tests.bulk.two_accounts import two_accounts

OTHER = r"the credentials changed, and belong to another account \(team 8002 of .* team 7001 of"
WAYS = [{"revoke": False}, {"revoke": True}]
PEOPLE = [NewContact(phone=f"1415555{number:04}") for number in range(70)]


def ids(rows) -> list[int]:
    return sorted(int(row["id"]) for row in rows)


def ids_in(path) -> list[int]:
    if path.suffix == ".jsonl":
        return ids(map(json.loads, path.read_bytes().splitlines()))
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return ids(csv.DictReader(file))
    if path.suffix == ".db":
        return sorted(each for (each,) in query(path, "SELECT id FROM contacts"))
    import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

    return ids(pq.read_table(path).to_pylist())


@pytest.mark.parametrize("after", [2, 5, 9])
@pytest.mark.parametrize("way", WAYS)
async def test_an_export_ends_where_the_account_changes_and_can_be_resumed(after, way, tmp_path):
    path = tmp_path / "c.jsonl"
    async with two_accounts() as both, both.client() as client:
        both.change(after=after, **way)
        with pytest.raises(ClientStateError, match=OTHER):
            await export_contacts(client, JsonLines(path), page_size=50)
        assert not path.exists()
        both.restore()
        async with both.client() as again:
            report = await export_contacts(again, JsonLines(path), page_size=50)

        assert lines_of(path) == sorted(both.own.store.lines())
        assert [each.path for each in both.other.requests] == ["/v1/team"]
    assert (report.resumed, report.doubts) == (True, [])


@pytest.mark.parametrize("sink", [JsonLines, Csv, Parquet, Sqlite])
async def test_no_sink_gets_contacts_of_another_account(sink, tmp_path):
    suffix = {JsonLines: ".jsonl", Csv: ".csv", Parquet: ".parquet", Sqlite: ".db"}[sink]
    path = tmp_path / f"c{suffix}"
    async with two_accounts() as both, both.client() as client:
        both.change(after=6)
        with pytest.raises(ClientStateError, match=OTHER):
            await export_contacts(client, sink(path), surface="v2", concurrency=2, page_size=50)
        both.restore()
        async with both.client() as again:
            await export_contacts(again, sink(path), surface="v2", page_size=50)

        assert ids_in(path) == sorted(both.own.store._by_id)


@pytest.mark.parametrize("way", WAYS)
async def test_a_sync_ends_where_the_account_changes_and_goes_on_later(way, tmp_path):
    path = tmp_path / "c.db"
    async with two_accounts() as both, both.client() as client:
        both.change(after=4, **way)
        with pytest.raises(ClientStateError, match=OTHER):
            await sync_contacts(client, path, page_size=50)
        both.restore()
        async with both.client() as again:
            report = await sync_contacts(again, path, page_size=50)
            both.change(after=2)
            with pytest.raises(ClientStateError, match=OTHER):
                await sync_contacts(again, path, detect_deletions=True)

        assert current(path) == sorted(both.own.store.lines())
        assert {each.path for each in both.other.requests} == {"/v1/team"}
    assert (report.kind, report.doubts) == ("full", [])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("after", [3, 6])
async def test_an_import_writes_into_no_other_account(after, concurrency, way, tmp_path):
    path = tmp_path / "outcomes.jsonl"
    options = {"batch_size": 10, "concurrency": concurrency, "outcomes": path}
    async with two_accounts(0) as both, both.client() as client:
        both.change(after=after, **way)
        with pytest.raises(ClientStateError, match=OTHER):
            await import_contacts(client, PEOPLE, **options)
        written = both.own.store._by_id.copy()
        assert both.writes(both.other) == 0
        both.restore()
        async with both.client() as again:
            report = await import_contacts(again, PEOPLE, resume=True, **options)

        assert sorted(each["phone"] for each in both.own.store.contacts) == [
            each.phone for each in PEOPLE
        ]
        assert written.items() <= both.own.store._by_id.items()
    assert (report.created, report.unknown) == (70, 0)


async def test_the_outcome_file_says_which_rows_were_not_sent(tmp_path):
    path = tmp_path / "outcomes.jsonl"
    async with two_accounts(0) as both, both.client() as client:
        both.change(after=4)  # the account, a look, a batch, a look
        with pytest.raises(ClientStateError):
            await import_contacts(client, PEOPLE, batch_size=10, concurrency=1, outcomes=path)

    last = {row["row"]: row for row in map(json.loads, path.read_bytes().splitlines()[1:])}
    assert [last[number]["outcome"] for number in (1, 10, 11, 20)] == [
        "created",
        "created",
        "unknown",
        "unknown",
    ]
    assert all("so it was not sent. Run it again" in last[n]["reason"] for n in (11, 20))
    assert max(last) == 20


@pytest.mark.parametrize("way", WAYS)
async def test_an_import_without_an_outcome_file_is_held_to_its_account_too(way):
    async with two_accounts(0) as both, both.client() as client:
        both.change(after=3, **way)
        with pytest.raises(ClientStateError, match=OTHER):
            await import_contacts(client, PEOPLE, batch_size=10)
        assert both.writes(both.other) == 0


@pytest.mark.parametrize("way", WAYS)
async def test_jobs_go_on_with_new_credentials_of_their_account(way, tmp_path):
    async with two_accounts() as both:
        for job in (
            lambda client: export_contacts(client, JsonLines(tmp_path / "c.jsonl"), page_size=50),
            lambda client: sync_contacts(client, tmp_path / "c.db", page_size=50),
            lambda client: import_contacts(client, PEOPLE, batch_size=10),
        ):
            both.restore()
            async with both.client() as client:
                both.change(after=4, rotate=True, **way)
                report = await job(client)
                assert client.fingerprint != ""
            assert not getattr(report, "doubts", [])

        assert report.created == 70
        assert len(lines_of(tmp_path / "c.jsonl")) == len(current(tmp_path / "c.db")) == 300


async def test_a_callable_that_fails_amid_a_job_ends_it_and_it_can_be_resumed(tmp_path):
    path = tmp_path / "c.jsonl"
    async with two_accounts() as both, both.client() as client:
        both.change(after=5)
        both._next = ""  # makes no key
        with pytest.raises(ValueError, match="key must be text"):
            await export_contacts(client, JsonLines(path), page_size=50)
        both.restore()
        async with both.client() as again:
            report = await export_contacts(again, JsonLines(path), page_size=50)

        assert lines_of(path) == sorted(both.own.store.lines())
    assert report.doubts == []
