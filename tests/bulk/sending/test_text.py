"""Fields in a text: found in the columns of a row, and never sent empty or unfilled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heymarket_async.bulk import JobError
from heymarket_async.bulk.sending.text import TextWithFields
from tests.bulk.importing.imports import phone
from tests.bulk.sending.sends import CURLY, account, counts, path_in, row


@pytest.mark.parametrize(
    ("text", "fields", "filled"),
    [
        ("Hi {first}", {"first": "Zoë"}, "Hi Zoë"),
        ("{first name}, {First}!", {"First Name": "Al", "First": "Bo"}, "Al, Bo!"),
        ("{ first }{first}", {"first": " Mary \n Ann "}, "Mary AnnMary Ann"),
        ("{balance} left", {"Balance": 0}, "0 left"),
        ("No fields", {}, "No fields"),
        ("{a.b} {0}", {"a.b": "x", "0": "y"}, "x y"),
        ("{name}", {"name": "{first}", "first": "no"}, "{first}"),
    ],
)
def test_fields_are_filled_in_by_exact_or_loose_name(text, fields, filled):
    assert TextWithFields(text, {}).fill(fields)[:2] == (filled, [])


@pytest.mark.parametrize("value", [None, "", "  ", "\n"])
def test_an_empty_field_takes_its_default_or_is_told(value):
    assert TextWithFields("Hi {first}", {"first": "you"}).fill({"first": value}).text == "Hi you"
    assert TextWithFields("Hi {first}", {}).fill({"first": value}).empty == ["first"]
    assert TextWithFields("Hi {first}", {"first": ""}).fill({}) == ("Hi ", [], [""])


@pytest.mark.parametrize(
    "text", ["{first", "first}", "{}", "{ }", "{{first}", "a {b{c}} d", "{a\nb}"]
)
def test_a_brace_without_its_partner_is_refused(text):
    with pytest.raises(ValueError, match=r"text must have each field within braces, such as \{"):
        TextWithFields(text, {})


def test_a_merge_token_of_a_template_is_refused():
    with pytest.raises(
        ValueError, match=r"text must not hold \{\{first_name\}\}, .*write \{first_n"
    ):
        TextWithFields("Hi {{ first_name }}", {})


def test_a_default_of_no_field_is_refused():
    with pytest.raises(ValueError, match="defaults must be of fields in the text, and 'frist' is"):
        TextWithFields("Hi {first}", {"frist": "you"})


@given(
    st.lists(st.tuples(st.text(f"ab {CURLY}\n"), st.sampled_from(["x", "y", "z w"]))),
    st.text("ab "),
)
def test_texts_are_those_of_replacing_each_field(pieces, end):
    fields = {"x": "1", "y": "{x}", "z w": "3"}
    text = "".join(f"{literal}{{{name}}}" for literal, name in pieces) + end
    wanted = "".join(f"{literal}{fields[name]}" for literal, name in pieces) + end

    assert TextWithFields(text, {}).fill(fields)[:2] == (wanted, [])


# In a job


async def test_an_empty_field_is_told_before_the_first_text_is_sent(tmp_path):
    rows = [row(1), row(2, first=""), row(3), {"phone": phone(4)}, *[row(9, first=None)] * 10]
    async with account() as it:
        with pytest.raises(
            JobError, match=r"\{first\} is empty in 12 rows: 2, 4, 5, .* and 2 more"
        ):
            await it.send(rows, outcomes=path_in(tmp_path))

        assert not [each for each in it.sandbox.requests if each.path != "/v1/team"]
    assert not path_in(tmp_path).exists()


async def test_rows_with_an_empty_field_are_skipped_or_get_a_default_if_wanted():
    rows = [row(1), row(2, first=""), row(2)]
    async with account() as it:
        skipped = await it.send(rows, skip_empty=True)
        filled = await it.send(rows, defaults={"first": "there"}, concurrency=1)

        assert counts(skipped) == {"sent": 2, "skipped": 1}
        assert skipped.problems[0].reason == "{first} is empty"
        assert it.texts[2:] == ["Hi P1", "Hi there"]
    assert filled.duplicates == 1


async def test_all_empty_fields_are_told_at_once():
    rows = [row(1, last=""), row(2, first="", last=""), row(3, last="Lee")]
    async with account() as it:
        with pytest.raises(JobError) as raised:
            await it.send(rows, text="Hi {first} {last}")
        report = await it.send(rows, text="Hi {first} {last}", skip_empty=True)

    told = "{last} is empty in 2 rows: 1, 2. {first} is empty in 1 row: 2."
    assert raised.value.problem == told
    assert report.problems[1].reason == "{first} and {last} are empty"


async def test_a_field_that_no_row_has_is_told_with_the_fields_that_there_are():
    names = {f"field {number}": "x" for number in range(12)}
    async with account() as it:
        with pytest.raises(JobError) as raised:
            await it.send([row(1, **names)], text="Hi {frist}", skip_empty=True)
        with pytest.raises(JobError, match=r"No row has the field \{b\}\.") as short:
            await it.send([{"phone": phone(1), "a": 1}], text="{a} {b}")

        assert not it.sandbox.requests
    fields = "The fields that a text can have are phone, a."
    assert short.value.remedy == f"Nothing was sent. {fields}"
    assert raised.value.problem == "No row has the field {frist} (did you mean first?)."
    assert raised.value.remedy.endswith('"field 7" and 4 more.')


async def test_a_field_that_some_rows_have_is_empty_in_the_others():
    async with account() as it:
        report = await it.send([{"phone": phone(1)}, row(2)], skip_empty=True)

    assert counts(report) == {"sent": 1, "skipped": 1}


async def test_without_rows_nothing_is_wrong():
    async with account() as it:
        assert counts(await it.send([])) == {}


@pytest.mark.parametrize(
    ("first", "reason"), [("\ud83d", "its text holds half a character"), (" ", "its text is empty")]
)
async def test_a_text_that_cannot_be_sent_rejects_its_row_only(first, reason):
    async with account() as it:
        report = await it.send(
            [row(1, first=first), row(2)], text="{first}", defaults={"first": ""}
        )

        assert it.texts == ["P2"]
    assert [each.reason for each in report.problems] == [reason]


async def test_more_recipients_than_the_limit_stop_the_job():
    async with account() as it:
        with pytest.raises(JobError, match="3 texts would be sent, and the limit is 2"):
            await it.send([row(1), row(2), row(3), row(3)], limit=2)
        assert not it.sandbox.requests

        assert (await it.send([row(1), row(2), row(2)], limit=2)).sent == 2
        assert (await it.send([row(1), row(2), row(3)], limit=2, dry_run=True)).sent == 3


async def test_texts_beyond_the_memory_are_kept_in_a_file_without_a_name(monkeypatch):
    monkeypatch.setattr("heymarket_async.bulk.sending.draft._IN_MEMORY", 10)
    async with account() as it:
        report = await it.send([row(number) for number in range(30)])

        assert (report.sent, len(it.received)) == (30, 30)
