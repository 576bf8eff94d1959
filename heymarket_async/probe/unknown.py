"""The facts about contacts that do not exist, told apart from calls that answer nobody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar, cast
from uuid import UUID

from heymarket_async.endpoints import contacts, contacts_v2
from heymarket_async.probe.asker import Asker, CouldNotTellError, Reply
from heymarket_async.probe.found import Found

_Id = TypeVar("_Id", int, UUID)
_ID = 2_147_483_647
_UUID = UUID("ffffffff-ffff-4fff-bfff-ffffffffffff")


async def ask_for_unknown(asker: Asker, found: Found, known: int | None) -> None:
    """Find the answers about unknown contacts.

    A call that is forbidden or missing answers the same for every contact. So the call is made for
    a known contact too, and the answer counts only if that one is found.

    Args:
        asker: Asks for contacts.
        found: Takes the facts.
        known: The id of a contact that exists, or None.
    """
    uuid: UUID | None = None

    async def get(id_: int) -> Reply:
        return await asker.ask(contacts.GET, id=id_)

    async def find(id_: int) -> Reply:
        return await asker.ask(contacts.FIND, {"id": str(id_)})

    async def get_v2(id_: UUID) -> Reply:
        return await asker.ask(contacts_v2.GET, contactID=id_)

    with found.telling("unknown_id"):
        uuid = _uuid_of(await _tell(found, "unknown_id", get, _ID, known))
    with found.telling("unknown_find"):
        await _tell(found, "unknown_find", find, _ID, known)
    with found.telling("unknown_uuid"):
        await _tell(found, "unknown_uuid", get_v2, _UUID, uuid)


async def _tell(
    found: Found, name: str, ask: Callable[[_Id], Awaitable[Reply]], unknown: _Id, known: _Id | None
) -> Reply:
    """Note the answer about an unknown contact, and return that about a known one."""
    if known is None:
        raise CouldNotTellError("there is no known contact to compare with")
    other = await ask(known)
    if not other.is_ok or other.form is not None:
        raise CouldNotTellError("a known contact is not found either")
    reply = await ask(unknown)
    if reply.form is None or reply.status >= 500:
        raise CouldNotTellError(f"the server answered {reply.status}, and no usual answer")
    found.values[name] = reply.form
    return other


def _uuid_of(reply: Reply) -> UUID | None:
    value = reply.value
    if not isinstance(value, dict):
        return None
    try:
        return UUID(str(cast("dict[str, object]", value).get("uuid")))
    except ValueError:
        return None
