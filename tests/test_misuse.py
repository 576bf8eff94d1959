"""Usual mistakes: each is answered with a sentence that names it, and the right way."""

from __future__ import annotations

import asyncio
import copy
import csv
import inspect
import io
import os
import pickle
import traceback
from collections.abc import AsyncIterable, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import date
from pathlib import Path
from uuid import uuid4

import anyio
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from heymarket_async import (
    ApiKey,
    AuthenticationError,
    Channel,
    ClientStateError,
    Contact,
    ContactChanges,
    DecodeError,
    HeymarketClient,
    NewContact,
    NewMessage,
    NewTemplate,
)
from heymarket_async.bulk import (
    Csv,
    JsonLines,
    Parquet,
    Sqlite,
    Stream,
    Xlsx,
    export_contacts,
    export_messages,
    import_contacts,
    send_messages,
    sync_contacts,
)
from heymarket_async.phones import parse_phone
from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import client_of

PHONE = "15105550101"
PACKAGE = str(Path("heymarket_async", ""))
TO = {"inbox_id": 1, "creator_id": 2}


@pytest.fixture
async def client():
    async with HeymarketClient(ApiKey("key")) as client:
        yield client


FIELDS = [
    (lambda: NewContact(PHONE), r"^NewContact takes its fields by name: NewContact\(phone=...\)$"),
    (lambda: ContactChanges(PHONE), r"ContactChanges\(first=...\)$"),
    (lambda: NewMessage(PHONE, "Hi"), r"NewMessage\(inbox_id=..., creator_id=...\)$"),
    (NewContact, "^NewContact needs phone$"),
    (NewTemplate, "^NewTemplate needs title, content$"),
    (lambda: NewContact(phone=PHONE, first_name="Ada"), "no field 'first_name'; did you mean 'fi"),
    (lambda: NewContact(phone=PHONE, qqq="Ada"), "has no field 'qqq'. It has first, last, "),
    (lambda: Channel(channel_type="phone"), "^Channel needs channel_id$"),
]


@pytest.mark.parametrize(("make", "problem"), FIELDS)
def test_fields_that_are_given_wrongly_are_named(make, problem):
    with pytest.raises(TypeError, match=problem) as raised:
        make()

    assert PHONE not in str(raised.value)
    frames = [
        frame for frame, _ in traceback.walk_tb(raised.tb) if PACKAGE in frame.f_code.co_filename
    ]
    assert frames
    assert PHONE not in str([frame.f_locals for frame in frames])


def test_another_type_error_is_left_as_it_is():
    class Odd(dict):
        def items(self):
            raise TypeError("odd")

    with pytest.raises(TypeError, match=r"^odd$"):
        NewContact(phone=PHONE, custom=Odd())


VALUES = [
    ({"phone": 15105550101}, 'phone must be text, such as "15105553344", not int'),
    ({"phone": float("nan")}, "phone must be text, .*, not float"),
    ({"phone": "+1 (510) 555-0102"}, r"heymarket_async\.phones\.parse_phone reads other ways"),
    ({"first": float("nan")}, "first must be of type str, not float; leave the field out"),
    ({"first": pd.NA}, "not pandas.*NAType; leave the field out"),
    ({"first": pd.NaT}, "NaTType; leave the field out"),
    ({"first": b"Ada"}, "first must be of type str, not bytes$"),
    ({"assignee_id": pd.Series([1]).iloc[0]}, r"not numpy.int64; call its item\(\)"),
    ({"is_opted_out": pd.Series([True]).iloc[0]}, r"not numpy.bool_?; call its item\(\)"),
    ({"tags": "vip"}, "tags must be a list, not str"),
]


@pytest.mark.parametrize(("fields", "problem"), VALUES)
def test_a_value_of_another_type_is_named_with_the_way(fields, problem):
    with pytest.raises(ValueError, match=problem):
        NewContact(**{"phone": PHONE, **fields})


