"""Messages, broadcasts, comments and e-mails to send, and the answer to a send."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from heymarket_async.checks import email_of, group_of, id_of, list_of, phone_digits, text_of
from heymarket_async.models.answered import Answered, moment
from heymarket_async.models.by_name import ByName
from heymarket_async.privacy import hides_locals


class SentMessage(Answered, frozen=True, kw_only=True, gc=False):
    """The answer to a send. It means accepted, not delivered; only `id` and `local_id` are sure.

    Attributes:
        id: Integer id of the message. None only if Heymarket answered to a repeat that it has this
            `local_id` already, and so did not say the id.
        local_id: The id that the message was sent with.
        date: When it was created, as the server wrote it; `created_at` is the datetime.
        convo_id: The id of its conversation.
        queued: Whether it is held back, such as by quiet hours.
        status: The status of the message, if it was found by a look after a lost answer; see
            `MessageStatus`. It may have failed meanwhile.
        gallery_url: Where its media can be seen.
        compliance_results: Not described; an object, a list or None.

    https://developers.heymarket.com/api-reference/messages/send
    """

    id: int | None = None
    local_id: str | None = None
    date: str | None = None
    convo_id: int | None = None
    queued: bool | None = None
    status: str | None = None
    gallery_url: str | None = None
    compliance_results: object = None

    @property
    def created_at(self) -> datetime | None:
        """`date` as an aware datetime in UTC; None if it is not a time, or in year 1."""
        return moment(self.date)


def new_local_id() -> str:
    """Return an id that no other message has."""
    return str(uuid4())


class _Writable(ByName, frozen=True, kw_only=True, omit_defaults=True):
    """The fields of everything that is sent from an inbox. A field that is None is not sent."""

    inbox_id: int
    creator_id: int
    local_id: str

    def __post_init__(self) -> None:
        id_of("inbox_id", self.inbox_id)
        id_of("creator_id", self.creator_id)
        text_of("local_id", self.local_id)


class _Content(_Writable, frozen=True, kw_only=True, omit_defaults=True):
    text: str | None = None
    template_id: int | None = None
    media_url: str | None = None
    survey_id: int | None = None
    activity_id: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        contents = (self.text, self.template_id, self.media_url, self.survey_id)
        if contents == (None, None, None, None):
            raise ValueError("one of text, template_id, media_url and survey_id is needed")
        if self.text is not None and self.template_id is not None:
            raise ValueError(
                "text and template_id exclude each other: it is not documented which of them"
                " would be sent"
            )
        for name in ("text", "media_url", "activity_id"):
            if (value := getattr(self, name)) is not None:
                text_of(name, value)
        for name in ("template_id", "survey_id"):
            if (value := getattr(self, name)) is not None:
                id_of(name, value)


class NewMessage(_Content, frozen=True, kw_only=True, omit_defaults=True):
    """A message to send to one person, to a conversation, or to a group.

    Give exactly one of `phone_number`, `chat_id` and `targets`, and at least one of `text`,
    `template_id`, `media_url` and `survey_id`.

    Attributes:
        inbox_id: The inbox to send from.
        creator_id: The member id of the sender, as inboxes and the team show it. It need not be
            the general user id.
        phone_number: E.164 digits; one leading plus is taken off.
        chat_id: The id of a conversation.
        targets: The phones of a group, two or more; doubles are taken out.
        text: The text. It cannot be sent together with a template.
        template_id: A template, whose fields Heymarket fills in.
        media_url: A public URL of a picture or another file.
        survey_id: A survey to attach.
        activity_id: Not described.
        local_id: Your id of this message, a new UUID by default. Keep it with the message, and use
            it for nothing else: it is how a message is found again after a lost answer. Errors
            show it, so it should hold no phone and no name.

    Raises:
        ValueError: A field breaks its rule; the message names the field and the rule.

    https://developers.heymarket.com/api-reference/messages/send
    """

    phone_number: str | None = None
    chat_id: int | None = None
    targets: Sequence[str] | None = None
    local_id: str = msgspec.field(default_factory=new_local_id)

    @hides_locals
    def __post_init__(self) -> None:
        super().__post_init__()
        if [self.phone_number, self.chat_id, self.targets].count(None) != 2:
            raise ValueError("exactly one of phone_number, chat_id and targets is needed")
        if self.phone_number is not None:
            _set_phone(self, self.phone_number)
        elif self.chat_id is not None:
            id_of("chat_id", self.chat_id)
        elif self.targets is not None:  # pragma: no branch - for the type checkers
            msgspec.structs.force_setattr(self, "targets", group_of("targets", self.targets))


class NewBroadcast(_Content, frozen=True, kw_only=True, omit_defaults=True):
    """A message to send to each member of a list. For the other fields see `NewMessage`.

    Attributes:
        list_id: The list.
        local_id: One for each broadcast that you intend, such as "april-2026". It has no default:
            a broadcast that is built again after a crash reaches nobody twice only with the same
            `local_id`.

    https://developers.heymarket.com/guides/broadcast-messages
    """

    list_id: int
    if not TYPE_CHECKING:  # pragma: no branch - it is required; the error says why
        local_id: str = ""

    @hides_locals
    def __post_init__(self) -> None:
        if not self.local_id:
            raise ValueError(
                "local_id is needed: choose one for each broadcast that you intend, and keep it if"
                " you repeat that broadcast, so that nobody gets it twice"
            )
        super().__post_init__()
        id_of("list_id", self.list_id)


class NewComment(_Writable, frozen=True, kw_only=True, omit_defaults=True):
    """A private comment inside a conversation. Only the team can see it.

    Give either `chat_id` or `phone_number`. For the other fields see `NewMessage`.

    Attributes:
        text: The comment.
        chat_id: The id of the conversation.
        phone_number: The phone of the other side, instead.
        author: The name to show for the author.

    https://developers.heymarket.com/guides/send-message
    """

    text: str
    chat_id: int | None = None
    phone_number: str | None = None
    author: str | None = None
    local_id: str = msgspec.field(default_factory=new_local_id)

    @hides_locals
    def __post_init__(self) -> None:
        super().__post_init__()
        text_of("text", self.text)
        if (self.chat_id is None) == (self.phone_number is None):
            raise ValueError("exactly one of chat_id and phone_number is needed")
        if self.chat_id is not None:
            id_of("chat_id", self.chat_id)
        if self.phone_number is not None:
            _set_phone(self, self.phone_number)
        if self.author is not None:
            text_of("author", self.author)


class NewEmail(_Writable, frozen=True, kw_only=True, omit_defaults=True):
    """An e-mail to send: a new one to addresses, or a reply in a conversation.

    Give either `to`, with `cc` if you like, or `convo_id`.

    Attributes:
        inbox_id: The inbox to send from.
        creator_id: The member id of the sender.
        text: The body as HTML.
        raw_text: The body as plain text.
        conv_title: The title of the conversation.
        to: Addresses, one in each text: no commas, no line breaks.
        cc: Addresses of those who get a copy.
        convo_id: The conversation to reply in.
        local_id: Your id of this e-mail, a new UUID by default. Heymarket does not make a second
            e-mail for it. Errors show it, so it should hold no address and no name.

    Raises:
        ValueError: A field breaks its rule; the message names the field and the rule.

    https://developers.heymarket.com/api-reference/messages/send-email
    """

    text: str
    raw_text: str | None = None
    conv_title: str | None = None
    to: Sequence[str] = ()
    cc: Sequence[str] = ()
    convo_id: int | None = None
    local_id: str = msgspec.field(default_factory=new_local_id)

    @hides_locals
    def __post_init__(self) -> None:
        super().__post_init__()
        text_of("text", self.text)
        for name in ("raw_text", "conv_title"):
            if (value := getattr(self, name)) is not None:
                text_of(name, value)
        for name in ("to", "cc"):
            # Heymarket splits a target at commas, which no e-mail has here.
            addresses = [
                email_of(f"each of {name}", each)
                for each in list_of(name, getattr(self, name), str)
            ]
            msgspec.structs.force_setattr(self, name, list(dict.fromkeys(addresses)))
        if bool(self.to) == (self.convo_id is not None):
            raise ValueError("exactly one of to and convo_id is needed")
        if self.cc and self.convo_id is not None:
            raise ValueError("cc needs to: a reply goes to those who are in the conversation")
        if self.convo_id is not None:
            id_of("convo_id", self.convo_id)


def _set_phone(message: NewMessage | NewComment, phone: str) -> None:
    digits = phone_digits(phone, "phone_number")
    msgspec.structs.force_setattr(message, "phone_number", digits)
