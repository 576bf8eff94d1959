"""Phones: read as people write them, and rows that have the same one."""

from __future__ import annotations

import random
import sys
from array import array
from contextlib import suppress

import pytest

from heymarket_async.bulk.importing.phones import FirstRows, phone_reader
from heymarket_async.bulk.importing.report import Rejection
from tests.bulk.importing.imports import BATCH, SEARCH, account, counts, new, outcomes_of, phone

PHONE = "14155550100"


@pytest.mark.parametrize(
    ("region", "text"),
    [
        (None, "+1 (415) 555-0100"),
        (None, "14155550100"),
        (None, " 14155550100 "),
        ("US", "(415) 555-0100"),
        ("us", "415.555.0100"),
        ("US", "415/555\u20130100"),
        ("US", "14155550100"),
        ("US", "1 415 555 0100"),
        ("US", "+14155550100"),
        ("DE", "+1 415 555 0100"),
        ("DE", "001 415 555 0100"),
        ("DE", "(+1) 415 555 0100"),
        (None, "14155550100.0"),
        (None, "+14155550100.0"),
        ("US", "4155550100.0"),
        ("DE", "+14155550100.0"),
        (None, "tel:+14155550100"),
        ("US", "TEL:415-555-0100"),
        (None, "\u202a+1 (415) 555-0100\u202c"),
        ("US", "\u200e415-555-0100 "),
    ],
)
def test_phones_as_people_write_them_are_read(region, text):
    assert phone_reader(region)(text) == PHONE


def test_a_region_is_for_phones_without_a_country_code():
    assert phone_reader("GB")("07911 123456") == "447911123456"
    assert phone_reader("GB")("447911123456") == "447911123456"
    assert phone_reader("US")("4325348894") == "14325348894", "though there is +43 25348894"
    assert phone_reader("DE")("0151 12345678") == "4915112345678"


def test_a_float_of_a_phone_is_that_phone_and_never_a_longer_one():
    assert phone_reader("DE")("+491701234567.0") == "491701234567"
    assert phone_reader("DE")("1701234567.0") == "491701234567"
    for text in ("01701234567.0", "1701234567.00", "+491701234567.00"):
        with pytest.raises(ValueError, match="not a decimal number"):
            phone_reader("DE")(text)


@pytest.mark.parametrize("text", ["447911123456", "4915112345678"])
def test_bare_digits_have_no_country_code_but_that_of_the_region(text):
    assert phone_reader()(text) == text
    with pytest.raises(ValueError, match="phone must be a valid number of US"):
        phone_reader("US")(text)


@pytest.mark.parametrize(("before", "after"), [(1, 0), (0, 1)], ids=["doubled", "missing"])
def test_a_digit_more_or_less_makes_none_of_another_country(before, after):
    read, rng = phone_reader("US"), random.Random(2)
    for _ in range(2000):
        digits = f"{rng.randrange(200, 1000)}{rng.randrange(200, 1000)}{rng.randrange(10**4):04}"
        place = rng.randrange(10)
        with suppress(ValueError):
            assert read(digits[: place + before] + digits[place + after :]).startswith("1")


def test_a_slip_in_a_national_number_makes_none_of_another_country():
    read, rng = phone_reader("US"), random.Random(1)
    countries = set()
    for _ in range(2000):
        try:
            countries.add(read(str(rng.randrange(10**9, 10**10)))[0])
        except ValueError:
            countries.add("")

    assert phone_reader()("4630463310") == "4630463310", "which it could be"
    assert countries == {"1", ""}


@pytest.mark.parametrize(
    ("region", "text"),
    [
        (None, "(415) 555-0100"),
        (None, "4155550100"),
        (None, "1 415 555 0100"),
        (None, "0044 20 7946 0018"),
        ("US", "4630463310"),
        ("US", "463 046 3310"),
        ("US", "5550100"),
        ("US", "2784851"),
        ("US", "0100"),
        ("US", "44 7911 123456"),
        ("DE", "14155550100"),
        ("GB", "0100"),
    ],
)
def test_what_is_no_valid_phone_is_refused_without_repeating_it(region, text):
    with pytest.raises(ValueError, match="phone must be a valid number") as raised:
        phone_reader(region)(text)

    assert text not in str(raised.value)
    assert region is None or region in str(raised.value)


def test_what_is_a_number_with_and_without_its_country_code_is_refused():
    with pytest.raises(ValueError, match="can be read with and without a country code"):
        phone_reader("DE")("4915112345678")

    assert phone_reader()("4915112345678") == "4915112345678"
    assert phone_reader("DE")("+4915112345678") == "4915112345678"
    assert phone_reader("DE")("04915 112345678") == "494915112345678"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("415-CALL-NOW", "must not have letters"),
        ("+1 415 555 0100 home", "must not have letters"),
        ("hello", "must not have letters"),
        ("fax:+14155550100", "must not have letters"),
        ("+1 415 555 0100 ext. 5", "must not have an extension"),
        ("4155550100x12", "must not have an extension"),
        ("(415) 555-0100 Extension 12", "must not have an extension"),
        ("415 555 0100 #12", "must not have an extension"),
        ("4155550100, 4155550101", "must be one number: digits"),
        ("4155550100+", "must be one number: digits"),
        ("*4155550100", "must be one number: digits"),
        ("", "must be one number: digits"),
    ],
)
@pytest.mark.parametrize("region", [None, "US"])
def test_what_is_not_written_as_one_number_is_refused(region, text, reason):
    with pytest.raises(ValueError, match=f"phone {reason}") as raised:
        phone_reader(region)(text)

    assert not text or text not in str(raised.value)


