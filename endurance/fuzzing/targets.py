"""The readers of the package, each with valid contents and the errors that it may raise."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import zlib
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec
import xlsxwriter
from multidict import CIMultiDict

from heymarket_async import (
    ApiProfile,
    ApiSecret,
    BadRequestError,
    ContactField,
    HeymarketClient,
    HeymarketError,
    RateLimit,
    RetryPolicy,
)
from heymarket_async.bulk import JobError, JsonLines, export_contacts
from heymarket_async.bulk.contact_files.contacts import ContactReader
from heymarket_async.bulk.contact_files.formats import open_contacts
from heymarket_async.bulk.contact_files.layouts import meaning_of
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.phones import phone_reader
from heymarket_async.bulk.contact_files.plan import plan_of, plan_of_records
from heymarket_async.bulk.contact_files.table import Table
from heymarket_async.bulk.importing.rules import IMPORTED, ImportHeader
from heymarket_async.bulk.store.outcome_file import OutcomeFile
from heymarket_async.cli import profiles, settings
from heymarket_async.sandbox import Sandbox
from heymarket_async.timestamps import http_date
from heymarket_async.transport.wire import retry_after_s
from heymarket_async.webhooks import Event, Receiver, WebhookError, parse
from tests.bulk.contact_files import test_layout_files, test_spreadsheet, test_vcard
from tests.conftest import JumpingLoop
from tests.probe import test_api_profile
from tests.walk import test_cursor, walking
from tests.walk.listing import Row
from tests.webhooks import deliveries

Read = Callable[[bytes], object]
FIELDS = [ContactField(id=123, title="Plan"), ContactField(id=456, title="Renewal Date")]
MOST_ROWS = 10_000
REQUESTS = 200
"""Of a walk from a mutated cursor: the listing has a few pages."""


class Target(NamedTuple):
    """A reader that is fuzzed.

    Attributes:
        name: For the page.
        seeds: Valid contents.
        read: Reads a content.
        errors: The types of errors that say clearly that a content cannot be read. An error of
            another type is a failure, also one of a type below them.
        memory: Bytes that it may ask for, in addition to what the process has.
    """

    name: str
    seeds: list[bytes]
    read: Read
    errors: tuple[type[BaseException], ...] = (ValueError, JobError)
    memory: int = 256 << 20


@contextmanager
def targets() -> Generator[list[Target]]:
    """Give all readers, with a folder and an account for those that need them."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="heymarket-fuzz-")))
        runner = stack.enter_context(asyncio.Runner())
        jumping = stack.enter_context(asyncio.Runner(loop_factory=JumpingLoop))
        account = Account(runner, folder)
        stack.callback(account.close)
        walks = Path(walking.__file__).with_name("stored_cursors.jsonl").read_bytes().splitlines()
        servers = [msgspec.json.decode(line, type=Stored).server for line in walks]
        yield [
            Target("CSV", layouts(), contact_file("contacts.csv")),
            # It may keep a hundred million cells: a few stray ones are no reason to refuse a file.
            Target("spreadsheets", spreadsheets(), contact_file("contacts.xlsx"), memory=4 << 30),
            Target("vCard", vcards(), contact_file("contacts.vcf")),
            Target("JSON Lines", account.lines(), contact_file("contacts.jsonl")),
            Target("webhooks", webhooks(), lambda body: webhook(runner, body), (WebhookError,)),
            Target(
                "cursors",
                walks,
                lambda line: walk(jumping, servers, line),
                (ValueError, *_errors_of_calls()),
            ),
            Target(
                "checkpoints",
                account.checkpoints(),
                account.resume,
                (ValueError, JobError, *_errors_of_calls()),
            ),
            Target("outcome files", outcomes(), lambda text: outcome_file(runner, folder, text)),
            Target("API profiles", api_profiles(folder), lambda text: api_profile(folder, text)),
            Target("settings", [SETTINGS], lambda text: config(folder, text)),
            Target("headers", HEADERS, headers, ()),
        ]


