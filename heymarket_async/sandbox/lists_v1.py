"""Lists of people: the reads, which are of v1, and the deprecated writes of v1.

Sources: the page overview below https://developers.heymarket.com/api-reference/lists/, and for the
writes the fields that a public connector sends.
"""

from msgspec import Struct

from heymarket_async.sandbox.list_table import ListRecord, Member
from heymarket_async.sandbox.lists import Text, list_of
from heymarket_async.sandbox.membership import of_phones
from heymarket_async.sandbox.routes import Answer, Call, Refused, route
from heymarket_async.sandbox.written import check_title, known, ref


class ListIn(Struct, frozen=True, kw_only=True):
    """A list to create, or to change; `members` are names by phone, and replace the old ones."""

    title: Text | None = None
    local_id: str = ""
    members: dict[str, Member] | None = None
    add_phone: str | None = None
    remove_phone: str | None = None


@route("POST /v1/list")
def create(call: Call) -> object:
    """Create a list (deprecated)."""
    sent, lists = call.parse(ListIn), call.account.lists
    if sent.title is None:
        raise Refused(400, "title: is required")
    row = known(call, lists, sent.local_id, sent.title, call.readings.list_local_id)
    if row is None:
        record = ListRecord(
            name=sent.title, local_id=sent.local_id, targets=_members(call, {}, sent)
        )
        row = lists.put(record, call.now)
    return call.created(ref(call, row))


@route("GET /v1/list/{id}")
def get(call: Call) -> object:
    """Show a list."""
    return Answer(200, list_of(call).line)


@route("PUT /v1/list/{id}")
def update(call: Call) -> object:
    """Change a list (deprecated)."""
    row, sent, lists = list_of(call), call.parse(ListIn), call.account.lists
    record = lists.record(row)
    if sent.title is not None:
        check_title(call, lists, sent.title, but=row)
        record.name = sent.title
    record.targets = _members(call, record.targets, sent)
    return ref(call, lists.put(record, call.now))


@route("DELETE /v1/list/{id}")
def delete(call: Call) -> object:
    """Delete a list (deprecated); the contacts stay."""
    call.account.lists.remove(list_of(call))
    return "ok"


@route("POST /v1/lists")
def list_page(call: Call) -> object:
    """List a page of lists, in the order of the lists of contacts."""
    return call.page(call.account.lists)


def _members(call: Call, old: dict[str, Member], sent: ListIn) -> dict[str, Member]:
    """Return the members after a write."""
    named = sent.members or {}
    if sent.add_phone is not None:
        named = {**named, sent.add_phone: Member()}
    people = {**(old if sent.members is None else {}), **of_phones(call, named, "members")}
    people.pop(sent.remove_phone or "", None)
    return people
