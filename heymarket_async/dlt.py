"""A source for dlt, which loads contacts into many databases; the extra `dlt` installs it.

```python
dlt.pipeline("contacts", destination="duckdb").run(heymarket())
```

loads all contacts the first time, and later only the changes.

https://dlthub.com/docs/general-usage/source
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import msgspec

from heymarket_async import timestamps
from heymarket_async.bulk.archive import WINDOW_S
from heymarket_async.bulk.custom_fields import UNREAD, fields_of
from heymarket_async.bulk.kind import CONTACT, CONVERSATION, MESSAGE, CellType, Kind
from heymarket_async.bulk.progress import RequestStats
from heymarket_async.bulk.read.checkpoint import latest_of
from heymarket_async.bulk.read.collect import SETTLE_S
from heymarket_async.bulk.read.source import MESSAGES, Source, all_conversations
from heymarket_async.bulk.read.versions import Batch, OddRows, Version, batch_of_page
from heymarket_async.bulk.typed_records import typed_records
from heymarket_async.client import HeymarketClient, transport_of
from heymarket_async.endpoints.contacts_v2 import MAX_LIMIT
from heymarket_async.endpoints.listing import WalkQuery
from heymarket_async.extras import needs
from heymarket_async.privacy import hides_locals
from heymarket_async.transport.account import hold
from heymarket_async.transport.auth import ApiSecret
from heymarket_async.walk.rows import Rows

try:
    import dlt
    from dlt.common.data_types import TDataType
    from dlt.common.schema.typing import TColumnSchema
    from dlt.sources import incremental
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(needs("heymarket_async.dlt", "dlt"), name=error.name) from error

_TYPES: dict[CellType, TDataType] = {int: "bigint", str: "text", bool: "bool"}


def _columns_of(kind: Kind) -> dict[str, TColumnSchema]:
    """Return the types of a kind's columns. Without one, dlt guesses it from the first value."""
    return {
        name: {"data_type": _TYPES[cell]}
        for name, cell in kind.columns.items()
        if name not in kind.nested
    }


_COLUMNS: dict[str, TColumnSchema] = {
    **_columns_of(CONTACT),
    "created": {"data_type": "timestamp"},
    "updated": {"data_type": "timestamp", "dedup_sort": "desc"},
    "custom": {"data_type": "json"},
    # A contact that is edited during the walk comes twice; the sort of `updated` keeps the newest.
    # Older versions sorted by `rev`; without the None, existing pipelines would keep that.
    "rev": {"data_type": "bigint", "dedup_sort": None},
}

_NEWEST: TColumnSchema = {"data_type": "timestamp", "dedup_sort": "desc"}

_MESSAGE_COLUMNS: dict[str, TColumnSchema] = {
    **_columns_of(MESSAGE),
    "date": {"data_type": "timestamp"},
    "updated": _NEWEST,
    # Their keys are phones, or not documented: as columns, there would be ever more of them.
    **{name: {"data_type": "json"} for name in ("target_errors", "media", "custom")},
}

_CONVERSATION_COLUMNS: dict[str, TColumnSchema] = {
    **_columns_of(CONVERSATION),
    "created": {"data_type": "timestamp"},
    "updated": _NEWEST,
    "last_msg": {"data_type": "json"},
}

# dlt's ranges begin with their start, and `date` is documented as updated after.
_ASKED_BEFORE = timedelta(seconds=1)

_REACHED = "heymarket_reached"
_REPORTED = "heymarket_told"
_VERSIONS = "heymarket_versions"
_FORGET_ABOVE = 10_000

