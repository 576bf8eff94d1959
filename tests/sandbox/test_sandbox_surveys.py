import pytest

from heymarket_async.sandbox import Readings


async def pages(account, *numbers, limit=2):
    found = [
        await account.ask("POST /v1/surveys", {"limit": limit, "page": page}) for page in numbers
    ]
    return [[survey["name"] for survey in page] for page in found]


async def test_a_survey_is_listed_and_shown(serve):
    account = await serve()
    surveys = await account.ask("POST /v1/surveys", {})
    assert surveys == account.sandbox.surveys.rows[::-1]
    assert surveys[0].keys() == {"id", "name", "type", "question", "created", "updated"}
    assert await account.ask(f"GET /v1/survey/{surveys[0]['id']}") == surveys[0]
    assert await account.status("GET /v1/survey/5") == 404


@pytest.mark.parametrize(("base", "first"), [(1, 1), (0, 0)])
async def test_the_pages_of_surveys_are_numbered_from_1(serve, base, first):
    account = await serve(readings=Readings(survey_page_base=base))
    account.sandbox.surveys.create("Fourth", "Why?")
    names = [survey["name"] for survey in account.sandbox.surveys.rows[::-1]]
    assert await pages(account, first, first + 1, first + 2) == [names[:2], names[2:], []]


async def test_a_server_may_ignore_the_page(serve):
    account = await serve(readings=Readings(survey_page_base=None))
    first, second = await pages(account, 1, 2)
    assert first == second != []
