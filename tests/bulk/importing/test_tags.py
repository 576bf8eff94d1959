"""Tags by name, as the thread that reads an import's rows asks for them."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from heymarket_async import ClientStateError, PermissionDeniedError, ServerError
from heymarket_async.bulk import JobError, import_contacts
from heymarket_async.bulk.importing import tags as by_name
from heymarket_async.bulk.importing.tags import OTHERS, TagsByName
from heymarket_async.models.new_contact import NewContact
from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.accounts import client_of

LIST, CREATE = "POST /v1/tags", "POST /v1/tag"


def sent(sandbox, call):
    return [each for each in sandbox.requests if f"{each.method} {each.path}" == call]


def labels(sandbox):
    return [tag["tag"] for tag in sandbox.tags.tags]


async def ids(tags, *names):
    return await asyncio.to_thread(lambda: [tags.tag_id(name) for name in names])


@pytest.fixture
def in_a_thread():
    """Run a function in a thread, and return the errors that it ends with."""
    threads = []

    def start(work):
        errors = []

        def run():
            try:
                work()
            except Exception as error:  # noqa: BLE001 - the test looks at it
                errors.append(error)

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()
        return threads[-1], errors

    yield start
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


async def test_tags_are_read_once_and_only_if_a_name_is_looked_up():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        tags = TagsByName(client)
        assert not sandbox.requests
        assert await ids(tags, "VIP", " café  Opening", "vip") == [55, 72, 55]
        requests = len(sandbox.requests)
        await ids(tags, "newsletter")

        assert len(sandbox.requests) == requests
        assert not tags.cannot_be_read


async def test_a_slow_answer_is_waited_for(monkeypatch):
    monkeypatch.setattr(by_name, "_PATIENCE_S", 0.01)
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        sandbox.faults.delay(0.1, on=LIST)

        assert await ids(TagsByName(client), "VIP") == [55]


async def test_unknown_names_are_counted_and_not_created():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        tags = TagsByName(client)
        found = await ids(tags, "Gold", "gold ", "Gold", "vip", "", "  ")

        assert found == [None, None, None, 55, None, None]
        assert tags.unknown == {"Gold": 2, "gold": 1}
        assert tags.created == {}
        assert sent(sandbox, CREATE) == []


async def test_a_name_may_be_looked_up_without_being_counted():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        tags = TagsByName(client, creates=True)
        found = await asyncio.to_thread(lambda: [tags.find("VIP"), tags.find("VIP, Gold")])

        assert found == [55, None]
        assert tags.unknown == tags.created == {}
        assert "VIP, Gold" not in labels(sandbox)


async def test_a_missing_tag_is_created_once():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        tags = TagsByName(client, creates=True)
        gold, again, vip, silver = await ids(tags, "Gold", " GOLD", "vip", "Silver")

        assert gold == again == sandbox.tags.labelled("Gold")
        assert (vip, silver) == (55, sandbox.tags.labelled("Silver"))
        assert tags.created == {"Gold": 2, "Silver": 1}
        assert tags.unknown == {}
        assert len(sent(sandbox, CREATE)) == 2


async def test_a_created_tag_that_is_seen_late_is_not_created_again():
    async with (
        Sandbox(readings=Readings(tag_delay_s=600.0)) as sandbox,
        client_of(sandbox) as client,
    ):
        first, second = await ids(TagsByName(client, creates=True), "Gold", "Gold")

        assert first == second == sandbox.tags.labelled("Gold")
        assert labels(sandbox).count("Gold") == 1


async def test_a_dry_run_creates_nothing_and_counts():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        tags = TagsByName(client, creates=True, dry_run=True)
        gold, again, vip, silver = await ids(tags, "Gold", "gold", "vip", "Silver")

        assert gold == again
        assert vip == 55
        assert len({gold, silver}) == 2
        assert max(gold, silver) < 0
        assert tags.created == {"Gold": 2, "Silver": 1}
        assert sent(sandbox, CREATE) == []


async def test_tags_that_cannot_be_read_are_unknown():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(403, on=LIST, times=None)
        tags = TagsByName(client)

        assert await ids(tags, "VIP", "Gold") == [None, None]
        assert tags.cannot_be_read
        assert tags.unknown == {"VIP": 1, "Gold": 1}
        assert len(sent(sandbox, LIST)) == 1


@pytest.mark.parametrize("dry_run", [False, True])
async def test_nothing_is_created_if_the_tags_cannot_be_read(dry_run):
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(403, on=LIST, times=None)
        tags = TagsByName(client, creates=True, dry_run=dry_run)
        with pytest.raises(JobError) as raised:
            await ids(tags, "Gold")

        assert raised.value.reason == "unread_tags"
        assert sent(sandbox, CREATE) == []


async def test_the_tags_can_be_read_ahead():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        tags = TagsByName(client)
        assert await tags.read()
        requests = len(sandbox.requests)

        assert tags.tag_id("VIP") == 55  # nothing must be asked, so this thread may
        assert len(sandbox.requests) == requests


async def test_a_failed_look_up_is_repeated_with_the_next_name():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(500, on=LIST, times=client.retry.attempts)
        tags = TagsByName(client)
        with pytest.raises(ServerError):
            await ids(tags, "VIP")

        assert await ids(tags, "VIP") == [55]


async def test_names_in_a_report_hold_no_phone_and_no_email():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        tags = TagsByName(client)
        await ids(tags, "+1 415 555 0123", "jordan@example.com", "Gold", 'The "best"')

        shown = " ".join(tags.unknown)
        assert "555" not in shown
        assert "jordan" not in shown
        assert {"Gold": 1}.items() <= tags.unknown.items()


async def test_very_many_names_are_counted_together(monkeypatch):
    monkeypatch.setattr(by_name, "_MOST_NAMES", 2)
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        tags = TagsByName(client)
        await ids(tags, "a", "b", "c", "d", "a", "c")

        assert tags.unknown == {"a": 2, "b": 1, OTHERS: 3}


async def test_an_import_creates_tags_while_it_reads():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        tags = TagsByName(client, creates=True)

        def rows():
            for number in range(250):
                tag = tags.tag_id(f"Group {number // 100}")
                yield NewContact(phone=f"1415222{number:04}", tags=[tag])

        report = await import_contacts(client, rows())

        assert report.created == 250
        assert tags.created == {"Group 0": 100, "Group 1": 100, "Group 2": 50}
        known = {tag["id"]: tag["tag"] for tag in sandbox.tags.tags}
        for contact in sandbox.store.contacts:
            (tag,) = contact["tags"]
            assert known[tag["tag_id"]] == f"Group {int(contact['phone'][-4:]) // 100}"


async def test_an_import_ends_with_the_error_of_a_tag_and_keeps_the_rows_before():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(403, on=CREATE, times=None)
        tags = TagsByName(client, creates=True)

        def rows():
            yield NewContact(phone="14152220001")
            yield NewContact(phone="14152220002", tags=[tags.tag_id("Gold")])

        with pytest.raises(JobError, match="right to create tags") as raised:
            await import_contacts(client, rows())

        assert isinstance(raised.value.__cause__, PermissionDeniedError)
        assert [each["phone"] for each in sandbox.store.contacts] == ["14152220001"]


async def tags_without_a_client():
    return TagsByName(client=None)


@pytest.mark.parametrize("is_busy", ["while reading", "while creating"])
def test_a_loop_that_ends_ends_the_wait_of_the_thread(in_a_thread, monkeypatch, is_busy):
    started = threading.Event()

    async def wait_forever(*_):
        started.set()
        await asyncio.Event().wait()

    async def no_tags(_):
        return {}

    async def begin():
        tags = TagsByName(client=None, creates=True)
        thread = in_a_thread(lambda: tags.tag_id("Gold"))
        await asyncio.to_thread(started.wait, 5)
        return thread

    reading = is_busy == "while reading"
    monkeypatch.setattr(by_name, "tags_of", wait_forever if reading else no_tags)
    monkeypatch.setattr(by_name, "create_tag", wait_forever)
    thread, errors = asyncio.run(begin())
    thread.join(5)

    assert [type(each) for each in errors] == [ClientStateError]


def test_a_closed_loop_ends_the_wait_of_the_thread(in_a_thread):
    tags = asyncio.run(tags_without_a_client())
    thread, errors = in_a_thread(lambda: tags.tag_id("VIP"))
    thread.join(5)
    gc.collect()  # Python would warn of work that was never begun

    assert [type(each) for each in errors] == [ClientStateError]


def test_a_loop_that_stops_before_it_begins_the_work_ends_the_wait(in_a_thread):
    loop = asyncio.new_event_loop()
    tags = loop.run_until_complete(tags_without_a_client())
    thread, errors = in_a_thread(lambda: tags.tag_id("VIP"))
    thread.join(5)
    loop.close()
    gc.collect()

    assert [type(each) for each in errors] == [ClientStateError]


def test_a_loop_that_stops_amid_the_work_ends_the_wait(in_a_thread, monkeypatch):
    started = threading.Event()

    async def wait_a_little(_):
        started.set()
        await asyncio.sleep(0.3)
        return {}

    async def begin():
        tags = TagsByName(client=None)
        thread = in_a_thread(lambda: tags.tag_id("VIP"))
        await asyncio.to_thread(started.wait, 5)
        return thread

    monkeypatch.setattr(by_name, "tags_of", wait_a_little)
    loop = asyncio.new_event_loop()
    thread, errors = loop.run_until_complete(begin())
    thread.join(5)
    loop.run_until_complete(asyncio.sleep(0.4))
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()

    assert [type(each) for each in errors] == [ClientStateError]


async def test_a_cancelled_import_does_not_wait_for_a_tag():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        sandbox.faults.delay(600, on=CREATE)
        tags = TagsByName(client, creates=True)
        rows = (NewContact(phone="14152220001", tags=[tags.tag_id(n)]) for n in ["Gold"])
        job = asyncio.create_task(import_contacts(client, rows))
        while not sent(sandbox, CREATE):
            await asyncio.sleep(0.01)
        job.cancel()
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await job

        assert not sandbox.store.contacts