def _errors_of_calls() -> Iterable[type[HeymarketError]]:
    kinds = [HeymarketError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return kinds


# Files of contacts


def is_phone_heading(cell: str) -> bool:
    """Whether a heading says that its column has phones."""
    known = meaning_of(cell)
    return known is not None and known.field == "phone"


def contact_file(name: str) -> Read:
    """Return a reader of whole files of contacts, as `contacts import` reads them."""

    def read(content: bytes) -> None:
        notes = Notes()
        found = open_contacts(
            io.BytesIO(content), name, is_phone_heading=is_phone_heading, notes=notes
        )
        if isinstance(found, Table):
            first = [row for row in found.head(100) if not row.problem]
            plan = plan_of(found.headings, first, FIELDS)
        else:
            plan = plan_of_records(
                [row.fields for row in found.head(100) if not row.problem], FIELDS
            )
        reader = ContactReader(plan, phone=phone_reader("US", notes=notes), notes=notes)
        rows = reader.of_table(found) if isinstance(found, Table) else reader.of_records(found)
        for _ in islice(rows, MOST_ROWS):
            pass
        found.close()
        notes.lines()

    return read


def layouts() -> list[bytes]:
    """Return exports of many programs, in several encodings."""
    texts = [path.read_bytes() for path in sorted(test_layout_files.FOLDER.glob("*.csv"))]
    one = texts[0].decode()
    packed = zlib.compressobj(wbits=31)
    return [
        *texts,
        *(one.encode(encoding, "replace") for encoding in ("utf-16", "cp1252", "utf-8-sig")),
        one.replace(",", ";").encode(),
        one.replace(",", "\t").encode(),
        packed.compress(texts[0]) + packed.flush(),
    ]


def spreadsheets() -> list[bytes]:
    """Return small spreadsheets of four kinds of cells, and of the older formats."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet("People")
        sheet.write_row(0, 0, ["Phone", "First Name", "Email", "Joined", "Tags"])
        form = book.add_format({"num_format": "yyyy-mm-dd"})
        for row in range(1, 6):
            sheet.write_row(row, 0, [15105550140 + row, f"Jordan {row}", f"j{row}@example.com"])
            sheet.write_number(row, 3, 45000.5 + row, form)
            sheet.write_formula(row, 4, '="VI"&"P"', None, "VIP")
        book.add_worksheet("Notes").write_row(0, 0, ["About", True])
    number = '<table:table-cell office:value-type="float" office:value="15105550147"/>'
    many = (
        '<table:table-cell table:number-columns-repeated="3"/><table:table-cell/>'
        '<table:covered-table-cell table:number-columns-repeated="2"/>'
    )
    cell = test_spreadsheet.text_cell
    return [
        file.getvalue(),
        test_spreadsheet.book({"People": test_spreadsheet.PEOPLE * 3}),
        test_spreadsheet.ods([cell("Phone"), cell("first")], [number, cell("a<text:tab/>b"), many]),
        test_spreadsheet.XLS,
    ]


def vcards() -> list[bytes]:
    """Return cards as phones and programs write them."""
    cards = [
        getattr(test_vcard, name)
        for name in ("IPHONE", "ANDROID", "OUTLOOK", "GOOGLE", "VERSION_4")
    ]
    return [*(card.encode() for card in cards), "\r\n".join(cards).encode("utf-16")]


# Webhooks, cursors


def webhooks() -> list[bytes]:
    """Return deliveries of the new shape and the older ones."""
    delivery, body = deliveries.delivery, deliveries.body
    chat = {"id": 7, "inbox": 3, "status": "closed", "updated": deliveries.STAMP}
    old = {"event": "message_received", "token": deliveries.TOKEN, "message": deliveries.message()}
    return [
        body(delivery()),
        body(delivery(chat, "chat_closed")),
        body(delivery(), delivery(chat, "chat_opened"), delivery({"x": 1}, "target_opt_out")),
        body(old),
        body({**deliveries.message(), "event": "message_sent", "token": deliveries.TOKEN}),
    ]


def webhook(runner: asyncio.Runner, body: bytes) -> None:
    """Read a delivery as a receiver does, and look at all of its events."""
    events: list[Event] = []

    async def handle(event: Event) -> None:
        events.append(event)

    async def receive() -> int:
        async with Receiver(handle, tokens=deliveries.TOKEN) as receiver:
            return await receiver.receive(body)

    status = runner.run(receive())
    if status not in {200, 400, 401, 413}:
        raise AssertionError(f"a delivery was answered with {status}")
    for event in events:
        repr(event)
        event.data.keys()
    parse(body, deliveries.TOKEN)


class Stored(msgspec.Struct):
    """A line of `stored_cursors.jsonl`."""

    server: dict[str, object] = {}
    cursor: str = ""


def walk(runner: asyncio.Runner, servers: list[dict[str, object]], line: bytes) -> None:
    """Walk from a cursor that was changed, over a small list."""
    try:
        stored = msgspec.json.decode(line, type=Stored)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        stored = Stored(cursor=line.decode(errors="replace"))
    # Not the one that came: 1 and 1.0 are equal.
    server = next((each for each in servers if each == stored.server), servers[0])

    async def read() -> None:
        listing = test_cursor.server({"server": server})
        fetch = listing.fetch

        async def answer(date: str | None, page: int | None, limit: int | None) -> list[Row]:
            try:
                return await fetch(date, page, limit)
            except (ValueError, TypeError):  # of the listing: this is not a time
                raise BadRequestError("answered 400", status=400) from None

        listing.fetch = answer
        rows = walking.walk_over(listing, cursor=stored.cursor)
        async for _ in rows:
            if len(listing.requests) > REQUESTS:
                raise AssertionError("a walk over a few pages does not end")

    runner.run(read())


# Checkpoints, outcome files


class Account:
    """A sandbox and a client for jobs that resume."""

    def __init__(self, runner: asyncio.Runner, folder: Path) -> None:
        self._runner, self._folder = runner, folder
        self._sandbox = Sandbox(contacts=200, seed=5, ties=7, limit=None)
        runner.run(self._sandbox.start())
        self._client = HeymarketClient(
            ApiSecret(*self._sandbox.credentials),
            base_url=self._sandbox.url,
            retry=RetryPolicy(attempts=2, base_s=0, cap_s=0),
            rate_limit=RateLimit(1_000_000, per_s=1),
        )
        self._rows = b""

    def close(self) -> None:
        """Close both."""
        self._runner.run(self._client.aclose())
        self._runner.run(self._sandbox.aclose())

    def lines(self) -> list[bytes]:
        """Return contacts as exports and other programs write them in JSON."""
        sent = self._sandbox.store.lines()
        rows = [
            {"phone": "14155550100", "first": "Zoë", "tags": [{"tag_id": 2}], "Plan": "Gold"}
        ] * 3
        return [
            b"\n".join(sent[:4]),
            msgspec.json.encode(rows),
            b"\n".join(msgspec.json.encode(row) for row in rows),
        ]

    def checkpoints(self) -> list[bytes]:
        """Return what exports keep that were interrupted, early and late."""
        found = []
        for pages in (1, 3, 5):
            self._sandbox.faults.answer(400, on="POST /v1/contacts", after=pages, times=3)
            try:
                self._runner.run(self._export())
            except BadRequestError:
                found.append(self._state.read_bytes())
                self._rows = (self._state.parent / "heymarket-rows").read_bytes()
                (self._state.parent / "heymarket-rows").unlink()
            self._sandbox.faults.clear()
            self._state.unlink(missing_ok=True)
        if len(found) != 3:
            raise AssertionError("the exports should have been interrupted")
        return found

    def resume(self, state: bytes) -> None:
        """Resume an export from a checkpoint."""
        self._state.parent.mkdir(mode=0o700, exist_ok=True)
        for name, content in (("heymarket-rows", self._rows), (self._state.name, state)):
            (self._state.parent / name).write_bytes(content)
        self._runner.run(self._export())

    @property
    def _state(self) -> Path:
        return self._folder / "c.jsonl.partial" / "heymarket-state.json"

    async def _export(self) -> None:
        await export_contacts(self._client, JsonLines(self._folder / "c.jsonl"), page_size=30)


def outcomes() -> list[bytes]:
    """Return an outcome file of a few rows."""
    header = b'{"version":1,"kind":"import","account":"a","overwrite":false}\n'
    row = b'{"row":%d,"digest":"0123456789abcde%d","outcome":"%s"%s}\n'
    return [
        header
        + row % (1, 1, b"created", b',"contact_id":5')
        + row % (2, 2, b"unknown", b',"before":"absent"')
        + row % (2, 2, b"rejected", b',"reason":"phone must be valid"')
        + row % (3, 3, b"unchanged", b"")
    ]


def outcome_file(runner: asyncio.Runner, folder: Path, content: bytes) -> None:
    """Continue an outcome file."""
    path = folder / "outcomes"
    path.write_bytes(content)
    header = ImportHeader(kind="import", account="a", overwrite=False)

    async def open_it() -> None:
        async with OutcomeFile(IMPORTED, path, header, resume=True):
            pass

    runner.run(open_it())


# Profiles and headers


def api_profiles(folder: Path) -> list[bytes]:
    """Return a profile of the API."""
    path = folder / "profile.json"
    # A sandbox cannot show the names of headers that are not its own.
    msgspec.structs.replace(test_api_profile.PROFILE, rate_headers=None).save(path)
    return [path.read_bytes()]


def api_profile(folder: Path, content: bytes) -> None:
    """Read a profile of the API, and make a client and a sandbox of it."""
    path = folder / "profile.json"
    path.write_bytes(content)
    HeymarketClient(ApiSecret("id", "k" * 40), profile=ApiProfile.load(path))
    Sandbox.from_profile(path)


SETTINGS = b"""[work]
secret_id = { env = "WORK_ID" }
secret_key = { env = "WORK_KEY" }
base_url = "http://127.0.0.1:8123"
store = "redis://127.0.0.1:6379/0"
share = 0.5
fallback = 0.25

[home]
api_key = { keyring = "heymarket", user = "home" }
"""


def config(folder: Path, content: bytes) -> None:
    """Read a profile of the settings, which connects to nothing."""
    path = folder / "config.toml"
    path.write_bytes(content)
    os.environ.update(WORK_ID="an-id", WORK_KEY="sesame" * 6)
    settings.begin()
    settings.given().profile_name, settings.given().config = "work", path
    HeymarketClient(**profiles.client_options())


HEADERS = [
    b"Retry-After: 30\r\nDate: Sun, 12 Apr 2026 15:30:00 GMT",
    b"Retry-After: Sun, 12 Apr 2026 15:31:00 GMT\r\nDate: Sun, 12 Apr 2026 15:30:00 GMT",
    b'Retry-After: "1.5e1 seconds", 1776007860000\r\nDate: Sunday, 12-Apr-26 15:30:00 GMT',
    b"Retry-After: 60 (busy)\r\nDate: Sun Apr 12 15:30:00 2026",
    b"Retry-After: 12 Apr 2026 15:31:00 +0200; 5s\r\nDate: Sun, 12 Apr 2026 15:30:00 -0000",
]


def headers(content: bytes) -> None:
    """Read `Retry-After` and `Date`: a wait is none, or a number above zero that has an end."""
    found = CIMultiDict[str]()
    for line in content.decode("utf-8", "surrogateescape").split("\r\n"):
        name, _, value = line.partition(":")
        found.add(name.strip(), value.strip())
    wait_s, date = retry_after_s(found), http_date(found.get("Date", ""))
    if wait_s is not None and not 0 < wait_s < float("inf"):
        raise AssertionError(f"a wait of {wait_s} s")
    if date is not None and not abs(date) < float("inf"):
        raise AssertionError(f"a date of {date}")


def packed_text(content: bytes) -> str:
    """Return a content in a form that a record can hold: text, or else base64 of it packed."""
    try:
        text = content.decode("ascii")
        return text if text.isprintable() else repr(content)
    except UnicodeDecodeError:
        return base64.b64encode(zlib.compress(content)).decode()
