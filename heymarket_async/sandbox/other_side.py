"""The acts of the other side: people who text, and carriers who deliver or fail."""

from msgspec import UNSET, Raw

from heymarket_async.sandbox import writes
from heymarket_async.sandbox.conversation_table import Conversation
from heymarket_async.sandbox.message_table import INBOUND, Message, MessageRecord
from heymarket_async.sandbox.records import ContactIn
from heymarket_async.sandbox.routes import PHONE, Account, Call
from heymarket_async.sandbox.sending import Draft, name_of, record_of

# https://help.heymarket.com: the words that carriers know
OPT_OUT = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit"})
OPT_IN = frozenset({"start", "yes", "unstop"})


class Customer:
    """The people on the other side, who text the team.

    Args:
        account: The account that gets their texts.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def text(self, phone: str, text: str, inbox_id: int | None = None) -> int:
        """Text the team, and return the message's id.

        The conversation is opened, unread by everyone, and the newest. STOP and its synonyms opt
        the person out; START, YES and UNSTOP in again. Only these words make a contact of a
        stranger.

        Args:
            phone: E.164 digits without a plus sign.
            text: The text.
            inbox_id: The inbox; None: that of their newest conversation, or the first one.

        Raises:
            ValueError: The phone is not E.164, or there is no such inbox.
        """
        if not PHONE.fullmatch(phone):
            raise ValueError("phone must be E.164 digits without the leading plus sign")
        if inbox_id is not None and inbox_id not in self._account.team.inboxes:
            raise ValueError(f"no inbox {inbox_id}")
        with self._account.lock:
            call = self._account.call()
            row, is_opened = self._conversation(call, phone, inbox_id)
            message = self._store(call, row, text)
            self._account.webhooks.emit("message_received", Raw(message.line))
            if is_opened:
                self._account.webhooks.emit("chat_opened", Raw(row.line))
            self._subscribe(call, phone, text.strip().casefold())
        return message.id

    def _conversation(
        self, call: Call, phone: str, inbox_id: int | None
    ) -> tuple[Conversation, bool]:
        """Return the conversation that a text belongs to, and whether it was closed."""
        conversations = call.account.conversations
        newest = conversations.with_phone(phone)
        if inbox_id is None:
            inbox_id = next(iter(call.account.team.inboxes)) if newest is None else newest.inbox_id
        stamp = conversations.stamp(call.now)
        row = conversations.open(inbox_id, (phone,), "sms", name_of(call, phone), stamp)
        was_closed, row.is_closed = row.is_closed, False
        return row, was_closed

    def _store(self, call: Call, row: Conversation, text: str) -> Message:
        messages, conversations = call.account.messages, call.account.conversations
        stamp = messages.stamp(call.now)
        record = record_of(call, row, Draft(text=text, user=0), stamp)
        record.type, record.status = INBOUND, "delivered"
        message = messages.keep(record, stamp, row.id, call.now)
        row.last_inbound, row.replied = message.id, False
        row.unread = set(call.account.team.inboxes[row.inbox_id].members)
        conversations.save(row, conversations.stamp(call.now))
        return message

    def _subscribe(self, call: Call, phone: str, word: str) -> None:
        """Opt a person out or in, if they texted one of the words."""
        if word not in OPT_OUT | OPT_IN:
            return
        contact = call.contacts.by_phone(phone) or writes.create(call, ContactIn(phone=phone))
        record = call.contacts.record(contact)
        if bool(record.is_opted_out) != (word in OPT_OUT):
            record.is_opted_out = word in OPT_OUT
            writes.save(call, contact, record)


class Carrier:
    """The carriers, who take texts to phones.

    Args:
        account: The account whose messages they carry.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def deliver(self, message_id: int) -> None:
        """Report a message as delivered.

        Raises:
            ValueError: There is no such message, or it did not go out.
        """
        with self._account.lock:
            row, record = self._sent(message_id)
            self._report(row, record, "delivered")

    def fail(self, message_id: int, error: str = "30005", phone: str | None = None) -> None:
        """Report a message as failed: nobody received it, and the outbox forgets it.

        Args:
            message_id: The message.
            error: The reason.
            phone: The one person of a group who did not get it; None: nobody got it.

        Raises:
            ValueError: There is no such message, or it did not go out, or not to that phone.
        """
        with self._account.lock:
            row, record = self._sent(message_id)
            outbox = self._account.messages.outbox
            lost = [
                sent for sent in outbox if sent.id == message_id and phone in {None, sent.phone}
            ]
            if not lost:
                raise ValueError(f"message {message_id} did not go to that phone")
            outbox[:] = [sent for sent in outbox if sent not in lost]
            if phone is None:
                record.raw_error = error
                self._report(row, record, "failed")
            else:
                errors = {} if record.target_errors is UNSET else record.target_errors
                record.target_errors = {**errors, phone: error}
                self._report(row, record, record.status)

    def _sent(self, message_id: int) -> tuple[Message, MessageRecord]:
        row = self._account.messages.known(message_id)
        if row is None:
            raise ValueError(f"no message {message_id}")
        record = self._account.messages.record(row)
        if record.status not in {"sent", "delivered"}:
            raise ValueError(f"message {message_id} is {record.status}: it did not go out")
        return row, record

    def _report(self, row: Message, record: MessageRecord, status: str) -> None:
        record.status = status
        self._account.messages.change(row, record, self._account.clock.now)
        self._account.webhooks.emit("message_sent", Raw(row.line))
