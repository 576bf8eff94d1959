"""The blocking client: the calls, walks and jobs of the asyncio client, waited for."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from unittest import mock

import pytest

from heymarket_async import (
    ApiSecret,
    BadRequestError,
    ClientStateError,
    HeymarketClient,
    NewContact,
    NotFoundError,
    blocking,
    bulk,
)
from heymarket_async.bulk import JsonLines
from heymarket_async.sandbox import Sandbox

NEW = NewContact(phone="15105553399", first="Ada")


@pytest.fixture
def sandbox():
    with Sandbox(120, messages=60, seed=2, limit=None) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox):
    credentials = ApiSecret(*sandbox.credentials)
    with blocking.HeymarketClient(credentials, base_url=sandbox.url) as client:
        yield client


def threads():
    return [each for each in threading.enumerate() if each.name == "heymarket-blocking"]


def test_a_call_returns_its_result(client, sandbox):
    made = client.contacts.create(NEW)

    assert client.contacts.get(made.id).first == "Ada"
    assert sandbox.store.get(made.id)["phone"] == "15105553399"
    assert client.request("GET", "/v1/team", returns=dict)["id"] == 7001


def test_a_method_that_asks_for_nothing_returns_at_once(client):
    when = datetime(2030, 1, 1, 9, 7, tzinfo=UTC)

    assert client.schedules.next_slot(when) == datetime(2030, 1, 1, 9, 15, tzinfo=UTC)
    assert threads() == []


def test_an_error_is_raised_where_the_call_is(client):
    with pytest.raises(NotFoundError) as raised:
        client.contacts.get(5)

    assert raised.value.call == "GET /v1/contact/{id}"
    frames = [*inspect.getinnerframes(raised.value.__traceback__)][1:]
    assert frames
    assert all(not frame.frame.f_locals for frame in frames)


@pytest.mark.parametrize(
    "act",
    [lambda client: client.contacts.get(5), lambda client: next(client.contacts.iterate())],
)
def test_where_there_is_no_room_the_traceback_is_dropped(client, sandbox, monkeypatch, act):
    sandbox.faults.answer(404, on="POST /v1/contacts")
    monkeypatch.setattr(
        "heymarket_async.blocking.proxies.strip_locals", mock.Mock(side_effect=RecursionError)
    )

    with pytest.raises(NotFoundError) as raised:
        act(client)

    frames = [*inspect.getinnerframes(raised.value.__traceback__)]
    assert {frame.filename for frame in frames} == {__file__}
    assert raised.value.__cause__ is raised.value.__context__ is None


def test_a_wrong_argument_is_refused_before_a_thread_is_started(sandbox):
    client = blocking.HeymarketClient(ApiSecret(*sandbox.credentials), base_url=sandbox.url)

    with pytest.raises(ValueError, match="limit must be"):
        client.contacts.iterate(limit=0)
    assert threads() == []


def test_a_client_is_made_from_the_environment(sandbox, monkeypatch):
    monkeypatch.setenv("HEYMARKET_BASE_URL", sandbox.url)
    monkeypatch.setenv("HEYMARKET_SECRET_ID", sandbox.credentials.secret_id)
    monkeypatch.setenv("HEYMARKET_SECRET_KEY", sandbox.credentials.secret_key)

    with blocking.HeymarketClient.from_env(timeout_s=5) as client:
        assert client.contacts.count() == 120
    monkeypatch.delenv("HEYMARKET_SECRET_KEY")
    with pytest.raises(ValueError, match="HEYMARKET_SECRET_KEY is not set"):
        blocking.HeymarketClient.from_env()


def test_a_walk_is_a_plain_iterator_with_a_cursor(client, sandbox):
    expected = [contact["id"] for contact in sandbox.store.contacts]
    walk = client.contacts.iterate(limit=30)

    first = [next(walk).id for _ in range(45)]
    rest = [contact.id for contact in client.contacts.iterate(cursor=walk.cursor)]

    assert [*first, *rest] == expected
    assert [contact.id for contact in walk] == rest
    assert list(walk) == []
    assert walk.left_out >= 0
    assert repr(walk) == "<blocking <Walk by POST /v1/contacts: 120 given, complete>>"


def test_an_annotation_names_the_items():
    assert str(blocking.Walk[int]) == "heymarket_async.blocking.proxies.Walk[int]"


def test_a_walk_is_read_by_page_and_can_be_closed(client):
    with client.contacts.iterate(limit=30) as walk:
        pages = walk.pages()
        assert len(next(pages)) == 30
        cursor = walk.cursor
    with pytest.raises(ClientStateError, match="this walk is closed"):
        next(walk)
    assert walk.cursor == cursor


def test_the_pages_of_a_walk_are_closed_with_it(client):
    with client.contacts.iterate(limit=30) as walk:
        next(walk)
        with walk.pages() as pages:
            assert len(next(pages)) == 29
            assert len(next(pages)) > 20
        for closed in (pages, walk):
            with pytest.raises(ClientStateError, match="this walk is closed"):
                next(closed)


def test_threads_share_the_pages_of_a_walk(client, sandbox):
    walk, found = client.contacts.iterate(limit=10), []

    def read(pages):
        for page in pages:
            found.extend(contact.id for contact in page)

    with ThreadPoolExecutor(4) as pool:
        shared = walk.pages()
        for done in [
            pool.submit(read, shared),
            pool.submit(read, shared),
            pool.submit(read, walk.pages()),
            pool.submit(read, walk.pages()),
        ]:
            done.result()

    assert sorted(found) == sorted(contact["id"] for contact in sandbox.store.contacts)


def test_a_hook_that_asks_for_the_next_item_of_its_walk_is_refused(sandbox):
    failed = []

    def hook(_event):
        try:
            next(walk)
        except ClientStateError as error:
            failed.append(str(error))

    credentials = ApiSecret(*sandbox.credentials)
    with blocking.HeymarketClient(credentials, base_url=sandbox.url, on_attempt=hook) as client:
        walk = client.contacts.iterate(limit=100)
        assert len(list(walk)) == 120

    assert failed[0].startswith("a hook must not call its client")


def test_a_walk_that_fails_has_the_cursor(client, sandbox):
    sandbox.faults.answer(400, on="POST /v1/contacts", after=1, times=None)
    walk = client.contacts.iterate(limit=30)

    with pytest.raises(BadRequestError) as raised:
        list(walk)
    sandbox.faults.clear()

    assert len(list(client.contacts.iterate(cursor=raised.value.cursor))) == 90


def test_an_asynchronous_generator_is_a_plain_iterator_too(client, sandbox):
    message = sandbox.messages.rows[-1]
    phone, inbox_id = message["target"], message["conversation"]["inbox"]
    expected = [
        row["id"]
        for row in reversed(sandbox.messages.rows)
        if (row["target"], row["conversation"]["inbox"]) == (phone, inbox_id)
    ]

    history = client.messages.iterate_history(phone, inbox_id)

    assert next(history).id == expected[0]
    history.close()
    assert list(history) == []
    assert [each.id for each in client.messages.iterate_history(phone, inbox_id)] == expected


def test_jobs_take_the_client(client, sandbox, tmp_path):
    report = blocking.export_contacts(client, JsonLines(tmp_path / "c.jsonl"))
    synced = blocking.sync_contacts(client, tmp_path / "c.db")
    blocking.import_contacts(client, [NEW], outcomes=tmp_path / "outcomes.jsonl")
    with blocking.follow_messages(client, tmp_path / "m.db") as reports:
        followed = next(reports)

    assert (report.contacts, synced.added, followed.messages) == (120, 120, 60)
    assert len(sandbox.store) == 121


JOBS = [
    lambda client, folder: bulk.export_contacts(client, JsonLines(folder / "c.jsonl")),
    lambda client, folder: bulk.export_messages(client, JsonLines(folder / "m.jsonl")),
    lambda client, folder: bulk.export_conversations(client, JsonLines(folder / "o.jsonl")),
    lambda client, folder: bulk.sync_contacts(client, folder / "c.db"),
    lambda client, folder: anext(bulk.follow_messages(client, folder / "m.db")),
    lambda client, _: bulk.import_contacts(client, [NEW]),
    lambda client, _: bulk.send_messages(
        client, [{"phone": "15105553399"}], inbox_id=1, creator_id=2, text="Hi"
    ),
]


@pytest.mark.parametrize("job", JOBS)
async def test_a_job_for_asyncio_refuses_this_client_and_names_the_other_job(job, client, tmp_path):
    with pytest.raises(ValueError, match=r"use the job of this name in heymarket_async\.blocking$"):
        await job(client, tmp_path)

    assert not [*tmp_path.iterdir()]


def test_credentials_in_parts_are_answered_with_the_way_to_give_them():
    for wrong in ([], ["an-id", "a-key"]):
        with pytest.raises(
            TypeError, match=r"HeymarketClient\(ApiSecret\(secret_id, secret_key\)\)"
        ):
            blocking.HeymarketClient(*wrong)


async def test_a_job_refuses_an_asyncio_client(sandbox, tmp_path):
    async with HeymarketClient(ApiSecret(*sandbox.credentials), base_url=sandbox.url) as client:
        with pytest.raises(
            ValueError, match=r"for this one, use heymarket_async\.bulk\.export_contacts"
        ):
            blocking.export_contacts(client, JsonLines(tmp_path / "c.jsonl"))
    with pytest.raises(ValueError, match="client must be a HeymarketClient of heymarket"):
        blocking.export_contacts(None, JsonLines(tmp_path / "c.jsonl"))


def test_options_of_a_derived_client_are_its_own(client):
    seen = []
    with client.with_options(on_attempt=seen.append) as derived:
        assert derived.contacts.count() == 120
        assert derived.on_attempt == seen.append
    assert len(seen) == 1
    assert client.on_attempt is None
    assert client.contacts.count() == 120
    assert len(seen) == 1


def test_a_method_of_a_group_can_be_replaced(client, sandbox):
    with mock.patch.object(client.contacts, "create", return_value="made") as create:
        assert client.contacts.create(NEW) == "made"
    create.assert_called_once_with(NEW)
    client.contacts.count = lambda: 7

    assert client.contacts.count() == 7
    assert client.contacts is client.contacts
    assert not sandbox.requests
    del client.contacts.count
    client.contacts.create(NEW)
    assert len(sandbox.store) == 121


def test_attributes_are_those_of_the_asyncio_client(client, sandbox):
    assert client.base_url == sandbox.url
    assert client.waiting == ""
    assert len(client.fingerprint) == 16
    assert repr(client) == f"<blocking HeymarketClient(base_url='{sandbox.url}')>"
    assert {"contacts", "close", "with_options"} <= {*dir(client)}
    assert "aclose" not in dir(client)
    assert "Create a contact" in (client.contacts.create.__doc__ or "")
    assert [*inspect.signature(client.contacts.create).parameters] == ["contact"]
    for name in ("_transport", "__len__"):
        with pytest.raises(AttributeError, match="no attribute"):
            getattr(client, name)
    for part in (client, client.contacts.iterate(), client.contacts.iterate().pages()):
        with pytest.raises(AttributeError, match=r"no aclose\(\). Use `with`, or its close\(\)$"):
            part.aclose()
    with pytest.raises(AttributeError, match="no attribute 'aclose'"):
        client.contacts.aclose()
    with pytest.raises(AttributeError, match="did you mean 'create'"):
        _ = client.contacts.creat


@pytest.mark.parametrize("part", [lambda client: client, lambda client: client.contacts])
def test_a_client_does_not_pickle(part, client):
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(part(client))


def test_many_threads_share_a_client(client, sandbox):
    numbers = [contact["id"] for contact in sandbox.store.contacts]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: client.contacts.get(number).id, numbers))

    assert found == numbers
    assert len(threads()) == 1


def test_threads_share_a_walk_and_each_item_is_given_once(client, sandbox):
    walk, found = client.contacts.iterate(limit=30), []

    def read():
        found.extend(contact.id for contact in walk)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(read) for _ in range(4)]:
            done.result()

    assert sorted(found) == sorted(contact["id"] for contact in sandbox.store.contacts)


async def test_it_works_in_a_thread_whose_loop_runs_as_in_a_notebook(client):
    assert client.contacts.count() == 120
    assert await asyncio.to_thread(client.contacts.count) == 120


def test_two_clients_have_a_thread_each(client, sandbox):
    assert client.contacts.count() == 120
    with blocking.HeymarketClient(ApiSecret(*sandbox.credentials), base_url=sandbox.url) as other:
        assert other.contacts.count() == 120
        assert len(threads()) == 2
    assert len(threads()) == 1
