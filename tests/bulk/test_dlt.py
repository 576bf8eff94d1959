"""The dlt source loses no contact, doubles none, and ends with the newest version of each."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from traceback import walk_tb

import dlt
import duckdb
import pytest
from dlt.extract.exceptions import ResourceExtractionError
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.sources import DltSource, incremental

from heymarket_async import AttemptEvent, BadRequestError
from heymarket_async.dlt import heymarket
from heymarket_async.sandbox import Readings, Sandbox
from heymarket_async.sandbox.stamps import parsed
from tests.bulk.accounts import client_of, delete

LIST = "POST /v2/contacts/list"
NESTED = {"tags": "tag_id", "note": "text"}
FINE = Readings(precision="microseconds", trim_zeros=True)


@pytest.fixture(autouse=True)
def dlt_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let dlt read and write nothing outside of `tmp_path`, and send no telemetry."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    for name in ("SECRET_ID", "SECRET_KEY", "API_KEY", "BASE_URL"):
        monkeypatch.delenv(f"HEYMARKET_{name}", raising=False)


class Warehouse:
    """A DuckDB file, and the pipeline into it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "warehouse.duckdb"
        self.pipeline = dlt.pipeline(
            "contacts",
            destination=dlt.destinations.duckdb(str(self.path)),
            dataset_name="crm",
            pipelines_dir=str(folder / "pipelines"),
        )

    def load(self, source: DltSource, **options: str) -> int:
        """Return how many contacts were read."""
        self.pipeline.run(source, **options)
        return self.pipeline.last_trace.last_normalize_info.row_counts.get("contacts", 0)

    def ask(self, query: str) -> list[dict[str, object]]:
        with duckdb.connect(self.path) as database:
            cursor = database.execute(query)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @property
    def contacts(self) -> list[dict[str, object]]:
        rows = self.ask(
            "SELECT * REPLACE (epoch_us(created) AS created, epoch_us(updated) AS updated)"
            " FROM crm.contacts ORDER BY id"
        )
        nested = {
            (row["_dlt_id"], name): row["texts"]
            for name, column in NESTED.items()
            for row in self.ask(
                f"SELECT _dlt_parent_id AS _dlt_id, list({column} ORDER BY _dlt_list_idx) AS texts"
                f" FROM crm.contacts__{name} GROUP BY 1"
            )
        }
        for row in rows:
            row["custom"] = json.loads(row["custom"])
            row.update({name: nested.get((row["_dlt_id"], name)) for name in NESTED})
        return [_known(row) for row in rows]

    @property
    def cursor(self) -> datetime:
        resources = self.pipeline.state["sources"]["heymarket"]["resources"]
        return resources["contacts"]["incremental"]["updated"]["last_value"]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path)


def held_by(sandbox: Sandbox) -> list[dict[str, object]]:
    contacts = [json.loads(line) for line in sandbox.store.lines()]
    for contact in contacts:
        for name in ("created", "updated"):
            contact[name] = parsed(contact[name]) // 1000
        for name, key in NESTED.items():
            contact[name] = [each[key] for each in contact.get(name) or []]
    return [_known(contact) for contact in sorted(contacts, key=lambda each: each["id"])]


def _known(row: dict[str, object]) -> dict[str, object]:
    return {
        name: value
        for name, value in row.items()
        if value not in (None, []) and not name.startswith("_dlt")
    }


def source_of(sandbox: Sandbox, **options: Callable[[AttemptEvent], object]) -> DltSource:
    return heymarket(partial(client_of, sandbox, **options))


def newest_of(sandbox: Sandbox) -> datetime:
    return datetime.fromisoformat(sandbox.store.contacts[0]["updated"])


def write(
    sandbox: Sandbox, contact_id: int | None = None, *, after_s: float = 0, **fields: object
) -> int:
    """Edit a contact, or create one, so many seconds after the newest."""
    store = sandbox.store
    newest = store.contacts[0]
    stamp = parsed(newest["updated"]) + int(after_s * 1e9)
    row = store.by_id(contact_id or newest["id"])
    record = store.record(row)
    record.updated, record.rev = store.written(stamp), record.rev + 1
    if contact_id is None:
        record.id, record.rev = store.new_id(), 1
    for name, value in fields.items():
        setattr(record, name, value)
    store.put(record, row.uuid if contact_id else store.new_uuid(), stamp, None)
    return record.id


