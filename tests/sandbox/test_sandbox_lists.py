import itertools

import msgspec
import pytest

from heymarket_async.sandbox import Readings

V1, V2 = "POST /v1/contacts", "POST /v2/contacts/list"


async def walk(account, **body):
    """Walk `POST /v1/contacts` the way the guide says, and return the ids in order."""
    ids = []
    while page := await account.ask(V1, body):
        fresh = [contact["id"] for contact in page if contact["id"] not in ids]
        if not fresh:
            break
        ids += fresh
        body["date"] = page[-1]["updated"]
    return ids


def all_ids(account):
    return [contact["id"] for contact in account.sandbox.store.contacts]


async def test_a_page_is_sent_exactly_as_the_store_keeps_it(serve):
    account = await serve(70)
    async with account.session.post("/v1/contacts", json={}) as response:
        assert await response.read() == b"[" + b",".join(account.sandbox.store.lines()[:30]) + b"]"


async def test_the_list_is_newest_first_by_default(serve):
    account = await serve(60)
    stamps = [contact["updated"] for contact in await account.ask(V1, {})]
    assert stamps == sorted(stamps, reverse=True)
    assert len(stamps) == 30


@pytest.mark.parametrize(
    "readings",
    [
        Readings(newest_first=newest, inclusive=inclusive, precision=precision, zone=zone)
        for newest, inclusive, precision, zone in itertools.product(
            [True, False], [True, False], ["seconds", "nanoseconds"], ["Z", "+00:00"]
        )
    ],
    ids=str,
)
async def test_a_walk_by_cursor_meets_every_contact_in_listing_order(serve, readings):
    account = await serve(100, readings=readings)
    assert await walk(account, limit=20) == all_ids(account)


async def test_a_walk_across_ties_loses_contacts_on_an_exclusive_server(serve):
    account = await serve(300, ties=12)
    assert len(await walk(account)) < 300


async def test_a_walk_across_ties_loses_none_on_an_inclusive_server(serve):
    account = await serve(300, ties=12, readings=Readings(inclusive=True))
    assert await walk(account) == all_ids(account)


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("inclusive", [True, False])
async def test_a_date_cuts_at_the_contact_it_was_taken_from(serve, newest_first, inclusive):
    readings = Readings(newest_first=newest_first, inclusive=inclusive)
    account = await serve(50, readings=readings)
    tenth = account.sandbox.store.contacts[9]
    page = await account.ask(V1, {"date": tenth["updated"]})
    assert page[0]["id"] == all_ids(account)[9 if inclusive else 10]


async def test_ascending_turns_order_and_date_round(serve):
    account = await serve(50)
    ids = all_ids(account)
    tenth = account.sandbox.store.contacts[9]["updated"]
    page = await account.ask(V1, {"ascending": True, "date": tenth})
    assert [contact["id"] for contact in page] == ids[8::-1]
    page = await account.ask(V1, {"ascending": False, "date": tenth, "limit": 100})
    assert [contact["id"] for contact in page] == ids[10:]


async def test_ascending_may_be_ignored(serve):
    account = await serve(10, readings=Readings(honours_ascending=False))
    page = await account.ask(V1, {"ascending": True})
    assert [contact["id"] for contact in page] == all_ids(account)


@pytest.mark.parametrize(
    ("options", "limit", "length"),
    [
        ({}, None, 30),
        ({}, 0, 30),
        ({}, 7, 7),
        ({}, 1000, 100),
        ({"max_limit": 7}, 1000, 7),
        ({"max_limit": 1000}, 1000, 120),
        ({"over_limit": "default"}, 101, 30),
        ({"over_limit": "empty"}, 101, 0),
        ({"over_limit": "empty"}, 100, 100),
        ({"default_limit": 9}, None, 9),
        ({"honours_limit": False}, 7, 30),
    ],
)
async def test_a_page_is_as_long_as_the_readings_say(serve, options, limit, length):
    account = await serve(120, readings=Readings(**options))
    body = {} if limit is None else {"limit": limit}
    assert len(await account.ask(V1, body)) == length


@pytest.mark.parametrize("status", ["400", "500"])
async def test_a_limit_above_the_largest_may_be_refused(serve, status):
    account = await serve(120, readings=Readings(over_limit=status, max_limit=50))

    assert len(await account.ask(V1, {"limit": 50})) == 50
    assert await account.status(V1, {"limit": 51}) == int(status)


@pytest.mark.parametrize(
    ("base", "page", "first"),
    [(1, 1, 0), (1, 2, 10), (1, 0, 0), (0, 0, 0), (0, 1, 10), (None, 3, 0), (1, 99, None)],
)
async def test_pages_count_from_the_base(serve, base, page, first):
    account = await serve(50, readings=Readings(page_base=base))
    listed = await account.ask(V1, {"limit": 10, "page": page})
    assert [contact["id"] for contact in listed[:1]] == (
        [] if first is None else [all_ids(account)[first]]
    )


