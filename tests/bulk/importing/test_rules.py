"""What a look says of a row: the whole table, both sides of each edge."""

from __future__ import annotations

import pytest

from heymarket_async import BatchItem, Contact, NewContact, Outcome, TagRef
from heymarket_async.bulk.importing.rules import (
    Decision,
    PendingRow,
    RowOutcome,
    SentWhen,
    decide,
    decide_after_answer,
    is_equal,
)

PHONE = "14155550100"
GIVEN = NewContact(phone=PHONE, first="Zoë")
EQUAL = Contact(id=1, phone=PHONE, first="Zoë", last="Li", rev=4)
OTHER = Contact(id=2, phone=PHONE, first="Zoe", rev=4)


def row(before: SentWhen | None = None, rev: int | None = None) -> PendingRow:
    return PendingRow(number=1, contact=GIVEN, digest=0, sent_when=before, rev=rev)


CREATED = Decision(RowOutcome.CREATED, contact_id=2)
UPDATED = Decision(RowOutcome.UPDATED, contact_id=1)
UNCHANGED = Decision(RowOutcome.UNCHANGED, contact_id=1)


@pytest.mark.parametrize(
    ("before", "known", "overwrite", "verdict"),
    [
        (None, [], False, None),
        (None, [], True, None),
        (None, [OTHER], False, Decision(RowOutcome.UNCHANGED, contact_id=2)),
        (None, [EQUAL, OTHER], False, UNCHANGED),
        (None, [EQUAL], True, UNCHANGED),
        (None, [OTHER], True, None),
        (SentWhen.ABSENT, [OTHER], False, CREATED),
        (SentWhen.ABSENT, [OTHER], True, CREATED),
        (SentWhen.ABSENT, [], False, None),
        (SentWhen.PRESENT, [EQUAL], True, UPDATED),
        (SentWhen.PRESENT, [OTHER], True, None),
        (SentWhen.PRESENT, [], True, None),
    ],
)
def test_a_look_settles_a_row_or_has_it_sent(before, known, overwrite, verdict):
    assert decide(row(before), known, overwrite=overwrite) == verdict


def test_a_phone_that_several_contacts_have_is_not_overwritten():
    verdict = decide(row(), [EQUAL, EQUAL], overwrite=True)

    assert verdict == Decision(RowOutcome.REJECTED, "2 contacts of the account have this phone")


@pytest.mark.parametrize(
    ("given", "stored", "same"),
    [
        ({}, {"first": "Zoë"}, True),
        ({"first": "Zoë"}, {"first": "Zoë", "last": "Li"}, True),
        ({"first": "Zoë"}, {"first": "zoë"}, False),
        ({"first": ""}, {"first": None}, True),
        ({"first": None}, {"first": ""}, True),
        ({"first": None}, {"first": "Zoë"}, False),
        ({"is_opted_out": False}, {"is_opted_out": False}, True),
        ({"is_opted_out": False}, {"is_opted_out": None}, False),
        ({"assignee_id": 5}, {"assigned_user_id": 5}, True),
        ({"assignee_id": 5}, {"assigned_user_id": 6}, False),
        ({"assignee_id": -1}, {"assigned_user_id": None}, True),
        ({"assignee_id": None}, {"assigned_user_id": 5}, False),
        ({"custom": {"1": 5, "2": None}}, {"custom": {"1": "5"}}, True),
        ({"custom": {"1": "a"}}, {"custom": {"1": "a", "2": "b"}}, False),
        ({"custom": {"1": "a"}}, {"custom": None}, False),
        ({"custom": {"1": "a", "2": ""}}, {"custom": {"1": "a"}}, True),
        ({"custom": {"1": "a"}}, {"custom": {"1": "a", "2": ""}}, True),
        ({"tags": [1, 2]}, {"tags": [{"id": 9, "tag_id": 2}, 1]}, True),
        ({"tags": [TagRef(tag_id=1)]}, {"tags": [{"tag_id": 1}, {"tag_id": 2}]}, False),
        ({"tags": [1]}, {"tags": [{"name": "VIP"}]}, False),
        ({"tags": []}, {"tags": None}, True),
        ({"email_suppressions": [1]}, {}, False),
    ],
)
def test_a_contact_is_equal_if_it_has_each_given_field_exactly(given, stored, same):
    assert is_equal(NewContact(phone=PHONE, **given), Contact(**stored)) is same


@pytest.mark.parametrize(
    ("rev", "now", "verdict"),
    [
        (4, 5, Decision(RowOutcome.UPDATED, contact_id=3)),
        (4, 4, None),
        (None, 5, None),
        (4, None, None),
    ],
)
def test_after_an_answer_a_new_revision_tells_of_the_update(rev, now, verdict):
    item = BatchItem(contact=GIVEN, outcome=Outcome.UNKNOWN)
    known = [Contact(id=3, rev=now)]

    assert (
        decide_after_answer(row(SentWhen.PRESENT, rev), known, item, is_last_lookup=False)
        == verdict
    )


ECHO = {"phone": PHONE, "first": "Zoë"}


def test_what_the_answer_refuses_is_no_update_though_somebody_else_has_written():
    item = BatchItem(contact=GIVEN, outcome=Outcome.UNKNOWN, returned=ECHO)

    verdict = decide_after_answer(
        row(SentWhen.PRESENT, 4), [Contact(id=3, rev=5)], item, is_last_lookup=False
    )

    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (
        RowOutcome.REJECTED,
        "Heymarket lists it as failed, and gives no reason",
    )


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        (None, None),
        ({**ECHO, "id": 7}, None),
        (ECHO, "lists it as failed, and gives no reason"),
        ({**ECHO, "error": f"no {PHONE}, Zoë"}, 'as failed: {"error":"no ***, ***"}'),
    ],
)
def test_an_array_refuses_what_it_lists_without_an_id(returned, reason):
    item = BatchItem(contact=GIVEN, outcome=Outcome.UNKNOWN, returned=returned)

    verdict = decide_after_answer(row(SentWhen.ABSENT), [], item, is_last_lookup=False)

    assert verdict is reason is None or reason in verdict.reason


def test_of_a_row_whose_first_answer_was_lost_a_refusal_counts_at_the_last_look():
    item = BatchItem(contact=GIVEN, outcome=Outcome.UNKNOWN, returned=ECHO)
    lost = PendingRow(number=1, contact=GIVEN, digest=0, sent_when=SentWhen.ABSENT, was_lost=True)

    verdicts = [decide_after_answer(lost, [], item, is_last_lookup=each) for each in (False, True)]

    assert verdicts[0] is None
    assert verdicts[1].outcome is RowOutcome.REJECTED
