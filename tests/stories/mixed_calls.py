"""Calls of all groups in any order, under faults, and proofs that none was lost or done twice.

All that a call makes has a mark, a phone-like number that is used once: as a phone, as a label, as
a `local_id`. So the sandbox's store shows what was made, and `WatchedSandbox` counts how often a
mark was taken, whether or not the answer arrived.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterable, Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from unittest import mock

from heymarket_async import (
    ApiSecret,
    Channel,
    ConnectError,
    ContactChanges,
    DeadlineError,
    DecodeError,
    HeymarketClient,
    HeymarketError,
    ListChanges,
    NewBroadcast,
    NewComment,
    NewContact,
    NewContactV2,
    NewEmail,
    NewList,
    NewMessage,
    NewSchedule,
    NewStatus,
    NewTemplate,
    NoResponseError,
    RateLimit,
    RateLimitError,
    Repeat,
    RetryPolicy,
    ScheduleContent,
    ServerError,
    StatusError,
    TemplateContent,
    UserChanges,
    timestamps,
)
from heymarket_async.client import transport_of
from heymarket_async.endpoints.schedules import Schedules
from heymarket_async.sandbox import Readings, Sandbox
from heymarket_async.transport import wire

T = TypeVar("T")

# At one fault in seven, one call in a million million fails fifteen times in a row.
STUBBORN = RetryPolicy(attempts=15, base_s=0.0005, cap_s=0.01)
BUSY_S = "0.01"
"""How long a 429 asks to wait; "0" would be no hint, and cost each a window."""
FAULTS = (
    *("429", "500", "502", "503", "504", "408", "529"),
    *("cut", "reset", "reset_after", "html500", "html200"),
)
TIMEOUT_S = 1.0
HURRY_S = 0.04
"""The deadline of hurried reads: some do not make it."""
TRANSIENT = (
    ConnectError, NoResponseError, RateLimitError, ServerError, DecodeError, DeadlineError,
)  # fmt: skip
"""The errors that a read may end with at its deadline."""
LONGEST_WAIT_S = float(BUSY_S) + STUBBORN.cap_s
MEMBERS, INBOXES = (4201, 4202, 4203), (301, 302)
READINGS = Readings(
    # Ties are for other tests: a group of the current second has to settle, which takes seconds.
    precision="microseconds",
    # What makes a second one of something that is sent twice.
    duplicate_phone="create",
    duplicate_tag="create",
    template_local_id="create",
    list_local_id="create",
    schedule_local_id="create",
    local_id_dedupes="lists",
)

_MARK = re.compile(rb'"(15\d{9})')
UNSAFE = {
    *("POST /v1/contact", "POST /v1/batch/contacts", "POST /v1/contacts/fields"),
    *("POST /v2/contact", "POST /v2/contacts", "POST /v2/contact/{contactID}/channel"),
    *("POST /v1/message/send", "POST /v1/template", "POST /v1/schedule", "POST /v1/tag"),
    *("POST /v2/lists", "POST /v1/list"),
}
"""The calls that are marked as unsafe in docs/api.md."""


def client_of(sandbox: Sandbox, *, url: str = "", **options: Any) -> HeymarketClient:
    """Return a client that does not give up easily."""
    usual = {"retry": STUBBORN, "rate_limit": RateLimit(100_000, per_s=1), "timeout_s": TIMEOUT_S}
    credentials = ApiSecret(*sandbox.credentials)
    return HeymarketClient(credentials, base_url=url or sandbox.url, **{**usual, **options})


class WatchedSandbox(Sandbox):
    """Counts how often it has carried out each write that has a mark, by call and mark."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"readings": READINGS, "limit": None, **options})
        self.done = Counter[tuple[str, str]]()
        handle = self._server._handle

        def watched(handler, request, received):
            answer = handle(handler, request, received)
            route = request.match_info.route.resource.canonical
            for mark in set(_MARK.findall(received.raw)):
                self.done[f"{request.method} {route}", mark.decode()] += 1
            return answer

        self._server._handle = watched  # type: ignore[method-assign] # before it serves

    def stored(self) -> Counter[str]:
        """Return how often each mark is in the account."""
        contacts, account = self.store.contacts, self._account
        channels = (channel for each in contacts for channel in each["contact_channels"])
        return Counter(
            str(text)[:11]
            for text in (
                *(each["phone"] for each in contacts),
                *(each["channel_id"] for each in channels if each["channel_type"] != "phone"),
                *(each["tag"] for each in self.tags.rows),
                *account.fields.values(),
                *(each["local_id"] for each in self.messages.rows),
                *(each["local_id"] for each in self.templates.rows),
                *(each["local_id"] for each in self.lists.rows),
                *(each["local_id"] for each in self.schedules.rows),
            )
            if _MARK.match(f'"{text}'.encode())
        )


