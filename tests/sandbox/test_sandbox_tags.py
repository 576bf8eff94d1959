import pytest

from heymarket_async.sandbox import Readings, Sandbox


async def labels(account, **body):
    return [tag["tag"] for tag in await account.ask("POST /v1/tags", body)]


async def test_contacts_have_only_tags_that_the_account_has(serve):
    account = await serve(200)
    used = {tag["tag_id"] for each in account.sandbox.store.contacts for tag in each["tags"]}
    known = {tag["id"] for tag in await account.ask("POST /v1/tags", {})}
    assert used
    assert used <= known


async def test_a_tag_is_created_listed_shown_and_deleted(serve):
    account = await serve()
    made = await account.ask("POST /v1/tag", {"tag": "Spring sale", "color": "#00aa7F"})
    assert made.keys() == {"id", "rev", "uuid"}
    tag = await account.ask(f"GET /v1/tag/{made['id']}")
    assert tag.keys() == {"id", "tag", "color", "team_id", "created", "updated", "rev"}
    assert (tag["tag"], tag["color"], tag["updated"]) == (
        "Spring sale",
        "#00aa7F",
        tag["created"],
    )
    assert await account.ask("POST /v1/tags", {}) == [
        tag,
        *[each for each in account.sandbox.tags.tags[::-1] if each["id"] != made["id"]],
    ]
    assert await account.ask(f"DELETE /v1/tag/{made['id']}") == "ok"
    assert await account.status(f"GET /v1/tag/{made['id']}") == 404
    assert await account.status(f"DELETE /v1/tag/{made['id']}") == 404
    assert "Spring sale" not in await labels(account)


async def test_a_tag_needs_no_color(serve):
    account = await serve()
    made = await account.ask("POST /v1/tag", {"tag": "Plain"})
    assert (await account.ask(f"GET /v1/tag/{made['id']}"))["color"].startswith("#")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "tag"),
        ({"tag": ""}, "tag"),
        ({"tag": 5}, "tag"),
        ({"tag": "x", "color": "red"}, "color"),
    ],
)
async def test_a_wrong_tag_is_answered_400(serve, body, field):
    account = await serve()
    status, answer = await account.try_("POST /v1/tag", body)
    assert (status, answer["message"].split(":")[0]) == (400, field)


async def test_tags_are_listed_in_pages_of_30_before_a_date(serve):
    account = await serve()
    for number in range(70):
        account.sandbox.tags.create(f"tag {number}", now_s=2e9 + number)
    pages, date = [], {}
    while page := await account.ask("POST /v1/tags", date):
        pages.append([tag["tag"] for tag in page])
        date = {"date": page[-1]["updated"]}
    assert [len(page) for page in pages] == [30, 30, 16]
    assert [tag for page in pages for tag in page][:70] == [
        f"tag {number}" for number in reversed(range(70))
    ]


@pytest.mark.parametrize("inclusive", [True, False])
async def test_tags_follow_the_readings_of_lists(serve, inclusive):
    readings = Readings(inclusive=inclusive, newest_first=False)
    account = await serve(readings=readings)
    first, second, *_ = account.sandbox.tags.tags
    expected = [first["tag"], second["tag"]] if inclusive else [second["tag"]]
    assert (await labels(account, date=first["updated"]))[: len(expected)] == expected


@pytest.mark.parametrize(
    ("reading", "status", "tags"), [("create", 200, 2), ("reject", 400, 1), ("return", 200, 1)]
)
async def test_a_second_tag_of_one_label(serve, reading, status, tags):
    account = await serve(readings=Readings(duplicate_tag=reading))
    first = await account.ask("POST /v1/tag", {"tag": "Gold"})
    answered, second = await account.try_("POST /v1/tag", {"tag": "gold"})
    assert answered == status
    assert (await labels(account)).count("gold") + 1 == tags
    if reading == "return":
        assert second == first


async def test_a_new_tag_may_be_unseen_for_a_while(serve):
    account = await serve(readings=Readings(tag_delay_s=60.0))
    made = await account.ask("POST /v1/tag", {"tag": "Late"})
    assert "Late" not in await labels(account)
    assert await account.status(f"GET /v1/tag/{made['id']}") == 404
    assert account.sandbox.tags.labelled("late") == made["id"]
    account.sandbox.faults.clock(61)
    assert "Late" in await labels(account)
    assert (await account.ask(f"GET /v1/tag/{made['id']}"))["tag"] == "Late"


def test_a_seed_still_makes_the_same_contacts():
    first, second = Sandbox(50, seed=3), Sandbox(50, seed=3)
    assert first.store.lines() == second.store.lines()
    assert first.tags.tags == second.tags.tags
