"""Spreadsheets: the right sheet, every cell as text, and plain words for a file that fails."""

from __future__ import annotations

import base64
import io
import random
import re
import sys
import zipfile
import zlib
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from heymarket_async.bulk.contact_files import spreadsheet
from heymarket_async.bulk.contact_files.notes import Notes

XLS = zlib.decompress(base64.b64decode(
    "eNrtWE1oE0EU/maTND+maVJTsRVKCFi19tCggSLUaFELgiV6UYoQUxMxNGTDNh70YrXmKAieFC+FXrxUvfiDHvTmQa"
    "joQRCExJ6kJ0HBQ5v1zdtNTWuFBrSozLfMm7dv5puZnZk3szOv50KV6QddVazCfjhQM71oabAJCt76SxCUbppSrcce"
    "CqbCPwWvhwayxYWnra/ccgzleFeh4b7zBUngI4XTKGJEL2QjG4ghbkNayDYMkhS4Q5YAOrlV7SzPstzM8h7nfMbyAF"
    "uusxykvBUxirnESO+APYtPaVFOC0CW+4g579kSQwdeyll8+Yaw8rpw0Mil839nQrfTjxnQuA1nC1kjna8gTAM4g69m"
    "BPhS99TnEWXfWLsA2b+ttLvXsN/UnMAkzDM8wcs0IT85LCdMZvViPruIQ+yQMriA5HlyQorP5YyJkh/ITaT0YimbSe"
    "kXSpTlqG5k0oVNNIvjsf54PN4f2ztAxY3qCz65cLOjB1c4eis7gJ9kBm2sh9gNgrSUL979/ObYWDKRYsskL+7WFrBd"
    "thomrkgGkQOc4liWvczYzfIql7qN9S6WYfoSinuSHbZyZIrzXOPUHqpnD+NtYkeDvpP08sLxx93l+cQu0meHq5fCs+"
    "8S04jSlpQhvnym0Cf6xO1bEk8S9VjYy8UHlp0/LR0eLWi33bT3uTYswcdqiKX1JntHLL9pdl9JtljFdlCfCJu9dd98"
    "1D8kOYJLkD3k0jyka1ye5Gtr1K4x32nXZ42Ny+ZqzKVNWmvHQ5mRlrwf8EFBQUFBQUFBQUHhFxD8K2v9uDutYwYfDd"
    "z2vc4ShZq6JvlvcQI6PSU6mB5GgWIDF5uaP1vgEvWyxDo59ftCiZNUu4FxjHE7xpuev3S0E43fs25i8Pe5ULP115pp"
    "5x+u/ztvBNG4"
))  # fmt: skip
"""An .xls: Phone, first and is_opted_out, with two rows; a phone is a number in the first."""


def read(content: bytes, *, notes: Notes | None = None):
    return spreadsheet.read(
        io.BytesIO(content),
        is_phone_heading=lambda heading: heading.strip().casefold() == "phone",
        notes=notes or Notes(),
    )


def book(sheets: dict[str, list[list[object]]], *, hidden: str = "") -> bytes:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if name == hidden:
            sheet.sheet_state = "hidden"
    return saved(workbook)


def saved(workbook) -> bytes:
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


PEOPLE = [["Phone", "first"], [15105550147.0, "Jordan"]]
NOT_PEOPLE = [["About", "x"], ["this file", "y"]]


def test_a_sheet_is_a_table_whose_rows_have_the_numbers_of_the_program():
    workbook = openpyxl.Workbook()
    workbook.active["B3"] = "Phone"
    workbook.active["C3"] = "first"
    workbook.active["B5"] = 15105550147
    workbook.active["C6"] = "Zoë"

    table = read(saved(workbook))

    assert table.unit == "row"
    rows = {row.number: [cell for cell in row.cells if cell] for row in table}
    assert [heading for heading in table.headings if heading] == ["Phone", "first"]
    assert rows == {5: ["15105550147"], 6: ["Zoë"]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (15105550147, "15105550147"),
        (15105550147.0, "15105550147"),
        (9007199254740992, "9007199254740992"),
        (1e20, "100000000000000000000"),
        (-3.0, "-3"),
        (1.5, "1.5"),
        (0, "0"),
        ("9007199254740993123", "9007199254740993123"),
        ("0123", "0123"),
        (" +1 510 ", " +1 510 "),
        (True, "true"),
        (False, "false"),
        (date(2026, 4, 12), "2026-04-12"),
        (datetime(2026, 4, 12, 15, 30), "2026-04-12T15:30:00"),  # noqa: DTZ001 - as in a sheet
        (time(15, 30), "15:30:00"),
        (timedelta(hours=30, minutes=5), "30:05:00"),
        ("#N/A", ""),
        (None, ""),
        ("=1+1", ""),  # a formula that no program has computed
    ],
)
def test_a_cell_is_text(value, text):
    (row,) = read(book({"People": [["phone", "it"], ["x", value]]}))

    assert list(row.cells) == ["x", text]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**15), st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]))
        ).map(list),
        min_size=1,
        max_size=5,
    )
)
def test_texts_and_numbers_arrive_as_they_are(rows):
    safe = [
        [number, f"a{text}z".replace("\ufffe", "").replace("\uffff", "")] for number, text in rows
    ]

    table = read(book({"People": [["phone", "text"], *safe]}))

    assert [list(row.cells) for row in table] == [[str(number), text] for number, text in safe]


