"""Numbering: the quick way to read a phone gives what phonenumbers gives."""

from __future__ import annotations

import random
import re

import phonenumbers
import pytest

from heymarket_async.bulk.contact_files.numbering import Country, _Plan, international

NUMBERS = [
    (region, str(number.country_code), phonenumbers.national_significant_number(number))
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in phonenumbers.PhoneNumberType.values()
    if (number := phonenumbers.example_number_for_type(region, kind))
] + [
    ("US", str(code), phonenumbers.national_significant_number(number))
    for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
    if (number := phonenumbers.example_number_for_non_geo_entity(code))
]


def by_phonenumbers(text, region=None):
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]


def altered(digits, rng):
    """Return digits with none or a few of them changed, added or removed."""
    digits = list(digits)
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        place = rng.randrange(len(digits))
        digits[place] = rng.choice((rng.choice("0123456789"),) * 4 + (digits[place] * 2, ""))
    return "".join(digits) or "0"


@pytest.mark.parametrize("seed", range(4))
def test_a_number_with_its_country_code_is_read_as_phonenumbers_reads_it(seed):
    rng = random.Random(seed)
    valid = found = 0
    for _ in range(1500):
        _, code, number = rng.choice(NUMBERS)
        digits = code + altered(number, rng)
        expected, quick = by_phonenumbers(f"+{digits}"), international(digits)
        assert quick in {None, expected}, digits
        valid += expected is not None
        found += quick is not None

    assert found > 0.97 * valid > 400, "few are left to the slow way"


@pytest.mark.parametrize("seed", range(4))
def test_a_number_of_a_country_is_read_as_phonenumbers_reads_it(seed):
    rng = random.Random(seed)
    countries = {region: Country(region) for region in phonenumbers.SUPPORTED_REGIONS}
    regions = sorted(countries)
    valid = found = 0
    for _ in range(1500):
        region, code, number = rng.choice(NUMBERS)
        region = region if rng.random() < 0.8 else rng.choice(regions)
        before = rng.choice(("", "0", code, "00", "011", "1", "8"))
        digits = before + altered(number, rng)
        expected, quick = by_phonenumbers(digits, region), countries[region].national(digits)
        assert quick in {None, expected}, (region, digits)
        if quick and digits.startswith(countries[region].code):
            assert by_phonenumbers(f"+{digits}") == quick, "with and without a plus it is the same"
        valid += expected is not None
        found += quick is not None

    assert found > 0.9 * valid > 200, "few are left to the slow way"


@pytest.mark.parametrize("digits", ["", "0", "1", "999", "0151", "9995550100"])
def test_digits_without_a_country_code_are_none(digits):
    assert international(digits) is None


@pytest.mark.parametrize(
    ("region", "text"),
    [("US", "4155550100"), ("US", "14155550100"), ("CA", "4165550100"), ("GB", "07911123456")],
)
def test_the_usual_forms_take_the_quick_way(region, text):
    assert Country(region).national(text) == by_phonenumbers(text, region) is not None


@pytest.mark.parametrize(("region", "text"), [("IL", "015112340700"), ("PA", "00800324234")])
def test_a_prefix_for_calls_abroad_is_left_to_phonenumbers(region, text):
    assert by_phonenumbers(text, region) is None
    assert Country(region).national(text) is None


def test_a_number_with_a_prefix_to_remove_is_left_to_phonenumbers():
    three = (None, frozenset({3}), re.compile(r"\d{3}"))
    plan = _Plan(re.compile("9(1)?"), [three])

    assert plan.keeps("123")
    assert plan.is_valid("912")
    assert not plan.keeps("912")


def test_the_leading_digits_of_a_region_decide_as_in_phonenumbers():
    three = (None, frozenset({3}), re.compile(r"\d{3}"))
    none = (re.compile("7"), frozenset({4}), re.compile(r"\d{4}"))

    assert _Plan(re.compile("0"), [none, three]).is_valid("123")
    assert not _Plan(re.compile("0"), [none, three]).is_valid("723")
