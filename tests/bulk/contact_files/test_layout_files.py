# ruff: noqa: E501 - real files have many columns
"""Files as products write them: which contacts arrive, and which columns do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from heymarket_async.bulk.contact_files.phones import MORE_PHONES
from tests.bulk.contact_files.reading import read_file

FOLDER = Path(__file__).parent / "layouts"
OTHER_PHONES = "Phones that were left out, as one of each row is used: {}."
NOT_UTF_8 = (
    "The file is not UTF-8. It was read as windows-1252; if names look wrong, give the encoding."
)


class Expected(NamedTuple):
    """The contacts by their fields, the columns that are imported, unknown ones, and notes."""

    rows: list[Any]
    imported: str
    unknown: str = ""
    notes: tuple[str, ...] = ()


EXPECTED = {
    "activecampaign": Expected(
        [
            {
                "first": "Jordan",
                "email": "jordan@example.com",
                "tags": [1, 2],
                "phone": "14155550100",
            },
            {
                "first": "Zoë",
                "email": "zoe@example.com",
                "is_opted_out": True,
                "phone": "14155550101",
            },
        ],
        "Email | First Name | Last Name | Phone | Tags | Status",
    ),
    "airtable": Expected(
        [
            {
                "display_name": "Jordan Avery",
                "email": "jordan@example.com",
                "tags": [1, 2],
                "phone": "14155550100",
            },
            {"display_name": "Zoë Quill", "is_opted_out": True, "phone": "14155550101"},
        ],
        "Name | Phone | Email | Status | Tags",
    ),
    "apple": Expected(
        [
            {
                "first": "Jordan",
                "last": "Avery",
                "email": "jordan@example.com",
                "phone": "14155550100",
            },
            {"first": "Zoë", "phone": "14155550102"},
        ],
        "First name | Last name | Phone mobile | Phone home | Phone work | Phone iPhone | Email home | Email work",
        notes=(OTHER_PHONES.format(1),),
    ),
    "colleague": Expected(
        [
            {"display_name": "Jordan Avery", "email": "jordan@example.com", "phone": "14155550100"},
            {"display_name": "Zoë Quill", "is_opted_out": True, "phone": "14155550101"},
            {"display_name": "Null", "email": "a@example.com", "phone": "14155550102"},
        ],
        "Name | Cell # | Mobile Phone | Work\u200b Phone | E-mail | Opted out?",
        unknown="Favourite color",
        notes=(
            OTHER_PHONES.format(1),
            "Cells of e-mails that were left out, as they have no address: 1.",
            "Rows with several e-mails: 1. A contact has one, so the first was imported.",
        ),
    ),
    "constant_contact": Expected(
        [
            {
                "first": "Jordan",
                "email": "jordan@example.com",
                "tags": [1],
                "is_opted_out": False,
                "phone": "14155550100",
            },
            {
                "first": "Zoë",
                "email": "zoe@example.com",
                "is_opted_out": True,
                "phone": "14155550101",
            },
        ],
        "Email address | First name | Last name | Phone - mobile | Phone - home | Phone - work | Tags | SMS permission status",
        notes=(MORE_PHONES.format(count=1),),
    ),
    "gohighlevel": Expected(
        [
            {
                "first": "Jordan",
                "last": "Avery",
                "email": "jordan@example.com",
                "tags": [1, 2],
                "is_opted_out": False,
                "phone": "14155550100",
            },
            {"first": "Zoë", "is_opted_out": True, "phone": "14155550101"},
            {"first": "Sam", "phone": "14155550102"},
            {"first": "Kim", "is_opted_out": True, "phone": "14155550103"},
        ],
        "First Name | Last Name | Phone | Email | Tags | Additional Emails | Additional Phones | DND",
    ),
    "google": Expected(
        [
            {
                "first": "Jordan",
                "last": "Avery",
                "email": "jordan@example.com",
                "tags": [1],
                "phone": "14155550100",
            },
            {"first": "Zoë", "last": "Quill", "phone": "14155550102"},
            {"first": "Sam", "email": "sam@example.com", "phone": "14155550103"},
        ],
        "First Name | Last Name | Labels | E-mail 1 - Value | E-mail 2 - Value | Phone 1 - Label | Phone 1 - Value | Phone 2 - Label | Phone 2 - Value",
        notes=(OTHER_PHONES.format(1),),
    ),
    "google_old": Expected(
        [
            {
                "first": "Jordan",
                "last": "Avery",
                "display_name": "Jordan Avery",
                "email": "jordan@example.com",
                "tags": [1],
                "phone": "14155550101",
            },
            {"first": "Zoë", "last": "Quill", "display_name": "Zoë Quill", "phone": "442079460018"},
        ],
        "Name | Given Name | Family Name | Group Membership | E-mail 1 - Value | Phone 1 - Type | Phone 1 - Value | Phone 2 - Type | Phone 2 - Value",
        notes=(MORE_PHONES.format(count=1),),
    ),
    "heymarket": Expected(
        [
            {"first": "Jordan", "last": "Avery", "is_opted_out": False, "phone": "14155550100"},
            {"first": "Zoë", "last": "Quill", "is_opted_out": True, "phone": "14155550101"},
            {"first": "Sam", "phone": "14155550102"},
            "the opt-out column has a value that is not understood (line 5)",
        ],
        "First Name | Last Name | Phone Number | Opt Out",
    ),
    "hubspot": Expected(
        [
            {
                "first": "Jordan",
                "last": "Avery",
                "email": "jordan@example.com",
                "phone": "14155550101",
            },
            {"first": "Zoë", "phone": "14155550102"},
            "has no phone (line 4)",
        ],
        "First Name | Last Name | Email | Phone Number | Mobile Phone Number",
        notes=(MORE_PHONES.format(count=1),),
    ),
    "klaviyo": Expected(
        [
            {
                "first": "Jordan",
                "email": "jordan@example.com",
                "is_opted_out": False,
                "phone": "14155550100",
            },
            {
                "first": "Zoë",
                "email": "zoe@example.com",
                "is_opted_out": True,
                "phone": "14155550101",
            },
            {"first": "Sam", "email": "sam@example.com", "phone": "14155550102"},
        ],
        "Email | First Name | Last Name | Phone Number | SMS Marketing Consent",
    ),
    "mailchimp": Expected(
        [
            {
                "first": "Jordan",
                "last": "Avery",
                "email": "jordan@example.com",
                "tags": [1, 3],
                "is_opted_out": False,
                "phone": "14155550100",
            },
            {
                "first": "Zoë",
                "email": "zoe@example.com",
                "is_opted_out": True,
                "phone": "14155550101",
            },
            {"first": "Sam", "email": "sam@example.com", "phone": "14155550102"},
        ],
        "Email Address | First Name | Last Name | Phone Number | SMS Phone Number | SMS Status | TAGS",
        notes=(MORE_PHONES.format(count=1),),
    ),
    "mindbody": Expected(
        [
            {
                "first": "Jordan",
                "last": "Avery",
                "email": "jordan@example.com",
                "is_opted_out": False,
                "phone": "14155550100",
            },
            {"first": "Zoë", "is_opted_out": True, "phone": "14155550101"},
        ],
        "Last Name | First Name | Mobile Phone | Home Phone | Work Phone | Email | Send Text Promotions",
        unknown="# of Visits",
    ),
    "monday": Expected(
        [{"display_name": "Jordan Avery", "email": "jordan@example.com", "phone": "14155550100"}],
        "Name | Phone | Email | Status | Tags",
    ),
    "notion": Expected(
        [
            {
                "display_name": "Jordan Avery",
                "email": "jordan@example.com",
                "tags": [1, 2],
                "phone": "14155550100",
            }
        ],
        "Name | Phone | Email | Tags",
    ),
    "outlook_classic": Expected(
        [
            {
                "first": "Jordan",
                "last": "Avery",
                "email": "jordan@example.com",
                "tags": [1],
                "phone": "14155550101",
            },
            {"first": "Zoë", "last": "Quill", "phone": "14155550103"},
            "has no phone (line 4)",
        ],
        "First Name | Last Name | Business Phone | Business Phone 2 | Car Phone | Company Main Phone | Home Phone | Home Phone 2 | Mobile Phone | Other Phone | Primary Phone | Categories | E-mail Address | E-mail 2 Address",
        notes=(NOT_UTF_8, OTHER_PHONES.format(2)),
    ),
    "outlook_german": Expected(
        [
            {
                "first": "Jörg",
                "last": "Muster",
                "email": "joerg@example.com",
                "tags": [1],
                "phone": "491713920000",
            },
            {"first": "Käthe", "last": "Beispiel", "phone": "493023125001"},
        ],
        "Vorname | Nachname | Telefon geschäftlich | Telefon (privat) | Mobiltelefon | E-Mail-Adresse | Kategorien",
        notes=(NOT_UTF_8, OTHER_PHONES.format(1)),
    ),
    "outlook_new": Expected(
        [
            {
                "first": "Jordan",
                "last": "Avery",
                "email": "jordan@example.com",
                "phone": "14155550100",
            }
        ],
        "First Name | Last Name | E-mail Address | E-mail 2 Address | E-mail 3 Address | Home Phone | Home Phone 2 | Business Phone | Business Phone 2 | Mobile Phone | Car Phone | Other Phone | Primary Phone | Company Main Phone",
        notes=(MORE_PHONES.format(count=1),),
    ),
    "pipedrive": Expected(
        [{"display_name": "Jordan Avery", "email": "jordan@example.com", "phone": "14155550101"}],
        "Person - Name | Person - Label | Person - Email - Work | Person - Email - Home | Person - Phone - Work | Person - Phone - Mobile",
        notes=(OTHER_PHONES.format(1),),
    ),
    "salesforce_contacts": Expected(
        [
            {
                "first": "Jordan",
                "last": "Avery",
                "email": "jordan@example.com",
                "is_opted_out": False,
                "phone": "14155550101",
            },
            {"first": "Zoë", "last": "Quill", "is_opted_out": True, "phone": "14155550102"},
        ],
        "First Name | Last Name | Phone | Mobile | Home Phone | Other Phone | Email | SMS Opt Out",
        notes=(NOT_UTF_8, OTHER_PHONES.format(1)),
    ),
    "salesforce_leads": Expected(
        [
            {
                "first": "Jordan",
                "last": "Avery",
                "email": "jordan@example.com",
                "phone": "14155550100",
            }
        ],
        "First Name | Last Name | Email | Phone | Mobile",
    ),
    "shopify": Expected(
        [
            {
                "first": "Jordan",
                "last": "Avery",
                "email": "jordan@example.com",
                "tags": [1, 3],
                "is_opted_out": False,
                "phone": "14155550100",
            },
            {"first": "Zoë", "last": "Quill", "is_opted_out": True, "phone": "14155550101"},
        ],
        "First Name | Last Name | Email | Default Address Phone | Phone | Accepts SMS Marketing | Tags",
    ),
    "square": Expected(
        [
            {
                "first": "Jordan",
                "last": "Avery",
                "email": "jordan@example.com",
                "tags": [1],
                "phone": "14155550100",
            },
            {"first": "Zoë", "is_opted_out": True, "phone": "14155550101"},
        ],
        "First Name | Surname | Email Address | Phone Number | SMS Subscription Status | Groups",
    ),
    "stripe": Expected(
        [{"display_name": "Jordan Avery", "email": "jordan@example.com", "phone": "14155550100"}],
        "Email | Name | Status | Phone",
        unknown="Plan",
    ),
    "texting_list": Expected(
        [
            {"first": "Jordan", "tags": [1], "is_opted_out": False, "phone": "14155550100"},
            {"first": "Zoë", "is_opted_out": True, "phone": "14155550101"},
            {"first": "Sam", "is_opted_out": True, "phone": "14155550102"},
        ],
        "Number | First Name | Last Name | Email | Groups | Opted Out | Opt Out Date",
    ),
    "woocommerce": Expected(
        [{"display_name": "Jordan Avery", "email": "jordan@example.com", "phone": "14155550100"}],
        "Name | Email | Billing phone",
    ),
    "zoho": Expected(
        [
            {
                "first": "Jordan",
                "last": "Avery",
                "email": "jordan@example.com",
                "tags": [1, 2],
                "phone": "14155550101",
            },
            {"first": "Zoë", "last": "Quill", "phone": "14155550102"},
        ],
        "First Name | Last Name | Email | Phone | Home Phone | Other Phone | Mobile | Tag",
        notes=(MORE_PHONES.format(count=1),),
    ),
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_file_of_a_product_needs_no_option(name):
    expected = EXPECTED[name]
    read = read_file(FOLDER / f"{name}.csv")

    columns = read.plan.columns
    imported = [column.heading for column in columns if column.heading not in read.left_out]
    assert read.rows == expected.rows
    assert " | ".join(imported) == expected.imported
    unknown = [column.heading for column in columns if column.is_unknown]
    assert " | ".join(unknown) == expected.unknown
    assert read.notes == list(expected.notes)


def test_each_file_has_its_expectation():
    assert {path.stem for path in FOLDER.iterdir()} == set(EXPECTED)
