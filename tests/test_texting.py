"""Encoding, units and segments of a text, and the merge tokens in it."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heymarket_async import texting
from heymarket_async.texting import segments, tokens

EMOJI, CURLY = "😀", "’"  # noqa: RUF001 - it is what people type

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~",
             0x3E: "]", 0x40: "|", 0x65: "€"}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("a" * 459, 3),
        ("a" * 460, 4), ("]" * 80, 1), ("]" * 81, 2), ("]" * 153, 3), (CURLY + "a" * 159, 3),
        (EMOJI * 35, 1), (EMOJI * 36, 2), (EMOJI * 70, 3), ("a" * 66 + EMOJI + "a" * 66, 3),
        ("]" * 74 + EMOJI, 2), ("", 0),
    ],
)  # fmt: skip
def test_a_text_takes_as_many_segments_as_a_phone_is_sent(text, count):
    assert segments(text).segments == count


def test_the_alphabet_is_that_of_gsm_03_38():
    assert len(BASIC) == 128
    every = list(map(chr, range(0x3000)))
    in_gsm = {each for each in every if segments(each).encoding == "GSM-7"}

    assert in_gsm == {*BASIC, *EXTENSION.values()} - {"\x1b"}
    assert {each for each in in_gsm if segments(each).units == 2} == set(EXTENSION.values())


def test_the_characters_that_force_ucs_2_are_told_once_in_the_order_of_the_text():
    found = segments(f"Don{CURLY}t{EMOJI} [miss] it{CURLY}")

    assert found == ("UCS-2", 18, 1, (CURLY, EMOJI))
    assert segments("[price: 5 €]") == ("GSM-7", 15, 1, ())


def slow(text: str) -> tuple[str, int, int]:
    """Fill segment after segment, one character at a time."""
    is_gsm = all(each in BASIC.replace("\x1b", "") or each in EXTENSION.values() for each in text)
    widths = []
    for each in text:
        is_wide = each in EXTENSION.values() if is_gsm else ord(each) > 0xFFFF
        widths.append(2 if is_wide else 1)
    if sum(widths) <= (160 if is_gsm else 70):
        return "GSM-7" if is_gsm else "UCS-2", sum(widths), 1 if text else 0
    count, free = 0, 0
    for width in widths:
        if width > free:
            count, free = count + 1, 153 if is_gsm else 67
        free -= width
    return "GSM-7" if is_gsm else "UCS-2", sum(widths), count


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "]", "€", "ä", CURLY, EMOJI, "\x1b", "("]), st.integers(0, 99)
        )
    ),
    st.text(),
)
def test_segments_are_those_of_a_slow_and_obvious_count(runs, other):
    text = "".join(each * times for each, times in runs)

    assert segments(text)[:3] == slow(text)
    assert segments(text + other)[:3] == slow(text + other)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hi {{first_name}} {{ last_name }}, {{first_name}}!", ["first_name", "last_name"]),
        ("Hi {first}, {{}} {{a{b}}", [""]),
        ("", []),
    ],
)
def test_tokens_are_the_merge_tokens_of_templates(text, found):
    assert tokens(text) == found


def test_the_examples_are_true():
    assert doctest.testmod(texting) == (0, 1)
