"""The walk of a job over the time range of an account."""

from __future__ import annotations

import json

import pytest

from heymarket_async import BadRequestError
from heymarket_async.bulk import JsonLines, export_contacts
from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import client_of, restamp

NOON = 1_776_000_000


@pytest.mark.parametrize(("apart_s", "covered_s"), [(0, 1.0), (10, 190.0)])
async def test_a_page_covers_at_least_a_second(apart_s, covered_s, tmp_path):
    state = tmp_path / "c.jsonl.partial" / "heymarket-state.json"
    async with Sandbox(contacts=100) as sandbox, client_of(sandbox) as client:
        for place, each in enumerate(sandbox.store.contacts):
            restamp(sandbox, each["id"], NOON + place * apart_s)
        sandbox.faults.answer(400, on="POST /v2/contacts/list", after=1)

        with pytest.raises(BadRequestError):
            await export_contacts(
                client, JsonLines(tmp_path / "c.jsonl"), surface="v2", page_size=20
            )

    (span,) = json.loads(json.loads(state.read_text())["checkpoint"])["windows"]
    assert span["page_s"] == covered_s