def lists_of(sandbox: Sandbox) -> int:
    return sum(f"{each.method} {each.path}" == LIST for each in sandbox.requests)


def ids_of(rows: list[dict[str, object]]) -> set[object]:
    return {row["id"] for row in rows}


@pytest.mark.parametrize("file_format", ["insert_values", "parquet"])
@pytest.mark.parametrize(
    "readings",
    [
        Readings(inclusive=True, precision="nanoseconds", zone="+00:00"),
        Readings(precision="milliseconds", undocumented_keys=True, list_has_uuid=True),
    ],
)
def test_a_first_load_brings_every_contact_with_every_key(warehouse, readings, file_format):
    with Sandbox(contacts=250, readings=readings, ties=120) as sandbox:
        assert warehouse.load(source_of(sandbox), loader_file_format=file_format) == 250

        assert warehouse.contacts == held_by(sandbox)


def test_a_later_load_reads_only_what_changed_since(warehouse):
    with Sandbox(contacts=350) as sandbox:
        warehouse.load(source_of(sandbox))
        write(sandbox, sandbox.store.contacts[-1]["id"], after_s=3600, first="Edited", tags=[])
        write(sandbox, after_s=1, first="Created")
        sandbox.requests.clear()

        assert warehouse.load(source_of(sandbox)) < 10

        assert lists_of(sandbox) == 2
        assert warehouse.contacts == held_by(sandbox)


def test_a_load_of_nothing_new_doubles_nothing(warehouse):
    with Sandbox(contacts=40, ties=40) as sandbox:
        warehouse.load(source_of(sandbox))

        assert warehouse.load(source_of(sandbox)) == 40
        assert warehouse.contacts == held_by(sandbox)


@pytest.mark.parametrize("inclusive", [True, False])
def test_a_contact_that_is_edited_during_the_walk_ends_in_its_newest_version(warehouse, inclusive):
    with Sandbox(contacts=150, readings=Readings(inclusive=inclusive)) as sandbox:
        oldest = sandbox.store.contacts[-1]["id"]
        # The later ones do not even change its `updated`.
        later = [1, 0, 0]

        def edit(event: AttemptEvent) -> None:
            if event.call == LIST and later:
                write(sandbox, oldest, after_s=later.pop(0), first=f"Edited, {len(later)} to go")

        warehouse.load(source_of(sandbox, on_attempt=edit))
        assert not later
        if not inclusive:
            # A server that leaves out what is at `date` shows the last edit a minute later.
            warehouse.load(source_of(sandbox))
        assert warehouse.contacts == held_by(sandbox)


def test_contacts_that_share_the_newest_updated_come_with_the_next_load(warehouse):
    with Sandbox(contacts=60) as sandbox:
        warehouse.load(source_of(sandbox))
        created = write(sandbox)
        write(sandbox, sandbox.store.contacts[1]["id"], first="Edited")

        warehouse.load(source_of(sandbox))

        assert created in ids_of(warehouse.contacts)
        assert warehouse.contacts == held_by(sandbox)


def test_a_write_that_shows_up_a_minute_late_is_loaded(warehouse):
    with Sandbox(contacts=60) as sandbox:
        warehouse.load(source_of(sandbox))
        in_time, too_late = write(sandbox, after_s=-60), write(sandbox, after_s=-3600)

        warehouse.load(source_of(sandbox))

        loaded = ids_of(warehouse.contacts)
        assert in_time in loaded
        assert too_late not in loaded


def test_half_a_second_is_later_than_none(warehouse):
    with Sandbox(contacts=60, readings=FINE) as sandbox:
        warehouse.load(source_of(sandbox))
        assert warehouse.cursor == newest_of(sandbox)
        assert sandbox.store.contacts[0]["updated"].endswith(":00Z")

        write(sandbox, after_s=0.5)
        warehouse.load(source_of(sandbox))
        assert warehouse.cursor == newest_of(sandbox)
        assert warehouse.contacts == held_by(sandbox)


def test_a_load_that_fails_half_way_is_made_up_for_by_the_next(warehouse):
    with Sandbox(contacts=250) as sandbox:
        for _ in ("the first load", "a later one"):
            sandbox.faults.answer(400, on=LIST, after=2)
            with pytest.raises(PipelineStepFailed) as raised:
                warehouse.load(source_of(sandbox))
            assert isinstance(raised.value.__cause__.__cause__, BadRequestError)

            warehouse.load(source_of(sandbox))
            assert warehouse.contacts == held_by(sandbox)
            for _ in range(220):
                write(sandbox, after_s=61)


