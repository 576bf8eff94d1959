"""The format of a file is found by its content, then by its name."""

from __future__ import annotations

import gzip
import io
import random
import re
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heymarket_async.bulk.contact_files.byte_source import ByteSource
from heymarket_async.bulk.contact_files.formats import FileFormat, open_contacts
from heymarket_async.bulk.contact_files.json_lines import Records
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.table import Row, Table
from heymarket_async.bulk.sinks.staging import packing_of
from tests.bulk.contact_files.opening import (
    Pipe,
    cells_of,
    is_phone_heading,
    opened,
    problems_of,
)

CSV = b"phone,first\n1,a\n2,b\n"
ROWS = [["phone", "first"], ["1", "a"], ["2", "b"]]
JSON = b'{"phone":"1"}\n{"phone":"2"}\n'
XLS = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "x")  # of the same time in each run
    return file.getvalue()


def packed(content: bytes, suffix: str, pieces: int = 1) -> bytes:
    pack = packing_of(Path(f"a{suffix}")).pack
    size = len(content) // pieces + 1
    return b"".join(pack(content[at : at + size]) for at in range(0, len(content), size))


@pytest.fixture
def readers(monkeypatch):
    """Readers of other formats that keep what they were given."""
    calls: list[tuple[str, bytes, dict[str, object]]] = []

    def stub(name: str) -> ModuleType:
        def read(file, **options):
            calls.append((name, file.read(), options))
            return Table([name], iter([Row(2, ["x"])]))

        module = ModuleType(name)
        module.read = read
        return module

    for name in ("spreadsheet", "vcard", "parquet", "sqlite"):
        monkeypatch.setitem(sys.modules, f"heymarket_async.bulk.contact_files.{name}", stub(name))
    return calls


