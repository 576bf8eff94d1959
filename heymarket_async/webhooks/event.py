"""Reads a delivery: checks its token, and makes events of its body. No I/O."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Sequence
from enum import StrEnum
from functools import partial
from typing import TypeVar, cast

import msgspec
from msgspec import Raw

from heymarket_async.checks import list_of, one_of
from heymarket_async.decoding import lenient, mending
from heymarket_async.models.answered import Answered
from heymarket_async.models.message import Conversation, Message
from heymarket_async.privacy import Masked, hides_locals
from heymarket_async.webhooks.errors import WebhookError

A = TypeVar("A", bound=Answered)

MAX_BODY_BYTES = 1 << 20
"""A larger delivery is refused: 1 MiB. A usual one has about 2 KiB."""


class EventKind(StrEnum):
    """The known values of an event's `kind`; others may come."""

    MESSAGE_RECEIVED = "message_received"
    MESSAGE_SENT = "message_sent"
    CHAT_OPENED = "chat_opened"
    CHAT_PENDING = "chat_pending"
    CHAT_CLOSED = "chat_closed"
    CHAT_REASSIGNED = "chat_reassigned"
    CHAT_TRANSFERRED = "chat_transferred"
    CHAT_UPDATED = "chat_updated"
    TARGET_OPT_OUT = "target_opt_out"
    TARGET_OPT_IN = "target_opt_in"
    TARGET_DOUBLE_OPT_IN = "target_double_opt_in"
    TARGET_DOUBLE_OPT_RESTRICTED = "target_double_opt_restricted"
    INCOMING_CALL = "incoming_call"


