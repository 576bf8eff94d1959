"""The lines of text in all encodings, with all line ends, from files and pipes."""

from __future__ import annotations

import codecs
import pickle
import sys
import threading
from encodings.aliases import aliases

import pytest

from heymarket_async.bulk.contact_files.formats import open_contacts
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.errors import JobError
from tests.bulk.contact_files.opening import (
    PHONE,
    Pipe,
    cells_of,
    is_phone_heading,
    notes_of,
    opened,
    problems_of,
)

TEXT = "phone,first\n1,Zoë Müller\n2,José\n"
ROWS = [["phone", "first"], ["1", "Zoë Müller"], ["2", "José"]]
WINDOWS = (
    "The file is not UTF-8. It was read as windows-1252; if names look wrong, give the encoding."
)
ODD = ["idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf_8_sig", "mbcs", "undefined"]
MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


@pytest.mark.parametrize("encoding", MARKS)
@pytest.mark.parametrize("is_piped", [False, True], ids=["file", "pipe"])
def test_a_byte_order_mark_says_the_encoding_and_is_no_part_of_the_text(encoding, is_piped):
    content = MARKS[encoding] + TEXT.encode(encoding)

    if is_piped:
        with Pipe(content) as pipe:
            assert [pipe.table().headings, *(row.cells for row in pipe.table())] == ROWS
        return
    assert cells_of(content) == ROWS
    assert notes_of(content) == []


@pytest.mark.parametrize("encoding", MARKS)
@pytest.mark.parametrize("text", [TEXT, TEXT.replace("\n", "\r\n"), TEXT.replace("\n", "\r")])
def test_unicode_needs_no_mark_and_lines_may_end_in_three_ways(encoding, text):
    assert cells_of(text.encode(encoding)) == ROWS


