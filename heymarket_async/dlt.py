"""A source for dlt, which loads into many databases; dlt comes with the extra `dlt`.

```python
dlt.pipeline("contacts", destination="duckdb").run(heymarket())
```

loads all contacts the first time, and later what changed since.

https://dlthub.com/docs/general-usage/source
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias, cast, get_args, get_type_hints
from uuid import UUID

import msgspec

from heymarket_async import timestamps
from heymarket_async.bulk.custom_fields import UNREAD, fields_of
from heymarket_async.bulk.progress import Tally
from heymarket_async.bulk.read.checkpoint import latest_of
from heymarket_async.bulk.read.collect import SETTLE_S
from heymarket_async.bulk.read.odd import Odd
from heymarket_async.bulk.read.versions import Batch, batch_of_page
from heymarket_async.bulk.read.windows import later
from heymarket_async.checks import Int64
from heymarket_async.client import HeymarketClient, transport_of
from heymarket_async.decoding import mending
from heymarket_async.endpoints.contacts_v2 import MAX_LIMIT
from heymarket_async.models import Contact
from heymarket_async.privacy import hides_locals
from heymarket_async.transport.account import hold
from heymarket_async.transport.auth import ApiSecret
from heymarket_async.walk import rows as walk_rows
from heymarket_async.walk.rows import Rows as WalkRows

try:
    import dlt
    from dlt.common.data_types import TDataType
    from dlt.common.schema.typing import TColumnSchema
    from dlt.sources import incremental
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "heymarket_async.dlt needs a package: pip install 'heymarket-async[dlt]'", name=error.name
    ) from error

Rows = list[dict[str, object]]

_KINDS: dict[object, TDataType] = {int: "bigint", str: "text", UUID: "text", bool: "bool"}

# What dlt is not told, it guesses from the first value that it meets.
_COLUMNS: dict[str, TColumnSchema] = {
    **{
        name: {"data_type": _KINDS[kind]}
        for name, hint in get_type_hints(Contact).items()
        if (kind := get_args(hint)[0]) in _KINDS
    },
    "created": {"data_type": "timestamp"},
    "updated": {"data_type": "timestamp", "dedup_sort": "desc"},
    "custom": {"data_type": "json"},
    # A contact that is edited during the walk comes twice; this keeps the newest. The `rev` decided
    # before, and what is left out here would stay in the schema of a pipeline that is there.
    "rev": {"data_type": "bigint", "dedup_sort": None},
}

# dlt's ranges begin with their start, and `date` is documented as updated after.
_ASKED_BEFORE = timedelta(seconds=1)

_REACHED = "heymarket_reached"
_TOLD = "heymarket_told"

# A row that they refuse has an integer of more than 64 bits, or is nested deeper than that.
_Plain: TypeAlias = Int64 | float | str | bool | None
_Nested: TypeAlias = _Plain | list[_Plain] | dict[str, _Plain]
_Deep: TypeAlias = _Plain | list[_Nested] | dict[str, _Nested]

_logger = logging.getLogger("heymarket_async")
_decode = msgspec.json.Decoder(dict[str, _Deep]).decode
_decode_any = msgspec.json.Decoder(dict[str, object]).decode


def client_from_dlt() -> HeymarketClient:
    """Return a client with the credentials that dlt's secrets hold, else with the environment's.

    The secrets are `sources.heymarket.secret_id` and `sources.heymarket.secret_key`. For the
    environment see `HeymarketClient.from_env`.

    Raises:
        KeyError: dlt's secrets hold the id, but not the key.
        ValueError: Neither has credentials.
    """
    if "sources.heymarket.secret_id" in dlt.secrets:
        names = ("secret_id", "secret_key")
        secret = ApiSecret(*(dlt.secrets[f"sources.heymarket.{name}"] for name in names))
        return HeymarketClient.from_env(credentials=secret)
    return HeymarketClient.from_env()


@dlt.source(name="heymarket", section="heymarket")
def heymarket(client: Callable[[], HeymarketClient] = client_from_dlt) -> tuple[object, object]:
    """Return a source with the resources `contacts` and `contact_fields`.

    `contacts` is merged on `id`, and goes on from a minute before the newest `updated` that was
    loaded, because a write may show up late. Every key that Heymarket sends is kept. `updated` is
    made a datetime: dlt would compare texts letter by letter, and half a second would come before
    none. Where it is no time, it is null, and `updated_as_sent` has what was sent. `id_as_sent` and
    `rev_as_sent` have what is no integer of 64 bits. An integer of more than 64 bits anywhere else
    is a text in such a column too, such as `inbox_id_as_sent`, and in `custom` in its place. A
    warning in the log, once for each pipeline, names contacts that have no time, of which an edit
    may be missed, and those whose time is still to come.

    `custom` stays one column of JSON, such as {"123": "Premium"}. A column for each field would be
    there only once a contact has a value, and would split with the first value of another type.
    Titles name no columns either: they change, and two fields may share one. They are in
    `contact_fields`, which each load replaces.

    Deleted contacts stay until all are loaded anew: `pipeline.run(heymarket(),
    refresh="drop_data")`. A destination that can only upsert, such as Delta, does not sort out the
    versions of a contact that was edited during the walk.

    Args:
        client: Makes a client; called once for each resource, which closes it.

    https://developers.heymarket.com/api-reference/contacts/list-v2
    """

    @dlt.resource(primary_key="id", write_disposition="merge", columns=_COLUMNS)
    @hides_locals
    async def contacts(
        updated: incremental[datetime] = incremental[datetime](  # noqa: B008 - dlt copies it
            "updated", lag=SETTLE_S, row_order="asc", on_cursor_value_missing="include"
        ),
    ) -> AsyncIterator[Rows]:
        reached = _Reached(updated)
        start = updated.start_value = reached.start()
        held = _Held()
        async with client() as api:
            tally = Tally(api)
            await hold(transport_of(tally.client))
            walk = tally.client.contacts_v2.iterate(
                date=start and start - _ASKED_BEFORE, limit=MAX_LIMIT, returns=msgspec.Raw
            )
            async for page in walk.pages():
                batch = batch_of_page(page)
                reached.note(batch.rows, tally.clock())
                if rows := held.exchange(batch):
                    yield rows
        if rows := held.exchange(None):
            yield rows
        reached.end()

    @dlt.resource(primary_key="id", write_disposition="replace")
    @hides_locals
    async def contact_fields() -> AsyncIterator[Rows]:
        async with client() as api:
            fields = await fields_of(api)
        if fields is None:
            _logger.warning("dlt source, contact_fields: %s", UNREAD)
        yield [{"id": each.id, "title": each.title} for each in fields or ()]

    return contacts, contact_fields


class _Reached:
    """How far a run has come, by the server's clock, whatever `updated` a contact has.

    It is kept beside dlt's own state, which believes every `updated`.
    """

    def __init__(self, updated: incremental[datetime]) -> None:
        self._updated = updated
        self._state: dict[str, str] = {}
        if updated.end_value is None:
            self._state = dlt.current.resource_state(updated.resource_name or "contacts")
        self._odd = Odd()
        self._began = ""
        self._latest = ""

    def start(self) -> datetime | None:
        """Return where this run begins; None loads all."""
        start, initial = self._updated.start_value, self._updated.initial_value
        if start is None or self._updated.end_value is not None:
            return start
        if (reached := self._state.get(_REACHED)) is not None:
            before = timestamps.parse(reached) - timedelta(seconds=self._updated.lag or 0.0)
            start = min(start, before)
        elif start > datetime.now(UTC):
            # An older version went there, and nobody knows what it has missed.
            return initial
        return start if initial is None else max(start, initial)

    def note(self, rows: WalkRows, now: str) -> None:
        """Take note of a page, and of the server's time."""
        self._began = self._began or now
        self._latest = max(self._latest, latest_of(rows.stamps, until=self._began) or "")
        self._odd.note(rows, later(now, SETTLE_S))

    def end(self) -> None:
        """Keep how far the run has come, and tell what was odd, as no earlier run has."""
        if self._latest:
            self._state[_REACHED] = max(self._latest, self._state.get(_REACHED, ""))
        told = msgspec.json.decode(self._state.get(_TOLD, "[]"), type=set[int])
        for doubt in self._odd.doubts(told):
            _logger.warning("dlt source, contacts: %s", doubt)
        if ids := told.union(self._odd.unplaced.shown, self._odd.ahead.shown):
            self._state[_TOLD] = msgspec.json.encode(sorted(ids)).decode()