CALLS = [
    (lambda c: c.contacts.find(phone=PHONE, contact_id=1), "a phone or a contact_id, not both"),
    (lambda c: c.contacts.find(), r'a phone or a contact_id, such as find\(phone="15105553344"\)'),
    (lambda c: c.contacts.get("15"), r"contact_id must be .* integer, not str; pass int\(conta"),
    (lambda c: c.contacts.get("Ada"), "contact_id must be a positive integer, not str$"),
    (lambda c: c.contacts.get(str(uuid4())), "not str; UUIDs belong to the v2 endpoints"),
    (lambda c: c.contacts.get(uuid4()), "not uuid.UUID; UUIDs belong to the v2 endpoints"),
    (lambda c: c.contacts.iterate(date="2026-04-12"), r"or an aware .* datetime\(2026, 4, 12, tzi"),
    (lambda c: c.contacts.iterate(date=date(2026, 4, 12)), r"such as datetime\(2026, 4, 12, tzinf"),
    (lambda c: c.contacts.get(0), "contact_id must be a positive integer$"),
    (lambda c: c.contacts.create({"phone": PHONE}), r"make one with NewContact\(\*\*fields\)"),
    (lambda c: import_contacts(c, "people.csv"), "not a path. The command `heymarket` reads"),
    (lambda c: import_contacts(c, Path("people.csv")), "not a path"),
    (lambda c: import_contacts(c, NewContact(phone=PHONE)), "such as a list, not .*NewContact"),
    (lambda c: send_messages(c, "people.csv", **TO, text="Hi"), "not a path"),
    (lambda c: export_contacts(c, "people.txt"), "the path for an export must end in .jsonl"),
    (lambda c: export_contacts(c, Csv), r"sink must be .* pass Csv\(path\), not the class$"),
    (lambda c: export_contacts(c, None), "sink must be a path, .*, not NoneType"),
    (lambda c: export_contacts(Csv("a.csv"), Csv("a.csv")), "client must be of type Heym"),
    (lambda c: sync_contacts(c, "people.csv"), "people.csv ends in .csv, as a file of Csv does"),
    (lambda c: sync_contacts(c, Sqlite("people.db")), "path must be text or a Path, not .*Sqlite"),
]


@pytest.mark.parametrize(("call", "problem"), CALLS)
async def test_a_call_with_wrong_arguments_names_the_way(call, problem, client):
    with pytest.raises(ValueError, match=problem) as raised:
        await call(client)

    assert PHONE not in str(raised.value)


async def test_a_field_that_cannot_be_written_is_named_before_anything_is_sent(client):
    with pytest.raises(ValueError, match=r"^first cannot be written as JSON: it has half of "):
        await client.contacts.create(NewContact(phone=PHONE, first="Ada \ud83d"))


SENT = r"which has what Heymarket sent; make a NewContact\(phone=..., first=...\) of the fields"
ROWS = [
    (lambda c: c.contacts.iterate(), f"not heymarket_async.Walk, {SENT}"),
    (lambda _: Contact(id=1, phone=PHONE), f"not heymarket_async.Contact, {SENT}"),
    (
        lambda _: [Contact(id=1, phone=PHONE)],
        f"the first one is of type heymarket.*Contact, {SENT}",
    ),
    (lambda _: [1], "rows must be NewContacts or mappings of their fields, but .* of type int$"),
]
TABLES = [
    (lambda: pd.DataFrame({"phone": [PHONE]}), r"not pandas.DataFrame; pass its to_dict\(\"rec"),
    (lambda: pl.DataFrame({"phone": [PHONE]}), r"not polars.DataFrame; pass its to_dicts\(\)"),
    (lambda: pa.table({"phone": [PHONE]}), r"not pyarrow.Table; pass its to_pylist\(\)"),
    (lambda: io.StringIO("phone\n"), "not _io.StringIO; csv.DictReader gives the rows of a CSV"),
    (lambda: csv.reader(["phone"]), "not _csv.reader; csv.DictReader gives"),
    (lambda: ["phone"], "the first one is of type str$"),
]


@pytest.mark.parametrize(("rows", "problem"), ROWS)
async def test_rows_that_cannot_be_imported_are_refused_before_anything_is_sent(rows, problem):
    async with Sandbox(contacts=3) as sandbox, client_of(sandbox) as client:
        with pytest.raises(ValueError, match=problem) as raised:
            await import_contacts(client, rows(client))
        assert not sandbox.requests

    assert PHONE not in str(raised.value)


@pytest.mark.parametrize(("table", "problem"), TABLES)
async def test_tables_and_files_as_rows_are_answered_with_the_call_that_gives_rows(
    table, problem, client
):
    with pytest.raises(ValueError, match=problem):
        await import_contacts(client, table())
    with pytest.raises(ValueError, match=problem):
        await send_messages(client, table(), **TO, text="Hi")


async def test_the_contacts_of_a_walk_are_rows_to_text():
    async with Sandbox(contacts=3) as sandbox, client_of(sandbox) as client:
        report = await send_messages(
            client, client.contacts.iterate(), **TO, text="Hi", dry_run=True
        )

    assert report.rows == 3


