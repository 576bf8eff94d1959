"""Files of contacts: every field in its place, and only the owner can read them."""

from __future__ import annotations

import csv
import gzip
import json
import pickle
import stat
import sys
import zlib
from datetime import datetime
from io import BytesIO

import pyarrow.parquet
import pytest

from heymarket_async import ContactField, timestamps
from heymarket_async.bulk import Csv, JsonLines, Parquet, Stream, Xlsx, export_contacts
from heymarket_async.bulk.kind import COLUMNS
from heymarket_async.bulk.sinks.staging import packing_of
from heymarket_async.bulk.sinks.tables import Table, harmless
from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.accounts import client_of, lines_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PLAN, PRICE = ContactField(id=123, title="Plan"), ContactField(id=7, title="Price")


def written(sink, *lines: bytes, again=(), fields=(PLAN, PRICE)) -> list[int]:
    sink.open(None, restart=False)
    try:
        for line in lines:
            sink.write([line], "{}")
        return list(sink.finish(frozenset(again), fields))
    finally:
        sink.close()


def rows_of(path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def contact(**fields: object) -> bytes:
    return json.dumps({"id": 1, "rev": 1, "updated": "2026-04-12T15:30:00Z", **fields}).encode()


# Formats


@pytest.mark.parametrize(
    ("name", "unpack"),
    [("c.jsonl", bytes), ("c.jsonl.gz", gzip.decompress), ("c.jsonl.zst", None)],
)
async def test_json_lines_hold_each_contact_byte_for_byte(name, unpack, tmp_path):
    readings = Readings(undocumented_keys=True, list_has_channels=True)
    async with Sandbox(contacts=700, seed=2, readings=readings) as sandbox:
        async with client_of(sandbox) as client:
            await export_contacts(client, JsonLines(tmp_path / name), page_size=30)

    content = (tmp_path / name).read_bytes()
    if unpack is None:
        with zstd.open(tmp_path / name) as file:
            content = file.read()
    else:
        content = unpack(content)
    assert sorted(content.splitlines()) == sorted(sandbox.store.lines())
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", [Csv, Parquet])
async def test_a_table_holds_everything_of_every_contact(kind, tmp_path):
    readings = Readings(undocumented_keys=True, list_has_channels=True, list_has_uuid=True)
    path = tmp_path / "table"
    async with Sandbox(contacts=300, seed=2, readings=readings) as sandbox:
        async with client_of(sandbox) as client:
            report = await export_contacts(client, kind(path))

    rows = rows_of(path) if kind is Csv else pyarrow.parquet.read_table(path).to_pylist()
    assert report.contacts == len(rows) == 300
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(rows[0]) == [
        *COLUMNS, "Plan", "Renewal Date", "Region", "Language", "Lifetime Value", "other",
    ]  # fmt: skip
    titles = {
        "123": "Plan",
        "456": "Renewal Date",
        "789": "Region",
        "1012": "Language",
        "1305": "Lifetime Value",
    }
    by_id = {int(row["id"]): row for row in rows}
    for line in sandbox.store.lines():
        sent = json.loads(line)
        row = by_id[sent["id"]]
        assert json.loads(row["other"]) == {"carrier_hint": "mobile"}
        for name in COLUMNS:
            assert _same(row[name], sent.get(name)), name
        for key, title in titles.items():
            assert _same(row[title], sent["custom"].get(key)), title


def _given(element: object) -> object:
    """Return an element of a list without the fields that were not sent."""
    if not isinstance(element, dict):
        return element
    return {name: value for name, value in element.items() if value is not None}


def _as_text(element: object) -> object:
    """Return an element with the integers of its columns of text as text."""
    if not isinstance(element, dict):
        return element
    texts = {"id", "contact_id"} if "channel_type" in element else set()
    return {name: str(each) if name in texts else each for name, each in element.items()}


def _same(cell: object, sent: object) -> bool:
    if sent is None or sent == "":
        return cell in {None, ""}
    if isinstance(cell, datetime):
        return cell == timestamps.parse(str(sent))
    if isinstance(cell, list):
        return [_given(each) for each in cell] == list(map(_as_text, sent))
    if isinstance(sent, list):
        return json.loads(str(cell)) == sent
    if isinstance(cell, str) and isinstance(sent, bool | int):
        return cell == json.dumps(sent)
    return cell == sent or cell == f"'{sent}"


def test_parquet_has_types(tmp_path):
    written(Parquet(tmp_path / "p"), contact(is_opted_out=True, phone="15105553344"))

    schema = pyarrow.parquet.read_schema(tmp_path / "p")
    assert str(schema.field("id").type) == "int64"
    assert str(schema.field("is_opted_out").type) == "bool"
    assert str(schema.field("phone").type) == "string"
    assert str(schema.field("Plan").type) == "string"


@pytest.mark.parametrize("kind", [Csv, Parquet])
def test_an_empty_account_makes_a_table_without_rows(kind, tmp_path):
    assert written(kind(tmp_path / "t")) == []

    rows = rows_of(tmp_path / "t") if kind is Csv else pyarrow.parquet.read_table(tmp_path / "t")
    assert len(rows) == 0


@pytest.mark.parametrize("kind", [Csv, JsonLines, Parquet])
def test_of_a_contact_that_came_again_the_newest_version_is_kept(kind, tmp_path):
    path = tmp_path / "t"
    steps = written(
        kind(path),
        contact(first="old"),
        contact(id=2, first="other"),
        contact(rev=3, first="new"),
        contact(rev=2, first="late"),
        contact(rev=3, first="new"),
        again=[1],
    )

    firsts = {
        Csv: lambda: [row["first"] for row in rows_of(path)],
        JsonLines: lambda: [json.loads(line)["first"] for line in path.read_bytes().splitlines()],
        Parquet: lambda: [row["first"] for row in pyarrow.parquet.read_table(path).to_pylist()],
    }[kind]()
    assert firsts == ["other", "new"]
    assert steps == [2]


def test_without_a_rev_the_later_update_is_the_newest(tmp_path):
    later = b'{"id":1,"updated":"2026-04-12T15:30:00.5Z"}'
    earlier = b'{"id":1,"updated":"2026-04-12T15:30:00.25+00:00"}'

    written(JsonLines(tmp_path / "t"), later, earlier, again=[1])

    assert (tmp_path / "t").read_bytes() == later + b"\n"


# What stands in a table


def test_what_has_no_column_or_not_its_type_is_kept_as_json():
    table = Table([PLAN])
    sent = {
        "id": "012",
        "rev": 2**63,
        "phone": [5],
        "new": {"a": 1},
        "custom": {"123": 1.5, "99": "x"},
        "email": None,
        "future": None,
    }

    row = dict(zip(table.columns, table.row(json.dumps(sent).encode()), strict=True))

    assert row["Plan"] == "1.5"
    assert row["id"] is row["rev"] is row["phone"] is row["email"] is None
    assert json.loads(row["other"]) == {
        "id": "012", "rev": 2**63, "phone": [5], "new": {"a": 1}, "custom": {"99": "x"},
        "future": None,
    }  # fmt: skip


@pytest.mark.parametrize("number", [0, 7, -12, 2**63 - 1])
def test_a_number_that_is_sent_as_text_stands_in_its_column(number):
    table = Table([])
    sent = {"id": str(number), "team_id": number}

    row = dict(zip(table.columns, table.row(json.dumps(sent).encode()), strict=True))

    assert row["id"] == row["team_id"] == number
    assert row["other"] is None


@pytest.mark.parametrize("text", ["", "-0", "+1", "1.0", "1e3", " 1", "1\n", "1٣", "x", str(2**63)])
def test_a_text_that_no_number_is_written_as_is_kept_as_it_is(text):
    table = Table([])
    sent = {"rev": text, "inbox_id": True}

    row = dict(zip(table.columns, table.row(json.dumps(sent).encode()), strict=True))

    assert row["rev"] is row["inbox_id"] is None
    assert json.loads(row["other"]) == sent


@pytest.mark.parametrize("sent", [14155550100, 14155550100.0, 10**30, -5])
def test_a_text_that_is_sent_as_a_number_stands_in_its_column(sent):
    table = Table([])
    line = json.dumps({"phone": sent, "external_id": sent, "first": True}).encode()

    row = dict(zip(table.columns, table.row(line), strict=True))

    assert row["phone"] == row["external_id"] == str(sent)
    assert json.loads(row["other"]) == {"first": True}


def test_a_custom_that_is_no_object_is_kept_as_it_is():
    table = Table([PLAN])

    assert json.loads(table.row(b'{"custom":[1]}')[-1]) == {"custom": [1]}
    assert table.row(b'{"custom":{"123":null}}') == [None] * len(table.columns)
    assert table.row(b'{"custom":null}') == [None] * len(table.columns)


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1", "+SUM(A1)", "-2+3", "@cmd", "\tx", "\rx", "\nx", '=HYPERLINK("http://x")', "-",
        "＝1+1", "＋1", "－1", "＠cmd",  # noqa: RUF001 - these are meant
    ],
)  # fmt: skip
def test_a_cell_that_would_be_run_is_defused(cell):
    assert harmless([cell]) == [f"'{cell}"]


