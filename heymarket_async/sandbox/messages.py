"""Messages: sending texts and e-mails, and reading them.

Sources: the pages send, send-email, get-history, list-all and count below
https://developers.heymarket.com/api-reference/messages/
"""

from collections.abc import Callable

import msgspec
from msgspec import Raw, Struct

from heymarket_async.sandbox import chats
from heymarket_async.sandbox.conversation_table import Conversation
from heymarket_async.sandbox.message_table import Message
from heymarket_async.sandbox.routes import (
    Answer,
    Call,
    ListIn,
    Refused,
    check_phone,
    instant,
    integer,
    route,
)
from heymarket_async.sandbox.sending import Draft, check_quiet, name_of, opted_out_of, send
from heymarket_async.sandbox.stamps import SECOND
from heymarket_async.sandbox.table import Stored

HISTORY_SIZE = 50
TARGETS = ("phone_number", "chat_id", "list_id", "targets")
CONTENT = ("text", "template_id", "media_url", "survey_id")


class SendIn(Struct, frozen=True, kw_only=True):
    """A message to send: to one person, a group or a list, or a private comment."""

    inbox_id: int
    creator_id: int
    phone_number: str | None = None
    chat_id: int | None = None
    list_id: int | None = None
    targets: list[str] | None = None
    text: str | None = None
    template_id: int | None = None
    media_url: str | None = None
    survey_id: int | None = None
    local_id: str | None = None
    activity_id: str | None = None
    private: bool = False
    author: str | None = None


class EmailIn(Struct, frozen=True, kw_only=True):
    """An e-mail to send: to addresses, or as the next one of a conversation."""

    creator_id: int
    inbox: int
    text: str
    raw_text: str | None = None
    local_id: str | None = None
    conv_title: str | None = None
    targets: list[str] | None = None
    convo_id: int | None = None


class MessagesIn(ListIn, frozen=True, kw_only=True):
    """A page of messages: `created_at` is the cursor, `date` another name of it."""

    created_at: str | None = None
    order: str | None = None

    @property
    def cursor(self) -> int | None:
        """The cursor, as nanoseconds since 1970."""
        return instant(self.created_at or self.date)


@route("POST /v1/message/send")
def send_message(call: Call) -> object:
    """Send a text to one person, a group or a list, or leave a private comment."""
    return send_text(call, call.parse(SendIn))


def send_text(call: Call, sent: SendIn) -> Answer:
    """Send a text as `POST /v1/message/send` does, or refuse it."""
    target = _check(call, sent)
    if (known := _repeated(call, sent.local_id, is_safe=target == "list_id")) is not None:
        return known
    if not sent.private:
        check_quiet(call)
    if sent.list_id is not None:
        return _answer(call, sent.local_id, _broadcast(call, sent, sent.list_id))
    targets = _targets(call, sent)
    if not sent.private:
        _check_opted_in(call, targets)
    channel = "mms" if len(targets) > 1 else "sms"
    conversation = _open(call, sent.inbox_id, targets, channel)
    row = send(call, conversation, _draft(call, sent, conversation))
    return _answer(call, sent.local_id, _sent(call, row, gallery_url=sent.media_url or ""))


@route("POST /v1/email/send")
def send_email(call: Call) -> object:
    """Send an e-mail."""
    sent = call.parse(EmailIn)
    chats.check_member(call, sent.inbox, sent.creator_id, ("inbox", "creator_id"))
    target = chats.one_of(sent, ("targets", "convo_id"))
    if not sent.text:
        raise Refused(400, "text: is required")
    if (known := _repeated(call, sent.local_id, is_safe=True)) is not None:
        return known
    check_quiet(call)
    if sent.convo_id is not None:
        conversation = chats.by_id(call, sent.convo_id, inbox_id=sent.inbox, name=target)
    else:
        addresses = _addresses(sent.targets or [])
        conversation = _open(call, sent.inbox, addresses, "email", sent.conv_title)
    draft = Draft(text=sent.text, user=sent.creator_id, local_id=sent.local_id or "")
    return _answer(call, sent.local_id, _sent(call, send(call, conversation, draft)))


@route("GET /v1/messages")
def history(call: Call) -> object:
    """List the newest messages with one person, before a time in whole seconds."""
    phone = check_phone(call.query.get("phoneNumber", ""), "phoneNumber")
    inbox_id = integer(call.query.get("inboxID", ""), "inboxID")
    text = call.query.get("timestamp")
    before = None if text is None else integer(text, "timestamp") * SECOND
    messages = call.account.messages.seen_at(call.now)
    chat = call.account.conversations.with_targets(inbox_id, (phone,))
    if chat is None:
        return call.listed(messages, [])
    table = messages.of_chat(chat.id)
    return call.listed(
        messages, table.page(newest_first=True, start=0, size=HISTORY_SIZE, before=before)
    )


@route("POST /v1/messages/all")
def list_page(call: Call) -> object:
    """List a page of all messages, by `date` or by `updated`."""
    asked = call.parse_list(MessagesIn)
    if asked.order not in {None, "created_at", "updated_at"}:
        raise Refused(400, "order: must be created_at or updated_at")
    messages = call.account.messages.seen_at(call.now)
    paging = chats.paging(call, call.readings.messages_cursor)
    if asked.order == "updated_at":
        return call.page(messages.by_change, asked, paging)
    return call.page(messages, asked, paging)


@route("POST /v1/messages/all/count")
def count(call: Call) -> object:
    """Count all messages, or those before a time."""
    before = call.parse_list(MessagesIn).cursor
    return chats.counted(call, call.account.messages.seen_at(call.now).count(before=before))


