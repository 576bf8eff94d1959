"""A source for dlt, which loads into many databases; dlt comes with the extra `dlt`.

```python
dlt.pipeline("contacts", destination="duckdb").run(heymarket())
```

loads all contacts the first time, and later what changed since.

https://dlthub.com/docs/general-usage/source
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import get_args, get_type_hints
from uuid import UUID

import msgspec

from heymarket_async import timestamps
from heymarket_async.bulk.collecting import SETTLE_S
from heymarket_async.client import HeymarketClient
from heymarket_async.endpoints.contacts_v2 import MAX_LIMIT
from heymarket_async.models import Contact
from heymarket_async.transport.auth import ApiSecret

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
    "updated": {"data_type": "timestamp"},
    "custom": {"data_type": "json"},
    # A contact that is edited during the walk comes twice; this keeps the newest.
    "rev": {"data_type": "bigint", "dedup_sort": "desc"},
}

# dlt's ranges begin with their start, and `date` is documented as updated after.
_ASKED_BEFORE = timedelta(seconds=1)

_decode = msgspec.json.Decoder(dict[str, object]).decode


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
    none.

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
    async def contacts(
        updated: incremental[datetime] = incremental[datetime](  # noqa: B008 - dlt copies it
            "updated", lag=SETTLE_S, row_order="asc"
        ),
    ) -> AsyncIterator[Rows]:
        start = updated.start_value
        async with client() as api:
            walk = api.contacts_v2.iterate(
                date=start and start - _ASKED_BEFORE, limit=MAX_LIMIT, returns=msgspec.Raw
            )
            async for page in walk.pages():
                yield [_row(line) for line in page]

    @dlt.resource(primary_key="id", write_disposition="replace")
    async def contact_fields() -> AsyncIterator[Rows]:
        async with client() as api:
            yield [{"id": each.id, "title": each.title} for each in await api.contact_fields.all()]

    return contacts, contact_fields


def _row(line: msgspec.Raw) -> dict[str, object]:
    row = _decode(line)
    row["updated"] = timestamps.parse(str(row["updated"]))
    return row