@pytest.mark.parametrize(
    ("content", "name", "reader"),
    [
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "a.csv", "spreadsheet"),
        (zipped("xl/workbook.bin"), "a.xlsb", "spreadsheet"),
        (zipped("mimetype", "content.xml"), "", "spreadsheet"),
        (XLS, "a.xls", "spreadsheet"),
        (XLS, "a.xlsx", "spreadsheet"),
        (b"PAR1\0\0", "a.csv", "parquet"),
        (b"SQLite format 3\0abc", "a.db", "sqlite"),
        (b"BEGIN:VCARD\r\n", "a.txt", "vcard"),
        (b"\xef\xbb\xbf\r\n begin:vcard\r\n", "", "vcard"),
        ("\ufeffBEGIN:VCARD\r\n".encode("utf-16-le"), "", "vcard"),
        (b"N:Lee", "a.VCF", "vcard"),
        (b"N:Lee", "a.vcard", "vcard"),
    ],
)
@pytest.mark.parametrize("is_piped", [False, True], ids=["file", "pipe"])
def test_other_formats_are_found_by_their_first_bytes(content, name, reader, is_piped, readers):
    if is_piped:
        with Pipe(content) as pipe:
            assert pipe.table(name).headings == [reader]
    else:
        assert opened(content, name).headings == [reader]

    ((called, read, options),) = readers
    assert (called, read) == (reader, content)
    wanted = {"spreadsheet": {"is_phone_heading", "notes"}, "vcard": {"encoding", "notes"}}
    assert set(options) == wanted.get(reader, set())


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_packed_file_of_another_format_is_unpacked_for_its_reader(suffix, readers):
    opened(packed(b"PAR1\0", suffix), f"a.parquet{suffix}")
    opened(packed(zipped("xl/a"), suffix))

    assert [(name, content) for name, content, _ in readers] == [
        ("parquet", b"PAR1\0"), ("spreadsheet", zipped("xl/a")),
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize(("content", "ending"), [(CSV, ".csv"), (JSON, ".jsonl")])
@pytest.mark.parametrize("pieces", [1, 3])
def test_packed_files_are_read_as_exports_write_them(suffix, content, ending, pieces):
    data = packed(content, suffix, pieces)

    assert len(list(opened(data, f"a{ending}{suffix}"))) == 2
    assert opened(data).share_read() == 1.0
    with Pipe(data) as pipe:
        assert len(list(pipe.table())) == 2


def test_the_name_within_a_packed_name_counts():
    assert cells_of(gzip.compress(b"phone\tx,y\n1\t2,3\n"), "a.tsv.GZ")[0] == ["phone", "x,y"]


def damaged_files():
    content = b"phone,first\n" + random.Random(1).randbytes(20_000).hex().encode()
    gz, zst = packed(content, ".gz"), packed(content, ".zst")
    yield ".gz", gz[:-10]
    yield ".gz", gz[:100] + b"xxxx" + gz[104:]
    yield ".gz", gz[:12]
    yield ".gz", gz + b"xxxx"
    yield ".zst", zst[:-10]
    yield ".zst", zst[:5]
    yield ".zst", zst + b"xxxx"


@pytest.mark.parametrize(("suffix", "content"), [*damaged_files()])
def test_a_damaged_packed_file_is_an_error(suffix, content):
    message = f"The {suffix} file is damaged or not whole"

    with pytest.raises(ValueError, match=message):
        list(opened(content))
    with Pipe(content) as pipe, pytest.raises(ValueError, match=message):
        list(pipe.table())


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "a.csv", "The file is empty."),
        (gzip.compress(b"", mtime=0), "a.csv.gz", "The file is empty."),
        (b"%PDF-1.7", "a.csv", "This is a PDF. Export the contacts as CSV, .xlsx or .vcf."),
        (b"\x89PNG\r\n\x1a\n", "", "This is a picture. Export"),
        (b"\xff\xd8\xff\xe0", "", "This is a picture."),
        (b"\0\0\0\x18ftypheic", "", "This is a picture."),
        (b"7z\xbc\xaf\x27\x1c", "", "This is an archive. Unpack it, and name the file with the"),
        (zipped("contacts.csv"), "a.xlsx", "This is a zip archive. Unpack it"),
        (zipped(), "a.zip", "This is a zip archive. Unpack it"),
        (zipped("word/document.xml"), "", "This is a Word document. Export the contacts as"),
        (zipped("Index/Document.iwa"), "", "a document of Numbers. Export it from Numbers as CSV"),
        (zipped("xl/a")[:-9], "a.xlsx", "The file is damaged or not whole. Save or download it"),
        (b"\r\n<!DOCTYPE html><html>", "a.xls", "This is a web page (HTML). Open it in a spread"),
        (b"<table border=1>", "a.xls", "This is a web page (HTML)."),
        ("\ufeff<HTML>".encode("utf-16"), "a.xls", "This is a web page (HTML)."),
        (b'<?xml version="1.0"?>\n<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"',
         "a.xls", "This is an XML spreadsheet. Open it in a spreadsheet, and save it as .xlsx"),
        (b'<?xml version="1.0"?><contacts/>', "", "This is XML. Export"),
        (b"{\\rtf1", "a.txt", "This is a text document (RTF)."),
        (b"BEGIN:VCALENDAR\n", "", "This is a calendar."),
        (b"dn: cn=x\n", "a.ldif", "This is LDIF."),
        (bytes(range(32)) * 9, "a.dat", "This is no text, and no file of a kind that can be"),
    ],
)  # fmt: skip
def test_a_file_of_another_kind_is_named_with_what_to_do(content, name, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        opened(content, name)


@pytest.mark.parametrize(
    "name", ["", "-", "a", "a.csv", "a.TXT", "a.tab.csv", "a.xls", "a.xlsx", "a.db", "a.parquet"]
)
def test_text_is_a_table_whatever_its_name_is(name):
    assert cells_of(CSV, name) == ROWS


@pytest.mark.parametrize("name", ["", "a.csv", "a.json", "a.jsonl", "a.ndjson", "a.xlsx"])
def test_json_lines_are_found_whatever_their_name_is(name):
    records = opened(JSON, name)

    assert isinstance(records, Records)
    assert [each.fields for each in records] == [{"phone": "1"}, {"phone": "2"}]


def test_a_heading_in_braces_is_not_json():
    assert opened("{{phone}},[first]\n1,2\n").headings == ["{{phone}}", "[first]"]
    assert opened("[first],phone\n1,2\n").headings == ["[first]", "phone"]


def test_a_name_counts_if_the_content_says_nothing():
    with pytest.raises(ValueError, match="The file is empty"):
        opened(b"\n\n", "a.jsonl")
    assert [each.problem for each in opened(b"x", "a.ndjson")] != [""]


def test_a_format_can_be_given():
    assert opened(JSON, "a.jsonl", file_format=FileFormat.CSV).headings == ['{"phone":"1"}']
    assert cells_of(b"phone\tx\n1\t2\n", file_format=FileFormat.TSV)[1] == ["1", "2"]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (JSON, {"delimiter": ";"}, "A delimiter is for CSV only. Leave it out."),
        (XLS, {"encoding": "utf-8"}, "An encoding is for text only. Leave it out."),
    ],
)
def test_options_of_other_formats_are_refused(content, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        opened(content, **options)


def test_the_file_is_read_from_its_present_place():
    file = io.BytesIO(b"xx\n" + CSV)
    file.readline()
    notes = Notes()
    table = open_contacts(file, "", is_phone_heading=is_phone_heading, notes=notes)

    assert [table.headings, *(row.cells for row in table)] == ROWS
    assert notes.lines() == []


def test_a_line_without_an_end_is_not_read_whole_to_find_the_format():
    assert len(ByteSource(io.BytesIO(b"x" * 200_000)).head()) == 65_536


def test_blank_lines_of_a_pipe_say_nothing_about_its_format():
    with Pipe() as pipe:
        pipe.write(b"\r\n")
        later = threading.Timer(0.1, pipe.write, [JSON])
        later.start()
        assert next(pipe.table()).fields == {"phone": "1"}
        later.join()


def test_the_share_that_is_read_grows_and_stays_when_the_file_is_closed():
    file = io.BytesIO(b"phone,first\n" + b"1,a\n" * 100_000)
    table = open_contacts(file, "", is_phone_heading=is_phone_heading, notes=Notes())

    shares = [table.share_read() for _ in table]
    assert shares[0] < 0.5
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    file.close()
    assert table.share_read() == 1.0


def test_rows_of_a_pipe_are_given_as_they_come():
    with Pipe() as pipe:
        pipe.write(b"phone,fir")
        pipe.write(b"st\n")
        table = pipe.table()
        assert table.headings == ["phone", "first"]
        for number in range(5):
            pipe.write(b"%d,a\n" % number)
            assert next(table).cells == [str(number), "a"]
        assert table.share_read() is None


@pytest.mark.parametrize(
    "content", [CSV, CSV.replace(b"\n", b"\r\n"), CSV.replace(b"\n", b"\r"), b"\xff\xfe" + CSV]
)
def test_a_pipe_may_give_one_byte_at_a_time(content):
    if content[:1] == b"\xff":
        content = "\ufeff".encode("utf-16-le") + CSV.decode().encode("utf-16-le")
    code = (
        "import sys, time\n"
        f"for byte in {content!r}:\n"
        "    sys.stdout.buffer.write(bytes([byte])); sys.stdout.buffer.flush(); time.sleep(.002)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as writer:
        table = open_contacts(writer.stdout, "-", is_phone_heading=is_phone_heading, notes=Notes())
        assert [table.headings, *(row.cells for row in table)] == ROWS


class Raw(io.RawIOBase):
    """A standard input that a program has replaced: it cannot seek, and has no `read1`."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        return self._content.readinto(buffer)


def test_a_file_without_a_buffer_is_read_too():
    table = open_contacts(Raw(CSV), "-", is_phone_heading=is_phone_heading, notes=Notes())

    assert [table.headings, *(row.cells for row in table)] == ROWS


pieces = st.sampled_from(
    [b"phone", b"first", b",", b";", b"\t", b'"', b"\n", b"\r\n", b"\r", b"\0", b"\xe9",
     b"\xff\xfe", b"\xef\xbb\xbf", b"{", b"}", b"[", b"]", b":", b"\x1f\x8b", b"\x28\xb5\x2f\xfd",
     b"PK\x03\x04",
     b"sep=;", b"1", b"\xc3\xa9", b"<html>", b"\xd8\x3d", b" ", b"BEGIN:VCARD", b"\x82\xa0"]
)  # fmt: skip
contents = st.one_of(st.binary(max_size=300), st.lists(pieces, max_size=40).map(b"".join))


@settings(max_examples=300, deadline=None)
@given(contents, st.sampled_from(["", "a.csv", "a.jsonl", "a.tsv"]))
def test_whatever_a_file_holds_the_only_error_is_a_value_error(content, name):
    try:
        found = opened(content, name)
        rows = list(found)
    except (ValueError, ModuleNotFoundError):
        return
    if isinstance(found, Table):
        assert all(row.problem or len(row.cells) == len(found.headings) for row in rows)


@settings(max_examples=100, deadline=None)
@given(contents)
def test_a_pipe_gives_the_same_rows_or_an_error(content):
    with Pipe(content) as pipe:
        try:
            rows = list(pipe.table())
        except (ValueError, ModuleNotFoundError):
            return
    assert rows == list(opened(content)) or not content.isascii() or b"[" in content


@pytest.mark.parametrize("name", ["a.vcf", "a.jsonl", "a.ndjson", "a.xlsx", "a"])
def test_a_table_with_a_wrong_name_is_a_table(name):
    assert cells_of(CSV, name) == ROWS


@pytest.mark.parametrize("content", [b"{x, y}\n", b'{"a", 1}\n'])
def test_damaged_json_is_no_table(content):
    assert [problem[:11] for _, problem in problems_of(content, "a.jsonl")] == ["is not JSON"]