class WrongClock:
    """The clock of the client's machine, in place of the module `time`: it can be set.

    Attributes:
        times_set: How often it was set.
    """

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self.times_set = 0
        self._set_at = 0.0

    def set(self, ahead_s: float) -> None:
        """Set it, unless that was done just now: a call knows one refusal in each attempt."""
        if time.monotonic() - self._set_at > 2 * TIMEOUT_S:
            self.ahead_s, self._set_at = ahead_s, time.monotonic()
            self.times_set += 1

    def time(self) -> float:
        return time.time() + self.ahead_s

    def monotonic(self) -> float:
        return time.monotonic()


@contextmanager
def wrong_clock(client: HeymarketClient) -> Generator[WrongClock]:
    """Let a client read another clock than the sandbox, which is in the same process."""
    clock = WrongClock()
    with (
        mock.patch.object(timestamps, "time", clock),
        mock.patch.object(wire, "time", clock),
        mock.patch.object(Schedules, "_wall", clock.time),
        mock.patch.object(transport_of(client)._signer, "_wall", clock.time),
    ):
        yield clock


class Kind(NamedTuple):
    """Things that are made, read, changed, listed and deleted alike.

    Attributes:
        make: Makes one with a mark, and returns an answer that names it.
        get: Reads one by its key.
        text: The text in it that is changed.
        key: Its key, from the answer of `make`.
        change: Writes another text, which begins with the mark.
        delete: Deletes one.
        all: Lists all.
    """

    make: Callable[[Worker, str], Awaitable[Any]]
    text: Callable[[Any], str | None]
    key: Callable[[Any], Any] = lambda ref: ref.id
    get: Callable[[Worker, Any], Awaitable[Any]] | None = None
    change: Callable[[Worker, Thing, str], Awaitable[object]] | None = None
    delete: Callable[[Worker, Any], Awaitable[object]] | None = None
    all: Callable[[Worker], AsyncIterable[Any]] | None = None


class Thing:
    """A thing that was said to be there."""

    def __init__(self, kind: Kind, mark: str, key: Any, text: str) -> None:
        self.kind, self.mark, self.key, self.text = kind, mark, key, text
        self.changes = 0


