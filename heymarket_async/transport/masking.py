"""Makes a server's texts safe for logs and terminals: one line, no personal data, limited length.

A server may repeat sent texts in other forms: escaped, in other case, with other white space, or
cut short. So its text is unescaped, and only letters and digits are compared, without case and
accents. This runs only when a call has failed.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, cast
from unicodedata import category, normalize
from urllib.parse import unquote

from heymarket_async.privacy import Hidden

MASK = "***"
_MAX_INPUT = 16_000
_READ_LENGTH = 1000
_DETAIL_LENGTH = 300
_SHORTEST_SECRET = 8
_SHORTEST_WITHIN_WORDS = 4
_SHORTEST_CUT = 6

_PERSONAL = re.compile(
    r"[^\s@<>\"']+@[^\s@<>\"']+"  # e-mail
    r"|\+?\d(?:[ ().\-\u2010-\u2015]*\d){6,}"  # phone, or another long number
    r"|eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"  # token
)
# Values under these keys are the API's own words. Errors are clearer with them.
_VOCABULARY = frozenset({"channel_type", "status", "date", "order"})
_LETTER = re.compile(r"[^\W_]|[\u2600-\u27bf\U0001f000-\U0001faff]")  # or an emoji
_WORD = re.compile(r"[^\W_]+")
_ESCAPE = re.compile(r"\\(?:u([\da-f]{4})|x([\da-f]{2})|([\"'/\\]))", re.IGNORECASE)
_ESCAPED_BREAK = re.compile(r"\\[nrtbf]")
_ELLIPSIS = re.compile(r"\.\.|\u2026")


class _Needle(NamedTuple):
    """A text that must not be shown.

    Attributes:
        letters: Its letters and digits, without case and accents.
        words: How many words it has at most.
    """

    letters: str
    words: int

    @property
    def is_short(self) -> bool:
        """Whether it is likely to occur within other words, which are usually English."""
        return len(self.letters) < _SHORTEST_WITHIN_WORDS and self.letters.isascii()


def mask(text: str, sent: Iterable[str], secrets: Hidden[tuple[str, ...]]) -> str:
    """Return a server's text without the texts that were sent and without personal data.

    Args:
        text: The server's text.
        sent: The texts that were sent. Texts of up to three letters are masked as whole words only;
            longer ones are masked within words too, and where they are cut short.
        secrets: The parts of the credentials. Those shorter than 8 characters are not masked: they
            are made up for tests, and occur in many words.
    """
    hidden = [each for each in secrets.reveal() if len(each) >= _SHORTEST_SECRET]
    needles = _needles([*hidden, *sent])
    masked, is_cut = _masked_line(_unescaped(text[:_MAX_INPUT]), needles)
    if MASK not in masked:  # then the text needs no unescaping either
        masked, is_cut = _masked_line(text[:_MAX_INPUT], needles)
    if MASK in masked and is_cut and len(masked) <= _DETAIL_LENGTH:
        # The text behind the last mask may be the first half of a private text.
        masked = masked[: masked.rfind(MASK) + len(MASK)]
    return masked[:_DETAIL_LENGTH]


def private_texts(value: object, key: str = "") -> Iterator[str]:
    """Return the texts of a sent value that no message may repeat.

    Args:
        value: The value, as JSON has it.
        key: The key that it is sent under.
    """
    if isinstance(value, dict):
        for name, each in cast(dict[str, object], value).items():
            yield from private_texts(each, "custom" if key == "custom" else name)
    elif isinstance(value, list):
        for each in cast(list[object], value):
            yield from private_texts(each, key)
    elif isinstance(value, str) and key not in _VOCABULARY:
        yield value
    elif key == "custom" and isinstance(value, int | float) and len(str(value)) > 3:
        # Other numbers are ids, flags and counts. Errors are clearer with them.
        yield str(value)


def _needles(hidden: Iterable[str]) -> list[_Needle]:
    # A sent text may contain escapes of its own.
    forms = {form for each in hidden for form in (each, _unescaped(each))}
    needles = {_Needle(_letters(form), len(_WORD.findall(form)) or 1) for form in forms}
    return [each for each in needles if len(each.letters) > 1 or not each.letters.isascii()]


def _letters(text: str) -> str:
    return "".join(_LETTER.findall(normalize("NFKD", text).casefold()))


def _unescaped(text: str) -> str:
    for _ in range(6):  # escapes nest, such as JSON in a text of JSON in a URL
        text = unquote(html.unescape(_ESCAPE.sub(_character, text)))
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2]
    return chr(int(code, 16)) if code else escape[3]


def _line(text: str) -> str:
    seen = (each if each.isprintable() else "" if category(each) == "Cf" else " " for each in text)
    return normalize("NFC", " ".join("".join(seen).split()))


def _masked_line(text: str, needles: Sequence[_Needle]) -> tuple[str, bool]:
    """Return a text on one line, masked, and whether it was cut."""
    line = _line(text)
    return _masked(line[:_READ_LENGTH], needles), len(line) > _READ_LENGTH


def _masked(text: str, needles: Sequence[_Needle]) -> str:
    masked, shown_to = "", 0
    for start, end in sorted(_spans(text, needles)):
        if start >= shown_to:
            masked += text[shown_to:start] + MASK
        shown_to = max(shown_to, end)
    return masked + text[shown_to:]


def _spans(text: str, needles: Sequence[_Needle]) -> Iterator[tuple[int, int]]:
    for personal in _PERSONAL.finditer(text):
        yield personal.span()
    # "\n" may be an escaped line break, or a backslash before a word that begins with n.
    for view in {text, _ESCAPED_BREAK.sub("  ", text)}:
        pairs = [(letter, at) for at, each in enumerate(view) for letter in _letters(each)]
        letters, places = "".join(letter for letter, _ in pairs), [at for _, at in pairs]
        cuts = [bisect_left(places, cut.start()) for cut in _ELLIPSIS.finditer(view)]
        cuts.append(len(letters))
        for needle in needles:
            for first, after in _found(needle.letters, letters, cuts):
                start, end = places[first], places[after - 1] + 1
                if _is_whole(view, start, end, needle):
                    yield start, end


def _found(needle: str, letters: str, cuts: Sequence[int]) -> Iterator[tuple[int, int]]:
    head = needle[:_SHORTEST_CUT]
    at = letters.find(head)
    while at >= 0:
        if letters.startswith(needle, at):
            yield at, at + len(needle)
        for cut in cuts[bisect_left(cuts, at + _SHORTEST_CUT) :]:
            if not needle.startswith(letters[at:cut]):
                break
            yield at, cut
        at = letters.find(head, at + 1)


def _is_whole(text: str, start: int, end: int, needle: _Needle) -> bool:
    words = filter(_WORD.search, text[start:end].split())
    if len(list(words)) > needle.words:  # its letters are spread over other words
        return False
    around = text[max(0, start - 1) : start] + text[end : end + 1]
    return not (needle.is_short and any(each.isalnum() for each in around))
