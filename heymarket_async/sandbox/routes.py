"""The routes of the API, declared by a decorator, and the calls and answers of their handlers.

A new call is a handler with `@route` in the module of its resource. A new resource is a module of
handlers, listed in `server.HANDLERS`, and a `Table` in `Account`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import RLock
from typing import Annotated, Literal, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from heymarket_async.sandbox.clock import Clock
from heymarket_async.sandbox.contacts import Contact, Contacts
from heymarket_async.sandbox.conversation_table import Conversations
from heymarket_async.sandbox.list_table import Lists
from heymarket_async.sandbox.message_table import Messages
from heymarket_async.sandbox.readings import NoMatch, Readings
from heymarket_async.sandbox.schedule_table import Schedules
from heymarket_async.sandbox.stamps import parsed
from heymarket_async.sandbox.survey_table import Surveys
from heymarket_async.sandbox.table import Stored, Table
from heymarket_async.sandbox.tag_table import Tags
from heymarket_async.sandbox.team import Team
from heymarket_async.sandbox.template_table import Templates
from heymarket_async.sandbox.webhooks import Webhooks

Body = TypeVar("Body")
Asked = TypeVar("Asked", bound="ListIn")
Thing = TypeVar("Thing", bound=Stored)
Count = Annotated[int, Meta(ge=0)]

PHONE = re.compile(r"[1-9]\d{6,14}", re.ASCII)

# https://developers.heymarket.com/rate-limits names the first of these `bad_data`;
# the other names are made up, since no page shows an error body.
_CODES = {
    400: "bad_data",
    401: "unauthorized",
    403: "denied",
    404: "not_found",
    409: "conflict",
    410: "not_found",
    413: "too_large",
    429: "rate_limit_exceeded",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: its status, its body, and its headers."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


NAMED = {
    "[]": Answer(200, b"[]"),
    "null": Answer(200, b"null"),
    "{}": Answer(200, b"{}"),
    "contact": Answer(200, b'{"contact":null}'),
    "error": Answer(200, b'{"error":"no such contact"}'),
    "id": Answer(200, b'{"id":0}'),
    "text": Answer(200, b'"success"'),
    "object": Answer(200, b'{"success":true}'),
    "empty": Answer(200, b""),
    "204": Answer(204, b""),
}
"""Whole answers, by the names that the readings give them."""


class Refused(Exception):  # noqa: N818 - an answer that is on its way, not a failure of ours
    """Ends a handler early with an error answer."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


def as_answer(result: object, status: int = 200) -> Answer:
    """Return the answer of a handler: JSON, unless it is an answer already."""
    return result if isinstance(result, Answer) else Answer(status, msgspec.json.encode(result))


def as_error(refused: Refused, readings: Readings) -> Answer:
    """Return an error answer in the shape that the readings give error bodies."""
    code = _CODES.get(refused.status, "bad_data" if refused.status < 500 else "server_error")
    message = refused.message
    shapes: dict[str, object] = {
        "message": {"error": code, "message": message},
        "error": {"error": message},
        "code": {"error_code": code, "message": message},
    }
    if shape := shapes.get(readings.error_body):
        return Answer(refused.status, msgspec.json.encode(shape), headers=refused.headers)
    text = message if readings.error_body == "text" else ""
    return Answer(refused.status, text.encode(), "text/plain", refused.headers)


@dataclass(frozen=True, slots=True)
class Account:
    """The things that the account holds.

    Attributes:
        contacts: The contacts.
        fields: The titles of the custom fields, by id.
        tags: The tags.
        team: The members and their inboxes.
        conversations: The conversations.
        messages: The messages.
        templates: The templates of texts.
        lists: The lists of people.
        schedules: The scheduled messages.
        surveys: The surveys.
        clock: The time of the account.
        webhooks: The webhooks that tell subscribers what happens.
        lock: Held by everything that changes the account, in whichever thread.
        readings: The options for behaviour that the API docs leave open.
    """

    contacts: Contacts
    fields: dict[int, str]
    tags: Tags
    team: Team
    conversations: Conversations
    messages: Messages
    templates: Templates
    lists: Lists
    schedules: Schedules
    surveys: Surveys
    clock: Clock
    webhooks: Webhooks
    lock: RLock
    readings: Readings

    def __post_init__(self) -> None:
        for table in (self.tags, self.templates, self.lists, self.surveys):
            table.lock = self.lock

    def call(self) -> "Call":
        """Return a call without a body, for acts that no request asks for."""
        return Call({}, {}, None, self.clock.now, self)


class ListIn(Struct, frozen=True, kw_only=True):
    """The shared "Pagination json"; the keys that have no description are ignored."""

    date: str | None = None
    limit: Count | None = None
    page: Count | None = None
    ascending: bool | None = None

    @property
    def cursor(self) -> int | None:
        """The `date`, as nanoseconds since 1970."""
        return instant(self.date)


class Paging(NamedTuple):
    """The rules of a v1 list.

    Attributes:
        newest_first: Its order without `ascending`.
        page_base: The number of its first page; None: `page` is ignored.
        cursor: Whether the cursor is an upper bound ("before"), a lower one ("after"), or the one
            that leads on in the order of the list ("order").
    """

    newest_first: bool
    page_base: int | None
    cursor: Literal["order", "before", "after"] = "order"


