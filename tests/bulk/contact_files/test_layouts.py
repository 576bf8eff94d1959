"""The meanings of headings, and the table that they come from."""

from __future__ import annotations

import csv
from collections import defaultdict
from importlib.resources import files

import pytest

from heymarket_async import NewContact
from heymarket_async.bulk.contact_files.layouts import (
    MAY_TEXT,
    PHONE_LABEL,
    STATUS,
    headings,
    loose,
    meaning_of,
)

pytestmark = pytest.mark.unmeasured

TABLE = files("heymarket_async.bulk.contact_files").joinpath("layouts.csv").read_text("utf-8")
ROWS = list(csv.DictReader(TABLE.splitlines()))


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("First Name", "first"),
        ("first_name", "first"),
        ("firstName", "first"),
        ("FIRST-NAME", "first"),
        ("Ｆirst Name", "first"),  # noqa: RUF001 - a wide letter
        ("E\u200bmail", "email"),
        ("E-\u00admail 3 - Value", "email"),
        ("Phone 1 - Value", "phone"),
        ("Phone 12 - Value", "phone"),
        ("Phone 1 - Label", PHONE_LABEL),
        ("Cell #", "phone"),
        ("Mobile 2", "phone"),
        ("Name", "display_name"),
        ("Group Membership", "tags"),
        ("Opted out?", "is_opted_out"),
        ("SMS Marketing Consent", MAY_TEXT),
        ("Status", STATUS),
        ("Business Fax", ""),
        ("File As", ""),
        ("Texting", "phone"),
        ("List", ""),
        ("Photo", ""),
        ("import_error", ""),
        ("Favourite color", None),
        ("", None),
        ("12", None),
    ],
)
def test_a_heading_has_a_meaning_however_it_is_written(heading, field):
    meaning = meaning_of(heading)

    assert (meaning.field if meaning else None) == field


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("Opted out of our texts", "is_opted_out"),
        ("SMS opt-out status 2023", "is_opted_out"),
        ("smsOptOutFlag", "is_opted_out"),
        ("Unsubscribed (text club)", "is_opted_out"),
        ("Please do not text", "is_opted_out"),
        ("DND for texts", "is_opted_out"),
        ("Text blocked", "is_opted_out"),
        ("Opt-out from email and SMS", "is_opted_out"),
        ("Agrees to texts?", MAY_TEXT),
        ("Mobile marketing consent given", MAY_TEXT),
        ("Opted in to summer club", MAY_TEXT),
        ("Send Text Messages", MAY_TEXT),
        ("Text Notifications", MAY_TEXT),
        ("SMS reminders", MAY_TEXT),
        ("Text OK?", MAY_TEXT),
        ("Can we text you?", MAY_TEXT),
        ("Notify by text", MAY_TEXT),
        ("SMS-Einwilligung", MAY_TEXT),
        ("Acepta SMS", MAY_TEXT),
        ("Don't send texts", "is_opted_out"),
        ("Keine SMS", "is_opted_out"),
        ("No enviar mensajes", "is_opted_out"),
        ("SMS reminder sent", ""),
        ("Opt out of weekly newsletter", ""),
        ("Unsubscribed from all mailings", ""),
        ("Opt-out keyword", ""),
        ("Opted in since", ""),
        ("Stopover", None),
        ("Text color", None),
    ],
)
def test_a_heading_that_speaks_of_opt_outs_is_never_unknown(heading, field):
    assert loose(heading) not in headings()
    meaning = meaning_of(heading)

    assert (meaning.field if meaning else None) == field


def test_no_two_lines_are_the_same_heading():
    lines = defaultdict(list)
    for row in ROWS:
        lines["#".join(map(loose, row["heading"].split("#")))].append(row["heading"])

    assert [same for same in lines.values() if len(same) > 1] == []


def test_each_line_has_a_field_a_rank_and_a_source():
    fields = {*NewContact.__struct_fields__, MAY_TEXT, STATUS, PHONE_LABEL, ""} - {"custom"}

    assert {row["field"] for row in ROWS} <= fields
    assert all(row["source"] and row["rank"].isdigit() for row in ROWS)
    assert len(ROWS) > 1000


def test_a_mobile_phone_comes_before_a_plain_one_before_home_before_work():
    order = ["SMS Phone Number", "Mobile Phone", "Phone", "Home Phone", "Other Phone", "Work Phone"]
    ranks = [meaning.rank for heading in order if (meaning := meaning_of(heading))]

    assert ranks == sorted(set(ranks))
    assert len(ranks) == len(order)
