"""Fails in every way, and prints as JSON what error trackers keep of it.

Run as a process of its own, because sentry's integrations patch what they find. The frames in this
file hold nothing themselves, so whatever is found comes from the package or from below it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest import mock

import sentry_sdk
from rich.traceback import Traceback
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

import heymarket_async.cli
from heymarket_async import (
    ApiKey,
    ApiSecret,
    Channel,
    HeymarketClient,
    NewContact,
    NewContactV2,
    RateLimit,
    RetryPolicy,
)
from heymarket_async.bulk import JsonLines, export_contacts, import_contacts, sync_contacts
from heymarket_async.sandbox import Sandbox

PHONE, NAME, EMAIL = "15105550177", "Zaphodine", "zaphodine@hitchhiker.example"
CUSTOM = "Betelgeuse"
KEY = "open-sesame-open-sesame"

Fault = Callable[[Sandbox, int], object]
Call = Callable[[HeymarketClient], Awaitable[object]]


class Collecting(Transport):
    """Keeps what would be sent to the tracker."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self.kept: list[str] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.kept.append(envelope.serialize().decode())


def contact() -> NewContact:
    return NewContact(phone=PHONE, first=NAME, email=EMAIL, custom={"123": CUSTOM})


def contact_v2() -> NewContactV2:
    channel = Channel(channel_type="phone", channel_id=PHONE)
    return NewContactV2(first=NAME, email=EMAIL, contact_channels=[channel])


def answered(body: object, status: int = 200) -> Fault:
    return lambda sandbox, after: sandbox.faults.answer(status, body=body, times=None, after=after)


UUID = "0b7ad1ba-7e1a-4a06-b7a1-2d1c3f4e5a6b"
ROW = json.dumps({"id": "odd", "phone": PHONE, "first": NAME, "email": EMAIL})
REFUSAL = {"error": f"{PHONE} is taken", "email": EMAIL}

FAULTS: dict[str, Fault] = {
    "refused": answered(REFUSAL, 400),
    "unauthorized": answered(None, 401),
    "failed": answered(None, 503),
    "cut": lambda sandbox, after: sandbox.faults.cut_body(times=None, after=after),
    "reset": lambda sandbox, after: sandbox.faults.reset(times=None, after=after),
    "late": lambda sandbox, after: sandbox.faults.delay(2, times=None, after=after),
    "cancelled": lambda sandbox, after: sandbox.faults.delay(3, times=None, after=after),
    "unreadable": answered(f'{{"id": 1, "first": "{NAME}", "phone": "{PHONE}"'),
    "of another shape": answered(f"[{ROW}, 7]"),
}

CALLS: dict[str, Call] = {
    "create": lambda client: client.contacts.create(contact()),
    "update": lambda client: client.contacts.update(1, contact()),
    "find": lambda client: client.contacts.find(phone=PHONE),
    "status": lambda client: client.contacts.status(phone=PHONE),
    "set_status": lambda client: client.contacts.set_status("blocked", phone=PHONE),
    "create_batch": lambda client: client.contacts.create_batch([contact(), contact()]),
    "ensure": lambda client: client.contacts.ensure(contact()),
    "page": lambda client: client.contacts.page(limit=3),
    "create v2": lambda client: client.contacts_v2.create(contact_v2()),
    "search": lambda client: client.contacts_v2.search({"phone": [PHONE]}),
    "upsert_many": lambda client: client.contacts_v2.upsert_many([contact_v2()]),
    "add a channel": lambda client: client.contact_channels.add(
        UUID, Channel(channel_type="email", channel_id=EMAIL)
    ),
    "fields": lambda client: client.contact_fields.resolve({CUSTOM: EMAIL}),
    "half an emoji": lambda client: client.contacts.find(phone=f"{PHONE}\ud83d"),
    "half an emoji in a body": lambda client: client.request(
        "POST", "/v1/x", body={"first": f"{NAME} \ud83d"}
    ),
    "half an emoji in a query": lambda client: client.request(
        "GET", "/v1/x", query={"q": f"{NAME} \ud83d"}
    ),
    "request": lambda client: client.request("POST", "/v1/contact", body={"phone": PHONE}),
}

