"""The sandbox's people: their phones are valid and their own."""

from __future__ import annotations

import random

import phonenumbers
import pytest

from heymarket_async.sandbox.people import made_up, people
from heymarket_async.sandbox.readings import Readings


@pytest.mark.parametrize("seed", range(3))
def test_all_phones_are_valid_and_no_two_are_equal(seed):
    rng = random.Random(seed)
    phones = [person.phone for _, person in people(3000, rng, Readings(), ties=1, custom=False)]

    assert len(set(phones)) == len(phones)
    assert [phone for phone in phones if not is_valid(phone)] == []


def test_any_digits_after_a_prefix_make_a_valid_phone():
    rng = random.Random(5)
    for culture in made_up().cultures:
        for prefix in culture.prefixes:
            for _ in range(10 if len(culture.prefixes) > 10 else 200):
                phone = f"{prefix}{rng.randrange(10**culture.digits):0{culture.digits}}"
                assert is_valid(phone), f"{prefix} is not always valid"


def is_valid(phone):
    return phonenumbers.is_valid_number(phonenumbers.parse(f"+{phone}"))
