"""Rows of a table: the fast way for usual contacts gives the same as the way for odd ones."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heymarket_async import ContactField
from heymarket_async.bulk.kind import COLUMNS
from heymarket_async.bulk.sinks.files import Csv
from heymarket_async.bulk.sinks.tables import Table, harmless, may_be_run
from tests.bulk.test_files import contact, written

FIELDS = [ContactField(id=number, title=f"Title {number}") for number in (5, 7, 123)]
LISTS = ["tags", "note", "contact_channels"]

texts = st.text(max_size=5) | st.text("'=+-@;\t\r\n\"\\＝, a1", max_size=5)  # noqa: RUF001 - meant
numbers = st.sampled_from(
    ["0", "-0", "-5", "1.0", "-1e300", "1e3", "1e999", "NaN", str(2**63), str(-(2**63))]
)
dumped = st.builds(json.dumps, texts, ensure_ascii=st.booleans())
odd = st.sampled_from(['"\\ud83d"', '"a\tb"', '"\\u003d1"', '"12"', '"-7"', "true", "{}"])
anything = st.recursive(
    dumped | numbers | odd | st.just("null"),
    lambda inner: st.lists(inner, max_size=2).map(lambda each: f"[{' , '.join(each)}]"),
    max_leaves=3,
)


def objects(keys: st.SearchStrategy[str], values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Objects of JSON, in which a key may stand twice, with or without spaces."""
    pair = st.builds("{}{}{}".format, keys.map(json.dumps), st.sampled_from([":", " : "]), values)
    return st.lists(pair, max_size=6).map(lambda pairs: f"{{{','.join(pairs)}}}")


custom = objects(st.sampled_from(["5", "7", "99"]), dumped) | objects(st.just("5"), anything)
usual = {int: "7", bool: "true", str: '"a"'}
fields = st.one_of(
    st.tuples(st.sampled_from([*COLUMNS, "new", "other", "Title 5"]), anything),
    st.sampled_from([(name, usual[kind]) for name, kind in COLUMNS.items() if name not in LISTS]),
    st.tuples(st.sampled_from(LISTS), objects(st.just("a"), anything).map("[ {} ]".format)),
    st.tuples(st.just("custom"), custom | st.just("null")),
)
members = fields.map(lambda pair: f'"{pair[0]}": {pair[1]}')
lines = st.lists(members, max_size=8).map(lambda members: f"{{{', '.join(members)}}}")


@given(lines)
@example('{"custom":{"5":null,"123":"x"},"tags":[{"id": 1}],"note":[],"rev":-9223372036854775807}')
@example('{"rev":9223372036854775808,"team_id":-9223372036854775808}')
def test_a_row_is_the_same_in_both_ways(line):
    table = Table(FIELDS)

    assert table.row(line.encode()) == table._odd_row(line.encode())


@given(lines)
@example('{"first":"=1","last":"a"}')
@example('{"first":"\'=1","last":"a"}')
@example('{"first":"\\r","last":"a"}')
@example('{"first":"\\n","last":"a"}')
@example('{"first":"a\\t=1","last":"a"}')
@example('{"first":"a;=1","last":"a"}')
@example('{"first":"a,b","last":"a"}')
def test_a_line_of_csv_is_that_of_csv_writer_with_each_cell_made_harmless(line):
    table = Table(FIELDS)
    cells = [
        str(cell).lower() if isinstance(cell, bool) else cell
        for cell in table._odd_row(line.encode())
    ]
    for defuse in (True, False):
        expected = io.StringIO(newline="")
        csv.writer(expected).writerow(harmless(cells) if defuse else cells)

        assert Csv("c", defuse=defuse)._line(table.row(line.encode())) == expected.getvalue()


@given(st.lists(texts, min_size=1, max_size=3))
def test_a_row_that_cannot_be_run_is_harmless_as_it_is(cells):
    if not may_be_run("".join(f",{cell}" for cell in cells)):
        assert harmless(cells) == cells


@pytest.mark.parametrize("cell", ["a,=b", "-5", "it's"])
def test_a_harmless_row_that_looks_odd_stays_as_it_is(cell, tmp_path):
    written(Csv(tmp_path / "c"), contact(first=cell))

    with (tmp_path / "c").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["first"] == cell


@pytest.mark.parametrize(
    "sent",
    [{"tags": [], "custom": {"5": "x"}}, {"custom": None}, {"note": [{"text": "ä"}], "rev": None}],
)
def test_a_usual_contact_takes_the_fast_way(sent, monkeypatch):
    monkeypatch.setattr(Table, "_odd_row", None)

    assert Table(FIELDS).row(contact(**sent))[0] == 1
