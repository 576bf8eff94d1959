"""Opt-outs in an import: somebody who opted out never becomes textable, whatever is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from heymarket_async import (
    AuthenticationError,
    HeymarketError,
    NewContact,
    RetryPolicy,
    ServerError,
)
from heymarket_async.bulk import RejectedRow, SourceRow
from heymarket_async.bulk.importing.duplicates import Duplicates
from heymarket_async.sandbox import Readings
from tests.bulk.importing.imports import (
    BATCH,
    SEARCH,
    Account,
    account,
    counts,
    new,
    outcomes_of,
    phone,
)

SET_STATUS, STATUS = "POST /v1/contact/set_status", "POST /v1/contact/status"


def out(number: int, **fields: Any) -> NewContact:
    return new(number, is_opted_out=True, **fields)


def asked(it: Account, route: str) -> int:
    return sum(f"{each.method} {each.path}" == route for each in it.sandbox.requests)


def has_opted_out(it: Account, number: int) -> bool:
    return bool(it.stored(number)["is_opted_out"])


# An overwrite keeps the opt-outs of the account


@pytest.mark.parametrize("omitted", ["blank", "keep"])
@pytest.mark.parametrize("said", [{}, {"is_opted_out": False}, {"is_opted_out": None}])
@pytest.mark.parametrize("how", ["answered", "lost", "lost after write"])
async def test_an_overwrite_never_makes_somebody_textable(how, said, omitted):
    async with account(Readings(omitted=omitted)) as it:
        await it.has(out(1, first="Old"), new(2, first="Old"))
        if how != "answered":
            it.faults.reset(on=BATCH, after_write=how == "lost after write")

        rows = [new(1, **said), new(2), new(3)]
        report = await it.imports(rows, overwrite=True)
        again = await it.imports(rows, overwrite=True)

        assert [has_opted_out(it, n) for n in (1, 2, 3)] == [True, False, False]
        assert it.stored(1)["first"] == "New"
        assert [it.stored(n)["rev"] for n in (1, 2, 3)] == [2, 2, 1]
    says_otherwise = int(said.get("is_opted_out") is False)
    assert counts(report) == {"created": 1, "updated": 2}
    assert counts(again) == {"unchanged": 3}
    assert report.opt_outs_kept == again.opt_outs_kept == says_otherwise
    assert report.opted_out == again.opted_out == 0


@pytest.mark.parametrize("after_write", [False, True])
async def test_an_overwrite_whose_answer_is_lost_opts_out_too(after_write):
    async with account() as it:
        await it.has(new(1, first="Old"))
        it.faults.reset(on=BATCH, after_write=after_write)

        report = await it.imports([out(1)], overwrite=True)

        assert has_opted_out(it, 1)
        assert it.stored(1)["rev"] == 2
    assert (counts(report), report.opted_out) == ({"updated": 1}, 1)


async def test_a_resumed_overwrite_keeps_an_opt_out(tmp_path):
    rows = [new(1, is_opted_out=False)]
    async with account() as it:
        await it.has(out(1, first="Old"))
        it.faults.reset(on=BATCH, after_write=True)
        it.faults.answer(403, on=SEARCH, after=1)
        with pytest.raises(HeymarketError):
            await it.imports(rows, overwrite=True, outcomes=tmp_path / "o")

        report = await it.imports(rows, overwrite=True, outcomes=tmp_path / "o", resume=True)

        assert has_opted_out(it, 1)
        assert len(it.sizes(BATCH)) == 1
    assert (counts(report), report.opt_outs_kept) == ({"updated": 1}, 1)


@pytest.mark.parametrize(
    ("status", "kept", "requests"),
    [
        ({"unsubscribed": False}, False, 1),
        ({"unsubscribed": True}, True, 1),
        ({}, True, 1),
        (404, True, 1),
        (403, True, 1),
        ("<html>", True, 1),
    ],
)
async def test_an_odd_opt_out_is_asked_for(status, kept, requests):
    async with account() as it:
        await it.has(new(1, first="Old"))
        ident = it.stored(1)["id"]
        shown = {"id": ident, "phone": phone(1), "first": "Old", "is_opted_out": "maybe", "rev": 1}
        it.faults.answer(200, on=SEARCH, body=[shown])
        if isinstance(status, int):
            it.faults.answer(status, on=STATUS, times=None)
        elif isinstance(status, str):
            it.faults.answer(200, on=STATUS, body=status, times=None)
        else:
            it.faults.answer(200, on=STATUS, body={"id": ident, "phone": phone(1), **status})

        report = await it.imports([new(1)], overwrite=True)

        assert has_opted_out(it, 1) == kept
        assert asked(it, STATUS) >= requests
    assert counts(report) == {"updated": 1}


async def test_an_odd_opt_out_that_gets_no_answer_ends_the_import():
    async with account() as it:
        it.faults.answer(200, on=SEARCH, body=[{"id": 1, "phone": phone(1), "first": "Old"}])
        it.faults.answer(503, on=STATUS, times=None)
        with pytest.raises(ServerError):
            await it.imports([new(1)], overwrite=True)

        assert it.sizes(BATCH) == []


async def test_an_odd_opt_out_of_an_equal_row_is_left_alone():
    async with account() as it:
        it.faults.answer(200, on=SEARCH, body=[{"id": 1, "phone": phone(1), "first": "New"}])

        report = await it.imports([new(1)], overwrite=True)

        assert (asked(it, STATUS), it.sizes(BATCH)) == (0, [])
    assert counts(report) == {"unchanged": 1}


# A row that says opted out opts an existing contact out


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("reading", [{}, {"set_status_answer": "204"}, {"batch_answer": "failed"}])
async def test_a_row_opts_an_existing_contact_out(reading, overwrite, tmp_path):
    async with account(Readings(**reading)) as it:
        await it.has(new(1, first="Old"), out(2, first="Old"), new(3, first="Old"))

        rows = [out(1), out(2), new(3), out(4)]
        tried = await it.imports(rows, overwrite=overwrite, dry_run=True)
        assert asked(it, SET_STATUS) == 0
        assert not has_opted_out(it, 1)
        report = await it.imports(rows, overwrite=overwrite, outcomes=tmp_path / "o")

        assert [has_opted_out(it, n) for n in (1, 2, 3, 4)] == [True, True, False, True]
        assert asked(it, SET_STATUS) == (0 if overwrite else 1)
        assert it.stored(1)["first"] == ("New" if overwrite else "Old")
    known = {"updated": 3} if overwrite else {"updated": 1, "unchanged": 2}
    assert counts(tried) == counts(report) == {"created": 1, **known}
    assert tried.opted_out == report.opted_out == 1
    assert outcomes_of(tmp_path / "o")[1]["outcome"] == "updated"


@pytest.mark.parametrize("after_write", [False, True])
async def test_a_lost_opt_out_is_repeated(after_write):
    async with account() as it:
        await it.has(new(1))
        it.faults.reset(on=SET_STATUS, after_write=after_write)

        report = await it.imports([out(1)])

        assert has_opted_out(it, 1)
        assert it.phones == {phone(1): 1}
    assert (counts(report), report.opted_out) == ({"updated": 1}, 1)


@pytest.mark.parametrize("after_write", [False, True])
async def test_an_opt_out_without_an_answer_is_unknown_and_arrives_when_it_is_resumed(
    after_write, tmp_path: Path
):
    path = tmp_path / "o"
    async with account() as it:
        await it.has(new(1, first="Old"), new(2))
        it.faults.reset(on=SET_STATUS, after_write=after_write, times=3)

        report = await it.imports([out(1), out(2)], outcomes=path)
        assert counts(report) == {"unknown": 1, "updated": 1}
        assert outcomes_of(path)[1]["reason"].startswith("its opt-out got no clear answer: POST")
        again = await it.imports([out(1), out(2)], outcomes=path, resume=True)

        assert has_opted_out(it, 1)
        assert it.stored(1)["first"] == "Old"
        assert it.sizes(BATCH) == []
    assert (counts(again), again.skipped) == ({"updated": 2}, 1)


async def test_an_import_that_ends_at_an_opt_out_is_resumed(tmp_path):
    path = tmp_path / "o"
    async with account() as it:
        await it.has(new(1))
        it.faults.answer(401, on=SET_STATUS, times=None)
        with pytest.raises(AuthenticationError):
            await it.imports([out(1)], outcomes=path)
        assert outcomes_of(path)[1]["before"] == "present"
        it.faults.clear()

        report = await it.imports([out(1)], outcomes=path, resume=True)

        assert has_opted_out(it, 1)
    assert counts(report) == {"updated": 1}


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_an_opt_out_that_is_refused_rejects_its_row_and_stops_no_other(status, tmp_path):
    async with account() as it:
        await it.has(new(1), new(2))
        it.faults.answer(status, on=SET_STATUS)

        report = await it.imports([out(1), out(2)], outcomes=tmp_path / "o")
        assert [has_opted_out(it, n) for n in (1, 2)] == [False, True]
        again = await it.imports([out(1), out(2)], outcomes=tmp_path / "o", resume=True)

        assert has_opted_out(it, 1)
    assert (counts(report), report.opted_out) == ({"rejected": 1, "updated": 1}, 1)
    (rejection,) = report.rejections
    assert rejection.reason.startswith(f"its opt-out was refused: {SET_STATUS} answered {status}")
    assert counts(again) == {"updated": 2}


async def test_a_server_that_answers_no_opt_out_ends_the_import():
    async with account(retry=RetryPolicy(attempts=1)) as it:
        await it.has(*(new(n) for n in range(40)))
        it.faults.reset(on=SET_STATUS, times=None)

        with pytest.raises(HeymarketError):
            await it.imports([out(n) for n in range(40)], concurrency=1)

        assert asked(it, SET_STATUS) == 13


@pytest.mark.parametrize("overwrite", [False, True])
async def test_of_several_contacts_with_a_phone_each_is_opted_out(overwrite):
    async with account() as it:
        for contact in (new(1), out(1), new(1)):
            await it.client.contacts.create(contact)

        report = await it.imports([out(1)], overwrite=overwrite)

        assert all(contact["is_opted_out"] for contact in it.sandbox.store.contacts)
        assert asked(it, SET_STATUS) == 2
    assert counts(report) == ({"rejected": 1} if overwrite else {"updated": 1})
    assert report.opted_out == 1
    if overwrite:
        assert report.rejections[0].reason == (
            "3 contacts of the account have this phone; its opt-out was applied"
        )


async def test_a_row_that_is_refused_opts_its_contact_out_all_the_same():
    async with account() as it:
        await it.has(new(1, first="Old"))
        it.faults.answer(422, on=BATCH)

        report = await it.imports([out(1)], overwrite=True)

        assert has_opted_out(it, 1)
    assert (counts(report), report.opted_out) == ({"rejected": 1}, 1)
    assert report.rejections[0].reason.endswith("; its opt-out was applied")


@pytest.mark.parametrize("body", ['"ok"', [], [{"id": 1}]])
async def test_an_unclear_answer_loses_no_opt_out(body):
    async with account() as it:
        await it.has(new(1, first="Old"))
        it.faults.answer(200, on=BATCH, body=body)

        report = await it.imports([out(1)], overwrite=True)

        assert body == '"ok"' or has_opted_out(it, 1)
    assert counts(report) == ({"updated": 1} if body == '"ok"' else {"unknown": 1})


async def test_a_contact_that_somebody_made_meanwhile_is_opted_out_too():
    async with account() as it:
        await it.has(new(1))
        it.faults.answer(200, on=SEARCH, body=[])
        it.faults.reset(on=BATCH)

        report = await it.imports([out(1)])

        assert has_opted_out(it, 1)
    assert counts(report) == {"created": 1}


# A duplicate that says opted out


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("size", [1, 2, 100])
async def test_a_duplicate_opts_the_person_out(size, known, overwrite):
    rejected: list[tuple[object, str]] = []
    rows = [new(1), new(2), out(1, first="Twin"), new(3), out(1), new(1), new(4)]
    async with account() as it:
        if known:
            await it.has(new(1, first="Old"))

        report = await it.imports(
            [SourceRow(row, n) for n, row in enumerate(rows, 1)],
            batch_size=size,
            concurrency=1,
            overwrite=overwrite,
            on_rejected=lambda source, reason: rejected.append((source, reason)),
        )

        assert [has_opted_out(it, n) for n in (1, 2, 3, 4)] == [True, False, False, False]
        assert it.stored(1)["first"] == ("Old" if known and not overwrite else "New")
        assert it.phones == {phone(n): 1 for n in (1, 2, 3, 4)}
    assert (counts(report)["rejected"], report.duplicates, report.opted_out) == (3, 3, 1)
    reasons = dict(rejected)
    assert sorted(reasons) == [3, 5, 6]
    assert len(rejected) == 3
    applied = "row 1 has the same phone; its opt-out was applied"
    others = {
        "row 1 has the same phone; row 3 says opted out, too",
        "row 1 has the same phone; the contact is opted out already",
    }
    assert {reasons[3], reasons[5]} - others == {applied}
    assert reasons[6] == "row 1 has the same phone"


async def test_a_duplicate_of_a_row_that_an_earlier_run_had_finished_opts_out(tmp_path):
    path = tmp_path / "o"
    async with account() as it:
        await it.imports([new(1)], outcomes=path)

        report = await it.imports([new(1), out(1)], outcomes=path, resume=True)
        again = await it.imports([new(1), out(1)], outcomes=path, resume=True)

        assert has_opted_out(it, 1)
        assert asked(it, SET_STATUS) == 1
    assert counts(report) == counts(again) == {"created": 1, "rejected": 1}
    assert (report.opted_out, again.opted_out, again.duplicates) == (1, 0, 1)
    assert again.rejections[0].reason.endswith("; the contact is opted out already")


@pytest.mark.parametrize("fault", ["reset", "reset after write", "422", "500"])
async def test_a_duplicate_opts_out_whatever_becomes_of_the_first(fault):
    async with account() as it:
        if fault.startswith("reset"):
            it.faults.reset(on=BATCH, after_write=fault != "reset")
        else:
            it.faults.answer(int(fault), on=BATCH)

        report = await it.imports([new(1), new(1, first="Next"), out(1, first="Twin")])

        assert has_opted_out(it, 1)
        assert it.stored(1)["first"] == ("Next" if fault == "422" else "New")
        assert it.phones == {phone(1): 1}
    assert counts(report) == {"created": 1, "rejected": 2}


async def test_a_duplicate_of_a_phone_that_cannot_be_stored_is_rejected():
    async with account() as it:
        it.faults.answer(422, on=BATCH, times=None)

        report = await it.imports([new(1), new(1), out(1)], batch_size=1, concurrency=1)

    assert (counts(report), report.duplicates) == ({"rejected": 3}, 1)


@pytest.mark.parametrize(
    ("route", "status", "outcome", "reason"),
    [
        (SET_STATUS, 403, "rejected", "; its opt-out was refused: "),
        (SET_STATUS, 500, "unknown", "; its opt-out got no clear answer: "),
        (SEARCH, 400, "rejected", "; its opt-out was not applied: "),
    ],
)
async def test_a_duplicate_whose_opt_out_fails_says_so_and_is_tried_again(
    route, status, outcome, reason, tmp_path
):
    path = tmp_path / "o"
    async with account() as it:
        it.faults.answer(status, on=route, times=3, after=int(route == SEARCH))

        report = await it.imports([new(1), out(1)], outcomes=path)
        assert reason in outcomes_of(path)[2]["reason"]
        it.faults.clear()
        again = await it.imports([new(1), out(1)], outcomes=path, resume=True)

        assert has_opted_out(it, 1)
    assert counts(report) == {"created": 1, outcome: 1}
    assert counts(again) == {"created": 1, "rejected": 1}


async def test_a_dry_run_says_what_would_become_of_a_duplicate():
    async with account() as it:
        await it.has(new(1))

        report = await it.imports([new(1), out(1)], dry_run=True)

        assert not has_opted_out(it, 1)
    assert (counts(report), report.opted_out) == ({"unchanged": 1, "rejected": 1}, 1)
    assert report.rejections[0].reason.endswith("; its opt-out would be applied")


async def test_few_rows_that_wait_are_in_memory_however_many_opt_out(monkeypatch):
    released: list[int] = []
    finish = Duplicates.finish

    def noting(self: Duplicates, row: Any, decision: Any) -> None:
        finish(self, row, decision)
        released.append(len(self._released))

    monkeypatch.setattr(Duplicates, "finish", noting)
    rows = (row for n in range(600) for row in (new(n), out(n, first="Twin")))
    async with account() as it:
        report = await it.imports(rows, batch_size=10, concurrency=2)

        assert all(has_opted_out(it, n) for n in range(600))
    assert counts(report) == {"created": 600, "rejected": 600}
    assert 0 < max(released) < 100


@pytest.mark.parametrize("overwrite", [False, True])
async def test_opt_outs_arrive_under_faults(overwrite, tmp_path):
    kinds = ("429", "500", "502", "503", "504", "408", "cut", "reset", "reset_after", "html500")
    hasty: dict[str, Any] = {"retry": RetryPolicy(attempts=12, base_s=0.0005, cap_s=0.005)}
    rows = [(out if n % 3 == 0 else new)(n) for n in range(300)]
    rows += [out(n, first="Twin") for n in range(1, 300, 3)]
    async with account(**hasty) as it:
        await it.has(*((out if n % 8 == 0 else new)(n, first="Old") for n in range(0, 300, 2)))
        it.faults.random(0.2, kinds=kinds, seed=3, retry_after="0.01")

        report = await it.imports(rows, overwrite=overwrite, batch_size=10, outcomes=tmp_path / "o")

        expected = [n % 3 < 2 or n % 8 == 0 for n in range(300)]
        assert [has_opted_out(it, n) for n in range(300)] == expected
        assert it.phones == {phone(n): 1 for n in range(300)}
    assert (counts(report)["created"], counts(report)["rejected"]) == (150, 100)
    assert report.unknown == 0


# Rows that were rejected when they were read


def bad(number: int) -> RejectedRow:
    return RejectedRow("is odd (line 9)", opted_out_phone=phone(number))


@pytest.mark.parametrize("place", ["first", "last", "in another batch"])
@pytest.mark.parametrize("said", [{}, {"is_opted_out": False}])
async def test_a_rejected_row_that_says_opted_out_counts_for_its_phone(said, place):
    others = [new(number) for number in range(10, 16)]
    rows = {
        "first": [bad(1), new(1, **said), *others],
        "last": [new(1, **said), bad(1), *others],
        "in another batch": [new(1, **said), *others, bad(1)],
    }[place]
    async with account() as it:
        report = await it.imports(rows, batch_size=2, concurrency=1)

        assert has_opted_out(it, 1)
        assert not any(has_opted_out(it, number) for number in range(10, 16))
    assert (report.created, report.rejected, report.duplicates) == (7, 1, 0)
    assert report.rejections[0].reason.startswith("is odd (line 9)")


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_rejected_row_opts_an_existing_contact_out(dry_run):
    async with account() as it:
        await it.has(new(1), out(2))
        report = await it.imports([bad(1), bad(2), bad(3)], dry_run=dry_run)

        assert has_opted_out(it, 1) is not dry_run
    assert (report.rows, report.rejected, report.opted_out) == (3, 3, 1)
    verb = "would be" if dry_run else "was"
    assert [each.reason for each in report.rejections] == [
        f"is odd (line 9); its opt-out {verb} applied",
        "is odd (line 9); the contact is opted out already",
        "is odd (line 9)",
    ]


async def test_two_rejected_rows_of_a_phone_that_is_pending_need_one_lookup():
    async with account() as it:
        report = await it.imports([new(1), bad(1), bad(1)])

        assert has_opted_out(it, 1)
    assert [each.reason for each in report.rejections][1] == (
        "is odd (line 9); row 2 says opted out, too"
    )


async def test_the_opt_out_of_a_rejected_row_that_fails_is_reported():
    async with account() as it:
        await it.has(new(1))
        it.faults.answer(403, on=SET_STATUS, times=None)
        report = await it.imports([bad(1)])

    assert report.rejected == 1
    assert "its opt-out" in report.rejections[0].reason


def test_a_rejected_row_shows_no_phone():
    assert repr(bad(1)) == "RejectedRow('is odd (line 9)')"
