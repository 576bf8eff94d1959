"""Misspelt names."""

from __future__ import annotations

from unittest import mock

import pytest

from heymarket_async.bulk.contact_files import typos
from heymarket_async.bulk.contact_files.typos import misspelt

NAMES = ["first", "last", "phone", "email", "tags", "plan", "phonenumber", "lastname", "line1"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("frist", "first"),
        ("emial", "email"),
        ("phne", "phone"),
        ("phonee", "phone"),
        ("plann", "plan"),
        ("lats", "last"),
        ("pjone", "phone"),
        ("phnoenubmer", "phonenumber"),
        ("lastnane", "lastname"),
        ("photo", ""),
        ("labels", ""),
        ("past", ""),
        ("lost", ""),
        ("lastdate", ""),
        ("line2", ""),
        ("la", ""),
        ("", ""),
        ("somethingelse", ""),
    ],
)
def test_a_misspelt_name_is_guessed_and_another_word_is_not(name, meant):
    assert misspelt(name, NAMES) == meant


def test_the_closest_name_is_guessed():
    assert misspelt("renewaldates", ["renewalddaet", "renewaldate"]) == "renewaldate"


def test_names_with_other_letters_are_not_compared_one_by_one(monkeypatch):
    # A spreadsheet may have 16,384 columns, and each is compared with hundreds of names.
    compare = mock.Mock(wraps=typos._errors)
    monkeypatch.setattr(typos, "_errors", compare)

    assert misspelt("emial", [*NAMES, "street", "town"]) == "email"
    assert compare.call_count == 1