@pytest.mark.parametrize(
    "cell",
    ["", "a=b", "-5", "+15105553344", "-5.25", 7, None, True, "1-2", "a;b=c", "a,=1"],
)
def test_a_cell_that_is_harmless_is_left_as_it_is(cell):
    assert harmless([cell]) == [cell]


@pytest.mark.parametrize(("defuse", "first"), [(True, "'=1+1"), (False, "=1+1")])
def test_csv_defuses_cells_and_headings_unless_told_not_to(defuse, first, tmp_path):
    field = ContactField(id=5, title="@title")
    written(Csv(tmp_path / "c", defuse=defuse), contact(first="=1+1"), fields=[field])

    (row,) = rows_of(tmp_path / "c")
    assert row["first"] == first
    assert ("'@title" in row) is defuse


def test_csv_begins_with_a_byte_order_mark_if_wanted(tmp_path):
    for bom in (True, False):
        written(Csv(tmp_path / "c", bom=bom), contact(first="Zoë", last='a "b",\nc'))

        assert (tmp_path / "c").read_bytes().startswith(b"\xef\xbb\xbf") is bom
        (row,) = rows_of(tmp_path / "c")
        assert (row["first"], row["last"]) == ("Zoë", 'a "b",\nc')


# Names and places


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ValueError, match=r"is a folder\. Name a regular file"):
        JsonLines(tmp_path).open(None, restart=False)


