"""Readings about counts, limits and headers."""

from __future__ import annotations

import pytest

from heymarket_async.sandbox import Readings

COUNT = "POST /v1/contacts/count"


@pytest.mark.parametrize(
    ("readings", "number"),
    [
        ({}, 2),
        ({"count_includes_date": True}, 3),
        ({"count_date": "before"}, 2),
        ({"count_date": "before", "count_includes_date": True}, 3),
        ({"count_date": "ignored"}, 5),
    ],
)
async def test_a_count_is_of_one_side_of_a_date(serve, readings, number):
    account = await serve(5, readings=Readings(**readings))
    middle = account.sandbox.store.contacts[2]["updated"]

    assert await account.ask(COUNT, {"date": middle}) == number
    assert await account.ask(COUNT, {}) == 5


async def test_v2_may_have_another_largest_limit(serve):
    account = await serve(300, readings=Readings(v2_max_limit=250))
    assert len(await account.ask("POST /v2/contacts/list", {"limit": 300})) == 250
    account = await serve(300, readings=Readings(v2_max_limit=50, v2_over_limit="reject"))
    assert await account.status("POST /v2/contacts/list", {"limit": 51}) == 400


async def test_a_large_answer_is_compressed_for_those_who_take_it(serve):
    account = await serve(30, readings=Readings(gzip=True))
    for limit, accepts, encoding in (
        (30, "gzip", "gzip"),
        (30, "identity", None),
        (1, "gzip", None),
    ):
        async with account.session.post(
            "/v1/contacts", json={"limit": limit}, headers={"Accept-Encoding": accepts}
        ) as response:
            assert response.headers.get("Content-Encoding") == encoding
            assert len(await response.json()) == limit


async def test_headers_count_the_requests_that_are_left(serve):
    account = await serve(1, readings=Readings(rate_headers=True), limit=5, per_s=60)
    for left in (4, 3):
        async with account.session.post("/v1/contacts", json={}) as response:
            assert response.headers["X-RateLimit-Limit"] == "5"
            assert response.headers["X-RateLimit-Remaining"] == str(left)
            assert 55 <= int(response.headers["X-RateLimit-Reset"]) <= 60
    account = await serve(1, readings=Readings(rate_headers=True), limit=None)
    async with account.session.post("/v1/contacts", json={}) as response:
        assert not any(name.startswith("X-RateLimit") for name in response.headers)


async def test_without_a_known_credential_there_are_no_such_headers(serve):
    account = await serve(readings=Readings(rate_headers=True))
    async with account.session.get("/v1/team", headers={"Authorization": "Bearer x"}) as response:
        assert response.status == 401
        assert "X-RateLimit-Limit" not in response.headers