def _check(call: Call, sent: SendIn) -> str:
    """Refuse a send that the docs rule out, and return the name of its target."""
    chats.check_member(call, sent.inbox_id, sent.creator_id, ("inbox_id", "creator_id"))
    target = chats.one_of(sent, TARGETS)
    if not any(getattr(sent, name) for name in CONTENT):
        raise Refused(400, f"{', '.join(CONTENT)}: at least one of them is required")
    if sent.list_id is not None and not sent.local_id:
        raise Refused(400, "local_id: is required with list_id")
    if sent.private and (target not in {"phone_number", "chat_id"} or not sent.text):
        raise Refused(400, "private: needs text, and phone_number or chat_id")
    for phone in [*(sent.targets or []), *filter(None, [sent.phone_number])]:
        check_phone(phone, target)
    if sent.targets is not None:
        chats.check_group(sent.targets)
    _check_ids(call, sent)
    return target


def _check_ids(call: Call, sent: SendIn) -> None:
    """Refuse ids of things that do not exist."""
    account = call.account
    found: dict[str, Callable[[int], Stored | None]] = {
        "list_id": account.lists.by_id,
        "template_id": account.templates.by_id,
        "survey_id": account.surveys.by_id,
    }
    for name, by_id in found.items():
        key = getattr(sent, name)
        if key is not None and by_id(key) is None:
            raise Refused(400, f"{name}: no such {name.removesuffix('_id')}")


def _check_opted_in(call: Call, targets: tuple[str, ...]) -> None:
    how = call.readings.opted_out_send
    if how != "accept" and opted_out_of(call, targets):
        raise Refused(int(how), "the recipient has opted out")


def _targets(call: Call, sent: SendIn) -> tuple[str, ...]:
    """Return the people that a send names, each once, or those of its conversation."""
    if sent.chat_id is not None:
        return chats.by_id(call, sent.chat_id, inbox_id=sent.inbox_id, name="chat_id").targets
    return tuple(dict.fromkeys(sent.targets or [str(sent.phone_number)]))


def _open(
    call: Call, inbox_id: int, targets: tuple[str, ...], channel: str, title: str | None = None
) -> Conversation:
    conversations = call.account.conversations
    name = title or ", ".join(name_of(call, target) for target in targets)
    return conversations.open(inbox_id, targets, channel, name, conversations.stamp(call.now))


def _addresses(targets: list[str]) -> tuple[str, ...]:
    """Return the addresses of `to:` and `cc:` targets, each once."""
    found: list[str] = []
    for target in targets:
        kind, _, addresses = target.partition(":")
        found += [address.strip() for address in addresses.split(",")]
        if kind not in {"to", "cc"} or not all("@" in address for address in found):
            raise Refused(400, "targets: must be e-mail addresses after to: or cc:")
    if not any(target.startswith("to:") for target in targets):
        raise Refused(400, "targets: at least one to: is required")
    return tuple(dict.fromkeys(found))


def _draft(call: Call, sent: SendIn, row: Conversation, broadcast_id: int = 0) -> Draft:
    return Draft(
        text=_text(call, sent, row.targets[0]),
        user=sent.creator_id,
        local_id=sent.local_id or "",
        media_url=sent.media_url or "",
        author=(sent.author or "") if sent.private else "",
        broadcast_id=broadcast_id,
        is_private=sent.private,
    )


def _text(call: Call, sent: SendIn, target: str) -> str:
    """Return what a person reads: the text, or else the template, and the survey's question."""
    account, texts = call.account, [sent.text or ""]
    if not sent.text and sent.template_id is not None:
        contact = call.contacts.by_phone(target)
        record = None if contact is None else call.contacts.record(contact)
        texts = [account.templates.text_for(sent.template_id, record, account.fields) or ""]
    if sent.survey_id is not None and (survey := account.surveys.by_id(sent.survey_id)):
        texts.append(str(survey.value["question"]))
    return "\n".join(filter(None, texts))


def _broadcast(call: Call, sent: SendIn, list_id: int) -> dict[str, object]:
    """Send to all members of a list, except after an opt-out."""
    messages = call.account.messages
    broadcast_id = messages.new_id()
    date = messages.written(messages.stamp(call.now))
    for phone in call.account.lists.members(list_id) or {}:
        if not opted_out_of(call, [phone]):
            row = _open(call, sent.inbox_id, (phone,), "sms")
            send(call, row, _draft(call, sent, row, broadcast_id))
    return {"id": broadcast_id, "date": date, "gallery_url": sent.media_url or ""}


def _sent(call: Call, row: Message, **more: object) -> dict[str, object]:
    record = call.account.messages.record(row)
    is_queued = record.status == "queued"
    return {"id": row.id, "date": record.date, "convo_id": row.chat_id, "queued": is_queued, **more}


def _repeated(call: Call, local_id: str | None, *, is_safe: bool) -> Answer | None:
    """Return the answer of a repeated send, or refuse it; None: it is not taken for one.

    `is_safe` says that the docs promise to send nothing twice, as of broadcasts and e-mails.
    """
    how = call.readings.local_id_dedupes
    known = call.account.messages.answers.get(local_id or "")
    if known is None or how == "none" or (how == "lists" and not is_safe):
        return None
    if call.readings.local_id_repeat_answer == "conflict":
        raise Refused(409, "local_id: was sent already")
    return Answer(200, known)


def _answer(call: Call, local_id: str | None, sent: dict[str, object]) -> Answer:
    """Answer a send, and remember the answer by its `local_id`."""
    results = call.readings.compliance_results.encode()
    answer = {**sent, "compliance_results": Raw(results)}
    if call.readings.send_answer == "id":
        answer = {"id": sent["id"]}
    encoded = msgspec.json.encode(answer)
    if local_id:
        call.account.messages.answers.setdefault(local_id, encoded)
    return Answer(200, encoded)
