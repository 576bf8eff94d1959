"""Phones: read as people write them."""

from __future__ import annotations

import random
import sys
from contextlib import suppress

import pytest

from heymarket_async.bulk.contact_files.phones import phone_reader

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