def test_a_sink_that_is_not_open_says_so(tmp_path):
    sink = JsonLines(tmp_path / "c")

    with pytest.raises(RuntimeError, match="not open"):
        sink.write([], "{}")
    sink.close()


def test_a_file_that_is_being_made_leaves_nothing_if_that_is_interrupted(tmp_path):
    sink = Csv(tmp_path / "c")
    sink.open(None, restart=False)
    sink.write([contact(id=number) for number in range(6000)], "{}")
    steps = sink.finish(frozenset(), [])
    assert next(steps) == 5000

    steps.close()
    sink.close()

    assert [each.name for each in tmp_path.iterdir()] == ["c.partial"]


@pytest.mark.parametrize(
    ("sink", "module", "extra"),
    [
        (lambda path: Parquet(path.with_suffix(".parquet")), "pyarrow", "parquet"),
        (lambda path: Xlsx(path.with_suffix(".xlsx")), "xlsxwriter", "xlsx"),
        (packing_of, zstd.__name__, "zst"),
    ],
)
def test_a_missing_package_is_told(sink, module, extra, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(ValueError, match=f"needs the extra {extra}: pip install "):
        sink(tmp_path / "c.zst")


def test_a_stream_cannot_be_gone_on_with(tmp_path):
    with pytest.raises(ValueError, match=r"a pipe has no checkpoint: it cannot be resumed\. Leave"):
        Stream(BytesIO()).open(tmp_path, restart=False)
    assert list(Stream(BytesIO()).stored()) == []


async def test_a_contact_that_is_edited_comes_again_on_a_stream(tmp_path):
    from tests.bulk.accounts import Editor, edit_one  # noqa: PLC0415 - here alone

    async with Sandbox(contacts=300, seed=2) as sandbox:
        editor = Editor(sandbox, edit_one, times=4)
        with (tmp_path / "out").open("wb") as file:
            async with client_of(sandbox, on_attempt=editor) as client:
                report = await export_contacts(client, Stream(file))

    lines = lines_of(tmp_path / "out")
    newest = {json.loads(line)["id"]: line for line in (tmp_path / "out").read_bytes().splitlines()}
    assert report.contacts == len(lines) == 300 + report.edited
    assert sorted(newest.values()) == sorted(sandbox.store.lines())


@pytest.mark.parametrize("name", ["c.jsonl", "c.jsonl.gz", "c.jsonl.zst"])
def test_a_file_of_an_empty_account_is_whole(name, tmp_path):
    sink = JsonLines(tmp_path / name)
    sink.open(None, restart=False)
    sink.write([], "checkpoint")
    list(sink.finish(frozenset(), []))
    sink.close()

    packing = packing_of(tmp_path / name)
    with (tmp_path / name).open("rb") as raw, packing.reader(raw) as file:
        assert file.read() == b""


READERS = {
    "c.jsonl": [bytes],
    "c.jsonl.gz": [
        gzip.decompress,
        lambda data: zlib.decompress(data, wbits=31),
        lambda data: zlib.decompressobj(wbits=31).decompress(data),
    ],
    "c.jsonl.zst": [
        zstd.decompress,
        lambda data: zstd.ZstdDecompressor().decompress(data),
        lambda data: zstd.get_frame_info(data).decompressed_size,
    ],
}


@pytest.mark.parametrize("again", [(), [5]])
@pytest.mark.parametrize("name", READERS)
def test_a_file_is_one_stream_for_readers_that_stop_after_the_first(name, again, tmp_path):
    lines = [contact(id=number) for number in range(6000)]
    written(JsonLines(tmp_path / name), *lines[:9], b"\n".join(lines[9:]), again=again)

    data = (tmp_path / name).read_bytes()
    for read in READERS[name]:
        content = read(data)
        size = content if isinstance(content, int) else len(content)
        assert size == sum(map(len, lines)) + len(lines)


@pytest.mark.parametrize(
    "sink", [JsonLines("c.jsonl"), JsonLines("c.jsonl.gz"), Csv("c.csv"), Xlsx("c.xlsx")]
)
def test_a_sink_that_is_not_open_pickles(sink):
    assert pickle.loads(pickle.dumps(sink)).path == sink.path
