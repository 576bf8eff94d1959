"""Scheduled messages, which are sent when the clock reaches their time.

Sources: https://developers.heymarket.com/api-reference/schedule and .../schedule-get
"""

from msgspec import Struct

from heymarket_async.sandbox import chats
from heymarket_async.sandbox.messages import SendIn, send_text
from heymarket_async.sandbox.record_table import Kept, owner_id
from heymarket_async.sandbox.routes import (
    Account,
    Answer,
    Call,
    Refused,
    check_phone,
    integer,
    route,
)
from heymarket_async.sandbox.schedule_table import (
    Attachment,
    Meta,
    ScheduledContent,
    ScheduleRecord,
)
from heymarket_async.sandbox.stamps import SECOND, parsed
from heymarket_async.sandbox.template_table import GalleryEntry
from heymarket_async.sandbox.written import known

QUARTER_S = 900
TARGETS = ("phone_number", "targets", "conversation_id", "list_id")


class TemplateRef(Struct, frozen=True, kw_only=True):
    """A template as older pages write it."""

    id: int


class ContentIn(Struct, frozen=True, kw_only=True):
    """The content of a message to schedule; at least one thing in it is needed."""

    text: str = ""
    to: list[str] = []
    template: int | TemplateRef | None = None
    attachments: list[Attachment] = []
    gallery: list[GalleryEntry] = []


class ScheduleIn(Struct, frozen=True, kw_only=True):
    """A message to schedule, or to put in the place of one."""

    inbox_id: int
    execute_at: str
    content: ContentIn
    phone_number: str | None = None
    targets: list[str] | None = None
    conversation_id: int | None = None
    list_id: int | None = None
    local_id: str = ""
    user_id: int | None = None


@route("POST /v1/schedule")
def create(call: Call) -> object:
    """Schedule a message."""
    sent, schedules = call.parse(ScheduleIn), call.account.schedules
    record = _record(call, sent)
    row = known(call, schedules, sent.local_id, "", call.readings.schedule_local_id)
    if row is None:
        row = schedules.put(record, call.now)
        plan(call.account, row)
    return call.created({"id": row.id})


@route("GET /v1/schedule/{id}")
def get(call: Call) -> object:
    """Show a scheduled message that is still to be sent."""
    return Answer(200, _schedule(call).line)


@route("PUT /v1/schedule/{id}")
def update(call: Call) -> object:
    """Put a message in the place of a scheduled one; a `local_id` that is not sent stays."""
    row, schedules = _schedule(call), call.account.schedules
    record, old = _record(call, call.parse(ScheduleIn)), schedules.record(row)
    record.id, record.rev, record.created, record.op = old.id, old.rev, old.created, "update"
    record.local_id = record.local_id or old.local_id
    plan(call.account, schedules.put(record, call.now))
    return {"id": row.id}


@route("DELETE /v1/schedule/{id}")
def delete(call: Call) -> object:
    """Cancel a scheduled message."""
    call.account.schedules.remove(_schedule(call))
    return "ok"


def _schedule(call: Call) -> Kept:
    """Return the scheduled message that the path names, or refuse."""
    schedules, schedule_id = call.account.schedules, integer(call.path["id"], "id")
    if schedule_id in schedules.ended:
        raise Refused(call.readings.schedule_sent, "the message is no longer scheduled")
    return call.existing(schedules.by_id(schedule_id), "schedule")


def _record(call: Call, sent: ScheduleIn) -> ScheduleRecord:
    """Return the record of a message to schedule, or refuse what the docs rule out."""
    user_id = owner_id() if sent.user_id is None else sent.user_id
    chats.check_member(call, sent.inbox_id, user_id, ("inbox_id", "user_id"))
    target = chats.one_of(sent, TARGETS)
    phones = [
        check_phone(phone, target)
        for phone in [*(sent.targets or []), *filter(None, [sent.phone_number])]
    ]
    if sent.targets is not None:
        chats.check_group(phones)
    return ScheduleRecord(
        local_id=sent.local_id,
        execute=call.account.schedules.written(_due(call, sent.execute_at)),
        inbox_id=sent.inbox_id,
        user_id=user_id,
        meta=Meta(
            content=_content(sent.content, phones),
            conversation_id=sent.conversation_id or 0,
            list_id=sent.list_id or 0,
        ),
    )


def _due(call: Call, execute_at: str) -> int:
    """Return when a message is due, as nanoseconds since 1970, or refuse its time."""
    try:
        stamp = parsed(execute_at)
    except ValueError as error:
        raise Refused(400, f"execute_at: {error}") from None
    if stamp % (QUARTER_S * SECOND):
        raise Refused(400, "execute_at: must be on a quarter of an hour")
    if stamp < (call.now + QUARTER_S) * SECOND:
        raise Refused(400, "execute_at: must be at least 15 minutes ahead")
    return stamp


def _content(sent: ContentIn, phones: list[str]) -> ScheduledContent:
    template = sent.template.id if isinstance(sent.template, TemplateRef) else sent.template
    if not (sent.text or template or _media_url(sent.attachments, sent.gallery)):
        raise Refused(400, "content: text, template, attachments or gallery are required")
    return ScheduledContent(
        text=sent.text,
        to=phones or sent.to,
        template=template or 0,
        attachments=sent.attachments,
        gallery=sent.gallery,
    )


def _media_url(attachments: list[Attachment], gallery: list[GalleryEntry]) -> str | None:
    """Return the first file, or else the first picture, of a message."""
    files = (attachments, gallery)
    return next((file.url for each in files for file in each if file.url), None)


def plan(account: Account, row: Kept) -> None:
    """Send a message when it is due, unless it was changed or cancelled by then."""
    schedules = account.schedules
    due = parsed(schedules.record(row).execute)

    def run() -> None:
        if schedules.by_id(row.id) is row:
            schedules.remove(row)
            schedules.ended[row.id] = _sent(account, schedules.record(row))

    account.clock.at(due / SECOND, run)


def _sent(account: Account, record: ScheduleRecord) -> str:
    """Send a message, and return how that ended."""
    try:
        send_text(account.call(), _as_send(record))
    except Refused as refused:
        return refused.message
    return "sent"


def _as_send(record: ScheduleRecord) -> SendIn:
    """Return the send that a scheduled message becomes."""
    meta, content = record.meta, record.meta.content
    phones = [] if meta.conversation_id or meta.list_id else content.to
    return SendIn(
        inbox_id=record.inbox_id,
        creator_id=record.user_id,
        chat_id=meta.conversation_id or None,
        list_id=meta.list_id or None,
        phone_number=phones[0] if len(phones) == 1 else None,
        targets=phones if len(phones) > 1 else None,
        text=content.text,
        template_id=content.template or None,
        media_url=_media_url(content.attachments, content.gallery),
        local_id=record.local_id or f"schedule {record.id}",
    )
