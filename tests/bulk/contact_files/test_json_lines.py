"""From JSON Lines, and arrays in JSON, to records."""

from __future__ import annotations

import pytest

from heymarket_async.bulk.contact_files import formats
from tests.bulk.contact_files.opening import PHONE, Pipe, json_lines, opened, problems_of

PAIR = json_lines({"phone": PHONE}, {"phone": 2})


def test_each_line_is_a_record_with_its_text():
    records = opened(b"\n" + PAIR.replace(b"\n", b"\r\n\r\n  "))

    assert [(each.number, each.fields) for each in records] == [
        (2, {"phone": PHONE}), (4, {"phone": 2}),
    ]  # fmt: skip
    assert (records.unit, records.share_read()) == ("line", 1.0)
    assert [each.line for each in opened(PAIR)] == ['{"phone":"14155550100"}', '{"phone":2}']


def test_the_first_records_can_be_looked_at():
    records = opened(PAIR)

    assert [each.number for each in records.head(1)] == [1]
    assert [each.number for each in records] == [1, 2]
    records.close()


def test_half_of_an_emoji_as_exports_have_it_is_read_with_the_record():
    line = rb'{"first": "Jo \ud83d", "last": "\ud83d\ude00", "x": NaN}'
    (record,) = opened(line)

    assert record.fields == {"first": "Jo \ufffd", "last": "\U0001f600", "x": None}
    assert record.line == line.decode()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "is not JSON: Input data was truncated"),
        (b"[1]", "is JSON, but not an object"),
        (b'{"phone":}', "is not JSON: JSON is malformed: invalid character (byte 9)"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "is nested too deeply"),
        (b'{"phone":"14155550100"', "is not JSON: Input data was truncated"),
    ],
)
def test_a_line_that_cannot_be_read_stops_no_other(line, problem):
    content = PAIR + b"\n" + line + b"\n" + PAIR
    records = list(opened(content))

    assert problems_of(content) == [(3, problem)]
    assert len(records) == 5
    assert (records[2].fields, records[2].line) == ({}, line.decode())


@pytest.mark.parametrize("text", ["\n {\n", "{\n"])
def test_json_that_is_not_in_lines_is_refused_at_once(text):
    with pytest.raises(
        ValueError, match=r"JSON, but not JSON Lines\. Put one whole object in each"
    ):
        opened(text, "a.jsonl")


@pytest.mark.parametrize("text", ["[", '[{"phone":"1"}]'])
def test_an_array_from_a_pipe_is_refused_at_once(text):
    with (
        Pipe(text.encode()) as pipe,
        pytest.raises(ValueError, match="in each line, without an array around them"),
    ):
        pipe.table("a.jsonl")


def test_an_array_that_is_too_large_is_refused_at_once(monkeypatch):
    monkeypatch.setattr(formats, "_MOST_IN_ARRAY", 10)

    with pytest.raises(ValueError, match="without an array around them"):
        opened(b"[" + PAIR.replace(b"\n", b",") + b"]")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    "text",
    ['[{"phone":"1"},\n{"first":"é"}\n]', ' [\n  {\n "phone": "1"},{"first": "\u00e9"}]\n'],
)
def test_an_array_in_a_file_is_read(text, encoding):
    records = opened(text.encode(encoding))

    assert [(each.number, each.fields) for each in records] == [
        (1, {"phone": "1"}), (2, {"first": "é"}),
    ]  # fmt: skip
    assert records.unit == "object"


def test_an_odd_element_of_an_array_stops_no_other():
    content = b'[{"first":"Jo \\ud83d"},5,{"first":"\xe9"},null,{"phone":"1"}]'

    assert [each.fields for each in opened(content, encoding="utf-8")] == [
        {"first": "Jo \ufffd"}, {}, {"first": "\ufffd"}, {}, {"phone": "1"},
    ]  # fmt: skip
    assert problems_of(content, encoding="utf-8") == [
        (2, "is JSON, but not an object"),
        (4, "is JSON, but not an object"),
    ]


@pytest.mark.parametrize("text", ["[", '[{"phone":"1"},', "[" * 100_000, '[{"a":1}]]'])
def test_an_array_that_is_not_whole_is_an_error(text):
    with pytest.raises(ValueError, match="array in JSON, but it is damaged or not whole"):
        opened(text, "a.jsonl")


def test_a_file_of_blank_lines_is_empty():
    with pytest.raises(ValueError, match="The file is empty"):
        opened("\n \n", "a.jsonl")


def test_records_of_a_pipe_are_given_as_they_come():
    with Pipe() as pipe:
        pipe.write(b'{"phone":"1"}\n')
        records = pipe.table()
        for number in range(2, 5):
            assert next(records).number == number - 1
            pipe.write(b'{"phone":"%d"}\n' % number)
        assert records.share_read() is None
