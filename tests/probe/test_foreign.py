"""Servers that differ from the sandbox: a probe ends with all that it found, and nothing wrong."""

from __future__ import annotations

import pytest
from aiohttp import web

from heymarket_async.probe.found import Found
from tests.probe.foreign import Foreign, reasons_of, seen_of

EVERYWHERE = {"v1.order": "newest first", "v2.order": "oldest first", "v1.includes_date": "no"}


def is_large(body) -> bool:
    return body.get("limit", 0) > 100


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (OSError, "no whole answer came"),
        (
            lambda: web.Response(status=302, headers={"Location": "/x"}),
            "a large `limit` is answered with a redirect",
        ),
    ],
    ids=["reset", "redirect"],
)
async def test_a_large_page_that_never_comes_costs_the_largest_limit_only(answer, reason):
    def change(server, body, path):
        return answer() if is_large(body) else None

    findings = await Foreign(400, change).probed()

    assert seen_of(findings).items() >= EVERYWHERE.items()
    assert findings.profile.v1.over_limit is None
    assert reasons_of(findings)["v1.over_limit"] == reason


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


# Nothing wrong


def once(number: int):
    """Create a contact before the answer to one request."""

    def change(server, body, path):
        if len(server.asked) == number:
            server.create()

    return change


@pytest.mark.parametrize(("contacts", "most"), [(1300, 1000), (1300, 100), (20, 100)])
async def test_a_date_that_is_ignored_is_not_taken_for_a_side(contacts, most):
    def change(server, body, path):
        if body.pop("date", None) and path.endswith("count"):
            return len(server.places)
        return None

    findings = await Foreign(contacts, change, most=most).probed()

    assert findings.profile.v1.date in {None, "ignored"}
    assert findings.profile.v2.date in {None, "ignored"}
    assert findings.profile.v1.includes_date is None


@pytest.mark.parametrize("number", range(1, 30))
async def test_one_new_contact_in_a_small_account_shows_no_size(number):
    profile = (await Foreign(12, once(number)).probed()).profile

    for facts in (profile.v1, profile.v2):
        assert (facts.default_limit, facts.largest_limit, facts.over_limit) == (None, None, None)


async def test_a_tie_that_is_larger_than_a_page_shows_no_finer_time():
    findings = await Foreign(400, default=5, ties=8).probed()

    assert findings.profile.stored_finer is not True


@pytest.mark.parametrize("status", [403, 404, 405])
async def test_a_call_that_finds_nobody_shows_nothing_about_unknown_contacts(status):
    def change(server, body, path):
        if "contact/" in path:
            return web.json_response({}, status=status)
        return None

    findings = await Foreign(60, change).probed()

    for name in ("unknown_id", "unknown_find"):
        assert name not in seen_of(findings)
        assert reasons_of(findings)[name] == "a known contact is not found either"


@pytest.mark.parametrize("contacts", [1, 2, 12, 400])
@pytest.mark.parametrize("is_clamped", [True, False])
async def test_a_page_that_is_an_offset_or_stays_on_the_last_is_not_ignored(contacts, is_clamped):
    def change(server, body, path):
        number = body.pop("page", 0)
        if path not in {"/v1/contacts", "/v2/contacts/list"}:
            return None
        if is_clamped:
            return server.page({**body, "page": number}, path) or server.page(body, path)
        size = min(body.get("limit", server.default), server.most)
        rows = server.page({**body, "limit": server.most}, path)
        return rows[number : number + size]

    findings = await Foreign(contacts, change).probed()

    expected = {0, None} if is_clamped and contacts == 400 else {None}
    assert findings.profile.v1.first_page in expected


@pytest.mark.parametrize("contacts", [2, 3, 5])
async def test_few_timestamps_may_be_sorted_by_chance(contacts):
    findings = await Foreign(contacts).probed()

    assert findings.profile.v1.order is None
    assert findings.profile.v2.order is None


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("X-App-Rate-Limit", "x-app-rate-limit"),
        ("X-Amzn-RateLimit-Limit", "x-amzn-ratelimit-limit"),
        ("X-RateLimit-Team-Acme-7001", None),
        ("X-Other", "none"),
    ],
)
async def test_a_header_of_the_rate_limit_is_named_unless_it_may_name_the_account(name, seen):
    server = Foreign(5)
    server.headers[name] = "1"
    findings = await server.probed()

    assert seen_of(findings).get("rate_headers") == seen


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_gateway_that_fails_is_not_the_answer_to_a_large_limit(status):
    def change(server, body, path):
        return web.json_response({}, status=status) if is_large(body) else None

    findings = await Foreign(400, change).probed()

    assert findings.profile.v1.over_limit is None
    assert findings.profile.v1.order == "newest first"


async def test_a_large_limit_that_is_answered_429_is_not_tried_again():
    def change(server, body, path):
        if is_large(body):
            return web.json_response({}, status=429)
        return None

    server = Foreign(400, change)
    findings = await server.probed()

    assert sum(is_large(body) for _, body in server.asked) == 1
    assert seen_of(findings).items() >= EVERYWHERE.items()
    for name in ("v1.largest_limit", "v2.largest_limit"):
        assert "429" in reasons_of(findings)[name]


async def test_after_a_429_no_larger_limit_is_tried():
    def change(server, body, path):
        if path == "/v1/contacts/count" and len(server.asked) > 5:
            return web.json_response({}, status=429)
        return web.json_response({}, status=400) if is_large(body) else None

    server = Foreign(400, change)
    findings = await server.probed()

    limits = [body["limit"] for _, body in server.asked if "limit" in body]
    assert limits == [1000, 1000]
    assert reasons_of(findings)["v2.over_limit"] == "no large `limit` is tried after a 429"
    assert findings.profile.v1.default_limit == 30


async def test_a_500_by_chance_is_not_the_answer_to_a_large_limit():
    def change(server, body, path):
        bad = is_large(body) and sum(is_large(each) for _, each in server.asked) <= 2
        return web.json_response({}, status=500) if bad else None

    findings = await Foreign(400, change).probed()

    assert findings.profile.v2.over_limit == "cut"
    assert findings.profile.v1.over_limit is None


async def test_rows_that_are_left_out_of_a_page_hide_the_largest_limit():
    def change(server, body, path):
        if path in {"/v1/contacts", "/v2/contacts/list"}:
            return [row for row in server.page(body, path) if row["id"] % 33]
        return None

    findings = await Foreign(1300, change).probed()

    assert findings.profile.v1.largest_limit is None
    assert findings.profile.v2.largest_limit is None


async def test_an_error_in_json_is_no_end():
    def change(server, body, path):
        is_far = str(body.get("date", "")).startswith(("1970", "2199"))
        return {"error": "out of range"} if is_far else None

    findings = await Foreign(400, change).probed()

    assert findings.profile.v1.end is None