class _Held:
    """Holds a page back until the next one came, which may have newer versions of its contacts.

    dlt tells versions by one column, and two of the same second have the same `updated`.
    """

    def __init__(self) -> None:
        self._page: dict[int, dict[str, object]] = {}

    def exchange(self, batch: Batch | None) -> Rows:
        """Take a page, and return the one before, without what has come again."""
        page = {} if batch is None else _rows(batch)
        rows = [row for contact_id, row in self._page.items() if contact_id not in page]
        self._page = page
        return rows


def _rows(batch: Batch) -> dict[int, dict[str, object]]:
    """Return contacts as rows by their ids, typed as their columns are."""
    ids, revs, updated = batch.rows.ids, batch.rows.revs, batch.rows.updated
    rows: dict[int, dict[str, object]] = {}
    for place, item in enumerate(batch.items):
        row = _row(item)
        typed = {
            "id": ids[place],
            "rev": revs[place],
            # A day that is in no calendar may pass for a time elsewhere, but not here.
            "updated": timestamps.parse(updated[place]) if _has_time(batch.rows, place) else None,
        }
        for name, value in typed.items():
            sent = row.get(name)
            if sent is not None and (value is None or (name == "id" and str(sent) != str(value))):
                row[f"{name}_as_sent"] = sent if isinstance(sent, str) else str(sent)
        rows[ids[place]] = row | typed
    return rows


def _has_time(rows: walk_rows.Rows, place: int) -> bool:
    return bool(rows.stamps[place]) and timestamps.is_time(rows.updated[place])


def _row(item: bytes) -> dict[str, object]:
    """Return a row with integers of more than 64 bits as text, which dlt and databases take.

    They get a column of their own, since dlt would make a text in a column of integers one again.
    """
    try:
        return cast(dict[str, object], mending.decode(_decode, item))
    except msgspec.ValidationError:
        row = mending.decode(_decode_any, item)
    custom = _in_place(row.pop("custom", None))
    return cast(dict[str, object], _beside(row)) | {"custom": custom}


def _beside(value: object) -> object:
    if isinstance(value, dict):
        fields = cast(dict[str, object], value)
        return {
            f"{name}_as_sent" if _is_too_large(each) else name: (
                str(each) if _is_too_large(each) else _beside(each)
            )
            for name, each in fields.items()
        }
    if isinstance(value, list):
        elements = cast(list[object], value)
        # To dlt, an element that is no object has the one column `value`.
        return [_beside({"value": each} if _is_too_large(each) else each) for each in elements]
    return value


def _in_place(value: object) -> object:
    if isinstance(value, dict):
        fields = cast(dict[str, object], value)
        return {name: _in_place(each) for name, each in fields.items()}
    if isinstance(value, list):
        return [_in_place(each) for each in cast(list[object], value)]
    return str(value) if _is_too_large(value) else value


def _is_too_large(value: object) -> bool:
    return isinstance(value, int) and not -(2**63) <= value < 2**63
