"""Templates.

Source: the pages overview and manage below https://developers.heymarket.com/api-reference/templates/
"""

from typing import Annotated

from msgspec import Meta, Struct

from heymarket_async.sandbox.record_table import Kept
from heymarket_async.sandbox.routes import Answer, Call, route
from heymarket_async.sandbox.template_table import Content, TemplateRecord
from heymarket_async.sandbox.written import check_title, known, named_by_path, ref


class TemplateIn(Struct, frozen=True, kw_only=True):
    """A template to create, or to put in the place of one."""

    title: Annotated[str, Meta(min_length=1)]
    content: Content
    local_id: str = ""
    archived: bool = False


@route("POST /v1/template")
def create(call: Call) -> object:
    """Create a template."""
    sent, templates = call.parse(TemplateIn), call.account.templates
    how = call.readings.template_local_id
    row = known(call, templates, sent.local_id, sent.title, how)
    if row is None:
        record = TemplateRecord(
            name=sent.title, content=sent.content, local_id=sent.local_id, archived=sent.archived
        )
        row = templates.put(record, call.now)
    return call.created(ref(call, row))


@route("GET /v1/template/{id}")
def get(call: Call) -> object:
    """Show a template."""
    return Answer(200, _template(call).line)


@route("PUT /v1/template/{id}")
def update(call: Call) -> object:
    """Put a template in the place of one; a `local_id` that is not sent stays."""
    row, sent, templates = _template(call), call.parse(TemplateIn), call.account.templates
    check_title(call, templates, sent.title, but=row)
    record = templates.record(row)
    record.name, record.content, record.archived = sent.title, sent.content, sent.archived
    record.local_id, record.op = sent.local_id or record.local_id, "update"
    return ref(call, templates.put(record, call.now))


@route("DELETE /v1/template/{id}")
def delete(call: Call) -> object:
    """Delete a template."""
    call.account.templates.remove(_template(call))
    return "ok"


@route("POST /v1/templates")
def list_page(call: Call) -> object:
    """List a page of templates, in the order of the lists of contacts."""
    return call.page(call.account.templates)


def _template(call: Call) -> Kept:
    return named_by_path(call, call.account.templates, "template")
