"""Phones: read as people write them."""

from __future__ import annotations

import random
import sys
import time
from contextlib import suppress

import phonenumbers
import pytest

from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.phones import (
    EXTENSIONS,
    MORE_PHONES,
    phone_reader,
)

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


@pytest.mark.parametrize("zeros", [".0", ".00", ",0", ",00"])
@pytest.mark.parametrize("digits", ["+491701234567", "1701234567", "01701234567"])
def test_a_float_of_a_phone_is_that_phone_and_never_a_longer_one(digits, zeros):
    assert phone_reader("DE")(digits + zeros) == "491701234567"


@pytest.mark.parametrize("text", ["1701234567.000", "170123456.7", "+49170123456.7"])
def test_a_decimal_number_of_another_kind_is_refused(text):
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
        ("+1 415 555 0100 stop", "must not have letters"),
        ("do not text 4155550100", "must not have letters"),
        ("STOP +14155550100", "must not have letters"),
        ("Fax +14155550100", "must not have letters"),
        ("+14155550100; stop", "must not have letters"),
        ("stop +14155550100; +15105550147", "must not have letters"),
        ("1-800-FLOWERS", "must not have letters"),
        ("415-555-CELL", "must not have letters"),
        ("m4155550100", "must not have letters"),
        ("hello", "must not have letters"),
        ("fax:+14155550100", "must not have letters"),
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


@pytest.mark.parametrize(
    ("cell", "others"),
    [
        ("4155550100 ::: 5105550147", 1),
        ("415-555-0100; (510) 555-0147;", 1),
        ("415-555-0100 | 510-555-0147", 1),
        ("415-555-0100 / 510-555-0147", 1),
        ("415-555-0100/510-555-0147", 1),
        ("415/555-0100, 510/555-0147", 1),
        ("4155550100,5105550147,2125550147", 2),
        ("4155550100\r\n5105550147", 1),
        ("4155550100<br>5105550147", 1),
        ("+14155550100 +15105550147", 1),
        ("(415) 555-0100 or (510) 555-0147", 1),
        ("555-0100; 415-555-0100", 1),
        ("Mobile: 415-555-0100; Fax: 510-555-0147", 1),
        ("510-555-0147 x12 ::: 415-555-0100", 1),
        ("['+14155550100', '+15105550147']", 1),
        ("415-555-0100 ::: (415) 555-0100", 0),
        ("Home: ; Mobile: 415-555-0100", 0),
        ("415-555-0100 / none", 0),
        ("415-555-0100,", 0),
    ],
)
def test_of_several_phones_in_a_cell_the_first_valid_one_is_read(cell, others):
    notes = Notes()
    read = phone_reader("US", notes=notes)

    assert read(cell) == PHONE
    assert notes.lines() == [MORE_PHONES.format(count=others)] * bool(others)


def test_phones_that_were_left_out_are_counted_in_one_note():
    notes = Notes()
    read = phone_reader("US", notes=notes)
    for _ in range(3):
        read("415-555-0100; 510-555-0147; 212-555-0147")

    assert notes.lines() == [MORE_PHONES.format(count=6)]


@pytest.mark.parametrize(
    "text", ["+1 415 555 0100 / 01", "415-555-0100/0101", "+/4155550100", "004915 1/2345678/"]
)
def test_a_slash_never_makes_a_shorter_number_of_one(text):
    with pytest.raises(ValueError, match="phone must be a valid number"):
        phone_reader("US")(text)


def test_a_slash_after_an_area_code_is_part_of_the_number():
    assert phone_reader("DE")("0151/23456789") == "4915123456789"
    assert phone_reader("DE")("0049151/23456789") == "4915123456789"
    assert phone_reader("DE")("0151 23456789 / 0170 1234567") == "4915123456789"


def test_if_no_phone_of_a_cell_is_valid_the_reason_is_that_of_the_first():
    with pytest.raises(ValueError, match="phone must be a valid number"):
        phone_reader("US")("555-0100; fax 415-555-0100")


@pytest.mark.parametrize(
    "text",
    [
        "Mobile: (415) 555-0100",
        "mobile (415) 555-0100",
        "Cell - 415-555-0100",
        "415-555-0100 (cell)",
        "415-555-0100 [Work Mobile]",
        "415-555-0100 home",
        "415-555-0100 - m",
        "h: 415-555-0100",
        "(m) 415 555 0100",
        "Tel. No.: 415-555-0100",
        "Phone 1: 415-555-0100",
        "Phone #: 415-555-0100",
        "Móvil: 415-555-0100",
        "whatsapp:+14155550100",
        "\u260e\ufe0f 415-555-0100",
        "\U0001f4de415-555-0100",
    ],
)
def test_labels_of_phones_are_read_over(text):
    assert phone_reader("US")(text) == PHONE


@pytest.mark.parametrize(
    "text",
    [
        "'14155550100",
        '="14155550100"',
        '"14155550100"',
        "=14155550100",
        "1,415,555,0100",
        "14,155,550,100",
        "14,155,550,100.00",
        "1.415.555.0100",
        "14.155.550.100",
        "14.155.550.100,00",
        "1.4155550100E+10",
        "1,4155550100e10",
        "1.41555501000E+10",
        "\u200b1415\u00ad5550100\ufeff",
        "\u202a14155550100\u202c",
        "\uff0b\uff11\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff10\uff10",
        "+\u0661\u0664\u0661\u0665\u0665\u0665\u0665\u0660\u0661\u0660\u0660",
        "+1\u00a0415\u00a0555\u20110100",
    ],
)
@pytest.mark.parametrize("region", [None, "US"])
def test_phones_as_table_tools_write_them_are_read(region, text):
    assert phone_reader(region)(text) == PHONE