_logger = logging.getLogger("heymarket_async")


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
def heymarket(client: Callable[[], HeymarketClient] = client_from_dlt) -> tuple[object, ...]:
    """Return a source with the resources `contacts`, `contact_fields`, `messages`, `conversations`.

    `contacts` is merged on `id`. A run resumes from a minute before the newest `updated` that was
    loaded, because a write may show up late. Every key that Heymarket sends is kept. `updated` is
    a datetime, because dlt would compare texts letter by letter, which sorts half a second before
    none. If `updated` is not a time, it is null, and the column `updated_as_sent` has the original.
    `id_as_sent` and `rev_as_sent` have an `id` and `rev` that are not integers of 64 bits. Any
    other integer of more than 64 bits is a text in a column like `inbox_id_as_sent`; inside
    `custom`, it is a text in its place. The log warns, once for each pipeline, of contacts that
    have no time, whose edits may be missed, and of those whose time is in the future.

    `custom` stays one column of JSON, such as {"123": "Premium"}. A column for each field would not
    exist until a contact has a value, and would split with the first value of another type.
    Titles are not good names for columns either: they change, and two fields may share one. They
    are in `contact_fields`, which each load replaces.

    Deleted contacts stay until all are loaded anew: `pipeline.run(heymarket(),
    refresh="drop_data")`. A destination that can only upsert, such as Delta, may keep an older
    version of a contact that was edited during the walk.

    `messages` and `conversations` are loaded only if they are asked for, because the first load of
    them may take long: `heymarket().with_resources("messages", "conversations")`. They are merged
    on `id` too, and read from the newest to where the last load came to. Messages of the day before
    that are read again, because their `status` changes while their `date` stays.

    Args:
        client: Returns a client; called once for each resource, which closes it.

    https://developers.heymarket.com/api-reference/contacts/list-v2
    """

    @dlt.resource(primary_key="id", write_disposition="merge", columns=_COLUMNS)
    @hides_locals
    async def contacts(
        updated: incremental[datetime] = incremental[datetime](  # noqa: B008 - dlt copies it
            "updated", lag=SETTLE_S, row_order="asc", on_cursor_value_missing="include"
        ),
    ) -> AsyncIterator[list[dict[str, object]]]:
        watermark = _Watermark(updated)
        start = watermark.start()
        # Held back until the next page has come, which may have a newer version of a contact: dlt
        # compares versions by one column, and two of the same second have the same `updated`.
        held: dict[int, dict[str, object]] = {}
        async with client() as api:
            stats = RequestStats(api)
            await hold(transport_of(stats.client))
            walk = stats.client.contacts_v2.iterate(
                date=start and start - _ASKED_BEFORE, limit=MAX_LIMIT, returns=msgspec.Raw
            )
            async for page in walk.pages():
                batch = batch_of_page(page)
                watermark.read(batch.rows, stats.clock())
                records = typed_records(watermark.without_older(batch, stats.clock()))
                if newest := [held[each] for each in held if each not in records]:
                    yield newest
                held = records
        if held:
            yield list(held.values())
        watermark.end()

    @dlt.resource(primary_key="id", write_disposition="replace")
    @hides_locals
    async def contact_fields() -> AsyncIterator[list[dict[str, object]]]:
        async with client() as api:
            fields = await fields_of(api)
        if fields is None:
            _logger.warning("dlt source, contact_fields: %s", UNREAD)
        yield [{"id": each.id, "title": each.title} for each in fields or ()]

    @dlt.resource(
        primary_key="id", write_disposition="merge", columns=_MESSAGE_COLUMNS, selected=False
    )
    @hides_locals
    async def messages(
        date: incremental[datetime] = incremental[datetime](  # noqa: B008 - dlt copies it
            "date", lag=WINDOW_S, on_cursor_value_missing="include"
        ),
    ) -> AsyncIterator[list[dict[str, object]]]:
        async for records in _newest_first(client, _all_messages, _Watermark(date, MESSAGE)):
            yield records

    @dlt.resource(
        primary_key="id", write_disposition="merge", columns=_CONVERSATION_COLUMNS, selected=False
    )
    @hides_locals
    async def conversations(
        updated: incremental[datetime] = incremental[datetime](  # noqa: B008 - dlt copies it
            "updated", lag=SETTLE_S, on_cursor_value_missing="include"
        ),
    ) -> AsyncIterator[list[dict[str, object]]]:
        watermark = _Watermark(updated, CONVERSATION)
        async for records in _newest_first(client, all_conversations, watermark):
            yield records

    return contacts, contact_fields, messages, conversations


async def _all_messages(_: HeymarketClient) -> Source:
    return MESSAGES


async def _newest_first(
    client: Callable[[], HeymarketClient],
    source_of: Callable[[HeymarketClient], Awaitable[Source]],
    watermark: _Watermark,
) -> AsyncIterator[list[dict[str, object]]]:
    """Give the records of a list by page, from the newest to where this load begins.

    What moves to the front meanwhile is read by the next load. A list that turns out to be oldest
    first is read whole.
    """
    start = watermark.start()
    since = "" if start is None else timestamps.instant(timestamps.to_text("start", start))
    is_newest_first = False
    async with client() as api:
        stats = RequestStats(api)
        await hold(transport_of(stats.client))
        source = await source_of(stats.client)
        async for page in source.walk(stats.client, WalkQuery()).pages():
            batch, stamps = source.batch(page), page.rows.stamps
            watermark.read(batch.rows, stats.clock())
            yield list(typed_records(batch).values())
            is_newest_first = is_newest_first or stamps[0] > stamps[-1]
            if is_newest_first and stamps[-1] < since and not page.is_amid_group:
                break
    watermark.end()


