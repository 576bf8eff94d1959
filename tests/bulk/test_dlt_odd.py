"""The dlt source on odd accounts: nothing is lost, and one odd row does not stop a load."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta

import pytest
from dlt.sources import incremental

from heymarket_async.sandbox import Readings, Sandbox
from heymarket_async.sandbox.odd import KINDS
from tests.bulk.accounts import edit, ids_of
from tests.bulk.test_dlt import LIST, Warehouse, dlt_at_home, lists_of, source_of, warehouse, write

__all__ = ["dlt_at_home", "warehouse"]  # fixtures

AHEAD = "2086-01-01T00:00:00Z"


def loaded(warehouse: Warehouse, columns: str) -> dict:
    rows = warehouse.ask(f"SELECT id, {columns} FROM crm.contacts")
    found = {row.pop("id"): row for row in rows}
    assert len(found) == len(rows)
    return found


def test_a_character_that_postgresql_lacks_does_not_stop_a_load(warehouse):
    with Sandbox(contacts=60) as sandbox:
        who = ids_of(sandbox)[0]
        looks = {"first": "a\0b", "last": "c\\u0000d", "custom": {"123": "\\\0"}}
        sandbox.show_as(who, looks)
        warehouse.load(source_of(sandbox))

    row = loaded(warehouse, 'first, "last", custom')[who]
    assert (row["first"], row["last"]) == ("a\ufffdb", "c\\u0000d")
    assert json.loads(row["custom"]) == {"123": "\\\ufffd"}


def test_edits_are_loaded_though_a_contact_is_stamped_ahead(warehouse, caplog):
    caplog.set_level(logging.WARNING, "heymarket_async")
    with Sandbox(contacts=150) as sandbox:
        ahead, other = ids_of(sandbox)[:2]
        sandbox.stamp(ahead, AHEAD)
        warehouse.load(source_of(sandbox))
        assert f"in the future by the server's clock; it will be read again each time: {ahead}" in (
            caplog.text
        )
        for number in range(2):
            edit(sandbox, other)
            edit(sandbox, ahead) if number else None
            sandbox.requests.clear()
            warehouse.load(source_of(sandbox))

            assert lists_of(sandbox) <= 3
            revs = {each["id"]: each["rev"] for each in sandbox.store.contacts}
            assert {who: row["rev"] for who, row in loaded(warehouse, "rev").items()} == revs


def test_a_pipeline_of_an_older_version_that_believed_a_time_ahead_loads_all_anew(
    warehouse, monkeypatch
):
    with Sandbox(contacts=150) as sandbox:
        ahead, other = ids_of(sandbox)[:2]
        sandbox.stamp(ahead, AHEAD)
        monkeypatch.setattr("heymarket_async.dlt._Watermark.end", lambda self: None)
        warehouse.load(source_of(sandbox))
        monkeypatch.undo()
        edit(sandbox, other)

        assert warehouse.load(source_of(sandbox)) == 150
        assert loaded(warehouse, "first")[other]["first"] == "Edited"


def test_a_pipeline_of_an_older_version_goes_on_where_it_stood(warehouse, monkeypatch):
    with Sandbox(contacts=350) as sandbox:
        monkeypatch.setattr("heymarket_async.dlt._Watermark.end", lambda self: None)
        warehouse.load(source_of(sandbox))
        monkeypatch.undo()
        edit(sandbox, ids_of(sandbox)[0])

        assert warehouse.load(source_of(sandbox)) < 10
        assert loaded(warehouse, "first")[ids_of(sandbox)[0]]["first"] == "Edited"


def test_an_empty_account_loads_nothing_and_no_run_begins_before_its_initial_value(warehouse):
    with Sandbox(contacts=60) as sandbox:
        times = [datetime.fromisoformat(each["updated"]) for each in sandbox.store.contacts]
        counts = []
        for _ in range(2):
            source = source_of(sandbox)
            source.contacts.bind(incremental(initial_value=times[0]))
            counts.append(warehouse.load(source))
    with Sandbox(contacts=0) as sandbox:
        assert warehouse.load(source_of(sandbox)) == 0
    assert counts == [1, 1]


@pytest.mark.parametrize("rev", ["missing", "null", "falls"])
def test_the_later_updated_wins_whatever_becomes_of_rev(warehouse, rev):
    with Sandbox(contacts=250, readings=Readings(rev=rev)) as sandbox:
        edits = ids_of(sandbox)[:3]

        def edit_one(event):
            if event.call == LIST and edits:
                edit(sandbox, edits.pop())

        edited = list(edits)
        warehouse.load(source_of(sandbox, on_attempt=edit_one))
        first = loaded(warehouse, "first")
        assert [first[each]["first"] for each in edited] == ["Edited"] * 3

        write(sandbox, edited[0], after_s=5, first="Edited again")
        warehouse.load(source_of(sandbox))
        assert loaded(warehouse, "first")[edited[0]]["first"] == "Edited again"


@pytest.mark.parametrize("seconds", [0, 1, 50])
def test_an_older_version_in_a_later_load_replaces_nothing(warehouse, seconds):
    with Sandbox(contacts=60) as sandbox:
        write(sandbox, ids_of(sandbox)[0], after_s=60, first="Older")
        contact = sandbox.store.contacts[0]
        older = contact | {"updated": _earlier(contact["updated"], seconds)}
        write(sandbox, contact["id"], after_s=1, first="Newer")
        write(sandbox, contact["id"], first="Newest")
        for _ in range(3):
            warehouse.load(source_of(sandbox))
            assert loaded(warehouse, "first")[contact["id"]]["first"] == "Newest"
            # The contact is the newest one still, so it is read again.
            sandbox.show_as(contact["id"], json.dumps(older).encode())

        sandbox.show_as(contact["id"], None)
        write(sandbox, contact["id"], after_s=1, first="Edited since")
        warehouse.load(source_of(sandbox))
        assert loaded(warehouse, "first")[contact["id"]]["first"] == "Edited since"


def test_only_versions_that_may_be_read_again_are_kept_in_the_state(warehouse, monkeypatch):
    monkeypatch.setattr("heymarket_async.dlt._FORGET_ABOVE", 3)
    with Sandbox(contacts=250) as sandbox:
        write(sandbox, after_s=500)
        newest = write(sandbox, after_s=30)
        warehouse.load(source_of(sandbox))

        resources = warehouse.pipeline.state["sources"]["heymarket"]["resources"]
        kept = json.loads(resources["contacts"]["heymarket_versions"])
        assert {each[0] for each in kept} == {newest, newest - 1}

        # All of them are loaded into an empty table, whatever was known.
        sandbox.stamp(newest, sandbox.store.contacts[0]["updated"], rev=1)
        assert warehouse.load(source_of(sandbox), refresh="drop_data") == 252


def _earlier(updated: str, seconds: float) -> str:
    return f"{(datetime.fromisoformat(updated) - timedelta(seconds=seconds)).isoformat()[:19]}Z"


def test_a_pipeline_that_sorted_versions_by_rev_sorts_them_by_updated_from_now_on(
    warehouse, monkeypatch
):
    with Sandbox(contacts=30) as sandbox:
        before = {"data_type": "bigint", "dedup_sort": "desc"}
        source = source_of(sandbox)
        source.contacts.apply_hints(
            columns={"rev": before, "updated": {"data_type": "timestamp", "dedup_sort": None}}
        )
        warehouse.load(source)

        warehouse.load(source_of(sandbox))

    columns = warehouse.pipeline.default_schema.tables["contacts"]["columns"]
    assert columns["updated"]["dedup_sort"] == "desc"
    assert not columns["rev"].get("dedup_sort")


def test_odd_contacts_are_loaded_with_all_others(warehouse):
    with Sandbox(contacts=120) as sandbox:
        for row, kind in zip(sandbox.store._rows[::3], KINDS, strict=False):
            sandbox.show_as(row.id, kind)
        for _ in range(2):
            warehouse.load(source_of(sandbox))

            assert len(loaded(warehouse, "rev")) == 120 - 1  # one is shown as null


def test_what_was_sent_is_kept_where_it_does_not_fit(warehouse):
    with Sandbox(contacts=5) as sandbox:
        ids = ids_of(sandbox)
        sandbox.show_as(ids[0], "updated_zero")
        sandbox.show_as(ids[1], "rev_fraction")
        sandbox.show_as(ids[2], "id_huge")
        warehouse.load(source_of(sandbox))

        rows = loaded(warehouse, "updated, updated_as_sent, rev, rev_as_sent, id_as_sent")
    assert rows[ids[0]]["updated"] is None
    assert rows[ids[0]]["updated_as_sent"] == "0000-00-00T00:00:00Z"
    assert (rows[ids[1]]["rev"], rows[ids[1]]["rev_as_sent"]) == (None, "1.5")
    ((huge, row),) = [each for each in rows.items() if each[0] < 0]
    assert (huge < 0, row["id_as_sent"]) == (True, str(2**63))


@pytest.mark.parametrize(
    "answer", [{"status": 403}, {"status": 200, "body": [{"id": 123, "title": None}]}]
)
def test_custom_fields_that_cannot_be_read_do_not_stop_a_load(warehouse, answer, caplog):
    with Sandbox(contacts=5) as sandbox:
        sandbox.faults.answer(on="POST /v1/contact-fields", times=None, **answer)

        assert warehouse.load(source_of(sandbox)) == 5
    assert ("contact_fields: the custom fields cannot be read" in caplog.text) == (
        answer["status"] == 403
    )


LOADS = {
    "custom": b'{"1": 1000000000000000000000000000000, "2": [9223372036854775808], "3": 5}',
    "new_key": b"1000000000000000000000000000000",
    "inbox_id": b"9223372036854775808",
    "team_id": b"-9223372036854775809",
    "first": b"18446744073709551616",
    "tags": b'[{"tag_id": 9223372036854775808}, 9223372036854775808]',
    "nested": b'{"inner": {"number": 9223372036854775808}}',
    "deep": b"[[[[1, 9223372036854775808]]], [[[[]]]]]",
    "is_opted_out": b"18446744073709551616",
    "created": b"9223372036854775808",
}


@pytest.mark.parametrize("is_first", [True, False])
def test_no_integer_is_too_large_for_a_load(is_first, warehouse):
    with Sandbox(contacts=15) as sandbox:
        usual, *others = ids_of(sandbox)
        odd = dict(zip(others, LOADS, strict=False))
        sandbox.show_as(usual, {"new_key": 5, "nested": {"inner": {"number": 5}}})
        if not is_first:
            warehouse.load(source_of(sandbox))
            for each in odd:
                edit(sandbox, each)
        for each, name in odd.items():
            sandbox.show_as(each, {name: LOADS[name]})
        warehouse.load(source_of(sandbox))

        assert len(odd) == len(LOADS)
        assert set(loaded(warehouse, "rev")) == set(ids_of(sandbox))


def test_an_integer_that_is_too_large_is_kept_as_text(warehouse):
    with Sandbox(contacts=5) as sandbox:
        usual, odd = ids_of(sandbox)[:2]
        sandbox.show_as(usual, {"new_key": 5})
        sandbox.show_as(odd, LOADS)
        warehouse.load(source_of(sandbox))

        row = loaded(warehouse, "* EXCLUDE id")[odd]
        tags = warehouse.ask("SELECT tag_id_as_sent, value_as_sent FROM crm.contacts__tags")
    assert json.loads(row["custom"]) == {"1": str(10**30), "2": [str(2**63)], "3": 5}
    assert (row["inbox_id"], row["inbox_id_as_sent"]) == (None, str(2**63))
    assert (row["new_key"], row["new_key_as_sent"]) == (None, str(10**30))
    assert row["nested__inner__number_as_sent"] == str(2**63)
    assert {tuple(each.values()) for each in tags} - {(None, None)} == {
        (str(2**63), None), (None, str(2**63)),
    }  # fmt: skip


def test_the_log_warns_of_an_odd_contact_once(warehouse, caplog):
    with Sandbox(contacts=5) as sandbox:
        first, second = ids_of(sandbox)[:2]
        sandbox.show_as(first, "updated_null")
        sandbox.stamp(second, AHEAD)
        for _ in range(3):
            warehouse.load(source_of(sandbox))
        assert caplog.text.count("dlt source, contacts") == 2

        sandbox.show_as(ids_of(sandbox)[2], "updated_null")
        warehouse.load(source_of(sandbox))
    assert caplog.text.count("dlt source, contacts") == 3
