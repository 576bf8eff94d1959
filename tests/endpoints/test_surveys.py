"""`client.surveys`: pages with numbers, until one has nothing new."""

from __future__ import annotations

import msgspec
import pytest

from heymarket_async import ClientStateError, PaginationError, PermissionDeniedError, Survey
from heymarket_async.endpoints.surveys import Surveys
from tests.conftest import Scripted, answer, jumping_time, transport_over
from tests.transport.test_account import OTHER, Accounts


def rows(*ids: int) -> list[dict[str, object]]:
    return [{"id": each, "name": f"Survey {each}"} for each in ids]


async def all_of(serve):
    """Return all surveys of a server, and the bodies that it was sent."""

    async def step(sent):
        return answer(200, serve(**msgspec.json.decode(sent.body)))

    http = Scripted(step)
    found = await Surveys(transport_over(http)).all()
    return found, [msgspec.json.decode(each.body) for each in http.sent]


def paged(count: int, size: int = 30, base: int = 1):
    """A server with this many surveys, and pages of this size at most, the first with a number."""

    def serve(page, limit):
        at = max(0, page - base) * min(limit, size)
        return rows(*range(1, count + 1))[at : at + min(limit, size)]

    return serve


@pytest.mark.parametrize("count", [0, 1, 29, 30, 31, 60, 95])
@pytest.mark.parametrize("size", [10, 30])
@pytest.mark.parametrize("base", [0, 1])
async def test_all_surveys_are_read_whether_the_first_page_is_0_or_1(count, size, base):
    found, sent = await all_of(paged(count, size, base))

    assert [each.id for each in found] == list(range(1, count + 1))
    assert sent == [{"page": number, "limit": 30} for number in [*range(1, len(sent)), 0]]


@jumping_time
async def test_a_server_need_not_have_a_page_0():
    for status in (400, 404, 500):
        http = Scripted(answer(200, rows(1)), answer(200, []), answer(status))

        assert await Surveys(transport_over(http)).all() == [Survey(id=1, name="Survey 1")]


async def test_a_page_0_that_may_not_be_read_is_an_error():
    http = Scripted(answer(200, rows(1)), answer(200, []), answer(403))

    with pytest.raises(PermissionDeniedError):
        await Surveys(transport_over(http)).all()


@pytest.mark.parametrize("size", [2, 15, 20, 30])
@pytest.mark.parametrize("has_limit", [True, False])
async def test_a_server_that_ignores_the_page_is_an_error(size, has_limit):
    with pytest.raises(PaginationError, match="the first page came again") as raised:
        await all_of(lambda page, limit: rows(*range(min(size, limit) if has_limit else size)))

    assert raised.value.call == "POST /v1/surveys"


async def test_a_single_survey_that_comes_again_is_all():
    found, sent = await all_of(lambda page, limit: rows(1))

    assert [each.id for each in found] == [1]
    assert len(sent) == 3


@pytest.mark.parametrize("count", [2, 29, 30, 31, 60])
@pytest.mark.parametrize("base", [0, 1])
async def test_a_last_page_that_comes_again_is_the_end(count, base):
    def serve(page, limit):
        pages = [rows(*range(1, count + 1))[at : at + limit] for at in range(0, count, limit)]
        return pages[min(max(0, page - base), len(pages) - 1)]

    found, _ = await all_of(serve)

    assert [each.id for each in found] == list(range(1, count + 1))


async def test_a_survey_that_comes_again_is_given_once():
    pages = [rows(1, 2), rows(2, 3), [], rows(9)]

    found, sent = await all_of(lambda page, limit: pages[page - 1] if page else rows(1))

    assert [each.id for each in found] == [1, 2, 3]
    assert len(sent) == 4


async def test_surveys_without_an_id_are_told_apart_by_their_content():
    named = [{"name": "a"}, {"name": "b"}, {"name": "a"}]

    found, _ = await all_of(lambda page, limit: named if page == 1 else [])

    assert [each.name for each in found] == ["a", "b"]


async def test_a_survey_is_read(client, heymarket):
    heymarket.answers({"id": 5, "name": "NPS", "question": "How?", "created": "x", "new": 1})

    assert await client.surveys.get(5) == Survey(id=5, name="NPS", question="How?", created="x")

    assert heymarket.sent == ("GET /v1/survey/5", {}, msgspec.UNSET)


@pytest.mark.parametrize(
    ("query", "body"),
    [({}, {"page": 1}), ({"page": 2, "limit": 5}, {"page": 2, "limit": 5})],
)
async def test_a_page_is_asked_for(query, body, client, heymarket):
    heymarket.answers(rows(1, 2))

    found = await client.surveys.page(**query)

    assert heymarket.sent == ("POST /v1/surveys", {}, body)
    assert [each.id for each in found] == [1, 2]


@pytest.mark.parametrize("query", [{"page": 0}, {"page": None}, {"page": "1"}, {"limit": 0}])
async def test_a_page_that_is_none_is_refused(query, client, heymarket):
    with pytest.raises(ValueError, match=r"(page|limit) must be an integer of at least 1"):
        await client.surveys.page(**query)

    assert not heymarket.requests


@jumping_time
async def test_all_surveys_are_of_one_account():
    http = Accounts()
    http.steps = [lambda: http.change("b1") or answer(200, rows(1)), answer(200, rows(2))]
    surveys = Surveys(transport_over(http, signer=http.signer))

    with pytest.raises(ClientStateError, match=OTHER):
        await surveys.all()

    assert http.keys == ["a1"]