# These work for a while before they fail.
JOBS: dict[str, Call] = {
    "walk": lambda client: walked(client.contacts.iterate(limit=3)),
    "walk by page": lambda client: walked(client.contacts_v2.iterate(limit=3).pages()),
    "export": lambda client: export_contacts(client, JsonLines(folder() / "all.jsonl")),
    "sync": lambda client: sync_contacts(client, folder() / "all.db"),
    "import": lambda client: import_contacts(client, map(row, range(9)), batch_size=2),
}


def client_of_a_wrong_environment() -> HeymarketClient:
    with (
        mock.patch.dict(os.environ, HEYMARKET_API_KEY="k", HEYMARKET_SHARE=KEY),
        mock.patch.dict(os.environ, HEYMARKET_STORE="redis://h:1/0"),
    ):
        return HeymarketClient.from_env()


WRONG: dict[str, Callable[[], object]] = {
    "a phone that is none": lambda: NewContact(phone=f"{PHONE} {NAME}", first=NAME),
    "a name that is none": lambda: NewContact(phone=PHONE, first=[NAME], email=EMAIL),
    "a custom field that is none": lambda: NewContact(phone=PHONE, custom={CUSTOM: NAME}),
    "a channel that is none": lambda: Channel(channel_type=7, channel_id=EMAIL),
    "contacts that are none": lambda: NewContactV2(first=NAME, contact_channels=[PHONE]),
    "a key with a space": lambda: ApiSecret("an-id", f"{KEY} {KEY}"),
    "a key that is none": lambda: ApiKey(f"{KEY}\n"),
    "credentials that are none": lambda: HeymarketClient(KEY),
    "a proxy that is none": lambda: HeymarketClient(ApiKey("k"), proxy=f"ftp://me:{KEY}@h"),
    "a proxy that cannot be read": lambda: HeymarketClient(
        ApiKey("k"), proxy=f"http://me:{KEY}/x@h:1"
    ),
    "a proxy of an odd host": lambda: HeymarketClient(
        ApiKey("k"), proxy=f"http://me:{KEY}@\u2100.example"
    ),
    "a base URL of an odd host": lambda: HeymarketClient(
        ApiKey("k"), base_url=f"https://me:{KEY}@\u2100.example"
    ),
    "a store that cannot be read": lambda: RateLimit(500, store=f"redis://me:{KEY}/x@h:1/0"),
    "a share that is none": client_of_a_wrong_environment,
    "a store that is none": lambda: RateLimit(500, store=f"ftp://me:{KEY}@h:1/0"),
    "a cursor that is none": lambda: HeymarketClient(ApiKey(KEY)).contacts.iterate(cursor=PHONE),
}


def row(number: int) -> NewContact:
    return NewContact(phone=f"{PHONE}{number}", first=NAME, email=EMAIL)


def folder() -> Path:
    return Path(tempfile.mkdtemp(dir=sys.argv[1]))


async def walked(items: Any) -> None:
    async for item in items:
        del item  # this frame is looked at too


def wrong(make: Callable[[], object]) -> BaseException | None:
    try:
        make()
    except Exception as error:
        return error
    return None