class Event(Masked, msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened in the account. Its `repr` shows the kind and ids, and no more.

    Attributes:
        kind: See `EventKind`; other values may come. It is "message_received" for both spellings
            that Heymarket uses, and empty if none was sent.
        message: The message, if it is about one.
        conversation: The conversation, if it is about one, or about a message in one.
        raw: The JSON of all that was delivered, without the token. The `id` in it is that of the
            webhook's configuration, the same in all its deliveries.
        dedupe_key: Equal for two deliveries of the same event: its kind, with the id and the
            version of the message or conversation. Of other events, a digest of `raw`.

    https://developers.heymarket.com/api-reference/webhooks
    """

    kind: str
    message: Message | None = None
    conversation: Conversation | None = None
    raw: bytes
    dedupe_key: str

    @property
    def data(self) -> dict[str, object]:
        """The `event_data`, as sent; empty if there is none. Opt-outs and calls have no other form.

        Their fields are not documented.
        """
        data = mending.decode(_read_data, self.raw).event_data
        return cast("dict[str, object]", data) if isinstance(data, dict) else {}

    def __repr__(self) -> str:
        ids = {"message": self.message, "conversation": self.conversation}
        shown = [f"{name}={about.id}" for name, about in ids.items() if about is not None]
        return f"Event({', '.join([repr(self.kind[:64]), *shown])})"


class _Data(msgspec.Struct):
    event_data: object = None


_read_data = msgspec.json.Decoder(_Data).decode


@hides_locals
def parse(body: bytes, tokens: str | Collection[str]) -> list[Event]:
    """Return the events of a delivery, if its token is one of yours. Usually it has one.

    Args:
        body: The body of the request, as it came.
        tokens: The token that Heymarket shows where the webhook is configured. While you change
            it, both the old and the new one. They are compared in constant time.

    Raises:
        WebhookError: It must not be taken; `status` is the HTTP status to answer with.
        ValueError: No token is given, or it is empty.
    """
    return read_events(one_of("body", body, bytes), encoded_tokens(tokens))


def read_events(body: bytes, tokens: Sequence[bytes]) -> list[Event]:
    """Return the events of a delivery, as `parse` does, for tokens that are encoded."""
    if len(body) > MAX_BODY_BYTES:
        raise WebhookError("its body is larger than 1 MiB", status=413)
    try:
        mending.check_utf_8(body)
        found = mending.decode(_read_delivery, body)
        events = [_event(each, tokens) for each in ([found] if isinstance(found, dict) else found)]
    except _UNREADABLE:
        events = []
    if not events:
        raise WebhookError("its body is not JSON of one or more events", status=400)
    return events


_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_Parts = dict[str, Raw]
"""A delivery. Its values stay bytes until it is known that the token is right."""

_read_delivery = msgspec.json.Decoder(_Parts | list[_Parts]).decode
_read_value = msgspec.json.Decoder().decode

_SPELLINGS = {"message_recieved": EventKind.MESSAGE_RECEIVED.value}
"""Heymarket's current spelling of a kind, by ours, which its older pages use too."""


def encoded_tokens(tokens: str | Collection[str]) -> list[bytes]:
    """Return tokens to compare with.

    Raises:
        ValueError: There is none, or one is empty.
    """
    given = [tokens] if isinstance(tokens, str) else list_of("tokens", tokens, str)
    if not given or not all(given):
        raise ValueError("tokens must be the token of the webhook, or several, none of them empty")
    return [token.encode() for token in given]


def _event(parts: _Parts, tokens: Sequence[bytes]) -> Event:
    _check(parts.pop("token", None), tokens)
    raw, kind = msgspec.json.encode(parts), _kind(parts)
    _check_numbers(raw)
    about, version = _about(kind, parts, raw)
    message = about if isinstance(about, Message) else None
    conversation = about if isinstance(about, Conversation) else None
    if message is not None:
        conversation = message.conversation or _read(Conversation, parts.get("conversation"))
    return Event(
        kind=kind,
        message=message,
        conversation=conversation,
        raw=raw,
        dedupe_key=f"{kind}:{version or hashlib.sha256(raw).hexdigest()}",
    )


_PLACES: dict[str, tuple[type[Message | Conversation], tuple[str, ...]]] = {
    "message_": (Message, ("event_data", "message")),
    "chat_": (Conversation, ("event_data", "conversation", "chat")),
}
"""The model and its places in a delivery, by the beginning of the kind.

Heymarket's older pages have an `event` in place of the `type`. They show the thing under its name,
or its fields beside the `event`.
"""


def _about(kind: str, parts: _Parts, raw: bytes) -> tuple[Message | Conversation | None, str]:
    """Return the message or conversation that an event is about, and its id and version.

    The second is empty if the two are not known: then all that came has to tell events apart.
    """
    for prefix, (model, places) in _PLACES.items():
        if kind.startswith(prefix):
            part = next((parts[place] for place in places if place in parts), None)
            if part is None:
                # The id beside an `event` may be that of the configuration.
                return (_read(model, raw) if "event" in parts else None), ""
            about = _read(model, part)
            if about is None or about.id is None or not (about.updated or about.status):
                return about, ""
            return about, f"{about.id}:{about.status or ''}:{about.updated or ''}"
    return None, ""


_ALL_ZEROS = bytes.maketrans(b"123456789", b"000000000")


def _check_numbers(raw: bytes) -> None:
    """Check that all numbers can be read: `Event.data` and other readers of `raw` must not fail.

    A number of fewer than 200 digits can, or is mended. To read all values of each delivery would
    cost half as much as all the rest.

    Raises:
        msgspec.MsgspecError: One has too many digits.
    """
    if b"0" * 200 in raw.translate(_ALL_ZEROS):
        mending.decode(_read_value, raw)


def _read(model: type[A], part: Raw | bytes | None) -> A | None:
    try:
        return None if part is None else mending.decode(partial(lenient.read, model), part)
    except msgspec.ValidationError:  # it is not an object
        return None


def _kind(parts: _Parts) -> str:
    # An old shape has an `event`; its `type` may be that of the message.
    kind = _text(parts.get("event")) or _text(parts.get("type"))
    return _SPELLINGS.get(kind, kind)


def _text(part: Raw | None) -> str:
    value = mending.decode(_read_value, part) if part else ""
    return value if isinstance(value, str) else ""


def _check(token: Raw | None, tokens: Sequence[bytes]) -> None:
    sent = _text(token).encode()
    # All of them, so that the time does not tell which one it is.
    if not sum(hmac.compare_digest(sent, known) for known in tokens):
        raise WebhookError("its token is missing, or is not one of yours", status=401)
