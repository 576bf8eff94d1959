"""The state of a sandbox as JSON, so that a later sandbox can go back to it.

Not part of it: faults, odd looks, received requests, subscribers of webhooks, and the counts of the
rate limit.
"""

from dataclasses import fields
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from heymarket_async.sandbox.contacts import Contact
from heymarket_async.sandbox.conversation_table import Conversation
from heymarket_async.sandbox.message_table import Message, Sent
from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.record_table import Kept
from heymarket_async.sandbox.routes import Account
from heymarket_async.sandbox.schedules import plan
from heymarket_async.sandbox.sending import hold_back
from heymarket_async.sandbox.table import Content, Stored
from heymarket_async.sandbox.team import User

VERSION = 1


class State(Struct, frozen=True, kw_only=True):
    """All that the account holds, and its credentials.

    Attributes:
        version: Of this format.
        readings: Those of its sandbox.
        secret_id: The API Secret's id.
        secret_key: The API Secret's key.
        api_key: The legacy API key.
        advanced_s: By how many seconds the clock was advanced.
    """

    version: Annotated[int, Meta(ge=VERSION, le=VERSION)] = VERSION
    readings: dict[str, object]
    secret_id: str
    secret_key: str
    api_key: str
    advanced_s: float
    fields: dict[int, str]
    users: list[User]
    contacts: Content[Contact]
    tags: Content[Stored]
    conversations: Content[Conversation]
    messages: Content[Message]
    outbox: list[Sent]
    answers: dict[str, bytes]
    quiet_until_s: float
    held_back: dict[int, list[Sent]]
    templates: Content[Kept]
    lists: Content[Kept]
    schedules: Content[Kept]
    ended: dict[int, str]
    surveys: Content[Stored]

    def __repr__(self) -> str:
        return f"<State of {len(self.contacts.rows):,} contacts>"


def read(text: bytes, readings: Readings) -> State:
    """Return a stored state.

    Args:
        text: The state.
        readings: Those of the sandbox that goes back to it.

    Raises:
        ValueError: The text is not a state, or the sandbox had other readings.
    """
    try:
        state = msgspec.json.decode(text, type=State)
    except (ValueError, RecursionError):
        raise ValueError(
            "state must be from Sandbox.state() of a version with the same format"
        ) from None
    # The JSON of things is stored as the readings show it.
    wanted = _shown(readings)
    other = [name for name in wanted if state.readings.get(name, wanted[name]) != wanted[name]]
    if other:
        raise ValueError(f"state must be used with its own readings; others are {', '.join(other)}")
    return state


def taken(
    account: Account, readings: Readings, secret_id: str, secret_key: str, api_key: str
) -> bytes:
    """Return the state of an account."""
    with account.lock:
        messages = account.messages
        state = State(
            readings=_shown(readings),
            secret_id=secret_id,
            secret_key=secret_key,
            api_key=api_key,
            advanced_s=account.clock.advanced_s,
            fields=dict(account.fields),
            users=list(account.team.users.values()),
            contacts=account.contacts.content(),
            tags=account.tags.content(),
            conversations=account.conversations.content(),
            messages=messages.content(),
            outbox=list(messages.outbox),
            answers=dict(messages.answers),
            quiet_until_s=messages.quiet_until_s,
            held_back=dict(messages.held_back),
            templates=account.templates.content(),
            lists=account.lists.content(),
            schedules=account.schedules.content(),
            ended=dict(account.schedules.ended),
            surveys=account.surveys.content(),
        )
        return msgspec.json.encode(state)


def restore(account: Account, state: State) -> None:
    """Put everything of a state in the place of what an account holds.

    Messages that were to be sent meanwhile are sent when the clock runs next.
    """
    messages, users = account.messages, account.team.users
    account.clock.advanced_s = state.advanced_s
    account.fields.clear()
    account.fields.update(state.fields)
    users.update({user.id: user for user in state.users})
    account.contacts.restore(state.contacts)
    account.tags.restore(state.tags)
    account.conversations.restore(state.conversations)
    messages.restore(state.messages)
    messages.outbox = list(state.outbox)
    messages.answers = dict(state.answers)
    messages.quiet_until_s = state.quiet_until_s
    for row in [*state.messages.rows, *(row for _, row in state.messages.unseen)]:
        if row.id in state.held_back:
            hold_back(account, row, state.held_back[row.id])
    account.templates.restore(state.templates)
    account.lists.restore(state.lists)
    account.schedules.restore(state.schedules)
    account.schedules.ended = dict(state.ended)
    for schedule in state.schedules.rows:
        plan(account, schedule)
    account.surveys.restore(state.surveys)


def _shown(readings: Readings) -> dict[str, object]:
    return {each.name: getattr(readings, each.name) for each in fields(readings)}
