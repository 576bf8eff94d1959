"""Whether a cell says that a person opted out."""

from __future__ import annotations

import pytest

from heymarket_async.bulk.contact_files.opt_outs import opted_out

YES = [
    "yes",
    "Y",
    "TRUE",
    "t",
    "1",
    "1.0",
    "x",
    "X",
    "✓",
    "☑",
    "ja",
    "on",
    "1.00",
    "sim",
    "WAHR",
    "vrai",
]
NO = ["no", "N", "False", "f", "0", "0.0", "✗", "nein", "off", "0.00", "FALSCH", "não"]
DATES = [
    "2024-05-01", "2024-05-01T10:00:00Z", "2024/5/1 10:00", "05/01/2024", "1.5.24", "May 1, 2024",
    "1 May 2024", "Wed, May 1st, 2024 10:00 AM", "1714557600", "1714557600000",
]  # fmt: skip


OF_EITHER = ["Active", "enabled", "Confirmed", "granted", "Explicit", "in", "ok"]
OUT = [
    "Unsubscribed", "UNSUBSCRIBED", "opted-out", "Opted Out", "STOP", "Do not text", "blocked",
    "Suppressed", "Inactive", "Replied STOP on May 1", "Yes, opted out", "Opted out 2024-05-01",
    "STOP - wrong person", "Désabonnée", "Dado de baja", "not opted in", "reported spam",
]  # fmt: skip
IN = ["Subscribed", "SUBSCRIBED", "opted_in", "Active", "Explicit", "Double opt-in"]
NOTHING = [
    "NEVER_SUBSCRIBED",
    "Non-Subscribed",
    "unknown",
    "pending",
    "Bounced",
    "TBD",
    "0001-01-01T00:00:00Z",
]


@pytest.mark.parametrize("cell", YES + DATES)
def test_yes_and_dates_are_the_opposite_in_columns_of_opt_outs_and_of_consent(cell):
    assert opted_out(cell, "opt-out") is True
    assert opted_out(cell, "consent") is False


@pytest.mark.parametrize("cell", NO)
def test_no_is_the_opposite_in_columns_of_opt_outs_and_of_consent(cell):
    assert opted_out(cell, "opt-out") is False
    assert opted_out(cell, "consent") is True


@pytest.mark.parametrize("kind", ["opt-out", "consent"])
def test_words_for_opting_out_mean_the_same_in_any_column(kind):
    assert {opted_out(cell, kind) for cell in OUT} == {True}
    assert {opted_out(cell, kind) for cell in IN if cell not in OF_EITHER} == {False}
    assert {opted_out(cell, kind) for cell in NOTHING} == {None}


@pytest.mark.parametrize("cell", OF_EITHER)
def test_words_that_may_be_about_the_opt_out_itself_are_not_understood(cell):
    with pytest.raises(ValueError, match="a value that is not understood"):
        opted_out(cell, "opt-out")


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("Do Not Text", True),
        ("VIP, opted out", True),
        ("STOP", True),
        ("Bus stop", None),
        ("Stop smoking", None),
        ("yes", None),
        ("unsubscribed from email", None),
    ],
)
def test_of_tags_and_unknown_columns_only_words_that_stand_alone_count(cell, says):
    assert opted_out(cell, "words") is says


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("SMS", True),
        ("Email, SMS", True),
        ("[all]", True),
        ("Email; Call", None),
        ("WhatsApp", None),
    ],
)
def test_a_list_of_channels_says_something_if_texts_are_among_them(cell, says):
    assert opted_out(cell, "opt-out") is says
    assert opted_out(cell, "consent") is (None if says is None else False)


@pytest.mark.parametrize(
    "cell",
    ["maybe", "2", "not stopped", "unsubscribed from email", "weekends", "SMS or so", "1234567"],
)
def test_a_value_that_is_not_understood_is_an_error_without_the_value(cell):
    for kind in ("opt-out", "consent"):
        with pytest.raises(ValueError, match="not understood") as raised:
            opted_out(cell, kind)
        assert cell not in str(raised.value)


def test_a_status_says_something_by_clear_words_only():
    assert {opted_out(cell, "status") for cell in ["Unsubscribed", "STOP", "Texted STOP"]} == {True}
    for cell in [
        "Active", "yes", "1", "Todo", "Blocked", "inactive", "2024-05-01", "No contact yet",
        "Withdrawn", "unsubscribed from email", "never opted out",
    ]:  # fmt: skip
        assert opted_out(cell, "status") is None


def test_a_cell_of_phones_or_consent_says_nothing_unless_it_is_a_known_word():
    assert {opted_out(cell, "either") for cell in ["no", "0", "STOP", "Replied STOP"]} == {True}
    assert {opted_out(cell, "either") for cell in ["yes", "1", "opted in"]} == {False}
    assert {opted_out(cell, "either") for cell in ["(415) 555-0100", "See you soon"]} == {None}