class Worker:
    """Makes calls one after the other, and keeps what it may rely on.

    Attributes:
        sure: The marks of what was said to be done.
        unknown: The marks of what may have been done.
        repeatable: The marks of what may be sent twice, and is made once nevertheless.
        lost: Messages that may have been sent.
        counts: How often something of interest has happened.
    """

    def __init__(self, client: HeymarketClient, number: int, seed: int) -> None:
        self.client = client
        self.hurried = client.with_options(deadline_s=HURRY_S)
        self.random = random.Random(seed * 1000 + number)
        self.person = f"14{number:09}"
        self.inbox = INBOXES[0]
        self.user = MEMBERS[number % len(MEMBERS)]
        # A client knows what it has sent, also in rounds before: so each has marks of its own.
        self._next = 15_000_000_000 + (seed % 1000 * 100 + number) * 10_000
        self.things: dict[Kind, list[Thing]] = {kind: [] for kind in KINDS}
        self.sure = set[str]()
        self.unknown = set[str]()
        self.repeatable = set[str]()
        self.lost: list[NewMessage] = []
        self.counts = Counter[str]()

    @property
    def mark(self) -> str:
        """A new mark."""
        self._next += 1
        return str(self._next)

    async def begin(self) -> None:
        """Make what the calls need: a contact, a list of one person, and a conversation."""
        made = await self.client.contacts_v2.create(
            NewContactV2(contact_channels=[_channel("phone", self.person)])
        )
        self.contact = made.uuid
        self.list = (await self.client.lists.create(_new_list(self.person))).id
        change = ListChanges(add_phones=[self.person])
        await self.client.lists.update(self.list, change)
        sent = await self.client.messages.send(self.message("begin" + self.person))
        self.chat = sent.convo_id

    async def work(
        self, acts: int, faults: Callable[[random.Random], object] = lambda _: None
    ) -> None:
        """Do this many acts, most of which are one call."""
        for _ in range(acts):
            faults(self.random)
            await self.random.choice(ACTS)(self)
            await asyncio.sleep(0)  # an act may find nothing to do

    async def settle(self) -> None:
        """Make sure of what may have been sent, without faults.

        After an answer of 200 that cannot be read, a message is never sent again.
        """
        for message in self.lost:
            sent = self.client.messages.send_once(message, wait_s=0.01)
            await self.unsafe(sent, message.local_id)
        self.unknown -= self.sure

    async def unsafe(self, sent: Awaitable[T], *marks: str) -> T | None:
        """Wait for an unsafe write; return None if it may have been done."""
        try:
            answer = await sent
        except HeymarketError as error:
            assert error.may_have_taken_effect, (
                f"a write that was surely not done is given up: {error}"
            )
            self.unknown |= set(marks)
            self.counts["writes that may have been done"] += 1
            return None
        self.sure |= set(marks)
        return answer

    def any(self, kind: Kind) -> Thing | None:
        things = self.things[kind]
        return self.random.choice(things) if things else None

    def message(self, local_id: str) -> NewMessage:
        return NewMessage(
            inbox_id=self.inbox,
            creator_id=self.user,
            phone_number=self.person,
            text="Hello",
            local_id=local_id,
        )

    # The acts on things of each kind

    async def make(self, kind: Kind) -> None:
        mark = self.mark
        if (answer := await self.unsafe(kind.make(self, mark), mark)) is not None:
            self.things[kind].append(Thing(kind, mark, kind.key(answer), mark))

    async def look(self, kind: Kind) -> None:
        if (thing := self.any(kind)) and kind.get:
            text = kind.text(await kind.get(self, thing.key))
            assert text == thing.text, f"{text} is shown, not {thing.text}"

    async def change(self, kind: Kind) -> None:
        if (thing := self.any(kind)) and kind.change:
            thing.changes += 1
            text = f"{thing.mark}.{thing.changes}"
            await kind.change(self, thing, text)
            thing.text = text

    async def delete(self, kind: Kind) -> None:
        if (thing := self.any(kind)) and kind.delete:
            await kind.delete(self, thing.key)
            self.things[kind].remove(thing)
            self.sure.remove(thing.mark)

    async def list_all(self, kind: Kind) -> None:
        if kind.all is not None:
            listed = Counter([kind.text(each) async for each in kind.all(self)])
            for thing in self.things[kind]:
                assert listed[thing.text] == 1, f"{thing.text} is listed {listed[thing.text]} times"


def _channel(kind: str, text: str) -> Channel:
    return Channel(channel_type=kind, channel_id=text)


def _new_list(mark: str) -> NewList:
    return NewList(title=mark, local_id=mark)


def _schedule(worker: Worker, mark: str, text: str) -> NewSchedule:
    return NewSchedule(
        inbox_id=worker.inbox,
        execute_at=_NEXT_YEAR,
        content=ScheduleContent(text=text),
        phone_number=worker.person,
        local_id=mark,
    )


# Far ahead by every clock that is wrong by days.
_NEXT_YEAR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=365)


def _template(mark: str, text: str) -> NewTemplate:
    return NewTemplate(title=mark, content=TemplateContent(text=text), local_id=mark)


async def _channels_of(worker: Worker) -> AsyncIterable[Any]:
    for each in await worker.client.contact_channels.all(worker.contact):
        yield each


