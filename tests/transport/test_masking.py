"""No error shows a text that was sent, in whatever form a server repeats it."""

from __future__ import annotations

import json
import time
import unicodedata
from html import escape
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heymarket_async import Repeat, StatusError
from heymarket_async.privacy import Hidden
from heymarket_async.request import Endpoint
from heymarket_async.transport import wire
from tests.conftest import answer

CREATE = Endpoint("POST", "/v1/contact", object, Repeat.UNSAFE)


def detail(said: object, *sent: object, secrets: tuple[str, ...] = ("SECRETKEY",)) -> str:
    body = wire.encode({"custom": sent})
    with pytest.raises(StatusError) as raised:
        wire.decode(
            CREATE.request(), answer(400, {"error": said}), body=body, secrets=Hidden(secrets)
        )
    return raised.value.detail


NAMES = [
    "Zapho\u00a0dine",
    "Zaphodine  Beeble",
    "Zaphodine\nBeeble",
    "Zaphodine\u200dX",
    "Zaph\u00adodine",
    " Zaphodine\u3000Beeble ",
    "Zaphodine O'Brien",
    'Zaphodine "Zed" \\ <b>',
    "Zaphodine Émile",
    "ZAPHODINE STRAẞE",
    "हिन्दी",
    "王小明",
    "Zaphodine \U00020bb7",
    "a%20b%2520c Zaphodine",
    "C:\\new\\zaphodine",
    "\U0001f9d1\U0001f9d1",
]
ECHOES = [
    str,
    str.lower,
    str.title,
    quote,
    quote_plus,
    escape,
    json.dumps,
    lambda name: json.dumps(json.dumps({"first": name})),
    lambda name: quote(quote(name)),
    lambda name: unicodedata.normalize("NFD", name),
    lambda name: unicodedata.normalize("NFKC", name),
    lambda name: " ".join(name.split()),
    lambda name: f"user_{name}_1",
    lambda name: f"body\\n{name}",
    lambda name: f"x\u200b{name}",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("echo", ECHOES)
def test_what_was_sent_is_masked_in_whatever_form_it_is_repeated(name, echo):
    shown = detail(f"invalid: {echo(name)} given", name)

    letters = [each for each in shown if each.isalnum()]
    assert "".join(letters) in {
        "invalidgiven",
        "invalidfirstgiven",
        "invalidusergiven",
        "invaliduser1given",
        "invalidbodygiven",
        "invalidbodyngiven",
        "invalidxgiven",
    }
    assert "***" in shown


@pytest.mark.parametrize(
    ("said", "sent", "shown"),
    [
        ("user_Al exists", "Al", "user_*** exists"),
        ("all values of Al are invalid", "Al", "all values of *** are invalid"),
        ("ZaphodineBeeble exists", "Zaphodine", "***Beeble exists"),
        ("CORP\\nora exists", "Nora", "CORP\\*** exists"),
        ("the only theorem", "Theo", "the only ***rem"),
        ("no 王 here, 王明", "王", "no *** here, ***明"),
        ("a is no name", "a", "a is no name"),
        ("bad: Zaphodine Beeb...", "Zaphodine Beeblebrox", "bad: ***..."),
        ("Zaphodine Beeb\u2026 is too long", "Zaphodine Beeblebrox", "***\u2026 is too long"),
        ("bad: Zaphod", "Zaphodine", "bad: ***"),
        ("contact us", "Contacted twice", "contact us"),
        ("Zaph@Zaphodine.example is taken", "Zaphodine", "*** is taken"),
        ('say "100%25" &amp; no \\"more\\"', "Zaphodine", 'say "100%25" &amp; no \\"more\\"'),
    ],
)
def test_the_rest_of_an_explanation_stays(said, sent, shown):
    assert detail(said, sent) == shown


@pytest.mark.parametrize("key", ["SECRET%4BEY", "secretkey", "&#83;ECRETKEY", "SECRETK..."])
def test_a_secret_is_masked_in_every_form_too(key):
    assert detail(f"no key {key}").rstrip(".") == "no key ***"


def test_a_phone_with_odd_dashes_is_masked():
    assert detail("+1\u00a0510\u2011555\u20133344 is taken") == "*** is taken"


def test_many_values_are_masked_in_a_short_time():
    names = [f"Zaphodine the {number}th" for number in range(1_000)]
    began = time.process_time()

    assert "Zaphodine" not in detail("Zaphodine... " * 80, *names)
    assert time.process_time() - began < 5


@given(
    name=st.text(min_size=4, max_size=30).filter(lambda name: sum(map(str.isalpha, name)) >= 4),
    before=st.text(max_size=20),
    after=st.text(max_size=20),
)
def test_an_echo_of_any_text_is_masked(name, before, after):
    assert "***" in detail(f"{before} {name} {after}", name)
