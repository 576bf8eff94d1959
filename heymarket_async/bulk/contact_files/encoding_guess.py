"""Guesses the encoding of names that are not UTF-8.

charset-normalizer says which family of scripts fits. It was made for long texts, and takes
encodings of one family for one another in short names. So of that family, the encoding counts whose
names look least odd; windows-1252 in doubt.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import chain

from heymarket_async.bulk.errors import JobError
from heymarket_async.extras import install

IN_DOUBT = "cp1252"

_FAMILIES = (
    (IN_DOUBT, "mac_roman", "cp1250"),
    ("cp1251",),
    ("cp1253",),
    ("cp1255",),
    ("cp1256",),
    ("cp932", "cp949", "gb18030", "big5"),
)
_ALL = tuple(chain.from_iterable(_FAMILIES))
_SAME = 0.02
"""A difference of oddness that says nothing."""

_WORDS = re.compile(rb"(?<![^\x00-\x40,;|])[\x41-\x7b\x7d-\x7f]*+[\x80-\xff][^\x00-\x20,;|]*")
_MARGIN = " " * 3
"""Put before a text, so that there are letters before each of its own."""

_USUAL = "’‘“”–—\u00a0ªº´`·"  # noqa: RUF001 - as they are typed in names
_EAST_ASIAN = {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HALFWIDTH"}
_COMMON = (("gb2312", 0xB0, 0xD7), ("big5", 0xA4, 0xC6))
"""Encodings, with the first bytes of the Chinese characters that are common."""


def encoding_that_fits(sample: bytes) -> str:
    """Return Python's name of the encoding that fits bytes which are not UTF-8.

    Raises:
        JobError: charset-normalizer is not installed.
    """
    # Words in ASCII say nothing about the encoding.
    words = b" ".join(dict.fromkeys(_WORDS.findall(sample)))
    oddness = {name: _oddness(text) for name in _ALL if (text := _decoded(words, name)) is not None}
    most = min(oddness.values()) + _SAME
    family = _family_of(words)
    return next(name for name in (*family, *_ALL) if oddness.get(name, 2.0) <= most)


def _family_of(words: bytes) -> tuple[str, ...]:
    try:
        from charset_normalizer import from_bytes  # noqa: PLC0415 - an extra
    except ImportError:
        raise JobError(
            "unknown_text",
            "The file is not UTF-8, and a package that finds its encoding is missing.",
            f"Install it with: {install('import')}. Or give the encoding.",
        ) from None
    matches = from_bytes(words, cp_isolation=list(_ALL))
    best = matches.best()
    if best is None:
        return _FAMILIES[0]
    # Several encodings often fit equally well.
    equal = {best.encoding}
    for each in matches:
        if each.chaos <= best.chaos:
            equal |= {each.encoding, *each.could_be_from_charset}
    return next(each for each in _FAMILIES if IN_DOUBT in equal or best.encoding in each)


def _decoded(words: bytes, encoding: str) -> str | None:
    try:
        return _MARGIN + words.decode(encoding)
    except UnicodeDecodeError:
        return None


def _oddness(text: str) -> float:
    """Return the share of letters that are odd where they are in a name, from 0 to 1 or more."""
    odd, letters, script_before = 0.0, 0, ""
    for place, letter in enumerate(text):
        script = _script(letter)
        if script_before not in {"", script or script_before} or _is_odd_capital(text, place):
            odd += 1
        elif letter > "\x7f":
            odd += _odd(letter, script_before) if script else _odd_sign(text, place)
        letters += letter > "\x7f"
        script_before = script
    return odd / max(letters, 1)


def _is_odd_capital(text: str, place: int) -> bool:
    """Whether a letter that is not ASCII makes a capital within a word, as in "JosŽ"."""
    before, letter = text[place - 1 : place], text[place]
    if not letter.isupper() or not before.isalpha() or max(before, letter) <= "\x7f":
        return False
    return before.islower() or (letter > "\x7f" and text[place + 1 : place + 2].islower())


def _odd(letter: str, script_before: str) -> float:
    if letter.islower() and not script_before:
        return 0.5  # names mostly begin with a capital
    return 1 if "\u4e00" <= letter <= "\u9fff" and not _is_common(letter) else 0


def _odd_sign(text: str, place: int) -> float:
    if text[place] not in _USUAL:
        return 1
    is_within = text[place - 1 : place].isalpha() and text[place + 1 : place + 2].isalpha()
    is_apostrophe = text[place] == "\N{RIGHT SINGLE QUOTATION MARK}"
    if is_apostrophe and is_within and not text[place - 3 : place].isalpha():
        return 0  # as in O'Brien
    return 0.5 if is_within else 0.2


def _script(letter: str) -> str:
    """Return the first word of a letter's name in Unicode, which is its script, or ""."""
    if not letter.isalpha() and unicodedata.category(letter) != "Mn":
        return ""
    script = unicodedata.name(letter, "?").split()[0]
    return "CJK" if script in _EAST_ASIAN else script


def _is_common(letter: str) -> bool:
    return any(first <= letter.encode(name, "replace")[0] <= last for name, first, last in _COMMON)
