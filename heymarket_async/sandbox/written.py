"""Writes of templates, lists and scheduled messages, which have much in common."""

import uuid
from typing import TypeVar

from heymarket_async.sandbox.readings import Repeat
from heymarket_async.sandbox.record_table import Kept, Records, Written
from heymarket_async.sandbox.routes import Call, Refused, integer

R = TypeVar("R", bound=Written)


def ref(call: Call, row: Kept) -> dict[str, object]:
    """Return the answer of a write: id, revision, and a `uuid` as the readings say."""
    answer: dict[str, object] = {"id": row.id, "rev": row.rev}
    if call.readings.list_uuid != "absent":
        made = str(uuid.uuid5(uuid.NAMESPACE_OID, f"thing {row.id}"))
        answer["uuid"] = (call.readings.list_uuid == "local_id" and row.local_id) or made
    return answer


def known(
    call: Call, table: Records[R], local_id: str, title: str, repeated: Repeat
) -> Kept | None:
    """Return the thing that a create repeats, or refuse it, or return None: it is a new one."""
    same = table.with_local_id(local_id) if local_id and repeated != "create" else None
    if same is not None and repeated == "reject":
        raise Refused(409, "local_id: was used already")
    check_title(call, table, title, but=same)
    return same


def check_title(call: Call, table: Records[R], title: str, but: Kept | None) -> None:
    """Refuse a title that another thing has, if the readings say so."""
    other = table.titled(title) if call.readings.duplicate_title == "reject" else None
    if other is not None and other is not but:
        raise Refused(400, "title: is taken")


def named_by_path(call: Call, table: Records[R], kind: str) -> Kept:
    """Return the thing that the path names, or refuse."""
    return call.existing(table.by_id(integer(call.path["id"], "id")), kind)