def test_json_lines_may_have_a_mark_too():
    (row,) = opened("\ufeff".encode("utf-16-le") + '{"phone":"é"}\n'.encode("utf-16-le"))

    assert row.fields == {"phone": "é"}
    assert [row.fields for row in opened(b'\xef\xbb\xbf{"phone":1}')] == [{"phone": 1}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_windows_1252_is_found_and_noted_once(end):
    content = TEXT.replace("\n", end).encode("cp1252")

    assert cells_of(content) == ROWS
    assert notes_of(content) == [WINDOWS]


def test_a_given_encoding_is_used_without_a_remark():
    content = "phone,first\n1,Łódź\n".encode("cp1250")

    assert cells_of(content, encoding="windows-1250")[1] == ["1", "Łódź"]
    assert notes_of(content, encoding="windows-1250") == []
    assert cells_of(TEXT.encode("utf-16"), encoding="UTF-16") == ROWS
    assert cells_of(TEXT.encode("utf-16-be"), encoding="UTF-16") == ROWS
    assert cells_of(TEXT.encode("utf-32-le"), encoding="utf_32") == ROWS


@pytest.mark.parametrize("name", ["nope", "hex", "rot13", "undefined", "a\0b", "mbcs2", ""])
def test_an_encoding_that_is_none_is_an_error(name):
    with pytest.raises(JobError, match="There is no such encoding") as raised:
        opened(TEXT, encoding=name)

    assert raised.value.reason == "unknown_encoding"


def test_bytes_that_do_not_fit_the_given_encoding_are_an_error_before_the_first_row():
    content = f"phone,first\n{PHONE},a\n".encode() + b"2,\x81\xff\n"

    for encoding, name in [("shift-jis", "shift-jis"), ("cp1252", "windows-1252")]:
        with pytest.raises(JobError, match=f"Line 3 is not {name}. Give another") as raised:
            opened(content.replace(b"\xff", b""), encoding=encoding)
        assert raised.value.reason == "wrong_encoding"
        assert PHONE not in str(pickle.loads(pickle.dumps(raised.value)))


def test_a_few_bad_lines_of_utf_8_are_bad_rows():
    problem = "is not UTF-8; save the file as UTF-8"
    content = TEXT.encode() + b"3,Jos\xe9\n4,d\n"

    assert problems_of(content) == [(4, problem)]
    assert notes_of(content) == []
    assert problems_of(codecs.BOM_UTF8 + b"phone,first\n1,\xe9\n2,\xe9\n") == [
        (2, problem),
        (3, problem),
    ]
    assert problems_of(b"phone,first\n1,\xe9\n", encoding="utf-8") == [(2, problem)]


def test_a_bad_line_of_json_is_a_bad_record():
    content = '{"phone":"é"}\n'.encode() + b'{"phone":"\xe9"}\n{"phone":1}'

    assert problems_of(content) == [(2, "is not UTF-8; save the file as UTF-8")]
    assert [len(row.fields) for row in opened(content)] == [1, 0, 1]


def test_headings_that_are_bad_in_a_file_of_utf_8_are_an_error():
    with pytest.raises(ValueError, match="The heading row is not UTF-8; save the file as UTF-8"):
        opened(b"phone,Gr\xf6\n" + TEXT.encode())


def test_half_of_a_character_of_utf_16_is_one_bad_row():
    content = TEXT.encode("utf-16") + b"4\0,\0\x3d\xd8\n\0" + "5,b\n".encode("utf-16-le")

    assert problems_of(content) == [(4, "is not UTF-16-LE; save the file as UTF-8")]


def test_many_lines_are_looked_at_before_the_first_row():
    content = ("phone,first\n" + f"{PHONE},Jo\n" * 50_000 + "2,José\n").encode("cp1252")
    table = opened(content)

    assert table.share_read() < 0.2
    assert list(table)[-1].cells == ["2", "José"]
    assert notes_of(content) == [WINDOWS]


def test_a_pipe_is_read_as_its_first_lines_say():
    with Pipe(TEXT.encode("cp1252")) as pipe:
        assert [row.cells for row in pipe.table()] == ROWS[1:]
        assert pipe.notes.lines() == [WINDOWS]


def test_a_pipe_that_turns_out_not_to_be_utf_8_is_an_error_that_names_the_line():
    with Pipe() as pipe:
        pipe.write(f"phone,first\n{PHONE},a\n".encode())
        table = pipe.table()
        assert next(table).cells == [PHONE, "a"]
        pipe.write("2,b\n3,José Núñez\n".encode("cp1252"))
        assert next(table).cells == ["2", "b"]
        with pytest.raises(
            JobError, match=r"Line 4 is not UTF-8\. It may be windows-1252"
        ) as raised:
            next(table)

    assert raised.value.reason == "not_utf_8"
    assert raised.value.about == {"encoding": "windows-1252"}
    assert "Jos" not in str(raised.value)


def test_a_pipe_that_has_been_utf_8_may_have_bad_rows():
    with Pipe(TEXT.encode() + b"3,\xe9\n4,d\n") as pipe:
        assert [bool(row.problem) for row in pipe.table()] == [False, False, True, False]


def test_a_pipe_may_have_bad_rows_once_a_later_line_was_utf_8():
    with Pipe() as pipe:
        pipe.write(b"phone,first\n")
        table = pipe.table()
        pipe.write(TEXT[12:].encode())
        assert next(table).problem == ""
        pipe.write(b"3,\xe9\n4,d\n")
        pipe.close_end()
        assert [bool(row.problem) for row in table] == [False, True, False]


def test_a_pipe_with_a_mark_may_have_bad_rows_from_the_first_on():
    with Pipe(codecs.BOM_UTF8 + b"phone,first\n1,\xe9\n2,b\n") as pipe:
        assert [bool(row.problem) for row in pipe.table()] == [True, False]


@pytest.mark.parametrize("encoding", sorted({*aliases.values(), *ODD}))
@pytest.mark.parametrize("is_piped", [False, True], ids=["file", "pipe"])
def test_no_encoding_that_is_given_raises_another_error(encoding, is_piped):
    content = bytes(range(0, 256, 3)) + b"phone,first\n" + bytes(range(255, 1, -2)) * 3 + b"\\x"
    with Pipe(content) as pipe:
        try:
            list(pipe.table(encoding=encoding) if is_piped else opened(content, encoding=encoding))
        except ValueError as error:
            assert "Line" in str(error) or "row" in str(error) or "encoding" in str(error)


def test_a_pipe_in_another_encoding_than_the_given_one_is_an_error_at_the_line():
    with Pipe(b"phone,first\n1,a\n2,\x81\n") as pipe:
        table = pipe.table(encoding="cp1252")
        assert next(table).cells == ["1", "a"]
        with pytest.raises(JobError, match="Line 3 is not windows-1252"):
            next(table)


def test_a_pipe_may_be_cut_within_a_character():
    with Pipe() as pipe:
        pipe.write("phone,first\n1,Zo\u00eb".encode()[:-1])
        table = pipe.table()
        pipe.write("\u00eb\n".encode()[1:])
        pipe.close_end()
        assert [row.cells for row in table] == [["1", "Zo\u00eb"]]


def test_a_pipe_may_be_cut_within_the_end_of_a_line_of_utf_16():
    content = "\ufeff" + TEXT.replace("\n", "\r\n")
    at = content.index("\n")
    with Pipe() as pipe:
        pipe.write(content[:at].encode("utf-16-le"))

        def write_the_rest() -> None:
            pipe.write(content[at:].encode("utf-16-le"))
            pipe.close_end()

        later = threading.Timer(0.1, write_the_rest)
        later.start()
        assert [pipe.table().headings, *(row.cells for row in pipe.table())] == ROWS
        later.join()


def test_a_file_that_ends_within_a_character_has_one_bad_row():
    assert problems_of(TEXT.encode() + b"3,\xc3") == [(4, "is not UTF-8; save the file as UTF-8")]


def test_without_charset_normalizer_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "charset_normalizer", None)

    with pytest.raises(JobError, match="pip install charset-normalizer") as raised:
        opened(TEXT.encode("cp1252"))
    assert raised.value.reason == "unknown_text"
    assert cells_of(TEXT) == ROWS


def test_the_file_is_left_open(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(TEXT, encoding="utf-8")
    with path.open("rb") as file:
        for _ in range(2):
            file.seek(12)
            table = open_contacts(
                file, "a", is_phone_heading=is_phone_heading, notes=Notes(), encoding="utf-8"
            )
            assert table.share_read() is not None
            del table
        assert file.read(1) == b""