def test_a_custom_value_of_another_type_changes_no_column(warehouse):
    columns = "SELECT table_name, column_name, data_type FROM duckdb_columns() ORDER BY ALL"
    with Sandbox(contacts=120) as sandbox:
        warehouse.load(source_of(sandbox))
        before = warehouse.ask(columns)
        for value in (True, 7, 7.5, None, ["a"], {"b": 1}, "2026-04-12T15:30:00Z"):
            write(sandbox, custom={"123": value, "999": value})

        warehouse.load(source_of(sandbox))

        assert warehouse.ask(columns) == before
        assert warehouse.contacts == held_by(sandbox)


def test_a_text_that_looks_like_a_time_stays_a_text(warehouse):
    with Sandbox(contacts=60) as sandbox:
        write(sandbox, after_s=-(10**6), external_ref="2026-01-01T00:00:00Z")
        write(sandbox, external_ref="A-17")
        warehouse.load(source_of(sandbox))

        assert warehouse.contacts == held_by(sandbox)


def test_custom_fields_are_replaced(warehouse):
    with Sandbox(contacts=1) as sandbox:
        for _ in range(2):
            warehouse.load(source_of(sandbox))

            fields = warehouse.ask("SELECT id, title FROM crm.contact_fields ORDER BY id")
            assert fields[0] == {"id": 123, "title": "Plan"}
            assert len(fields) == 5


def test_a_range_begins_with_its_start_ends_before_its_end_and_is_read_no_further(warehouse):
    with Sandbox(contacts=1000) as sandbox:
        times = [datetime.fromisoformat(each["updated"]) for each in sandbox.store.contacts[::-1]]
        source = source_of(sandbox)
        source.contacts.bind(incremental(initial_value=times[300], end_value=times[350]))
        assert warehouse.load(source) == 50

        # One page is held back until the next one has come, and dlt may ask for one more ahead.
        assert lists_of(sandbox) <= 3
        loaded = {row["updated"] for row in warehouse.contacts}
        assert loaded == {int(time.timestamp() * 1e6) for time in times[300:350]}


def test_deleted_contacts_leave_when_all_are_loaded_anew(warehouse):
    with Sandbox(contacts=60) as sandbox:
        warehouse.load(source_of(sandbox))
        delete(sandbox, sandbox.store.contacts[30]["id"])

        assert warehouse.load(source_of(sandbox), refresh="drop_data") == 59
        assert warehouse.contacts == held_by(sandbox)


@pytest.mark.parametrize("names", ["SOURCES__HEYMARKET__{}", "HEYMARKET_{}"])
def test_credentials_come_from_dlt_or_the_environment_and_are_written_nowhere(
    warehouse, tmp_path, monkeypatch, names
):
    with Sandbox(contacts=5) as sandbox:
        monkeypatch.setenv("HEYMARKET_BASE_URL", sandbox.url)
        monkeypatch.setenv(names.format("SECRET_ID"), sandbox.credentials.secret_id)
        with pytest.raises(PipelineStepFailed, match=r"(?i)secret_key"):
            warehouse.load(heymarket())
        monkeypatch.setenv(names.format("SECRET_KEY"), sandbox.credentials.secret_key)

        assert warehouse.load(heymarket()) == 5

        files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
        assert len(files) > 5
        for secret in sandbox.credentials:
            assert not [file for file in files if secret.encode() in file]


def test_without_dlt_the_import_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "heymarket_async.dlt")
    monkeypatch.setitem(sys.modules, "dlt", None)

    with pytest.raises(ImportError, match="needs the extra dlt: pip install dlt"):
        importlib.import_module("heymarket_async.dlt")


@pytest.mark.parametrize("resource", ["contacts", "contact_fields"])
def test_a_load_that_fails_keeps_no_variables_of_the_source(resource):
    with Sandbox(contacts=3, seed=1) as sandbox:
        sandbox.faults.answer(400, times=None)
        with pytest.raises(ResourceExtractionError) as raised:
            list(source_of(sandbox).resources[resource])

    cause = raised.value.__cause__
    ours = [
        frame
        for frame, _ in walk_tb(cause.__traceback__)
        if frame.f_globals["__name__"].startswith("heymarket_async")
    ]
    assert isinstance(cause, BadRequestError)
    assert len(ours) > 3
    assert all(frame.f_locals == {} for frame in ours)
