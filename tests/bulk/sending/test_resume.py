"""Texts that are resumed: rows are known by their phone, and looked for if they may be sent."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from heymarket_async import AuthenticationError, HeymarketError
from heymarket_async.bulk import JobError, import_contacts
from heymarket_async.bulk.sending.outcomes import local_id_of
from heymarket_async.bulk.store import outcome_file
from heymarket_async.sandbox import Readings
from tests.bulk.importing.imports import client_of, new, outcomes_of, phone
from tests.bulk.sending.sends import HISTORY, SEARCH, SEND, Texts, account, counts, path_in, row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return path_in(tmp_path)


async def cut_short(it: Texts, path: Path, *rows: dict[str, Any], written: bool = True) -> None:
    """Send rows, and lose what the outcome file says of their end, as a kill does."""
    if not written:
        it.faults.answer(401, on=SEND, times=None)
    async with client_of(it.sandbox) as killed:
        try:
            await Texts(it.sandbox, killed).send(rows, outcomes=path)
        except AuthenticationError:
            it.faults.clear()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if b'"sent"' not in line))
    it.sandbox.requests.clear()


async def test_a_text_that_was_sent_is_found_and_not_sent_again(path):
    async with account(Readings(local_id_dedupes="none")) as it:
        await cut_short(it, path, row(1), row(2))
        report = await it.send([row(2), row(1), row(3)], outcomes=path, resume=True)

        assert it.received == {phone(1): 1, phone(2): 1, phone(3): 1}
        assert it.count(SEND) == 1
    assert (report.sent, report.look_ups) == (3, 3)
    assert "to look for texts of an earlier run" in report.waited_s


async def test_a_text_that_was_not_sent_is_sent_with_its_first_local_id(path):
    async with account() as it:
        await cut_short(it, path, row(1), written=False)
        report = await it.send([row(1)], outcomes=path, resume=True)

        (received,) = it.sandbox.outbox
    header = msgspec.json.decode(path.read_bytes().splitlines()[0])
    assert received.local_id == str(local_id_of(UUID(header["run"]), phone(1)))
    assert (report.sent, report.sent_before) == (1, 0)


async def test_a_text_of_an_earlier_run_that_shows_up_late_is_waited_for(path):
    async with account(Readings(local_id_dedupes="none", message_delay_s=0.3)) as it:
        await cut_short(it, path, row(1))
        await it.send([row(1)], outcomes=path, resume=True, wait_s=0.5)

        assert it.received == {phone(1): 1}


async def test_a_conflict_means_that_an_earlier_run_may_have_sent_it(path):
    readings = Readings(local_id_repeat_answer="conflict", message_delay_s=60)
    async with account(readings) as it:
        await cut_short(it, path, row(1))
        report = await it.send([row(1)], outcomes=path, resume=True)

        assert it.received == {phone(1): 1}
    assert counts(report) == {"unknown": 1}


async def test_somebody_who_got_the_text_and_opted_out_counts_as_sent(path):
    async with account() as it:
        await cut_short(it, path, row(1), row(2))
        it.sandbox.customer.text(phone(1), "STOP")
        report = await it.send([row(1), row(2)], outcomes=path, resume=True)

        assert counts(report) == {"sent": 2}


async def test_somebody_who_opted_out_before_the_text_was_sent_does_not_get_it(path):
    async with account() as it:
        await cut_short(it, path, row(1), row(2), written=False)
        await it.opt_out(1)
        report = await it.send([row(1), row(2)], outcomes=path, resume=True)

        assert it.received == {phone(2): 1}
        assert counts(report) == {"sent": 1, "skipped": 1}
        again = await it.send([row(1), row(2)], outcomes=path, resume=True)

    assert (again.opted_out, again.sent_before, again.look_ups) == (1, 1, 1)


@pytest.mark.parametrize("rows", [1, 14])
async def test_a_look_that_fails_leaves_the_outcome_unknown(rows, path):
    people = [row(number) for number in range(rows)]
    async with account() as it:
        await cut_short(it, path, *people)
        it.faults.answer(404, on=HISTORY, times=None)
        try:
            report = await it.send(people, outcomes=path, resume=True, concurrency=1)
        except HeymarketError as error:
            assert (rows, error.may_have_taken_effect) == (14, True)
            assert it.count(HISTORY) == 13
        else:
            assert counts(report) == {"unknown": rows} == {"unknown": 1}

        assert it.count(SEND) == 0


async def test_the_same_text_of_another_job_is_not_taken_for_the_one_that_was_lost(tmp_path):
    async with account(Readings(local_id_dedupes="none")) as it:
        await it.send([row(1)], outcomes=tmp_path / "monday")
        it.faults.reset(on=SEND)
        await it.send([row(1)], outcomes=tmp_path / "tuesday")
        await cut_short(it, tmp_path / "wednesday", row(1), written=False)
        await it.send([row(1)], outcomes=tmp_path / "wednesday", resume=True)

        assert it.received == {phone(1): 3}


async def test_rows_that_were_sent_are_skipped_and_others_tried_again(path):
    async with account() as it:
        await it.opt_out(2)
        it.faults.answer(400, on=SEND)
        await it.send([row(1), row(2), row(3)], outcomes=path, concurrency=1)
        it.sandbox.customer.text(phone(2), "START")
        report = await it.send([row(3), row(2), row(1)], outcomes=path, resume=True)

        assert it.received == {phone(1): 1, phone(2): 1, phone(3): 1}
    assert (report.sent, report.sent_before) == (3, 1)


async def test_repeats_are_known_by_their_place_among_the_rows_of_the_phone(path):
    rows = [row(1, say="a"), row(2, say="b"), row(1, say="c"), row(1, say="d")]
    options = {"text": "{say}", "repeats": True, "outcomes": path, "concurrency": 1}
    async with account() as it:
        await it.send(rows[:3], **options)
        report = await it.send(rows, **options, resume=True)

        assert it.texts == ["a", "b", "c", "d"]
        assert len({each.local_id for each in it.sandbox.outbox}) == 4
    assert (report.sent, report.sent_before) == (4, 3)


async def test_a_row_that_is_mended_is_sent_though_the_phone_is_repeated(path):
    options = {"text": "{say}", "repeats": True, "skip_empty": True, "outcomes": path}
    async with account() as it:
        await it.send([row(1, say="a"), row(1, say=""), row(1, say="c")], **options)
        rows = [row(1, say="a"), row(1, say="b"), row(1, say="c")]
        report = await it.send(rows, **options, resume=True)

        assert sorted(it.texts) == ["a", "b", "c"]
    assert (report.sent, report.sent_before) == (3, 2)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"text": "Hey {first}"}, "another text, template, picture, inbox, sender or default"),
        ({"inbox_id": 302}, "another text, template, picture, inbox, sender or default"),
        ({"repeats": True}, "repeats false, not true"),
    ],
)
async def test_a_file_of_another_job_is_refused(change, told, path):
    async with account() as it:
        await it.send([row(1)], outcomes=path)
        with pytest.raises(JobError, match=rf"belongs to another job: {told}\. Resume"):
            await it.send([row(1)], outcomes=path, resume=True, **change)

        assert it.received == {phone(1): 1}


@pytest.mark.parametrize(("option", "before"), [("resume", 1), ("restart", 0)])
async def test_a_dry_run_reads_earlier_outcomes_and_leaves_them(option, before, path):
    rows = [row(1), row(2), row(2)]
    async with account() as it:
        report = await it.send(rows[:1], outcomes=path, dry_run=True)
        assert (report.sent, path.exists()) == (1, False)
        await it.send(rows[:1], outcomes=path)
        path.write_bytes(whole := path.read_bytes() + b'{"row":')
        report = await it.send(rows, outcomes=path, dry_run=True, **{option: True})

        assert it.received == {phone(1): 1}
    assert (report.sent, report.sent_before) == (2, before)
    assert path.read_bytes() == whole


async def test_files_of_imports_and_texts_are_kept_apart(path):
    async with account() as it:
        await import_contacts(it.client, [new(1)], outcomes=path)
        for option in ("resume", "restart"):
            with pytest.raises(JobError, match=r"is not an outcome file \(line 1\)"):
                await it.send([row(1)], outcomes=path, **{option: True})

        assert not it.received


async def test_a_restart_texts_everybody_again(path):
    async with account() as it:
        await it.send([row(1)], outcomes=path)
        report = await it.send([row(1)], outcomes=path, restart=True)

        assert it.received == {phone(1): 2}
    assert report.sent_before == 0


async def _no(_: object) -> None:
    raise KeyError("no")


@pytest.mark.parametrize(
    "change", [{"on_draft": _no}, {"text": "Hi {frist}"}, {"limit": 1}, {"first": ""}]
)
async def test_a_restart_that_does_not_begin_keeps_the_earlier_outcomes(change, path):
    rows = [row(1), row(2, first=change.pop("first", "Al")), "odd"]
    async with account() as it:
        await it.send([row(1)], outcomes=path)
        whole = path.read_bytes()
        with pytest.raises((JobError, KeyError)):
            await it.send(rows, outcomes=path, restart=True, **change)

        assert path.read_bytes() == whole
        await it.send([row(1)], outcomes=path, resume=True)
        assert it.received == {phone(1): 1}


async def test_an_interrupted_restart_is_resumed_without_restart(path):
    async with account(Readings(local_id_dedupes="none")) as it:
        await it.send([row(1)], outcomes=path)
        it.faults.answer(401, on=SEND, after=1, times=None)
        with pytest.raises(AuthenticationError):
            await it.send([row(1), row(2)], outcomes=path, restart=True, concurrency=1)
        it.faults.clear()
        await it.send([row(1), row(2)], outcomes=path, resume=True)

        assert it.received == {phone(1): 2, phone(2): 1}


async def test_a_row_is_on_the_disk_before_its_text_is_sent_and_without_personal_data(
    path, monkeypatch
):
    synced = []

    def fsync(descriptor: int) -> None:
        synced.append((it.count(SEND), [each["outcome"] for each in outcomes_of(path).values()]))

    async with account() as it:
        monkeypatch.setattr(outcome_file.os, "fsync", fsync)
        await it.send([row(number, first="Zoë") for number in range(21)], outcomes=path)

    text = path.read_text()
    assert synced[:2] == [(0, [])] * 2, "the file and its name"
    assert synced[2] == (0, ["unknown"] * 20)
    assert synced[3][1][20] == "unknown"
    assert {each["outcome"] for each in outcomes_of(path).values()} == {"sent"}
    assert "Zoë" not in text
    assert phone(1) not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_job_that_cannot_begin_keeps_a_file_that_was_there(path):
    async with account() as it:
        await it.send([row(1)], outcomes=path)
        whole = path.read_bytes()
        with pytest.raises(JobError, match="is empty"):
            await it.send([row(1), row(2, first=""), "odd"], outcomes=path, resume=True)

        assert it.count(SEARCH) == 1
    assert path.read_bytes() == whole


async def test_a_job_is_held_to_its_account_without_a_file():
    async with account() as it:
        report = await it.send([row(1)])

        assert (report.sent, report.requests) == (1, 2)