async def _all_fields(worker: Worker) -> AsyncIterable[Any]:
    for each in await worker.client.contact_fields.all():
        yield each


def _request(worker: Worker, method: str, path: str, text: str, local_id: str) -> Awaitable[Any]:
    body = {"title": text, "local_id": local_id}
    repeat = Repeat.UNSAFE if method == "POST" else Repeat.IDEMPOTENT
    return worker.client.request(method, path, body=body, repeat=repeat, returns=dict[str, Any])


def _delete_list(worker: Worker, key: int) -> Awaitable[None]:
    path = f"/v1/list/{key}"
    return worker.client.request("DELETE", path, repeat=Repeat.IDEMPOTENT, returns=type(None))


CONTACTS = Kind(
    make=lambda w, mark: w.client.contacts.create(NewContact(phone=mark, first=mark)),
    get=lambda w, key: w.client.contacts.get(key),
    text=lambda contact: contact.first,
    change=lambda w, thing, text: w.client.contacts.update(
        thing.key, NewContact(phone=thing.mark, first=text)
    ),
    delete=lambda w, key: w.client.contacts.delete(key),
    all=lambda w: w.client.contacts.iterate(),
)
CONTACTS_V2 = Kind(
    make=lambda w, mark: w.client.contacts_v2.create(
        NewContactV2(contact_channels=[_channel("phone", mark)], first=mark)
    ),
    key=lambda ref: ref.uuid,
    get=lambda w, key: w.client.contacts_v2.get(key),
    text=lambda contact: contact.first,
    change=lambda w, thing, text: w.client.contacts_v2.update(
        thing.key, ContactChanges(first=text)
    ),
    delete=lambda w, key: w.client.contacts_v2.delete(key),
    all=lambda w: w.client.contacts_v2.iterate(),
)
CHANNELS = Kind(
    # A contact has one channel of a type, so that each has its own.
    make=lambda w, mark: w.client.contact_channels.add(w.contact, _channel(f"app{mark}", mark)),
    key=lambda channels: channels[-1].channel_type,
    get=lambda w, key: w.client.contact_channels.get(w.contact, key),
    text=lambda channel: channel.channel_id,
    change=lambda w, thing, text: w.client.contact_channels.replace(
        w.contact, _channel(thing.key, text)
    ),
    delete=lambda w, key: w.client.contact_channels.remove(w.contact, key),
    all=_channels_of,
)
FIELDS = Kind(
    make=lambda w, mark: w.client.contact_fields.create([mark]),
    key=lambda fields: fields[0].id,
    text=lambda field: field.title,
    all=_all_fields,
)
TEMPLATES = Kind(
    make=lambda w, mark: w.client.templates.create(_template(mark, mark)),
    get=lambda w, key: w.client.templates.get(key),
    text=lambda template: template.content.text,
    change=lambda w, thing, text: w.client.templates.update(thing.key, _template(thing.mark, text)),
    delete=lambda w, key: w.client.templates.delete(key),
    all=lambda w: w.client.templates.iterate(),
)
SCHEDULES = Kind(
    make=lambda w, mark: w.client.schedules.create(_schedule(w, mark, mark)),
    get=lambda w, key: w.client.schedules.get(key),
    text=lambda schedule: schedule.meta.content.text,
    change=lambda w, thing, text: w.client.schedules.update(
        thing.key, _schedule(w, thing.mark, text)
    ),
)
TAGS = Kind(
    make=lambda w, mark: w.client.tags.create(mark),
    get=lambda w, key: w.client.tags.get(key),
    text=lambda tag: tag.tag,
    delete=lambda w, key: w.client.tags.delete(key),
    all=lambda w: w.client.tags.iterate(),
)
LISTS = Kind(
    make=lambda w, mark: w.client.lists.create(_new_list(mark)),
    get=lambda w, key: w.client.lists.get(key),
    text=lambda each: each.name,
    change=lambda w, thing, text: w.client.lists.update(thing.key, ListChanges(title=text)),
    delete=lambda w, key: w.client.lists.delete(key),
    all=lambda w: w.client.lists.iterate(),
)
OLD_LISTS = LISTS._replace(
    make=lambda w, mark: _request(w, "POST", "/v1/list", mark, mark),
    key=lambda ref: ref["id"],
    change=lambda w, thing, text: _request(w, "PUT", f"/v1/list/{thing.key}", text, thing.mark),
    delete=_delete_list,
)
KINDS = (*(CONTACTS, CONTACTS_V2, CHANNELS, FIELDS, TEMPLATES, SCHEDULES, TAGS, LISTS, OLD_LISTS),)


