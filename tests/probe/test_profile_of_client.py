"""A client with a profile: fewer requests, and no contact lost where the profile is wrong."""

from __future__ import annotations

import itertools

import pytest

from heymarket_async import ApiProfile, ApiSecret, HeymarketClient, ListFacts, PaginationError
from heymarket_async.sandbox import Readings, Sandbox
from tests.probe.probing import client_of, findings_of, sandbox_of


async def walked(client, surface: str = "contacts") -> list[int]:
    return [contact.id async for contact in getattr(client, surface).iterate()]


@pytest.mark.parametrize(
    ("readings", "options", "surface", "without", "with_it"),
    [
        # The sizes of pages need not be found out.
        ({"max_limit": 1000}, {}, "contacts", 9, 6),
        ({"over_limit": "500"}, {}, "contacts", 36, 34),
        ({"over_limit": "empty"}, {}, "contacts", 35, 34),
        # A larger limit than the documented one has come.
        ({"v2_max_limit": 1000}, {}, "contacts_v2", 33, 6),
        # The first page is not asked for again by its number.
        ({"page_base": 1}, {"ties": 3000}, "contacts", 70, 66),
    ],
)
async def test_a_walk_needs_fewer_requests(readings, options, surface, without, with_it):
    sandbox = sandbox_of(readings, 3000, **options)
    profile = (await findings_of(sandbox)).profile
    sent = []
    async with sandbox:
        for known in (None, profile):
            sandbox.requests.clear()
            async with client_of(sandbox, profile=known) as client:
                found = await walked(client, surface)
            assert len(found) == len(set(found)) == 3000
            sent.append(len(sandbox.requests))

    assert sent == [without, with_it]


WRONG = [
    ApiProfile(
        v1=ListFacts(largest_limit=largest, over_limit=over, first_page=1),
        v2=ListFacts(largest_limit=largest, over_limit=over, first_page=1),
    )
    for largest, over in ((20, "cut"), (500, None), (500, "cut"))
]
SERVERS = [
    {
        "page_base": page_base,
        "over_limit": over_limit,
        "v2_over_limit": "reject" if is_usual else "cut",
        "newest_first": is_usual,
        "inclusive": not is_usual,
    }
    for page_base, over_limit, is_usual in itertools.product(
        (0, 1, None), ("cut", "empty"), (True, False)
    )
]


@pytest.mark.parametrize("ties", [1, 130])
@pytest.mark.parametrize("number", range(len(SERVERS)))
async def test_a_wrong_profile_loses_no_contact(number, ties):
    readings = SERVERS[number]
    async with sandbox_of(readings, 260, ties=ties, seed=number, limit=None) as sandbox:
        for profile in WRONG:
            async with client_of(sandbox, profile=profile, rate_limit=None) as client:
                found = await walked(client, "contacts_v2")
                assert len(found) == len(set(found)) == 260
                try:
                    found = await walked(client)
                except PaginationError:
                    # Without `page`, a group that is larger than a page cannot be read.
                    assert (readings["page_base"], ties) == (None, 130)
                else:
                    assert len(found) == len(set(found)) == 260


@pytest.mark.parametrize("newest_first", [True, False])
async def test_edits_and_a_wrong_first_page_lose_no_contact_that_nobody_edits(newest_first):
    readings = Readings(page_base=0, newest_first=newest_first)
    sandbox = Sandbox(1200, readings=readings, ties=1200, seed=3)
    profile = ApiProfile(v1=ListFacts(first_page=1))
    edited, found = set(), set()
    async with sandbox, client_of(sandbox, profile=profile) as client:
        async for page in client.contacts.iterate().pages():
            found |= {contact.id for contact in page}
            # The contacts at the front of the group leave it, and all others move up.
            first = min(set(found) - edited)
            sandbox.stamp(first, "2024-05-01T00:00:00Z")
            edited.add(first)

    every = {contact["id"] for contact in sandbox.store.contacts}
    assert len(edited) > 10
    assert every - edited <= found


async def test_the_profile_may_be_a_file(tmp_path):
    path = tmp_path / "profile.json"
    ApiProfile(v1=ListFacts(largest_limit=100)).save(path)
    async with Sandbox(200) as sandbox, client_of(sandbox, profile=str(path)) as client:
        derived = client.with_options(timeout_s=5)
        assert len(await walked(derived)) == 200

    assert [each.body.get("limit") for each in sandbox.requests][:2] == [None, 100]


@pytest.mark.parametrize("profile", [3, {"v1": {}}, b"profile.json"])
def test_another_profile_is_refused(profile):
    with pytest.raises(ValueError, match="profile must be"):
        HeymarketClient(ApiSecret("id", "key"), profile=profile)


@pytest.mark.parametrize(
    ("profile", "field"),
    [
        (ApiProfile(v1=ListFacts(largest_limit="100")), "profile.v1.largest_limit"),
        (ApiProfile(v2=ListFacts(largest_limit=-5)), "profile.v2.largest_limit"),
        (ApiProfile(v1=ListFacts(over_limit="banana")), "profile.v1.over_limit"),
        (ApiProfile(v1=None), "profile.v1"),
        (ApiProfile(gzip=object()), "profile must hold facts"),
        (ApiProfile(version=9), "profile must be of version 1"),
    ],
)
def test_a_profile_with_a_wrong_value_is_refused_with_its_field(profile, field):
    with pytest.raises(ValueError, match="profile must") as raised:
        HeymarketClient(ApiSecret("id", "key"), profile=profile)
    assert field in str(raised.value)
