"""An import that is resumed or begun anew: rows are known by their content."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from heymarket_async import HeymarketError, NewContact
from heymarket_async.bulk import JobError, RowOutcome
from heymarket_async.bulk.importing.rules import IMPORTED, ImportHeader, SentWhen
from heymarket_async.bulk.importing.source import RejectedRow
from heymarket_async.bulk.store import outcome_file, outcome_lines
from tests.bulk.importing.imports import (
    BATCH,
    SEARCH,
    account,
    counts,
    cut_short,
    new,
    outcomes_of,
    phone,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outcomes.jsonl"


async def test_a_resumed_import_skips_finished_rows_and_tries_rejected_ones_again(path):
    rows = [new(1), RejectedRow("bad"), new(2), new(1)]
    async with account() as it:
        first = await it.imports(rows, outcomes=path)
        it.sandbox.requests.clear()
        before = path.read_bytes()

        again = await it.imports([*rows, new(3)], outcomes=path, resume=True)

        assert it.sizes(SEARCH) == it.sizes(BATCH) == [1]
        assert counts(first) == {"created": 2, "rejected": 2}
        assert counts(again) == {"created": 3, "rejected": 2}
        assert (again.skipped, again.duplicates) == (2, 1)
        assert again.rejections == first.rejections
    assert path.read_bytes().startswith(before)


async def test_a_resume_without_a_file_begins_one(path):
    async with account() as it:
        report = await it.imports([new(1)], outcomes=path, resume=True)

    assert (counts(report), report.skipped) == ({"created": 1}, 0)
    assert outcomes_of(path)[1]["outcome"] == "created"


WRITTEN_BEFORE = """\
{"version":1,"kind":"import","account":"team 7001 of URL","overwrite":true}
{"row":2,"digest":"f732ae8ef6972d26","outcome":"unchanged","contact_id":10002}
{"row":4,"digest":"a2d046aec4633d78","outcome":"rejected","reason":"no phone (line 5)"}
{"row":1,"digest":"56ba59b25f8bf5ee","outcome":"unknown","before":"present"}
{"row":3,"digest":"d2a76608e7d51232","outcome":"unknown","before":"absent"}
{"row":6,"digest":"bb826d8e8e94811f","outcome":"unknown","before":"absent"}
{"row":1,"digest":"56ba59b25f8bf5ee","outcome":"updated","before":"present"}
{"row":3,"digest":"d2a76608e7d51232","outcome":"unknown","before":"absent",\
"reason":"no answer"}
{"row":5,"digest":"d2a76608e7d51232","outcome":"rejected","reason":"row 3 has the same phone"}
"""
"""A file that version 0.1.0 wrote until it was killed; the account has row 3, and not row 6."""


async def test_a_file_of_an_earlier_release_is_resumed(path):
    rows = [new(1), new(2), new(3), RejectedRow("no phone (line 5)"), new(3), new(4)]
    async with account() as it:
        await it.has(new(1), new(2), new(3))
        path.write_text(WRITTEN_BEFORE.replace("URL", it.sandbox.url))

        report = await it.imports(rows, outcomes=path, overwrite=True, resume=True)

        assert (it.sizes(SEARCH), it.sizes(BATCH)) == ([2], [1])
    assert counts(report) == {"created": 2, "updated": 1, "unchanged": 1, "rejected": 2}
    assert (report.skipped, report.duplicates) == (2, 1)
    lines = path.read_text().splitlines()[len(WRITTEN_BEFORE.splitlines()) :]
    finished = [line for line in lines if "unknown" not in line and "rejected" not in line]
    assert finished == [
        '{"row":3,"digest":"d2a76608e7d51232","outcome":"created","before":"absent",'
        '"contact_id":10003}',
        '{"row":6,"digest":"bb826d8e8e94811f","outcome":"created","before":"absent"}',
    ]


@pytest.mark.parametrize("overwrite", [False, True])
async def test_unknown_rows_that_were_stored_are_settled_by_a_look(overwrite, path):
    known = [new(9)] if overwrite else []
    async with account() as it:
        await it.has(new(8), *(new(9, first="Old") for _ in known))
        it.faults.reset(on=BATCH, after_write=True)
        await cut_short(it, path, new(1), new(2), *known, overwrite=overwrite)

        report = await it.imports(
            [new(1), new(2), *known], outcomes=path, overwrite=overwrite, resume=True
        )

        assert counts(report) == {"created": 2, **({"updated": 1} if overwrite else {})}
        assert (it.sizes(BATCH), report.skipped) == ([], 0)
    assert outcomes_of(path)[1]["contact_id"] == it.stored(1)["id"]


@pytest.mark.parametrize("overwrite", [False, True])
async def test_unknown_rows_that_were_not_stored_are_sent(overwrite, path):
    known = [new(9)] if overwrite else []
    async with account() as it:
        await it.has(new(8), *(new(9, first="Old") for _ in known))
        it.faults.reset(on=BATCH)
        await cut_short(it, path, new(1), new(2), *known, overwrite=overwrite)

        report = await it.imports(
            [new(1), new(2), *known], outcomes=path, overwrite=overwrite, resume=True
        )

        assert counts(report) == {"created": 2, **({"updated": 1} if overwrite else {})}
        assert it.sizes(BATCH) == [2 + overwrite]


async def test_a_contact_that_is_deleted_between_two_runs_is_created(path):
    async with account() as it:
        await it.has(new(1, first="Old"))
        it.faults.reset(on=BATCH)
        await cut_short(it, path, new(1), overwrite=True)
        await it.client.contacts.delete(it.stored(1)["id"])

        report = await it.imports([new(1)], outcomes=path, overwrite=True, resume=True)

        assert counts(report) == {"created": 1}


# Rows are known by their content


@pytest.mark.parametrize(
    "changed",
    [
        [new(3), new(1), new(2)],
        [new(2)],
        [RejectedRow("bad"), {"first": "x"}, new(3), new(4), new(1), new(2)],
        [new(1), new(2, first="Mended"), new(3)],
    ],
)
async def test_an_input_that_was_sorted_mended_cut_or_continued_is_resumed(changed, path):
    known = [new(1), new(2), new(3)]
    async with account() as it:
        await it.imports(known, outcomes=path)
        it.sandbox.requests.clear()

        report = await it.imports(changed, outcomes=path, resume=True)

        new_rows = [row for row in changed if isinstance(row, NewContact) and row not in known]
        assert it.sizes(SEARCH) == ([len(new_rows)] if new_rows else [])
        assert set(it.phones.values()) == {1}
        assert {c["rev"] for c in it.sandbox.store.contacts} == {1}
    assert report.rows == len(changed)
    assert report.skipped == sum(row in known for row in changed)


async def test_a_row_that_was_rejected_and_then_stored_is_finished(path):
    async with account() as it:
        it.faults.answer(422, on=BATCH)
        first = await it.imports([new(1)], outcomes=path)
        second = await it.imports([RejectedRow("bad"), new(1)], outcomes=path, resume=True)
        third = await it.imports([new(2), new(1)], outcomes=path, resume=True)

        assert it.phones == {phone(1): 1, phone(2): 1}
    assert counts(first) == {"rejected": 1}
    assert (counts(second), second.skipped) == ({"created": 1, "rejected": 1}, 0)
    assert (counts(third), third.skipped) == ({"created": 2}, 1)


async def test_of_equal_rows_one_is_finished_and_the_other_a_duplicate_in_each_run(path):
    async with account() as it:
        reports = [
            await it.imports(rows, outcomes=path, resume=True)
            for rows in ([new(1), new(1)], [new(2), new(1), new(1), new(1)], [new(1)])
        ]

        assert it.phones == {phone(1): 1, phone(2): 1}
    told = [(counts(each), each.duplicates, each.skipped) for each in reports]
    assert told == [
        ({"created": 1, "rejected": 1}, 1, 0),
        ({"created": 2, "rejected": 2}, 2, 1),
        ({"created": 1}, 0, 1),
    ]


async def test_an_equal_row_does_not_hide_that_the_first_was_sent(path):
    async with account() as it:
        it.faults.reset(on=BATCH, after_write=True)
        it.faults.answer(403, on=SEARCH, times=None, after=1)
        with pytest.raises(HeymarketError):
            await it.imports([new(1), new(1), new(1)], outcomes=path)
        assert [line["outcome"] for line in outcomes_of(path).values()] == ["rejected", "unknown"]
        for _ in range(2):
            with pytest.raises(HeymarketError):
                await it.imports([new(1), new(1), new(1)], outcomes=path, resume=True)
        it.faults.clear()
        it.sandbox.requests.clear()

        report = await it.imports([new(2), new(1), new(1)], outcomes=path, resume=True)

        assert it.sizes(BATCH) == [1]
    assert counts(report) == {"created": 2, "rejected": 1}


async def test_a_row_that_was_sent_stays_so_while_another_row_has_its_phone(path):
    async with account() as it:
        await it.has(new(8))
        it.faults.reset(on=BATCH, after_write=True)
        await cut_short(it, path, new(1))

        other = await it.imports([new(1, first="Other"), new(1)], outcomes=path, resume=True)
        report = await it.imports([new(1)], outcomes=path, resume=True)

        assert it.sizes(BATCH) == []
    assert counts(other) == {"unchanged": 1, "rejected": 1}
    assert counts(report) == {"created": 1}


async def test_a_row_that_was_sent_and_then_refused_is_a_new_row_again(path):
    async with account() as it:
        it.faults.answer(422, on=BATCH)
        await it.imports([new(1)], outcomes=path)
        await it.client.contacts.create(new(1))

        report = await it.imports([new(1)], outcomes=path, resume=True)

    assert counts(report) == {"unchanged": 1}, "somebody else has created it meanwhile"


def test_states_of_earlier_rows_are_kept_by_digest():
    rng, rows, known = random.Random(5), outcome_lines.EarlierRows(IMPORTED), dict[int, object]()
    finished = {RowOutcome.CREATED, RowOutcome.UPDATED, RowOutcome.UNCHANGED}
    for _ in range(60_000):
        digest = rng.choice((rng.randrange(50), rng.randrange(20_000) * 7919, 2**64 - 1))
        outcome, before = rng.choice([*RowOutcome]), rng.choice([None, *SentWhen])
        rows.remember(digest, outcome, before)
        if known.get(digest) not in finished and (before or outcome in finished):
            is_sent = outcome is RowOutcome.UNKNOWN
            known[digest] = outcome if outcome in finished else before if is_sent else None

    assert {digest: rows.take(digest) for digest in known} == known
    assert {rows.take(digest) for digest in (*known, 4711)} == {None}


@pytest.mark.unmeasured
def test_states_take_nine_bytes_a_row():
    rows = outcome_lines.EarlierRows(IMPORTED)
    for number in range(400_000):
        for outcome in (RowOutcome.UNKNOWN, RowOutcome.CREATED):
            digest = outcome_lines.digest_of(str(number).encode())
            rows.remember(digest, outcome, SentWhen.ABSENT)

    taken = [
        (digests.itemsize, len(digests), len(states)) for digests, states in rows._shelves.values()
    ]
    assert {size for size, _, _ in taken} == {8}
    assert (
        sum(digests for _, digests, _ in taken) == sum(states for _, _, states in taken) == 400_000
    )
    assert max(digests for _, digests, _ in taken) < 200


# Beginning anew


@pytest.mark.parametrize("length", [None, 0, 1, 30])
async def test_a_restart_discards_the_file(length, path):
    async with account() as it:
        await it.imports([new(1), new(2)], outcomes=path, overwrite=True)
        path.write_bytes(path.read_bytes()[:length])

        report = await it.imports([new(1), new(3)], outcomes=path, restart=True)

    assert (counts(report), report.skipped) == ({"created": 1, "unchanged": 1}, 0)
    lines = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    assert [line.get("overwrite") for line in lines] == [False] + [None] * (len(lines) - 1)
    assert sorted(outcomes_of(path)) == [1, 2]


async def test_a_restart_without_a_file_begins_one(path):
    async with account() as it:
        report = await it.imports([new(1)], outcomes=path, restart=True)

    assert counts(report) == {"created": 1}
    assert outcomes_of(path)[1]["outcome"] == "created"


@pytest.mark.parametrize("content", [b"phone,first\n", b"\x89PNG", b"{}\n", b'{"phone":1'])
async def test_a_restart_refuses_and_keeps_a_file_that_is_none(content, path):
    path.write_bytes(content)
    async with account() as it:
        with pytest.raises(JobError, match="is not an outcome file"):
            await it.imports([new(1)], outcomes=path, restart=True)

        assert not it.sandbox.requests
    assert path.read_bytes() == content


async def test_a_restart_refuses_a_file_that_appears_at_the_last_moment(path):
    header = ImportHeader(kind="import", account="a", overwrite=False)
    path.write_text("precious")

    with pytest.raises(JobError, match="is not an outcome file"):
        async with outcome_file.OutcomeFile(IMPORTED, path, header, restart=True):
            pass
    assert path.read_text() == "precious"
