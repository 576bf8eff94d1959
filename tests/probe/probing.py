"""Probes a sandbox, and knows which answers are right for its readings."""

from __future__ import annotations

from heymarket_async import ApiProfile, ApiSecret, HeymarketClient
from heymarket_async.probe import Findings, probe
from heymarket_async.sandbox import Sandbox


def client_of(sandbox: Sandbox, **options: object) -> HeymarketClient:
    return HeymarketClient(ApiSecret(*sandbox.credentials), base_url=sandbox.url, **options)


async def findings_of(sandbox: Sandbox, **options: object) -> Findings:
    async with sandbox, client_of(sandbox) as client:
        return await probe(client, **options)


async def profile_of(sandbox: Sandbox) -> ApiProfile:
    return (await findings_of(sandbox)).profile