class Failing:
    """Makes calls that fail, and keeps how they did."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.errors: dict[str, BaseException | None] = {}
        self.hooked: list[BaseException] = []
        self._sandbox = sandbox

    async def make(self, name: str, call: Call, fault: str, *, after: int = 0) -> None:
        self._sandbox.requests.clear()
        FAULTS[fault](self._sandbox, after)
        name = f"{name}, {fault}"
        self.errors[name] = None
        try:
            async with self.client(timeout_s=0.2 if fault == "late" else 30) as client:
                if fault == "cancelled":
                    await self._cancel_amid(call(client), after)
                else:
                    await call(client)
        except (Exception, asyncio.CancelledError) as error:
            self.errors[name] = error
        self._sandbox.faults.clear()

    async def _cancel_amid(self, call: Awaitable[object], after: int) -> None:
        """Cancel a call when the request that gets no answer is there."""
        task = asyncio.ensure_future(call)
        while not task.done() and len(self._sandbox.requests) <= after:
            await asyncio.sleep(0.01)
        task.cancel()
        await task

    def client(self, *, timeout_s: float = 30) -> HeymarketClient:
        return HeymarketClient(
            self.credentials,
            base_url=self._sandbox.url,
            timeout_s=timeout_s,
            rate_limit=None,
            retry=RetryPolicy(attempts=2, base_s=0.001),
            on_attempt=lambda event: event.error and self.hooked.append(event.error),
        )

    async def credentials(self) -> ApiSecret:
        return ApiSecret(*self._sandbox.credentials)

    async def make_all(self) -> None:
        """Not the whole product: each call and each fault, with what is nearest to it."""
        for name, make in WRONG.items():
            self.errors[name] = wrong(make)
        for fault in FAULTS:
            for name in ("create", "find"):
                await self.make(name, CALLS[name], fault)
            await self.make("walk", JOBS["walk"], fault, after=2)
        for name, call in CALLS.items():
            for fault in ("failed", "unreadable"):
                await self.make(name, call, fault)
        for name, call in JOBS.items():
            for fault in ("refused", "failed", "late", "cut", "cancelled", "unreadable"):
                await self.make(name, call, fault, after=2)
        self.errors |= {f"hook {number}": error for number, error in enumerate(self.hooked[::8])}


def mistaken(sandbox: Sandbox, *command: str) -> BaseException | None:
    """Run a command that fails for a mistake of ours."""
    names = ("SECRET_ID", "SECRET_KEY")
    environment = dict(zip(names, sandbox.credentials, strict=True), BASE_URL=sandbox.url)
    os.environ.update({f"HEYMARKET_{name}": value for name, value in environment.items()})
    mistake = mock.patch(
        "heymarket_async.transport.wire.read_answer", side_effect=KeyError("mistake")
    )
    with mock.patch("sys.argv", ["heymarket", *command]), mistake:
        return wrong(heymarket_async.cli.main)


def mistaken_commands(sandbox: Sandbox) -> dict[str, BaseException | None]:
    rows = folder() / "rows.csv"
    rows.write_text(f"phone,first\n{PHONE},{NAME}\n")
    commands = {
        "find": ("contacts", "find", "--phone", PHONE),
        "export": ("contacts", "export", str(folder() / "all.csv")),
        "import": ("contacts", "import", str(rows)),
        "sync": ("sync", str(folder() / "all.db")),
    }
    return {f"a mistake in {name}": mistaken(sandbox, *each) for name, each in commands.items()}


def kept_of(error: BaseException, tracker: Collecting) -> dict[str, str]:
    """Return what is kept of an error, by tool."""
    tracker.kept.clear()
    sentry_sdk.capture_exception(error)
    raised = (type(error), error, error.__traceback__)
    record = logging.LogRecord("app", logging.ERROR, __file__, 1, "failed", (), raised)
    with_locals = traceback.TracebackException.from_exception(error, capture_locals=True)
    return {
        "sentry": "\n".join(tracker.kept),
        "rich": repr(Traceback.from_exception(*raised, show_locals=True).trace),
        "traceback": "".join(with_locals.format()),
        "logging": logging.Formatter().format(record),
    }


async def make_all(sandbox: Sandbox) -> dict[str, BaseException | None]:
    failing = Failing(sandbox)
    async with failing.client() as client:
        await client.contacts.create(contact())
    await failing.make_all()
    return failing.errors


def main() -> None:
    tracker = Collecting({})
    sentry_sdk.init("https://public@sentry.invalid/1", transport=tracker)
    with Sandbox(contacts=7, seed=1, limit=None) as sandbox:
        errors = asyncio.run(make_all(sandbox))
        errors |= mistaken_commands(sandbox)
        secret = sandbox.credentials.secret_key
    kept = {name: kept_of(error, tracker) if error else {} for name, error in errors.items()}
    json.dump({"secret": secret, "kept": kept}, sys.stdout)


if __name__ == "__main__":
    main()
