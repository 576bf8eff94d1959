"""What strict JSON refuses is read, and nothing else of it changes."""

from __future__ import annotations

import json
import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heymarket_async.decoding import mending

ODD = [
    (b'"x\\ud83d y"', b'"x\\ufffd y"'),
    (b'"\\uDE00"', b'"\\ufffd"'),
    (b'"\\ud83d\\ud83d\\ude00"', b'"\\ufffd\\ud83d\\ude00"'),
    (b'"\\ud83d\\u0041"', b'"\\ufffd\\u0041"'),
    (b'"a\tb\nc\x00"', b'"a\\tb\\nc\\u0000"'),
    (b'"Jos\xe9"', b'"Jos\xef\xbf\xbd"'),
    (b'"\xe2"', b'"\xef\xbf\xbd"'),
    (b"[NaN, -Infinity,Infinity]", b"[null, null,null]"),
    (b"[1e999,-1.5E+400]", b"[null,null]"),
    (b'{"k\t":1}', b'{"k\\t":1}'),
    (b"\xef\xbb\xbf[]", b"[]"),
]


@pytest.mark.parametrize(("sent", "mended"), ODD)
def test_only_the_odd_places_change(sent, mended):
    assert mending.mended(sent) == mended
    assert mending.decode(msgspec.json.decode, sent) == msgspec.json.decode(mended)


SOUND = [
    b' [ 1.0 ,2e300, {"NaN": "Infinity 1e999 \\t \\\\ud83d \\" \\ud83d\\ude00" }]\n',
    '"é 😀 \ufffd \x7f"'.encode(),
    b'"\\ufffd\\\\\\ud83d\\ude00"',
]


@pytest.mark.parametrize("sent", SOUND)
def test_what_is_sound_stays_as_it_was_sent(sent):
    msgspec.json.decode(sent)

    assert mending.mended(sent) == sent


@pytest.mark.parametrize(
    "sent",
    [b"", b"<html>\xff</html>", b"[1", b'"\\q"', b'"\\\n"', b'["a', b"[\xff]", b"[nan]", b"'a'"],
)
def test_what_is_no_json_is_refused_as_before(sent):
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        mending.decode(msgspec.json.decode, sent)
    with pytest.raises(msgspec.DecodeError):
        mending.rows(sent)


@pytest.mark.parametrize("sent", [b'"' + b'\\"' * 500_000, b"7" * 1_000_000, b"[" * 500_000])
def test_nothing_is_looked_at_twice(sent):
    assert mending.mended(sent) == sent  # it takes an hour otherwise


MUCH = 1 << 17
TOO_ODD = {
    "control characters": b'["' + b"\x01" * MUCH + b'"]',
    "words with them": b'["' + b"\x01a" * (MUCH // 2) + b'"]',
    "no UTF-8": b'["' + b"\xff" * MUCH + b'"]',
    "half emoji": b'["' + b"\\ud83d" * (MUCH // 6) + b'"]',
    "numbers": b"[" + b",".join([b"NaN"] * (MUCH // 4)) + b"]",
    "elements": b'["\t"' + b",7" * (MUCH // 2) + b"]",
    "bytes": b'["\x01' + b" " * (1 << 18) + b'"]',
}


@pytest.fixture
def small(monkeypatch):
    """Mend less than usual, so that the test needs nothing large."""
    monkeypatch.setattr(mending, "_MOST_BYTES", 1 << 18, raising=False)
    monkeypatch.setattr(mending, "_MOST_STEPS", 2_500, raising=False)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("sent", TOO_ODD.values(), ids=TOO_ODD)
def test_a_body_that_is_hardly_json_is_not_mended_and_takes_little_memory(sent):
    with pytest.raises(msgspec.DecodeError, match="not JSON"):
        mending.rows(sent)

    tracemalloc.start()
    try:
        mended = mending.mended(sent)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 5 * len(sent)
    assert mended == sent.replace(b"\t", b"\\t")


def test_a_large_page_that_is_odd_everywhere_is_mended_all_the_same():
    odd, whole = (
        b"\\ud83d \xcf\xf0\xe8\xe2\xe5\xf2\t" * 20,
        b"\\ufffd " + b"\xef\xbf\xbd" * 6 + b"\\t",
    )
    row = b'{"id":1,"text":"%b","n":NaN}'

    rows = mending.rows(b"[%b]" % b",".join([row % odd] * 2_000))

    assert all(map(mending.is_mended, rows))
    read = mending.mended(bytes(rows[-1]))
    assert read.strip() == (row % (whole * 20)).replace(b"NaN", b"null")


def test_kept_rows_stay_as_sent_where_they_are_utf_8_on_one_line():
    good, lone, tab = b'{"id":1}', b'{"id":2,"first":"\\ud83d"}', b'{"id":3,"first":"\t\\ud83d"}'

    rows = mending.rows(b"[%s , %s,\n%s,%s,null]" % (good, lone, tab, good))

    kept = [good, b" " + lone, b' {"id":3,"first":"\\t\\ud83d"}', good, b"null"]
    assert list(map(bytes, rows)) == kept
    assert list(map(mending.is_mended, rows)) == [False, True, True, False, False]
    assert list(map(mending.is_mended, kept)) == [False, True, True, False, False]
    assert mending.without_marks(kept) == ([each.strip() for each in kept], 2)
    assert mending.without_marks([good]) == ([good], 0)


def test_a_kept_row_is_read_mended():
    decode = msgspec.json.Decoder(dict[str, object]).decode

    [row] = mending.rows(b'[{"first":"\\ud83d","x":1e999}]')

    assert mending.decode(decode, row) == {"first": "\ufffd", "x": None}


def test_a_wrong_type_is_refused_at_once():
    with pytest.raises(msgspec.ValidationError, match="Expected `int`"):
        mending.decode(msgspec.json.Decoder(int).decode, b'"\\ufffd"')


# Small ones: making up large ones takes a hundred times as long as reading them.
texts = st.text(st.characters())
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(texts, values, max_size=4), max_size=4), st.booleans())
def test_whatever_python_writes_is_read(sent, is_ascii):
    text = json.dumps(sent, ensure_ascii=is_ascii)
    body = text.encode(errors="surrogatepass")

    read = mending.decode(msgspec.json.decode, body)

    assert len(read) == len(sent) == len(mending.rows(body))
    for row, each in zip(mending.rows(body), read, strict=True):
        assert mending.decode(msgspec.json.decode, row) == each
        bytes(row).decode()