class _Watermark:
    """The instant that a run has come to, by the server's clock, and the odd records it has read.

    It is kept beside dlt's own state, which believes an `updated` that is in the future.
    """

    def __init__(self, updated: incremental[datetime], kind: Kind = CONTACT) -> None:
        self._updated = updated
        self._kind = kind
        self._state: dict[str, str] = {}
        if updated.end_value is None:
            self._state = dlt.current.resource_state(updated.resource_name or kind.plural)
        self._odd = OddRows()
        self._versions = _Versions()
        self._began = ""
        self._latest = ""

    def start(self) -> datetime | None:
        """Return where this run begins, and tell dlt; None loads all."""
        self._updated.start_value = start = self._start()
        return start

    def _start(self) -> datetime | None:
        start, initial = self._updated.start_value, self._updated.initial_value
        if start is None or self._updated.end_value is not None:
            return start
        if (reached := self._state.get(_REACHED)) is not None:
            before = timestamps.parse(timestamps.earlier(reached, self._updated.lag or 0.0))
            start = min(start, before)
            self._versions = _Versions(self._state.get(_VERSIONS, "[]"))
        elif start > datetime.now(UTC):
            # An older version of this package stored it; it is not known what it has missed.
            return initial
        return start if initial is None else max(start, initial)

    def read(self, rows: Rows, now: str) -> None:
        """Count a page that was read at this time of the server."""
        self._began = self._began or now
        self._latest = max(self._latest, latest_of(rows.stamps, until=self._began) or "")
        self._odd.count(rows, timestamps.later(now, SETTLE_S))

    def without_older(self, batch: Batch, now: str) -> Batch:
        """Return a page that was read, without older versions than those that are loaded."""
        self._versions.forget(before=self._read_again_from(self._latest))
        return self._versions.without_older(batch, latest=timestamps.later(now, SETTLE_S))

    def _read_again_from(self, reached: str) -> str:
        """Return where a load begins after one that came to this instant, or a bit before."""
        return timestamps.earlier(reached, (self._updated.lag or 0.0) + 2) if reached else ""

    def end(self) -> None:
        """Store the watermark, and warn of odd contacts that no earlier run has reported."""
        if self._latest:
            self._state[_REACHED] = max(self._latest, self._state.get(_REACHED, ""))
            since = self._read_again_from(self._state[_REACHED])
            self._state[_VERSIONS] = self._versions.stored(since)
        known = msgspec.json.decode(self._state.get(_REPORTED, "[]"), type=set[int])
        for doubt in self._odd.doubts(known, self._kind):
            _logger.warning("dlt source, %s: %s", self._kind.plural, doubt)
        if ids := known.union(self._odd.ids):
            self._state[_REPORTED] = msgspec.json.encode(sorted(ids)).decode()


class _Versions:
    """The newest versions of the contacts that the next load may read again.

    dlt keeps the version that is loaded last, and a server may answer with an older one.
    """

    def __init__(self, stored: str = "[]") -> None:
        rows = msgspec.json.decode(stored, type=list[tuple[int, str, int]])
        self._newest = {contact_id: Version(instant, rev) for contact_id, instant, rev in rows}
        self._most = _FORGET_ABOVE

    def without_older(self, batch: Batch, *, latest: str) -> Batch:
        """Return contacts without the versions that do not replace a known one; know the others.

        Args:
            batch: The contacts.
            latest: See `Version.replaces`.
        """
        return batch.only(
            [
                place
                for place, contact_id in enumerate(batch.rows.ids)
                if self._is_newest(contact_id, batch.version(place), latest)
            ]
        )

    def _is_newest(self, contact_id: int, version: Version, latest: str) -> bool:
        known = self._newest.get(contact_id)
        if known and 0 < version.rev < known.rev and not version.replaces(known, latest=latest):
            return False
        if version.rev and version.instant:
            self._newest[contact_id] = version
        return True

    def forget(self, *, before: str) -> None:
        """Forget the versions that no load reads again, if many are known."""
        if len(self._newest) > self._most:
            self._newest = self._since(before)
            self._most = 2 * len(self._newest) + _FORGET_ABOVE

    def stored(self, since: str) -> str:
        """Return the versions from this instant on, as JSON."""
        rows = [(each, *version[:2]) for each, version in self._since(since).items()]
        return msgspec.json.encode(rows).decode()

    def _since(self, instant: str) -> dict[int, Version]:
        return {
            each: version for each, version in self._newest.items() if version.instant >= instant
        }