@pytest.mark.parametrize("text", ["1.41556E+10", "1,41556E+10", "+1.41556e10", "1E+10"])
def test_a_rounded_phone_says_that_its_last_digits_are_lost(text):
    with pytest.raises(ValueError, match=r"rounded by a spreadsheet.*format the column as text"):
        phone_reader("US")(text)


EXTENDED = [
    "+1 415 555 0100 ext. 5",
    "4155550100x12",
    "(415) 555-0100 Extension 12",
    "415 555 0100 #12",
    "415-555-0100 (ext 12)",
    "415-555-0100 x12 (work)",
    "415-555-0100 / ext 12",
    "415-555-0100; x12",
    "tel:+14155550100;ext=12",
    "+14155550100,,12#",
    "415-555-0100 - 12#",
]


@pytest.mark.parametrize("text", EXTENDED)
def test_an_extension_is_refused_with_the_remedy(text):
    with pytest.raises(
        ValueError, match=r"phone has an extension, and Heymarket has no place.*: leave it off"
    ):
        phone_reader("US")(text)


@pytest.mark.parametrize("text", EXTENDED)
def test_an_extension_can_be_dropped(text):
    notes = Notes()

    assert phone_reader("US", drop_extensions=True, notes=notes)(text) == PHONE
    assert notes.lines() == [EXTENSIONS.format(count=1)]


@pytest.mark.parametrize("text", ["415-555-0100 x", "415-555-0100 ext."])
def test_an_extension_without_digits_is_none(text):
    assert phone_reader("US")(text) == PHONE


@pytest.mark.parametrize(
    ("region", "text"),
    [
        (None, "+52 1 55 1234 5678"),
        (None, "5215512345678"),
        ("MX", "5215512345678"),
        ("MX", "55 1234 5678"),
        ("MX", "01 55 1234 5678"),
        ("MX", "044 55 1234 5678"),
        ("MX", "045 55 1234 5678"),
        ("US", "011 52 1 55 1234 5678"),
    ],
)
def test_old_mexican_prefixes_are_removed(region, text):
    assert phone_reader(region)(text) == "525512345678"


@pytest.mark.parametrize("text", ["14155550100", "+52 2 55 1234 5678"])
def test_other_numbers_are_not_taken_for_old_mexican_ones(text):
    with pytest.raises(ValueError, match="phone must be a valid number"):
        phone_reader("MX")(text)


def test_an_export_is_read_as_e164_whatever_the_region():
    for region in (None, "US", "DE"):
        read = phone_reader(region, takes_possible=True)
        assert read("4915112345678") == "4915112345678"
        assert read("6598765432") == "6598765432", "though it is a number of US, too"
        assert read("5215512345678") == "5215512345678", "or it would be another contact"
        assert read("78001234567") == "78001234567", "which only the slow parser knows"
        assert read("11111111111") == "11111111111", "which is possible, and not valid"
    assert phone_reader("US", takes_possible=True)("(415) 555-0100") == PHONE
    assert phone_reader("US", takes_possible=True)("4155550100") == PHONE
    for text in ("+11111111111", "1111111111", "999111111111", "8888", "11111111111111111111"):
        with pytest.raises(ValueError, match="phone must be a valid number"):
            phone_reader("US", takes_possible=True)(text)


def test_a_number_that_is_not_valid_names_the_release_of_the_numbering_plans():
    with pytest.raises(ValueError, match="update phonenumbers") as raised:
        phone_reader("US")("999-555-0147")

    assert f"the numbering plans of phonenumbers {phonenumbers.__version__};" in str(raised.value)


@pytest.mark.parametrize("area", [257, 273, 324, 353, 532, 686, 738, 748, 821, 975])
def test_area_codes_that_were_opened_lately_are_known(area):
    assert phone_reader("US")(f"({area}) 555-0147") == f"1{area}5550147"


@pytest.mark.parametrize("text", ["1", " ", "cell", "4155550100,", "x", "(", "1 ", "1,", "- "])
def test_a_long_cell_is_refused_at_once(text):
    with pytest.raises(ValueError, match="must not be longer than 500 characters"):
        phone_reader("US")(text * 501)
    start = time.process_time()
    with suppress(ValueError):
        phone_reader("US")(text * (500 // len(text)))
    assert time.process_time() - start < 1


def test_a_region_that_is_none_is_refused():
    with pytest.raises(ValueError, match="region must be two letters"):
        phone_reader("California")


def test_without_phonenumbers_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "phonenumbers", None)

    with pytest.raises(ValueError, match="reading phones needs the extra import: pip install "):
        phone_reader()


@pytest.mark.parametrize(
    ("region", "text"),
    [
        ("US", "+14155550100"),
        ("US", "(415) 555-0100"),
        ("US", "415-555-0100"),
        ("US", "415.555.0100"),
        ("US", "4155550100"),
        ("US", "14155550100"),
        (None, "14155550100"),
        ("GB", "07400 123456"),
    ],
)
def test_a_phone_of_a_usual_form_is_read_without_the_slow_parser(region, text, monkeypatch):
    """phonenumbers takes ten times as long for it."""

    def parse(*_: object) -> None:
        raise AssertionError("phonenumbers.parse was called")

    monkeypatch.setattr(phonenumbers, "parse", parse)

    assert phone_reader(region)(text) in {PHONE, "447400123456"}


def test_the_reason_without_a_region_says_that_one_can_be_given():
    with pytest.raises(ValueError, match="or give the region of phones without a country code"):
        phone_reader()("415-555-0100")