# The sheet


@pytest.mark.parametrize(
    ("sheets", "hidden", "chosen"),
    [
        ({"Empty": [], "About": NOT_PEOPLE, "Contacts": PEOPLE, "Old": PEOPLE}, "", "Contacts"),
        ({"Contacts": PEOPLE, "New": PEOPLE}, "Contacts", "New"),
        ({"Empty": [], "About": NOT_PEOPLE, "More": NOT_PEOPLE}, "", "About"),
        ({"About": NOT_PEOPLE, "Contacts": [["title"], ["of the file"], *PEOPLE]}, "", "Contacts"),
    ],
)
def test_the_first_visible_sheet_with_phones_is_read_with_a_note(sheets, hidden, chosen):
    notes = Notes()

    table = read(book(sheets, hidden=hidden), notes=notes)

    assert table.headings == (NOT_PEOPLE if chosen == "About" else PEOPLE)[0]
    assert notes.lines()[0] == f"The file has {len(sheets)} sheets; only “{chosen}” was read."


def test_a_single_sheet_needs_no_note():
    notes = Notes()

    assert len(list(read(book({"People": PEOPLE}), notes=notes))) == 1
    assert notes.lines() == []


def test_sheets_that_are_all_hidden_are_read():
    content = book({"People": PEOPLE})
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, part.replace(b'state="visible"', b'state="hidden"'))

    assert len(list(read(changed.getvalue()))) == 1


# Formats


def test_an_old_xls_is_read():
    table = read(XLS)

    assert table.headings == ["Phone", "first", "is_opted_out"]
    assert [list(row.cells) for row in table] == [
        ["15105550147", "Jordan", "true"],
        ["15105550148", "Zoë", "false"],
    ]


def test_an_ods_is_read():
    number = '<table:table-cell office:value-type="float" office:value="15105550147"/>'
    (row,) = read(ods([text_cell("Phone"), text_cell("first")], [number, text_cell("Zoë")]))

    assert list(row.cells) == ["15105550147", "Zoë"]


def test_tabs_and_spaces_of_an_ods_are_kept():
    texts = ["<text:tab/>a<text:tab />b", "a<text:s text:c='2'/>b", "a b"]

    table = read(ods([text_cell("phone")], *([text_cell(text)] for text in texts)))

    assert [row.cells for row in table] == [["\ta\tb"], ["a  b"], ["a b"]]


def ods(*rows: list[str]) -> bytes:
    cells = "".join(f"<table:table-row>{''.join(row)}</table:table-row>" for row in rows)
    namespaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    content = (
        f"<office:document-content {namespaces}><office:body><office:spreadsheet>"
        f'<table:table table:name="People">{cells}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest'
            ':1.0"/>',
        )
    return file.getvalue()


def text_cell(text: str) -> str:
    return (
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
    )


# Files that cannot be read


def encrypted() -> bytes:
    """Return the compound file that a spreadsheet with a password is, without its content."""
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header += (0x3E).to_bytes(2, "little") + (3).to_bytes(2, "little")
    header += b"\xfe\xff" + (9).to_bytes(2, "little") + (6).to_bytes(2, "little") + bytes(10)
    end, free = 0xFFFFFFFE, 0xFFFFFFFF
    for number in (1, 1, 0, 4096, end, 0, end, 0, 0, *[free] * 108):
        header += number.to_bytes(4, "little")
    fat = b"".join(number.to_bytes(4, "little") for number in (0xFFFFFFFD, end, *[free] * 126))

    def entry(name: str, kind: int, child: int) -> bytes:
        text = name.encode("utf-16-le")
        made = text.ljust(64, b"\0") + (len(text) + 2).to_bytes(2, "little") + bytes([kind, 1])
        for number in (free, free, child):
            made += number.to_bytes(4, "little")
        return made + bytes(36) + end.to_bytes(4, "little") + bytes(8)

    entries = entry("Root Entry", 5, 1) + entry("EncryptedPackage", 2, free) + bytes(256)
    return header + fat + entries