# Single acts


async def delete_schedule(w: Worker) -> None:
    if (thing := w.any(SCHEDULES)) is None:
        return
    w.things[SCHEDULES].remove(thing)
    w.sure.remove(thing.mark)
    try:
        await w.client.schedules.delete(thing.key)
    except HeymarketError as error:
        # It may have been sent, so that "not found" is no success after a lost answer.
        assert getattr(error, "status", None) == 404
        assert error.may_have_taken_effect


async def find(w: Worker) -> None:
    if (thing := w.any(CONTACTS)) is not None:
        for found in (
            await w.client.contacts.find(phone=thing.mark),
            await w.client.contacts.find(contact_id=thing.key),
        ):
            assert found is not None
            assert found.id == thing.key
    assert await w.client.contacts.find(phone=w.mark) is None


async def read_counts(w: Worker) -> None:
    contacts = len(w.things[CONTACTS]) + len(w.things[CONTACTS_V2])
    assert await w.client.contacts.count() >= contacts
    assert await w.client.messages.count() >= 1
    assert await w.client.conversations.count() >= 1


async def read_pages(w: Worker) -> None:
    assert await w.client.contacts.page(limit=10)
    assert await w.client.contacts_v2.page(limit=10)
    assert await w.client.messages.page(limit=10)
    assert await w.client.conversations.page(inboxes=INBOXES)
    assert await w.client.lists.page()
    await w.client.tags.page()
    await w.client.templates.page()


async def set_status(w: Worker) -> None:
    if (thing := w.any(CONTACTS)) is not None:
        status = w.random.choice([NewStatus.SUBSCRIBED, NewStatus.UNSUBSCRIBED])
        await w.client.contacts.set_status(status, contact_id=thing.key)
        shown = await w.client.contacts.status(phone=thing.mark)
        assert shown.unsubscribed == (status == NewStatus.UNSUBSCRIBED)


async def ensure(w: Worker) -> None:
    mark = w.mark
    w.repeatable.add(mark)
    ensured = await w.unsafe(w.client.contacts.ensure(NewContact(phone=mark, first=mark)), mark)
    if ensured is not None:
        w.things[CONTACTS].append(Thing(CONTACTS, mark, ensured.contact.id, mark))


async def create_batch(w: Worker) -> None:
    marks = [w.mark for _ in range(w.random.randint(1, 3))]
    batch = [NewContact(phone=mark) for mark in marks]
    result = await w.unsafe(w.client.contacts.create_batch(batch), *marks)
    assert result is None or {item.outcome for item in result.items} == {"stored"}


async def upsert_many(w: Worker) -> None:
    marks = [w.mark for _ in range(w.random.randint(1, 3))]
    batch = [NewContactV2(contact_channels=[_channel("phone", mark)], first=mark) for mark in marks]
    result = await w.unsafe(w.client.contacts_v2.upsert_many(batch), *marks)
    assert result is None or {item.outcome for item in result.items} == {"stored"}


async def delete_many(w: Worker) -> None:
    things = w.things[CONTACTS_V2][:2]
    if things:
        await w.client.contacts_v2.delete_many([thing.key for thing in things])
        w.things[CONTACTS_V2] = w.things[CONTACTS_V2][2:]
        w.sure -= {thing.mark for thing in things}


async def search(w: Worker) -> None:
    if (thing := w.any(CONTACTS)) is not None:
        assert [each.id for each in await w.client.contacts_v2.search(phones=[thing.mark])] == [
            thing.key
        ]