SINKS = [
    (lambda: Csv("x.jsonl"), r"x.jsonl ends in .jsonl, .* or use JsonLines\(path\)"),
    (lambda: JsonLines("x.CSV"), r"x.CSV ends in .CSV, .* or use Csv\(path\)"),
    (lambda: Parquet("x.db"), r"or use Sqlite\(path\)"),
    (lambda: Xlsx("x.parquet"), r"or use Parquet\(path\)"),
    (lambda: Csv("x.csv.gz"), "x.csv.gz cannot be compressed: only JsonLines can do that"),
    (lambda: Csv(None), "path must be text or a Path, not NoneType"),
    (lambda: Stream("x.jsonl"), "file must be open for bytes, .*, not str"),
]


@pytest.mark.parametrize(("make", "problem"), SINKS)
def test_a_sink_for_another_file_is_refused(make, problem):
    with pytest.raises(ValueError, match=problem):
        make()


def test_names_without_an_ending_that_is_known_are_taken():
    for path in ("x", "x.txt", "x.jsonl.gz", "x.gz", Path("x.2026")):
        assert JsonLines(path).path == Path(path)
    assert Csv("x.txt").path == Path("x.txt")


async def test_a_path_is_a_sink_by_its_ending(tmp_path):
    with Sandbox(contacts=5, messages=3) as sandbox:
        async with client_of(sandbox) as client:
            for name in ("a.jsonl", "a.jsonl.gz", "a.CSV", "a.xlsx", "a.parquet", "a.db"):
                report = await export_contacts(client, tmp_path / name)
                assert report.contacts == 5
            await export_messages(client, str(tmp_path / "m.sqlite"))

    starts = {path.name: path.read_bytes()[:4] for path in tmp_path.iterdir()}
    assert starts.pop("a.jsonl")[:1] == b"{"
    assert starts.pop("a.jsonl.gz")[:2] == b"\x1f\x8b"
    assert starts.pop("a.CSV") == b"id,u"
    assert starts == {
        "a.xlsx": b"PK\3\4",
        "a.parquet": b"PAR1",
        "a.db": b"SQLi",
        "m.sqlite": b"SQLi",
    }


CREDENTIALS = [
    (HeymarketClient, TypeError, "takes its credentials as one value"),
    (lambda: HeymarketClient("id", "key"), TypeError, r"HeymarketClient\(ApiSecret\(secret_id, "),
    (lambda: HeymarketClient(api_key="key"), TypeError, r"HeymarketClient\.from_env\(\) reads"),
    (lambda: HeymarketClient("key"), ValueError, r"credentials must be ApiSecret\("),
    (lambda: HeymarketClient(ApiKey), ValueError, r"credentials must be ApiSecret\("),
]


@pytest.mark.parametrize(("make", "kind", "problem"), CREDENTIALS)
def test_a_client_without_credentials_says_how_they_are_given(make, kind, problem):
    with pytest.raises(kind, match=problem):
        make()


def test_credentials_may_be_given_by_name():
    assert HeymarketClient(credentials=ApiKey("key")).fingerprint


async def test_what_a_client_does_not_have_is_answered_with_what_it_has(client):
    with pytest.raises(AttributeError, match=r"no close\(\)\. Use `async with`, or await its acl"):
        client.close()
    with pytest.raises(
        AttributeError, match="HeymarketClient has no 'contact'; did you mean 'cont"
    ):
        _ = client.contact
    with pytest.raises(AttributeError, match=r"Contacts has no 'all'. It has count, create, "):
        client.contacts.all()
    with pytest.raises(AttributeError, match=r"^'HeymarketClient' object has no attribute '_x'$"):
        _ = client._x
    with pytest.raises(AttributeError, match=r'Client has no .get.; use request\("GET", path\)$'):
        client.get("/v1/team")
    with pytest.raises(AttributeError, match=r"Contacts has no 'post'. It has"):
        client.contacts.post()
    with pytest.raises(AttributeError, match=r"has no 'qqq'\. It has aclose, base_url") as raised:
        _ = client.qqq
    assert not {"from_env", "waiting", "fingerprint"} & set(str(raised.value).split(", "))
    assert not hasattr(client, "get")


async def test_programs_see_what_a_client_and_a_walk_can_do(client):
    """Frameworks look for these methods to choose how they use an object."""
    walk = client.contacts.iterate()

    assert not isinstance(walk, Iterable)
    assert isinstance(walk, AsyncIterable)
    assert not inspect.isawaitable(walk)
    assert not isinstance(client, AbstractContextManager)
    assert isinstance(client, AbstractAsyncContextManager)
    assert not hasattr(client.contacts, "__enter__")


def test_an_option_that_cannot_be_changed_is_named():
    client = HeymarketClient(ApiKey("key"))

    with pytest.raises(TypeError, match="has no option 'timeout'; did you mean 'timeout_s'"):
        client.with_options(timeout=3)
    with pytest.raises(TypeError, match=r"rate_limit belongs to the constructor, HeymarketClient"):
        client.with_options(rate_limit=None)
    with pytest.raises(TypeError, match=r"has no option 'qqq'\. It has timeout_s, deadline_s, ret"):
        client.with_options(qqq=1)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