def test_a_password_is_named_as_the_reason():
    with pytest.raises(ValueError, match=r"has a password\. Open it in a spreadsheet program"):
        read(encrypted())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no", b"phone\n1\n", XLS[:700], b"\0" * 99])
def test_a_file_that_is_damaged_is_refused_in_plain_words(content):
    with pytest.raises(ValueError, match=r"is damaged, has a password, or is of a kind"):
        read(content)


def test_no_damage_raises_another_error():
    whole = book({"People": PEOPLE * 20})
    chance = random.Random(3)
    for _ in range(300):
        content = bytearray(chance.choice([whole, XLS]))
        for _ in range(chance.randint(1, 20)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            list(read(bytes(content[: chance.choice([None, chance.randrange(len(content))])])))
        except ValueError:
            continue


class Panic(io.BytesIO):
    def read(self, *args):
        class PanicException(BaseException):
            pass

        raise PanicException


class Stopped(io.BytesIO):
    def read(self, *args):
        raise KeyboardInterrupt


def test_a_panic_of_the_reader_is_a_damaged_file():
    with pytest.raises(ValueError, match="is damaged"), spreadsheet._explaining(io.BytesIO()):
        Panic().read()
    with pytest.raises(KeyboardInterrupt), spreadsheet._explaining(io.BytesIO()):
        Stopped().read()


def test_an_empty_spreadsheet_is_refused():
    with pytest.raises(ValueError, match=r"The spreadsheet is empty\."):
        read(book({"One": [], "Two": []}))


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "python_calamine", None)

    with pytest.raises(ValueError, match=r"needs the extra import: pip install .*python-calamine"):
        read(b"")


@pytest.mark.parametrize(("rows", "extent"), [(2, True), (2, False), (90_000, True)])
def test_a_cell_far_away_from_the_contacts_is_refused_before_it_fills_the_memory(rows, extent):
    few = book({"Contacts": [["Phone"], *[[f"1415555{n:05}"] for n in range(rows)]]})
    sheet = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(few)) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    parts[sheet] = parts[sheet].replace(b"</sheetData>", far)
    if extent:
        parts[sheet] = re.sub(rb'(<dimension ref="A1):[A-Z]+\d+"', rb'\1:XFD1048576"', parts[sheet])
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name, part in parts.items():
            new.writestr(name, part)

    with pytest.raises(ValueError, match="a cell far away from the contacts"):
        read(made.getvalue())


# Damage at which the reader would not end, or would fill the memory


END, FREE = 0xFFFFFFFE, 0xFFFFFFFF
FAT, DIRECTORY = 9 * 512, 10 * 512
"""Where sectors 8 and 9 of `XLS` are."""


EXTENT = 1601
"""Where the record is that says which rows and columns the sheet has."""


def patched(content: bytes, numbers: dict[int, int]) -> bytes:
    """Return a file with other numbers of four bytes, by place."""
    made = bytearray(content)
    for place, number in numbers.items():
        made[place : place + 4] = number.to_bytes(4, "little")
    return bytes(made)


def with_short_stream(next_of_first: int = END) -> bytes:
    """Return an .xls with a stream in small sectors, and a FAT that goes on in a sector more."""
    table = patched(bytes([0xFF] * 512), {0: next_of_first})
    more_of_fat = patched(bytes([0xFF] * 512), {508: END})
    made = patched(
        XLS + table + bytes(512) + more_of_fat,
        {60: 10, 64: 1, 68: 12, **{FAT + 4 * number: END for number in (10, 11, 12)}},
    )
    root, short = DIRECTORY, DIRECTORY + 2 * 128
    return patched(
        made,
        {root + 116: 11, root + 120: 512, short + 64: 0x20004, short + 116: 0, short + 120: 9},
    )


def test_an_xls_with_a_short_stream_is_read():
    assert [row.cells[1] for row in read(with_short_stream())] == ["Jordan", "Zoë"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(patched(XLS, {FAT + 4 * 7: 0}), id="a circle in a stream"),
        pytest.param(patched(XLS, {FAT + 4 * 9: 9}), id="a circle in the directory"),
        pytest.param(patched(XLS, {68: 8, FAT + 4 * 127: 8}), id="a circle in the table"),
        pytest.param(with_short_stream(0), id="a circle in small sectors"),
        pytest.param(patched(XLS, {FAT + 4 * 7: 5000}), id="a sector that no table has"),
        pytest.param(patched(XLS, {FAT + 4 * 3: 100}), id="a sector behind the end"),
        pytest.param(patched(XLS, {DIRECTORY + 248: 1 << 31}), id="a stream of 2 GB"),
        pytest.param(patched(XLS, {44: 1 << 30}), id="a table of 512 GB"),
        pytest.param(patched(XLS, {EXTENT + 8: 1 << 30}), id="a sheet of 3 thousand million cells"),
        pytest.param(patched(XLS, {EXTENT + 4: 9}), id="a sheet that ends before it begins"),
        pytest.param(patched(XLS, {30: 10}), id="sectors of 1024 bytes"),
        pytest.param(XLS[:300], id="half a header"),
        pytest.param(XLS[:-100], id="a part of the directory"),
    ],
)
def test_an_xls_whose_reader_would_not_end_is_damaged(content):
    with pytest.raises(spreadsheet.compound_file.DamagedError):
        spreadsheet.compound_file.check(io.BytesIO(content))
    with pytest.raises(ValueError, match="The spreadsheet is damaged"):
        read(content)


