"""The job of the pools, which may be killed anywhere and delivered again: it must end once.

It imports some rows, ensures a contact, sends a text, and exports the account. Each step resumes.
The environment says where: `POOL_FOLDER`, and the variables of `HeymarketClient.from_env`.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from heymarket_async import HeymarketClient, NewContact, NewMessage, RateLimit
from heymarket_async.bulk import JsonLines, export_contacts, import_contacts

ROWS = 3
INBOX, SENDER = 301, 4201
VISIBLE_S = 0.3
"""Seconds in which a message that was sent can be seen: the sandbox shows it at once."""


class AgainError(Exception):
    """The job is to be tried again.

    Another delivery is at work on it, which may be killed; or other jobs wrote contacts while it
    exported, so that the export is not proved to be complete.
    """


def rows_of(number: int) -> list[NewContact]:
    """Return the contacts that a job imports."""
    return [NewContact(phone=f"1415{number:05}{row:02}", first="Row") for row in range(ROWS)]


def contact_of(number: int) -> NewContact:
    """Return the contact that a job ensures, and texts."""
    return NewContact(phone=f"1415{number:05}99", first="Ensured")


def text_of(number: int) -> str:
    """Return the text that a job sends."""
    return f"job {number}"


def message_of(number: int) -> NewMessage:
    """Return the message with that text, which has the same `local_id` in each delivery."""
    return NewMessage(
        inbox_id=INBOX,
        creator_id=SENDER,
        phone_number=contact_of(number).phone,
        text=text_of(number),
        local_id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"job {number}")),
    )


def export_of(number: int) -> Path:
    """Return the file of a job's export."""
    return _folder() / f"{number}.jsonl"


async def do(number: int, queued: str) -> None:
    """Do a job, or what is left of it.

    Args:
        number: Its number.
        queued: When it was queued, as an RFC 3339 timestamp.

    Raises:
        AgainError: It is not done.
    """
    with _noted(number):
        # The pool's own limit is not what is tried here.
        rate = RateLimit(100_000, per_s=1)
        async with HeymarketClient.from_env(rate_limit=rate) as client:
            outcomes = _folder() / f"{number}.outcomes.jsonl"
            await import_contacts(client, rows_of(number), outcomes=outcomes, resume=True)
            await client.contacts.ensure(contact_of(number))
            message = message_of(number)
            await client.messages.send_once(message, since=queued, wait_s=VISIBLE_S)
            report = await export_contacts(client, JsonLines(export_of(number)), page_size=30)
            if not report.is_proved:
                raise AgainError(report.doubts)


@contextmanager
def _noted(number: int) -> Generator[None]:
    """Note when a delivery of a job begins and ends, and let only one be at work."""
    with (_folder() / f"{number}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _note(number, "busy")
            raise AgainError from None
        _note(number, "start")
        yield
        _note(number, "end")


def _note(number: int, event: str) -> None:
    note = {"job": number, "event": event, "at": time.monotonic(), "pid": os.getpid()}
    note["group"] = os.getpgid(0)
    descriptor = os.open(_folder() / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, json.dumps(note).encode() + b"\n")
    os.close(descriptor)


def _folder() -> Path:
    return Path(os.environ["POOL_FOLDER"])