async def resolve(w: Worker) -> None:
    if (field := w.any(FIELDS)) is not None:
        assert await w.client.contact_fields.resolve({field.mark: 1}) == {str(field.key): 1}
    if (tag := w.any(TAGS)) is not None:
        assert await w.client.tags.resolve([tag.mark]) == {tag.mark: tag.key}


async def send(w: Worker) -> None:
    message = w.message(w.mark)
    if await w.unsafe(w.client.messages.send(message), message.local_id) is None:
        w.lost.append(message)


async def send_once(w: Worker) -> None:
    message = w.message(w.mark)
    sent = w.client.messages.send_once(message, wait_s=0.01)
    if await w.unsafe(sent, message.local_id) is None:
        w.lost.append(message)


async def find_sent(w: Worker) -> None:
    if w.lost:
        message = w.random.choice(w.lost)
        await w.client.messages.find_sent(message)
    assert await w.client.messages.find_sent(w.message("begin" + w.person)) is not None


async def comment(w: Worker) -> None:
    mark = w.mark
    new = NewComment(
        inbox_id=w.inbox, creator_id=w.user, chat_id=w.chat, text="A comment", local_id=mark
    )
    await w.unsafe(w.client.messages.comment(new), mark)


async def broadcast(w: Worker) -> None:
    mark = w.mark
    new = NewBroadcast(
        inbox_id=w.inbox, creator_id=w.user, list_id=w.list, text="To all", local_id=mark
    )
    w.repeatable.add(mark)
    await w.client.messages.broadcast(new)
    w.sure.add(mark)


async def email(w: Worker) -> None:
    mark = w.mark
    to = [f"{w.person}@example.com"]
    await w.client.emails.send(
        NewEmail(inbox_id=w.inbox, creator_id=w.user, to=to, text="<p>Hello</p>", local_id=mark)
    )
    w.sure.add(mark)


async def read_history(w: Worker) -> None:
    newest = await w.client.messages.history(w.person, w.inbox)
    listed = {each.local_id async for each in w.client.messages.iterate_history(w.person, w.inbox)}
    assert {each.local_id for each in newest} <= listed


async def read_messages(w: Worker) -> None:
    listed = Counter([each.local_id async for each in w.client.messages.iterate()])
    assert listed["begin" + w.person] == 1
    assert max(listed.values()) == 1


async def act_on_conversation(w: Worker) -> None:
    group, named = w.client.conversations, {"inbox_id": w.inbox, "user_id": w.user}
    closes = w.random.random() < 0.5
    await (group.close if closes else group.open)(**named, chat_id=w.chat)
    reads = w.random.random() < 0.5
    await (group.mark_read if reads else group.mark_unread)(**named, target=w.person)
    user = w.random.choice(MEMBERS)
    await group.reassign(**named, target=w.person, reassign_id=user)
    shown = await group.get(w.chat)
    assert shown.status == ("closed" if closes else "open")
    assert (w.user in shown.unread_users) == (not reads)
    assert shown.assigned_id == user


async def transfer(w: Worker) -> None:
    inbox = w.random.choice(INBOXES)
    await w.client.conversations.transfer(w.chat, inbox_id=inbox)
    w.inbox = inbox
    assert (await w.client.conversations.get(w.chat)).inbox_id == inbox


async def read_conversations(w: Worker) -> None:
    walk = w.client.conversations.iterate(inboxes=INBOXES)
    assert w.chat in {each.id async for each in walk}


async def read_account(w: Worker) -> None:
    assert {each.id for each in await w.client.inboxes.all()} == set(INBOXES)
    assert {each.id for each in (await w.client.team.get()).members} == set(MEMBERS)
    surveys = await w.client.surveys.all()
    assert await w.client.surveys.page()
    survey = w.random.choice(surveys)
    assert await w.client.surveys.get(survey.id) == survey


async def change_user(w: Worker) -> None:
    [item] = await w.client.users.update([UserChanges(id=w.user, last_name="Smith")])
    assert item.outcome == "stored"
    assert [each.id for each in await w.client.users.find(emails=["dana@example.com"])] == [4201]


