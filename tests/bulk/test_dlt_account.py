"""A load by dlt has contacts of one account."""

from __future__ import annotations

import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from heymarket_async import ApiKey, ApiSecret, AttemptEvent, HeymarketClient
from heymarket_async.dlt import heymarket
from heymarket_async.sandbox import Sandbox
from tests.bulk.test_dlt import LIST, Warehouse, dlt_at_home, warehouse

__all__ = ["dlt_at_home", "warehouse"]  # fixtures


def changing(sandbox: Sandbox) -> HeymarketClient:
    """Return a client whose credentials change after the first page."""
    used = [ApiSecret(*sandbox.credentials)]

    async def credentials() -> ApiSecret | ApiKey:
        return used[-1]

    def change(event: AttemptEvent) -> None:
        if event.call == LIST and len(used) == 1:
            used.append(ApiKey(sandbox.api_key))
            client._transport._signer._asked_at = float("-inf")

    client = HeymarketClient(credentials, base_url=sandbox.url, on_attempt=change)
    return client


def test_a_load_ends_where_the_account_changes(warehouse: Warehouse):
    with Sandbox(contacts=250) as sandbox:
        sandbox.faults.answer(200, on="GET /v1/team", body={"id": 8002}, after=1)
        source = heymarket(lambda: changing(sandbox)).with_resources("contacts")

        with pytest.raises(PipelineStepFailed, match=r"team 8002 .* instead of team 7001"):
            warehouse.load(source)

        assert sum(each.path == "/v2/contacts/list" for each in sandbox.requests) == 1
        assert (
            warehouse.load(heymarket(lambda: changing(sandbox)).with_resources("contacts")) == 250
        )
