"""Whatever contacts an account has, an import of their export makes them again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from heymarket_async.sandbox.records import Record, Tag
from tests.stories.trips import FIELDS, Trip

pytestmark = pytest.mark.unmeasured

KINDS = ["csv", "jsonl", "jsonl.gz", "parquet", "db", "xlsx"]

characters = st.characters(codec="utf-8", exclude_characters="\ufffe\uffff")
"""All but the two that no spreadsheet can hold."""

texts = st.one_of(
    st.text(characters, max_size=8),
    st.text("'=+-@;\t\r\n\" a1,", max_size=6),
    st.sampled_from([
        "", " ", "nan", "None", "NULL", "N/A", "<NA>", "#N/A", "-", "true", "False", "0", "1.0",
        "007", "1e5", "4203.0", "15105550147", "+1 510 555 0147", "2026-04-12", "1/2", "[]", "{}",
        "_x0041_", "\\N", "\\u0000", "a" * 5000, "unsubscribed", "a@example.com, b@example.com",
    ]),
)  # fmt: skip
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | texts
values = texts | st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)
contacts = st.fixed_dictionaries(
    {
        "first": texts | st.none(),
        "last": texts | st.none(),
        "display_name": texts.filter(bool),  # the server makes one of the names if it is empty
        "email": st.sampled_from(["a@example.com", "Zoë <z@example.com>", "none", "", None]),
        "avatar": st.sampled_from(["https://example.com/a?b=1&c=ä", "", None]),
        "assigned_user_id": st.sampled_from([None, 4203, 2**31]),
        "is_opted_out": st.sampled_from([None, True, False]),
        "tags": st.lists(st.integers(1, 99), unique=True, max_size=5),
        "custom": st.dictionaries(st.sampled_from([str(key) for key in FIELDS]), values),
    }
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return (tmp_path_factory.mktemp("trip") for _ in iter(int, 1))


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=set(Phase) - {Phase.shrink},  # each example is two runs of the command
)
@given(people=st.lists(contacts, min_size=1, max_size=40))
def test_whatever_contacts_there_are_they_come_back(kind, people, folders):
    trip = Trip(next(folders), [_record(*person) for person in enumerate(people)])

    arrived, sent = trip.imported(trip.export(kind)), trip.sent

    if not kind.startswith("jsonl"):
        for contact in sent.values():
            custom: dict[str, object] = contact["custom"]
            text = _text_in_sqlite if kind == "db" else _text
            contact["custom"] = {key: text(value) for key, value in custom.items()}
    assert arrived == sent


def _record(number: int, fields: dict[str, object]) -> Record:
    tags = [Tag(id=place, tag_id=tag) for place, tag in enumerate(fields["tags"])]
    return Record(id=20_000 + number, phone=f"1510555{1000 + number}", **{**fields, "tags": tags})


def _text(value: object) -> str:
    """Return a value of a custom field as a table has it."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _text_in_sqlite(value: object) -> str:
    """Return a value of a custom field as SQLite has it, which keeps numbers as numbers."""
    value = int(value) if isinstance(value, bool) else value
    is_whole = isinstance(value, float) and value.is_integer()
    return _text(int(value)) if is_whole else _text(value)
