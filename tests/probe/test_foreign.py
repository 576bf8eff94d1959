"""Servers that differ from the sandbox: a probe ends with all that it found, and nothing wrong."""

from __future__ import annotations

import pytest
from aiohttp import web

from heymarket_async.probe.found import Found
from tests.probe.foreign import Foreign, reasons_of, seen_of

EVERYWHERE = {"v1.order": "newest first", "v2.order": "oldest first", "v1.includes_date": "no"}


def is_large(body) -> bool:
    return body.get("limit", 0) > 100


@pytest.mark.parametrize("answer", [OSError(), web.HTTPFound("/x")], ids=["reset", "redirect"])
async def test_a_large_page_that_never_comes_costs_the_largest_limit_only(answer):
    def change(server, body, path):
        if is_large(body):
            return answer if isinstance(answer, OSError) else web.HTTPFound("/x")
        return None

    findings = await Foreign(400, change).probed()

    assert seen_of(findings).items() >= EVERYWHERE.items()
    assert findings.profile.v1.over_limit is None
    assert "v1.over_limit" in reasons_of(findings)


@pytest.mark.parametrize("request_number", [1, 3])
async def test_a_contact_that_appears_in_an_empty_account_shows_no_size(request_number):
    def change(server, body, path):
        if len(server.asked) == request_number + 1:
            server.create()

    findings = await Foreign(0, change).probed()

    assert findings.profile.v1.default_limit is None
    assert findings.profile.v2.default_limit is None
    assert findings.profile.v1.end == "[]"


async def test_pages_that_are_empty_without_a_limit_have_no_default():
    findings = await Foreign(50, default=0).probed()

    assert findings.profile.v1.default_limit is None
    assert findings.profile.v1.order == "newest first"


async def test_a_401_about_an_unknown_contact_ends_nothing():
    def change(server, body, path):
        if path.endswith("2147483647") or body.get("id") == "2147483647":
            return web.json_response({}, status=401)
        return None

    findings = await Foreign(100, change).probed()

    assert seen_of(findings).items() >= EVERYWHERE.items()
    assert findings.profile.unknown_id == "401"


def test_a_value_that_a_profile_cannot_hold_is_left_open():
    found = Found()
    found.values |= {"v1.over_limit": "302", "v1.default_limit": 30, "gzip": True}
    profile = found.profile()

    assert (profile.v1.default_limit, profile.v1.over_limit, profile.gzip) == (30, None, True)
    assert found.reasons["v1.over_limit"] == "a profile cannot hold what was seen"
    assert "v1.over_limit" not in found.values
