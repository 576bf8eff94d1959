"""Errors: one tree, with the facts as attributes, that survive a pickle."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest

from heymarket_async import HeymarketError, errors

TREE = [
    each
    for _, each in inspect.getmembers(errors, inspect.isclass)
    if issubclass(each, HeymarketError)
]

FACTS = {
    "call": "POST /v1/contact",
    "attempts": 3,
    "request_id": "r-1",
    "may_have_taken_effect": True,
    "cursor": "{}",
    "local_id": "reminder-1",
    "status": 503,
    "code": "bad_data",
    "detail": "no",
    "retry_after_s": 1.5,
    "timestamp": "2026-04-12T15:30:00Z",
    "seen": 7,
    "title": "Plan",
    "label": "VIP",
    "proxy_status": 407,
    "is_garbled": True,
}


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_error_pickles_with_all_its_facts(kind):
    error = kind("failed")
    facts = {name: FACTS[name] for name in vars(error)}
    vars(error).update(facts)

    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert type(again) is kind
        assert again.args == ("failed",)
        assert vars(again) == facts
        assert str(again) == str(error)


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_error_documents_all_of_its_attributes(kind):
    documented = "\n".join(inspect.getdoc(each) or "" for each in kind.__mro__[:-1])

    for name in vars(kind()):
        assert re.search(rf"^    {name}: ", documented, re.MULTILINE), name


def test_the_tree_in_the_documentation_is_complete():
    drawn = re.findall(r"(\w+Error)\b", (errors.__doc__ or "").split("Wrong arguments")[0])

    assert sorted(drawn) == sorted(kind.__name__ for kind in TREE)


def test_a_message_says_what_to_do_next():
    error = HeymarketError(
        "answered 503",
        call="POST /v1/contact",
        attempts=3,
        request_id="r-1",
        may_have_taken_effect=True,
    )

    assert str(error) == (
        "POST /v1/contact answered 503; it may have taken effect, so look before repeating it;"
        " 3 attempts; request id r-1"
    )
    assert str(HeymarketError("this walk is closed")) == "this walk is closed"


def test_errors_can_be_caught_by_the_python_class_that_they_also_are():
    assert issubclass(errors.CustomFieldError, LookupError)
    assert issubclass(errors.TagError, LookupError)
    assert issubclass(errors.ClientStateError, RuntimeError)