@pytest.mark.parametrize("part", [lambda c: c, lambda c: c.contacts])
def test_a_client_is_not_copied(copied, part):
    client = HeymarketClient(ApiKey("key"))

    with pytest.raises(TypeError, match=r"is not copied and does not .* use with_options"):
        copied(part(client))


JOBS = [
    lambda c, _: c.contacts.get(1),
    lambda c, _: c.contacts.iterate().__anext__(),
    lambda c, folder: export_contacts(c, folder / "c.jsonl", on_progress=print),
    lambda c, folder: sync_contacts(c, folder / "c.db"),
    lambda c, _: import_contacts(c, [NewContact(phone=PHONE)]),
    lambda c, _: send_messages(c, [{"phone": PHONE}], **TO, text="Hi"),
]


@pytest.mark.parametrize("call", JOBS)
def test_without_an_event_loop_of_asyncio_a_call_says_so(call, tmp_path):
    """As under trio, which drives coroutines itself."""
    client = HeymarketClient(ApiKey("key"))
    coroutine = call(client, tmp_path)

    with pytest.raises(ClientStateError, match=r"no event loop of asyncio is running here.*trio"):
        coroutine.send(None)
    assert not list(tmp_path.iterdir())


def test_the_backend_asyncio_of_anyio_runs_the_client():
    async def count() -> int:
        async with client_of(sandbox) as client:
            return await client.contacts.count()

    with Sandbox(contacts=7) as sandbox:
        assert anyio.run(count, backend="asyncio") == 7


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_in_a_running_loop_says_so_in_the_child():
    async def forked(sandbox) -> bytes:
        async with client_of(sandbox) as client:
            await client.contacts.count()
            reading, writing = os.pipe()
            if os.fork() == 0:  # pragma: no cover - in the child
                try:
                    await client.contacts.count()
                except BaseException as error:  # noqa: BLE001 - it is sent to the parent
                    os.write(writing, str(error).encode())
                finally:
                    os._exit(0)
            os.close(writing)
            os.wait()
            with os.fdopen(reading, "rb") as file:
                said = file.read()
            assert await client.contacts.count() == 3
            return said

    with Sandbox(contacts=3) as sandbox:
        said = asyncio.run(forked(sandbox))

    assert b"no event loop of asyncio is running here" in said
    assert b"After a fork, start a new loop in the new process" in said


def test_a_client_of_a_loop_that_has_ended_says_where_to_make_one():
    with Sandbox(contacts=3) as sandbox:
        client = client_of(sandbox)

        async def count() -> int:
            return await client.contacts.count()

        async def count_and_close() -> None:
            try:
                await count()
            finally:
                await client.aclose()

        loop = asyncio.new_event_loop()
        assert loop.run_until_complete(count()) == 3
        with pytest.raises(ClientStateError, match=r"contacts/count: the client is in use in anot"):
            asyncio.run(count())
        loop.run_until_complete(client.aclose())
        loop.close()
        with pytest.raises(ClientStateError, match=r"contacts/count: the client is closed\. Make"):
            asyncio.run(count())


async def test_an_answer_of_another_type_names_returns():
    async with Sandbox(contacts=3) as sandbox, client_of(sandbox) as client:
        with pytest.raises(DecodeError, match=r"got `object`, which is not .* `returns`") as raised:
            await client.request("GET", "/v1/team", returns=int)

    assert not raised.value.may_have_taken_effect


async def test_a_refused_credential_names_the_variables():
    async with Sandbox(contacts=3) as sandbox:
        async with HeymarketClient(ApiKey("wrong"), base_url=sandbox.url) as client:
            with pytest.raises(
                AuthenticationError, match="HEYMARKET_SECRET_ID and HEYMARKET_SECRE"
            ):
                await client.contacts.count()


@pytest.mark.parametrize(
    ("text", "region"),
    [("+1 (510) 555-0102", None), ("(510) 555-0102", "US"), ("15105550102", None)],
)
def test_a_phone_is_read_as_people_write_it(text, region):
    assert parse_phone(text, region=region) == "15105550102"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("510-555-01", "phone must be a valid number"),
        ("+1 510 555 0102, +1 510 555 0103", "phone must be one number, not several"),
        ("", "phone must be one number"),
        (15105550102, "phone must be of type str, not int"),
    ],
)
def test_a_text_that_is_not_one_phone_is_refused(text, problem):
    with pytest.raises(ValueError, match=problem) as raised:
        parse_phone(text)

    assert "555" not in str(raised.value)