@dataclass(frozen=True, slots=True)
class Call:
    """A request that passed the checks of credentials and rate limit.

    Attributes:
        body: The decoded JSON, None without a body, or the raw bytes if they are not JSON.
        now: The sandbox's clock, in seconds since 1970.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: object
    now: float
    account: Account

    @property
    def contacts(self) -> Contacts:
        """The contacts of the account."""
        return self.account.contacts

    @property
    def readings(self) -> Readings:
        """The options for behaviour that the API docs leave open."""
        return self.account.readings

    def parse(self, kind: type[Body]) -> Body:
        """Return the body as `kind`, or refuse with 400 and the field that is wrong."""
        if isinstance(self.body, bytes):
            raise Refused(400, "body: is not JSON")
        try:
            return msgspec.convert(self.body, kind)
        except msgspec.ValidationError as error:
            raise Refused(400, f"{_field(error)}: {error}") from None

    def parse_list(self, kind: type[Asked]) -> Asked:
        """Return the body of a list or count, which may be missing."""
        return kind() if self.body is None and self.readings.empty_body else self.parse(kind)

    def page(
        self,
        table: Table[Thing],
        asked: ListIn | None = None,
        paging: Paging | None = None,
        *,
        only: Callable[[Thing], bool] | None = None,
    ) -> Answer:
        """Answer a v1 list: the cursor is applied first, then the order, then `page`.

        Args:
            table: The things.
            asked: The body; None: that of the call, as "Pagination json".
            paging: The rules; None: those of lists of contacts.
            only: Says which things are listed at all.
        """
        readings = self.readings
        asked = asked or self.parse_list(ListIn)
        rules = paging or Paging(readings.newest_first, readings.page_base)
        newest_first = rules.newest_first
        if readings.honours_ascending and asked.ascending is not None:
            newest_first = not asked.ascending
        size = self._page_size(asked.limit)
        page = 0
        if rules.page_base is not None and asked.page is not None:
            page = max(0, asked.page - rules.page_base)
        is_upper = rules.cursor == "before" or (rules.cursor == "order" and newest_first)
        things = table.page(
            newest_first=newest_first,
            start=page * size,
            size=size,
            before=asked.cursor if is_upper else None,
            after=None if is_upper else asked.cursor,
            only=only,
        )
        return self.listed(table, things)

    def _page_size(self, limit: int | None) -> int:
        """Return how many things a page of a v1 list has, or refuse the limit."""
        readings = self.readings
        if not (readings.honours_limit and limit):
            return readings.default_limit
        if limit <= readings.max_limit or readings.over_limit == "cut":
            return min(limit, readings.max_limit)
        if readings.over_limit.isdecimal():
            raise Refused(int(readings.over_limit), f"limit: must be at most {readings.max_limit}")
        return 0 if readings.over_limit == "empty" else readings.default_limit

    def listed(self, table: Table[Thing], things: Iterable[Thing]) -> Answer:
        """Return the answer of a list; the readings say how an empty one looks."""
        lines = table.listed(things)
        if not lines:
            return NAMED[self.readings.list_end]
        return Answer(200, b"[" + b",".join(lines) + b"]")

    def created(self, value: object) -> Answer:
        """Return the answer of a create."""
        return as_answer(value, self.readings.created_status)

    def find(self) -> Contact | None:
        """Return the contact that the path names, by integer id in v1 and by UUID in v2."""
        if "id" in self.path:
            return self.contacts.by_id(integer(self.path["id"], "id"))
        return self.contacts.by_uuid(as_uuid(self.path["contactID"], "contactID"))

    def contact(self) -> Contact:
        """Return the contact that the path names, or refuse."""
        return self.existing(self.find())

    def existing(self, thing: Thing | None, kind: str = "contact") -> Thing:
        """Return the thing that was asked for, or refuse if it does not exist."""
        if thing is None:
            raise self.missing(kind)
        return thing

    def missing(self, kind: str = "contact") -> Refused:
        """Return the refusal for an unknown id."""
        return Refused(self.readings.missing, f"no such {kind}")

    def no_match(self, how: NoMatch) -> Answer:
        """Return the answer of a read that found no contact, or refuse."""
        if how == "status":
            raise self.missing()
        return NAMED[how]

    def overwrites(self) -> bool:
        """Return the query's `overwrite`, false by default."""
        text = self.query.get("overwrite", "false")
        if text not in {"true", "false"}:
            raise Refused(400, "overwrite: must be true or false")
        return text == "true"


Handler: TypeAlias = Callable[[Call], object]

ROUTES: dict[str, Handler] = {}
"""The handlers, by method and path as the docs spell them."""


def route(name: str) -> Callable[[Handler], Handler]:
    """Declare a handler of a route, such as "GET /v1/contact/{id}".

    A handler returns an Answer, or a value that is sent as JSON with status 200.
    """

    def declare(handler: Handler) -> Handler:
        ROUTES[name] = handler
        return handler

    return declare


def integer(text: str, field: str) -> int:
    """Read an integer, or refuse with 400."""
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise Refused(400, f"{field}: must be an integer")
    return int(text)


def as_uuid(text: str, field: str) -> str:
    """Read a UUID, or refuse with 400; a v1 integer id is not a UUID."""
    try:
        return str(UUID(text))
    except ValueError:
        raise Refused(400, f"{field}: must be a UUID") from None


def instant(text: str | None) -> int | None:
    """Read the `date` of a body, as nanoseconds since 1970."""
    try:
        return parsed(text) if text else None
    except ValueError as error:
        raise Refused(400, f"date: {error}") from None


def check_phone(text: str, field: str = "phone") -> str:
    """Return the phone if it is E.164 digits without a plus sign, or refuse with 400."""
    if not PHONE.fullmatch(text):
        raise Refused(400, f"{field}: must be E.164 digits without the leading plus sign")
    return text


def _field(error: msgspec.ValidationError) -> str:
    """Name the field that msgspec complains about, as in `tags[0].tag_id`."""
    parts = (r"at `\$\.?([^`]*)`", r"field `(\w+)`")
    found = [match[1] for part in parts if (match := re.search(part, str(error)))]
    return ".".join(found) or "body"
