"""Which contacts the account has for these phones."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from heymarket_async import RetryPolicy, StatusError
from heymarket_async.bulk.importing.lookup import look_up
from tests.bulk.importing.imports import BATCH, SEARCH, Account, account, counts, new, phone


def found_ids(found: Any) -> dict[str, list[int]]:
    return {phone: [each.id for each in contacts] for phone, contacts in found.items()}


def show(it: Account, *contacts: dict[str, Any], **order: Any) -> None:
    it.faults.answer(200, on=SEARCH, body=list(contacts), **order)


async def test_contacts_are_told_by_phone_with_one_request():
    async with account() as it:
        await it.has(new(1), new(2))

        found = await look_up(it.client, [phone(1), phone(2), phone(3)])

        assert list(found) == [phone(1), phone(2)]
        assert it.sizes(SEARCH) == [3]


async def test_a_plus_and_other_channels_are_understood():
    channels = [
        {"channel_type": "email", "channel_id": phone(4)},
        {"channel_type": "phone", "channel_id": f"+{phone(2)}"},
        {"channel_type": "phone", "channel_id": None},
    ]
    async with account() as it:
        show(
            it,
            {"id": 1, "phone": f"+{phone(1)}", "contact_channels": channels},
            {"id": 2, "phone": phone(1)},
        )
        found = await look_up(it.client, [phone(1), phone(2), phone(3), phone(4)])

        assert found_ids(found) == {phone(1): [1, 2], phone(2): [1]}
        assert it.sizes(SEARCH) == [4]


async def test_a_contact_with_none_of_the_phones_has_the_others_looked_up_alone():
    async with account() as it:
        show(it, {"id": 1, "phone": phone(1)}, {"id": 2, "phone": "1 415 555"})
        show(it, {"id": 2, "phone": "1 415 555"})
        show(it)

        found = await look_up(it.client, [phone(1), phone(2), phone(3)])

        assert found_ids(found) == {phone(1): [1], phone(2): [2]}
        assert it.sizes(SEARCH) == [3, 1, 1]


@pytest.mark.parametrize("page", [29, 30, 40])
async def test_phones_that_a_long_answer_leaves_out_are_asked_for_again(page):
    async with account() as it:
        await it.has(*(new(n) for n in range(90)))
        show(it, *it.sandbox.store.contacts[:page])

        found = await look_up(it.client, [phone(n) for n in range(100)])

        assert len(found) == (90 if page >= 30 else 29)
        assert it.sizes(SEARCH) == [[100], [100, 100 - page, 10]][page >= 30]


@pytest.mark.parametrize("status", [400, 409, 413, 422])
async def test_a_refused_search_is_cut_down_to_the_phone_at_fault(status):
    async with account() as it:
        await it.has(new(1), new(2), new(3))
        it.faults.answer(status, on=SEARCH, times=2)

        found = await look_up(it.client, [phone(n) for n in (1, 2, 3)])

        assert it.sizes(SEARCH) == [3, 1, 2]
        assert sorted(found) == [phone(1), phone(2), phone(3)]
        assert [key for key, value in found.items() if isinstance(value, str)] == [phone(1)]
        assert f"answered {status}" in found[phone(1)]


@pytest.mark.parametrize("status", [402, 403, 404, 415, 429, 451])
async def test_other_refusals_come_through(status):
    async with account(retry=RetryPolicy(attempts=1)) as it:
        it.faults.answer(status, on=SEARCH, times=None)

        with pytest.raises(StatusError, match=f"answered {status}"):
            await look_up(it.client, [phone(1), phone(2)])

        assert it.sizes(SEARCH) == [2]


@pytest.mark.parametrize(
    "odd",
    [
        {"uuid": "", "external_id": 42, "custom": [], "tags": {}, "note": "text"},
        {"contact_channels": [None], "assigned_user_id": "", "created": 1712935800},
        {"contact_channels": "none", "rev": 1.5, "first": ["Zoë"]},
        {"id": "odd"},
        {"display_name": b'"Jo \\ud83d"'},
    ],
)
async def test_an_odd_contact_is_found_all_the_same(odd):
    async with account() as it:
        await it.has(new(1), new(2))
        first, second = it.stored(1)["id"], it.stored(2)["id"]
        it.sandbox.show_as(first, odd)

        report = await it.imports([new(1), new(2), new(3)])

        assert counts(report) == {"created": 1, "unchanged": 2}
        found = await look_up(it.client, [phone(1), phone(2)])
    assert found_ids(found) == {phone(1): [None if "id" in odd else first], phone(2): [second]}


async def test_a_phone_that_is_a_number_is_found_and_a_null_is_no_contact():
    async with account() as it:
        show(it, None, {"id": 1, "phone": int(phone(1))}, {"id": 2, "phone": phone(2)})

        found = await look_up(it.client, [phone(1), phone(2)])

    assert found_ids(found) == {phone(1): [1], phone(2): [2]}


@pytest.mark.parametrize("odd", [{"custom": [], "tags": {}}, {"custom": "x", "tags": [[1], None]}])
async def test_an_odd_contact_is_overwritten_where_it_differs(odd):
    async with account() as it:
        await it.has(new(1, custom={"123": "Basic"}, tags=[1]))
        it.sandbox.show_as(it.stored(1)["id"], odd)

        given = new(1, first="Zoë", custom={"123": "Premium"}, tags=[2])
        report = await it.imports([given], overwrite=True)

        assert counts(report) == {"updated": 1}
        assert it.stored(1)["first"] == "Zoë"


@pytest.mark.parametrize(
    "odd",
    [
        {"id": 0},
        {"id": 0, "phone": phone(0)},
        {"id": -1},
        {"error": "x"},
        {"first": "Jo"},
        "x",
        5,
        [],
    ],
)
@pytest.mark.parametrize("count", [1, 2])
async def test_what_is_no_contact_makes_no_phone_known_and_no_row_disappears(count, odd):
    async with account() as it:
        show(it, odd, times=None)

        report = await it.imports([new(n) for n in range(count)])

        assert counts(report) == {"rejected": count}
        assert "answered with something else than" in report.rejections[0].reason
        assert not it.sizes(BATCH)


@pytest.mark.parametrize("count", [1, 3])
async def test_contacts_of_which_none_shows_the_phone_do_not_make_it_known(count):
    async with account() as it:
        await it.has(*(new(n) for n in range(10, 20)))
        show(it, *it.sandbox.store.contacts, times=None)  # whatever was searched for

        report = await it.imports([new(n) for n in range(count)])

        assert counts(report) == {"rejected": count}
        assert not it.sizes(BATCH)


@pytest.mark.parametrize("nothing", [None, {}])
async def test_an_answer_that_holds_nothing_knows_no_phone(nothing):
    async with account() as it:
        show(it, nothing, times=None)

        report = await it.imports([new(1), new(2)])

        assert counts(report) == {"created": 2}
        assert it.phones == {phone(1): 1, phone(2): 1}


async def test_what_is_no_contact_takes_nothing_from_the_others():
    async with account() as it:
        await it.has(new(1), new(2))
        show(it, {"id": 0}, *it.sandbox.store.contacts[:1])

        report = await it.imports([new(1), new(2), new(3)])

        assert counts(report) == {"created": 1, "unchanged": 2}
        assert it.sizes(SEARCH) == [3, 1, 1]


async def test_a_row_that_was_sent_is_unknown_where_the_look_after_it_shows_no_contact():
    async with account() as it:
        it.faults.reset(on=BATCH)
        show(it)
        show(it, {"id": 0}, times=None)

        report = await it.imports([new(1)])

        assert counts(report) == {"unknown": 1}


@pytest.mark.parametrize("odd", ["", None, 2**63, b"36893488147419103232"])
async def test_a_phone_tells_a_contact_whose_id_is_odd(odd):
    async with account() as it:
        show(
            it,
            {"id": msgspec.Raw(odd) if isinstance(odd, bytes) else odd, "phone": phone(1)},
            times=None,
        )

        report = await it.imports([new(1)])

        assert counts(report) == {"unchanged": 1}


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("odd", ["twice", b'{"id": "odd", "phone": "14155550001"}'])
async def test_a_contact_that_is_listed_twice_is_one(odd, count):
    async with account() as it:
        await it.has(new(1), new(2))
        it.sandbox.show_as(it.stored(1)["id"], odd)
        if odd != "twice":
            show(it, *[msgspec.Raw(odd)] * 2, *it.sandbox.store.contacts[: count - 1], times=None)

        report = await it.imports(
            [new(n, first="Zoë") for n in range(1, count + 1)], overwrite=True
        )

        assert counts(report) == {"updated": count}


async def test_of_two_versions_of_a_contact_the_newer_counts():
    old, newer = ({"id": 5, "rev": rev, "phone": phone(1), "first": f"{rev}"} for rev in (1, 2))
    for order in ([old, newer], [newer, old]):
        async with account() as it:
            show(it, *order)

            found = await look_up(it.client, [phone(1)])

            assert [each.rev for each in found[phone(1)]] == [2]


@pytest.mark.parametrize("overwrite", [False, True])
async def test_a_dry_run_on_known_contacts_sends_one_search_for_each_batch(overwrite):
    async with account() as it:
        await it.has(*(new(n) for n in range(1000)))

        report = await it.imports(
            (new(n) for n in range(1000)), dry_run=True, overwrite=overwrite, batch_size=100
        )

        assert it.sizes(SEARCH) == [100] * 10
        assert len(it.sandbox.requests) == report.requests == 10
    assert counts(report) == {"unchanged": 1000}
