"""`client.contact_fields`: what the examples of the documentation do not show."""

from __future__ import annotations

import pytest

from heymarket_async import CustomFieldError

FIELDS = [
    {"id": 123, "title": "Plan"},
    {"id": 456, "title": "Renewal Date"},
    {"id": 7, "title": "Twice"},
    {"id": 8, "title": "Twice"},
]


async def test_titles_become_ids(client, heymarket):
    heymarket.answers(FIELDS)

    values = await client.contact_fields.resolve({"Plan": "Premium", "Renewal Date": None})

    assert values == {"123": "Premium", "456": None}
    assert heymarket.sent.call == "POST /v1/contact-fields"


@pytest.mark.parametrize(
    ("title", "message"),
    [
        ("plan", "lists no custom field titled 'plan'; did you mean 'Plan'?"),
        (
            "Colour",
            "lists no custom field titled 'Colour'; it lists 'Plan', 'Renewal Date', 'Twice',"
            " 'Twice'",
        ),
        ("Twice", "lists fields 7, 8 all titled 'Twice'; write to one by its id"),
    ],
)
async def test_a_title_that_does_not_name_one_field_raises(title, message, client, heymarket):
    heymarket.answers(FIELDS)

    with pytest.raises(CustomFieldError) as raised:
        await client.contact_fields.resolve({"Plan": "Premium", title: "secret value"})

    assert str(raised.value) == f"POST /v1/contact-fields {message}"
    assert raised.value.title == title
    assert isinstance(raised.value, LookupError)


@pytest.mark.parametrize(("number", "hint"), [(0, "; it lists none"), (11, "")])
async def test_the_titles_of_an_account_are_listed_unless_they_are_many(
    number, hint, client, heymarket
):
    heymarket.answers([{"id": each, "title": f"Field {each}"} for each in range(number)])

    with pytest.raises(CustomFieldError, match=f"titled 'Colour'{hint}$"):
        await client.contact_fields.resolve({"Colour": "secret value"})


@pytest.mark.parametrize("titles", [[], "Plan", ["Plan", ""], [5], None])
async def test_titles_that_are_none_are_refused(titles, client, heymarket):
    with pytest.raises(ValueError, match="titles must be"):
        await client.contact_fields.create(titles)

    assert not heymarket.requests


async def test_titles_may_come_from_a_generator(client, heymarket):
    heymarket.answers([{"id": 123, "title": "Plan"}])

    await client.contact_fields.create(each for each in ["Plan"])

    assert heymarket.sent.body == [{"title": "Plan"}]


@pytest.mark.parametrize("values", [None, ["Plan"], "Plan"])
async def test_values_that_are_no_mapping_are_refused(values, client, heymarket):
    with pytest.raises(ValueError, match="values must be of type Mapping"):
        await client.contact_fields.resolve(values)

    assert not heymarket.requests