async def hurry(w: Worker) -> None:
    """Read with little time: it may fail, but only by its deadline."""
    if (thing := w.any(CONTACTS)) is None:
        return
    began = time.monotonic()
    try:
        assert (await w.hurried.contacts.get(thing.key)).phone == thing.mark
    except HeymarketError as error:
        took = time.monotonic() - began
        is_temporary = isinstance(error, StatusError) and error.status in {408, 425}
        assert is_temporary or isinstance(error, TRANSIENT), f"is no error of a deadline: {error!r}"
        assert took > HURRY_S - LONGEST_WAIT_S, f"is given up after {took:.4f} s: {error!r}"
        w.counts["reads that ended at their deadline"] += 1


def _on_each_kind(act: Callable[[Worker, Kind], Awaitable[None]]) -> list[Callable[[Worker], Any]]:
    return [lambda w, kind=kind: act(w, kind) for kind in KINDS]  # type: ignore[misc]


ACTS: list[Callable[[Worker], Awaitable[None]]] = [
    *_on_each_kind(Worker.make) * 2,
    *_on_each_kind(Worker.look) * 2,
    *_on_each_kind(Worker.change),
    *_on_each_kind(Worker.delete),
    *_on_each_kind(Worker.list_all),
    *(delete_schedule, find, read_counts, read_pages, set_status, ensure, create_batch),
    *(upsert_many, delete_many, search, resolve, send, send_once, find_sent, comment),
    *(broadcast, email, read_history, read_messages, act_on_conversation, transfer),
    *(read_conversations, read_account, change_user, hurry),
]


def order_faults(sandbox: Sandbox, clock: WrongClock, chance: random.Random) -> None:
    """Order a fault that is not drawn for each request, now and then."""
    faults = sandbox.faults
    if chance.random() < 0.03:
        pause = chance.choice([0.001, 0.01, 0.05])
        where = chance.choice(["before", "middle"])
        faults.delay(pause, where=where, times=chance.randint(1, 5))
    if chance.random() < 0.001:
        faults.delay(1.5 * TIMEOUT_S, where="middle")
    if chance.random() < 0.02:
        faults.drop_idle(times=chance.randint(1, 20))
    if chance.random() < 0.003:
        clock.set(chance.uniform(-1, 1) * 10 ** chance.randint(0, 5))


def check(sandbox: WatchedSandbox, workers: Sequence[Worker]) -> None:
    """Make sure that all that was said to be done is there, once, and nothing else."""
    stored = sandbox.stored()
    assert not (twice := [mark for mark, times in stored.items() if times > 1]), twice
    sure = set[str]().union(*(worker.sure for worker in workers))
    unknown = set[str]().union(*(worker.unknown for worker in workers))
    repeatable = set[str]().union(*(worker.repeatable for worker in workers))
    assert sure <= set(stored), f"said to be done, and not there: {sure - set(stored)}"
    others = set(stored) - sure - unknown
    assert not others, f"there, and not said to be: {others}"
    carried_out = {
        each: times
        for each, times in sandbox.done.items()
        if each[0] in UNSAFE and each[1] not in repeatable
    }
    repeated = [each for each, times in carried_out.items() if times > 1]
    assert not repeated, f"carried out twice: {repeated}"


async def many_acts(
    client: HeymarketClient,
    sandbox: WatchedSandbox,
    *,
    seed: int,
    workers: int,
    acts: int,
    rate: float = 0.1,
) -> Counter[str]:
    """Let workers act at once while much fails, and check what they have done.

    Returns:
        How often something of interest has happened.
    """
    team = [Worker(client, number, seed) for number in range(workers)]
    await asyncio.gather(*(worker.begin() for worker in team))
    sandbox.faults.random(rate, kinds=FAULTS, seed=seed, retry_after=BUSY_S)
    with wrong_clock(client) as clock:
        await asyncio.gather(
            *(
                worker.work(acts, lambda chance: order_faults(sandbox, clock, chance))
                for worker in team
            )
        )
        sandbox.faults.clear()
        await asyncio.gather(*(worker.settle() for worker in team))
    check(sandbox, team)
    counts = sum((worker.counts for worker in team), Counter[str]())
    return counts + Counter({"times that the clock was set": clock.times_set})
