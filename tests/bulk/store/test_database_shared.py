"""An SQLite file of contacts: what others have made in it outlasts the next export."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from heymarket_async.bulk import Sqlite
from tests.bulk.test_files import contact, written


def run(path, *statements: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        return [database.execute(each).fetchall() for each in statements][-1]


def test_views_of_others_show_the_next_export(tmp_path):
    path = tmp_path / "c.db"
    written(Sqlite(path), contact(first="old"))
    run(
        path,
        "CREATE VIEW mine AS SELECT id, json FROM contacts",
        "CREATE VIEW firsts AS SELECT first FROM current_contacts",
        "CREATE VIEW both AS SELECT firsts.first, mine.id FROM firsts, mine",
    )

    for first in ("new", "newer"):
        written(Sqlite(path), contact(id=2, first=first))

        assert run(path, "SELECT * FROM both") == [(first, 2)]


def test_indexes_triggers_and_tables_of_others_stay(tmp_path):
    path = tmp_path / "c.db"
    written(Sqlite(path), contact())
    run(
        path,
        "CREATE TABLE calls (contact INTEGER REFERENCES contacts (id), revs INTEGER)",
        "CREATE INDEX calls_by_contact ON calls (contact)",
        "CREATE INDEX contacts_by_rev ON contacts (rev)",
        "CREATE TRIGGER counted AFTER INSERT ON calls BEGIN"
        " UPDATE calls SET revs = (SELECT sum(rev) FROM contacts); END",
        "CREATE TRIGGER told AFTER UPDATE ON contacts BEGIN"
        " INSERT INTO calls (contact) VALUES (new.id); END",
    )
    before = run(path, "SELECT name, sql FROM sqlite_master ORDER BY name")

    written(Sqlite(path), contact(id=2, rev=5), contact(id=3, rev=6))

    assert run(path, "SELECT name, sql FROM sqlite_master ORDER BY name") == before
    run(path, "UPDATE contacts SET deleted_at = 'now' WHERE id = 3")
    assert run(path, "SELECT * FROM calls") == [(3, 11)]


def test_of_contacts_that_came_again_the_newest_versions_are_kept_and_no_trigger_runs(tmp_path):
    path = tmp_path / "c.db"
    written(Sqlite(path), contact(id=9))
    run(
        path,
        "CREATE TABLE added (id INTEGER)",
        "CREATE TRIGGER mine AFTER INSERT ON contacts BEGIN INSERT INTO added VALUES (new.id); END",
    )
    lines = [
        b'{"id":%d,"rev":%d,"updated":"2026-01-0%dT00:00:00Z"}' % each
        for each in [(1, 1, 1), (2, 7, 1), (1, 3, 3), (3, 1, 1), (1, 2, 2), (2, 7, 1)]
    ]

    assert written(Sqlite(path), *lines, again=[1, 2]) == [3]

    assert run(path, "SELECT id, rev, json FROM contacts ORDER BY id") == [
        (1, 3, lines[2].decode()), (2, 7, lines[1].decode()), (3, 1, lines[3].decode()),
    ]  # fmt: skip
    assert run(path, "SELECT * FROM added") == []


def test_an_index_of_others_that_contacts_break_is_told_and_nothing_is_lost(tmp_path):
    path = tmp_path / "c.db"
    written(Sqlite(path), contact(rev=4))
    run(path, "CREATE UNIQUE INDEX one_of_each_rev ON contacts (rev)")

    with pytest.raises(OSError, match=r"c\.db: UNIQUE constraint failed: .*rev"):
        written(Sqlite(path), contact(id=2), contact(id=3))

    assert run(path, "SELECT id, rev FROM contacts") == [(1, 4)]
    run(path, "DROP INDEX one_of_each_rev")
    written(Sqlite(path))
    assert run(path, "SELECT id FROM contacts") == [(2,), (3,)]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (5, 5), ("5", 5), ("-5", -5), ("05", "05"), ("5.0", "5.0"), ("x", "x"), ("", ""),
        (None, None), (5.5, 5.5), (str(2**63), str(2**63)),
    ],
)  # fmt: skip
def test_a_number_that_is_sent_as_text_is_one_in_the_view(sent, shown, tmp_path):
    written(Sqlite(tmp_path / "c.db"), contact(id="7", rev="12", team_id=sent, phone="5"))

    rows = run(tmp_path / "c.db", "SELECT id, rev, team_id, phone FROM current_contacts")
    assert rows == [(7, 12, shown, "5")]


def test_a_contact_without_a_revision_has_none_in_the_view(tmp_path):
    written(Sqlite(tmp_path / "c.db"), b'{"id":1,"updated":"2026-04-12T15:30:00Z"}')

    assert run(tmp_path / "c.db", "SELECT id, rev FROM current_contacts") == [(1, None)]