@pytest.mark.parametrize(
    ("far", "is_read"),
    [
        ("<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>", False),
        ('<row r="2"><c r="XFD99999999"><v>1</v></c></row>', False),
        ('<x:row r="1048576"><x:c r="xfd1"><x:v>1</x:v></x:c></x:row>', False),
        ('<row r="1048576">' + "<c><v>1</v></c>" * 100 + "</row>", False),
        ('<row r="2"><c r="Dtrue2"><v>1</v></c></row>', False),
        ('<row r="9999999"><c><v>1</v></c></row>', False),
        ('<row r="1048576">' + "<c><v>1</v></c>" * 3 + "</row>", True),
        ("<row><c><v>1</v></c></row>" * 2000, True),
    ],
)
def test_a_cell_far_away_is_found_however_its_place_is_written(far, is_read):
    content = with_part(
        book({"People": PEOPLE}), "xl/worksheets/sheet1.xml", "</sheetData>", f"{far}</sheetData>"
    )

    if is_read:
        assert next(iter(read(content))).cells[:2] == ["15105550147", "Jordan"]
    else:
        with pytest.raises(ValueError, match="a cell far away from the contacts"):
            read(content)


def with_count(count: str) -> bytes:
    """Return a spreadsheet with another number of texts than it has."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate(PEOPLE):
            sheet.write_row(number, 0, row)
    attribute = f'uniqueCount="{count}" x'
    return with_part(file.getvalue(), "xl/sharedStrings.xml", "uniqueCount", attribute)


@pytest.mark.parametrize("count", ["2147483648", "+99999999999999999999999999"])
def test_a_number_of_texts_that_would_fill_the_memory_is_damage(count):
    with pytest.raises(ValueError, match="The spreadsheet is damaged"):
        read(with_count(count))


def test_a_wrong_number_of_texts_does_not_matter():
    assert next(iter(read(with_count("99999")))).cells[:2] == ["15105550147", "Jordan"]


def with_part(archive: bytes, name: str, old: str, new: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as parts, zipfile.ZipFile(made, "w") as changed:
        for each in parts.namelist():
            part = parts.read(each).decode()
            changed.writestr(each, part.replace(old, new) if each == name else part)
    return made.getvalue()


TABLE_END = "</table:table>"
ODS = ods([text_cell("Phone"), text_cell("first")], [text_cell("15105550147"), text_cell("Zoë")])


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("content.xml", TABLE_END, "</table:tble>"),
        ("content.xml", "</office:document-content>", ""),
        ("content.xml", "<table:table-row>", '<table:table-row table:number-rows-repeated="x">'),
        ("META-INF/manifest.xml", "/>", ">"),
    ],
)
def test_an_ods_whose_xml_is_not_whole_is_damaged(name, old, new):
    with pytest.raises(ValueError, match="The spreadsheet is damaged"):
        read(with_part(ODS, name, old, new))


@pytest.mark.parametrize(
    ("rows", "columns", "is_read"),
    [
        (1_048_570, 16_384, True),
        (1_048_570, 3, True),
        (1_048_570, 16_000, False),
        (3, 50_000, False),
    ],
)
def test_an_ods_with_a_cell_far_away_is_refused_and_empty_cells_far_away_are_not(
    rows, columns, is_read
):
    cell = text_cell("x") if (columns, is_read) != (16_384, True) else ""
    row = (
        f'<table:table-row table:number-rows-repeated="{rows}"><table:table-cell/>'
        f"</table:table-row><table:table-row><table:covered-table-cell"
        f' table:number-columns-repeated="{columns - 1}"/>{cell}</table:table-row>'
    )
    content = with_part(ODS, "content.xml", TABLE_END, row + TABLE_END)

    if is_read:
        assert next(iter(read(content))).cells[:2] == ["15105550147", "Zoë"]
    else:
        with pytest.raises(ValueError, match="a cell far away from the contacts"):
            read(content)