@pytest.mark.parametrize("newest_first", [True, False])
async def test_pages_count_after_the_date_is_applied(serve, newest_first):
    account = await serve(50, readings=Readings(newest_first=newest_first))
    tenth = account.sandbox.store.contacts[9]["updated"]
    body = {"date": tenth, "limit": 15}
    pages = [await account.ask(V1, {**body, "page": page}) for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [15, 15, 10, 0]
    ids = [contact["id"] for page in pages for contact in page]
    assert ids == all_ids(account)[10:]


@pytest.mark.parametrize("base", [0, 1])
async def test_one_group_of_equal_stamps_can_be_read_page_by_page(serve, base):
    account = await serve(75, ties=75, readings=Readings(page_base=base))
    assert len({contact["updated"] for contact in account.sandbox.store.contacts}) == 1
    pages = [await account.ask(V1, {"page": base + n}) for n in range(4)]
    assert [contact["id"] for page in pages for contact in page] == all_ids(account)


async def test_v2_pages_count_from_zero_whatever_the_readings(serve):
    account = await serve(250, readings=Readings(page_base=1, max_limit=7, newest_first=False))
    pages = [await account.ask(V2, {"limit": 100, "page": page}) for page in range(4)]
    assert [len(page) for page in pages] == [100, 100, 50, 0]
    assert [contact["id"] for page in pages for contact in page] == all_ids(account)[::-1]


@pytest.mark.parametrize("ascending", [True, False, None])
async def test_a_v2_date_always_means_updated_after(serve, ascending):
    account = await serve(60)
    contacts = account.sandbox.store.contacts
    body = {"date": contacts[10]["updated"]}
    page = await account.ask(V2, body if ascending is None else {**body, "ascending": ascending})
    ids = [contact["id"] for contact in contacts[:10]]
    assert [contact["id"] for contact in page] == (ids[::-1] if ascending else ids)


async def test_a_v2_date_may_be_inclusive(serve):
    account = await serve(60, readings=Readings(inclusive=True))
    date = account.sandbox.store.contacts[10]["updated"]
    assert len(await account.ask(V2, {"date": date})) == 11


async def test_a_v2_limit_above_100_is_cut_or_rejected(serve):
    cutting, strict = await serve(150), await serve(150, readings=Readings(v2_over_limit="reject"))
    assert len(await cutting.ask(V2, {"limit": 101})) == 100
    assert await strict.status(V2, {"limit": 101}) == 400
    assert len(await strict.ask(V2, {"limit": 100})) == 100


@pytest.mark.parametrize("route", [V1, V2, "POST /v1/contacts/count"])
async def test_a_list_without_a_body_may_be_refused(serve, route):
    lax, strict = await serve(3), await serve(3, readings=Readings(empty_body=False))
    assert await lax.ask(route) == await lax.ask(route, {})
    assert await strict.status(route) == 400
    assert await strict.status(route, {}) == 200


@pytest.mark.parametrize("date", ["", None])
async def test_an_empty_date_is_no_date(serve, date):
    account = await serve(40)
    assert await account.ask(V1, {"date": date}) == await account.ask(V1, {})


@pytest.mark.parametrize(
    "date",
    ["2024-04-12T15:30:00.000000000Z", "2024-04-12t17:30:00+02:00", "2024-04-12 10:00:00-05:30"],
)
async def test_a_date_may_be_written_in_any_rfc_3339_way(serve, date):
    account = await serve(1, readings=Readings(inclusive=True))
    assert account.sandbox.store.contacts[0]["updated"] == "2024-04-12T15:30:00Z"
    assert len(await account.ask(V1, {"date": date})) == 1


async def test_a_date_is_heeded_to_the_nanosecond(serve):
    account = await serve(200, readings=Readings(precision="nanoseconds"))
    contacts = account.sandbox.store.contacts
    near = next(
        n for n in range(199) if contacts[n]["updated"][:-2] == contacts[n + 1]["updated"][:-2]
    )
    page = await account.ask(V1, {"date": contacts[near]["updated"]})
    assert page[0]["id"] == contacts[near + 1]["id"]


@pytest.mark.parametrize(
    ("precision", "length"),
    [("seconds", 20), ("milliseconds", 24), ("microseconds", 27), ("nanoseconds", 30)],
)
async def test_stamps_have_the_digits_of_their_precision(serve, precision, length):
    account = await serve(30, readings=Readings(precision=precision))
    contacts = await account.ask(V1, {})
    assert {len(contact[name]) for contact in contacts for name in ("created", "updated")} == {
        length
    }


async def test_trailing_zeros_may_be_trimmed_the_way_go_does(serve):
    account = await serve(300, readings=Readings(precision="milliseconds", trim_zeros=True))
    lengths = {len(contact["updated"]) for contact in account.sandbox.store.contacts}
    assert {20, 23, 24} <= lengths
    assert not any(
        contact["updated"].endswith(("0Z", ".Z")) and "." in contact["updated"]
        for contact in account.sandbox.store.contacts
    )


@pytest.mark.parametrize("ties", [1, 7, 1000])
async def test_groups_of_equal_stamps_are_as_large_as_asked(serve, ties):
    account = await serve(200, ties=ties)
    stamps = [contact["updated"] for contact in account.sandbox.store.contacts]
    sizes = {len(list(group)) for _, group in itertools.groupby(stamps)}
    assert max(sizes) == min(ties, 200)
    assert (len(sizes) > 3) is (ties == 7)


async def test_reads_may_carry_uuid_channels_and_undocumented_keys(serve):
    readings = Readings(list_has_uuid=True, list_has_channels=True, undocumented_keys=True)
    rich, plain = await serve(3, readings=readings), await serve(3)
    extra = {"uuid", "contact_channels", "carrier_hint"}
    assert extra <= set((await rich.ask(V1, {}))[0])
    assert not extra & set((await plain.ask(V1, {}))[0])
    assert msgspec.json.decode(rich.sandbox.store.lines()[0]) == (await rich.ask(V1, {}))[0]


async def test_lists_show_channels_as_they_are_now(serve):
    account = await serve(3, readings=Readings(list_has_channels=True))
    key = account.sandbox.store.contacts[0]["uuid"]
    more = {"channel_type": "facebook", "channel_id": "jordan"}
    await account.ask(f"POST /v2/contact/{key}/channel", more)
    await account.ask(f"PUT /v2/contact/{key}", {"first": "Jo"})
    listed = (await account.ask(V1, {}))[0]
    assert listed["contact_channels"][-1]["channel_id"] == "jordan"
    assert listed["first"] == "Jo"


@pytest.mark.parametrize(
    ("reading", "status", "body"),
    [
        ("[]", 200, b"[]"),
        ("null", 200, b"null"),
        ("{}", 200, b"{}"),
        ("empty", 200, b""),
        ("204", 204, b""),
    ],
)
async def test_a_list_may_end_in_five_ways(serve, reading, status, body):
    account = await serve(3, readings=Readings(list_end=reading))
    wanted = {"channel_type": "phone", "channel_ids": ["15105553344"]}
    for path, sent in (
        ("/v1/contacts", {"page": 2}),
        ("/v2/contacts/list", {"page": 1}),
        ("/v2/contacts/search", {"contact_channels": [wanted]}),
    ):
        async with account.session.post(path, json=sent) as response:
            assert (response.status, await response.read()) == (status, body)
    assert len(await account.ask(V1, {})) == 3


@pytest.mark.parametrize(
    ("fractions", "whole"),
    [("truncated", "2025-01-01T00:00:05Z"), ("rounded", "2025-01-01T00:00:06Z")],
)
async def test_stamps_may_be_kept_finer_than_they_are_shown(serve, fractions, whole):
    account = await serve(3, readings=Readings(precision="milliseconds", fractions=fractions))
    ids = all_ids(account)
    for contact_id, fraction in zip(ids, (700, 600, 500), strict=True):
        account.sandbox.stamp(contact_id, f"2025-01-01T00:00:05.{fraction}Z")
    page = await account.ask(V1, {})
    assert [(contact["id"], contact["updated"]) for contact in page] == [
        (contact_id, whole) for contact_id in ids
    ]
    before = await account.ask(V1, {"date": "2025-01-01T00:00:05.600Z"})
    assert [contact["id"] for contact in before] == ids[2:]
    rest = await account.ask(V1, {"date": whole})
    assert len(rest) == (0 if fractions == "truncated" else 3)


async def test_fractions_that_are_cut_still_leave_some_rows_on_the_second(serve):
    readings = Readings(precision="milliseconds", fractions="truncated", inclusive=True)
    account = await serve(100, readings=readings)
    contacts = account.sandbox.store.contacts
    met = 0
    for contact in contacts:
        page = await account.ask(V1, {"date": contact["updated"]})
        met += contact["id"] in {each["id"] for each in page}
    assert 0 < met < 30


@pytest.mark.parametrize("route", [V1, V2])
async def test_ties_may_change_places_from_one_answer_to_the_next(serve, route):
    account = await serve(40, ties=8, readings=Readings(ties="shuffled", precision="nanoseconds"))
    once, again = [await account.ask(route, {"limit": 30}) for _ in range(2)]
    assert [each["id"] for each in once] != [each["id"] for each in again]
    for page in (once, again):
        stamps = [each["updated"] for each in page]
        assert stamps == sorted(stamps, reverse=True)
        assert len({each["id"] for each in page}) == 30


async def test_shuffled_ties_still_end(serve):
    account = await serve(40, ties=40, readings=Readings(ties="shuffled"))
    pages = [await account.ask(V2, {"limit": 15, "page": page}) for page in range(4)]
    assert [len(page) for page in pages] == [15, 15, 10, 0]