def test_a_region_that_is_none_is_refused():
    with pytest.raises(ValueError, match="region must be two letters"):
        phone_reader("California")


def test_without_phonenumbers_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "phonenumbers", None)

    with pytest.raises(ValueError, match=r"pip install 'heymarket-async\[import\]'"):
        phone_reader()


def test_the_first_row_of_a_phone_is_kept():
    rng, rows, known = random.Random(4), FirstRows(), dict[int, int]()
    for row in range(1, 30_001):
        number = rng.choice(
            (rng.randrange(100), 14_150_000_000 + rng.randrange(20_000), 10**15 - 1)
        )
        assert rows.first(number, row) == known.setdefault(number, row)

    assert len(known) > 7000


def test_the_next_row_of_a_phone_that_is_forgotten_is_its_first():
    rows = FirstRows()
    for number in (5, 5 + 4096, 5 + 8192):
        rows.first(number, number)

    rows.forget(5 + 4096)

    assert [rows.first(number, 7) for number in (5, 5 + 4096, 5 + 8192)] == [5, 7, 5 + 8192]


def test_a_phone_takes_a_tenth_of_what_a_dict_would_take():
    rows = FirstRows()
    for row in range(400_000):
        rows.first(14_150_000_000 + 7919 * row, row)

    taken = sum(each.itemsize * len(each) for shelf in rows._shelves.values() for each in shelf)
    assert all(isinstance(each, array) for shelf in rows._shelves.values() for each in shelf)
    assert taken == 12 * 400_000
    assert max(len(phones) for phones, _ in rows._shelves.values()) < 200


async def test_a_second_row_is_tried_if_the_first_is_refused(tmp_path):
    rows = [new(1, first="Bad"), new(1, first="Good"), new(1, first="Late"), new(2)]
    async with account() as it:
        it.faults.answer(422, on=BATCH, times=2)

        report = await it.imports(rows, outcomes=tmp_path / "o")

        assert it.sizes(BATCH) == [2, 1, 1, 1]
        assert it.stored(1)["first"] == "Good"
    assert (counts(report), report.duplicates) == ({"created": 2, "rejected": 2}, 1)
    assert [each.row for each in report.rejections] == [1, 3]
    assert "answered 422" in report.rejections[0].reason
    assert report.rejections[1].reason == "row 1 has the same phone"
    assert outcomes_of(tmp_path / "o")[2]["outcome"] == "created"


async def test_a_row_that_comes_after_the_first_was_refused_is_tried_too():
    rows = [new(1, first=name) for name in ("Bad", "Good", "Late")]
    async with account() as it:
        it.faults.answer(422, on=BATCH)

        report = await it.imports(rows, batch_size=1, concurrency=1)

        assert it.stored(1)["first"] == "Good"
    assert counts(report) == {"created": 1, "rejected": 2}
    assert report.rejections[1] == Rejection(row=3, reason="row 2 has the same phone")


@pytest.mark.parametrize("size", [1, 10])
async def test_of_many_rows_with_a_phone_that_is_refused_two_are_tried(size):
    async with account() as it:
        it.faults.answer(422, on=BATCH, times=None)

        report = await it.imports([new(1) for _ in range(50)], batch_size=size, concurrency=1)

        assert it.sizes(BATCH) == [1, 1]
    assert (counts(report), report.duplicates) == ({"rejected": 50}, 48)


@pytest.mark.parametrize("outcome", ["rejected", "created"])
async def test_a_resumed_import_tries_the_second_only_if_the_first_was_refused(outcome, tmp_path):
    path = tmp_path / "o"
    async with account() as it:
        if outcome == "rejected":
            it.faults.answer(422, on=BATCH)
        await it.imports([new(1, first="First")], outcomes=path)

        rows = [new(1, first="First"), new(1, first="Second"), new(1, first="Third")]
        report = await it.imports(rows, outcomes=path, resume=True)
        again = await it.imports(rows, outcomes=path, resume=True)

        is_second = outcome == "rejected"
        assert it.stored(1)["first"] == ("Second" if is_second else "First")
        assert it.phones == {phone(1): 1}
    assert counts(again) == counts(report) == {"created": 1, "rejected": 2}
    assert again.duplicates == report.duplicates == (1 if is_second else 2)


async def test_a_dry_run_says_what_would_become_of_the_second():
    async with account() as it:
        it.faults.answer(400, on=SEARCH)

        report = await it.imports([new(1), new(1)], dry_run=True)

        assert it.sizes(BATCH) == []
    assert counts(report) == {"rejected": 1, "created": 1}
