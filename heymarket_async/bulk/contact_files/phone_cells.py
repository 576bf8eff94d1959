"""Finds the phones in a cell: without labels, marks of programs, and extensions."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple


class WrittenPhone(NamedTuple):
    """A phone of a cell.

    Attributes:
        text: Digits with a plus, spaces and punctuation.
        has_extension: Whether an extension followed, which is not in the text.
    """

    text: str
    has_extension: bool = False


def phones_of(cell: str) -> list[str]:
    """Return the phones of a cell as they are written in it, for `written_phone`.

    A comma may stand within a phone, so it separates only phones of seven digits or more.

    Raises:
        ValueError: The cell is too long, or has a word that is not known: it may say that this
            person must get no texts. The message does not repeat it.
    """
    if len(cell) > _LONGEST:
        raise ValueError(f"phone must not be longer than {_LONGEST} characters")
    text = cell if cell.isascii() else "".join(map(_plain, cell))
    if not all(map(_KNOWN_WORD.fullmatch, _WORD.findall(text))):
        raise ValueError(_LETTERS)
    parts = _SEPARATOR.split(_SEPARATED_EXTENSION.sub(" ext ", text))
    pieces = [piece for part in parts for piece in _whole_phones(_COMMA, part)]
    return [piece for piece in pieces if _DIGIT.search(piece)] or [text]


def around_slashes(part: str) -> list[str]:
    """Return the phones between slashes, if they can be phones; else the part as it is.

    A slash may stand within a phone, after its area code.
    """
    first, *others = _whole_phones(_SLASH, part)
    return [first, *(piece for piece in others if _DIGIT.search(piece))]


def written_phone(part: str) -> WrittenPhone:
    """Return a phone without its label, its extension, and the marks of spreadsheets.

    Raises:
        ValueError: It is not written as a phone. The message does not repeat it.
    """
    text = _LABEL.sub("", part.strip(_WRAPPING), count=1)
    text = _LABEL_AFTER.sub("", text).strip(_WRAPPING)
    text = _whole_number(text)
    extension = _EXTENSION.search(text)
    if extension:
        text = text[: extension.start()]
    if any(map(str.isalpha, text)):
        raise ValueError(_LETTERS)
    if _DECIMAL.fullmatch(text):
        raise ValueError("phone must be digits, and not a decimal number: make its column text")
    if not _WRITTEN.fullmatch(text):
        raise ValueError(
            "phone must be one number: digits, with spaces, dots, dashes, slashes or brackets"
            " between, and a plus before the country code"
        )
    return WrittenPhone(text, extension is not None and bool(_DIGIT.search(extension[0])))


def _whole_phones(separator: re.Pattern[str], part: str) -> list[str]:
    """Return the pieces of a part, or the part itself if the digits of a piece are too few."""
    pieces = separator.split(part)
    digits = [len(_DIGIT.findall(piece)) for piece in pieces]
    return pieces if all(count == 0 or count >= _FEWEST_DIGITS for count in digits) else [part]


def _whole_number(text: str) -> str:
    """Return the digits of a phone that a table tool wrote as a number; else the text."""
    if _GROUPED.fullmatch(text):
        return re.sub(r"[^+\d]", "", re.sub(r"\D0{1,2}$", "", text))
    scientific = _SCIENTIFIC.fullmatch(text)
    if scientific is None:
        whole = _FLOAT.fullmatch(text)
        return whole[1] if whole else text
    decimals = scientific[2] or ""
    if len(decimals.rstrip("0")) > int(scientific[3]) or len(decimals) < int(scientific[3]):
        raise ValueError(
            "phone was rounded by a spreadsheet, and its last digits are lost: format the column as"
            " text, and export it again from where the phones come from"
        )
    return scientific[1] + decimals[: int(scientific[3])]


def _plain(char: str) -> str:
    """Return what stands in ASCII for a character, or nothing for one that cannot be seen."""
    if "\uff01" <= char <= "\uff5e":  # the wide forms of ASCII
        return chr(ord(char) - 0xFEE0)
    kind = unicodedata.category(char)
    if kind == "Nd":
        return str(unicodedata.decimal(char))
    return _ASCII_OF_KIND.get(kind, "-" if char == "\u2212" else char)


_ASCII_OF_KIND = {
    "Cf": "",  # zero-width characters, soft hyphens, marks of the direction of a text
    "Mn": "",  # accents of their own, and the choice between a letter and a picture
    "Me": "",
    "So": " ",  # pictures of telephones
    "Pd": "-",
    "Zs": " ",
    "Zl": "\n",
    "Zp": "\n",
}
"""By the category of a character in Unicode."""

_LETTERS = "phone must not have letters in it"
_FEWEST_DIGITS = 7
_LONGEST = 500  # characters: the patterns are not made for more
_DIGIT = re.compile(r"\d")
_WRAPPING = " \t\r\n'\"=`´[]<>‘’“”"  # noqa: RUF001 - they are typed so
_SEPARATOR = re.compile(
    r":::|[;|&\r\n\v\f\x85]|<br\s*/?>|\s(?:and|or)\s|(?<=[\d)])\s+(?=\+)", re.IGNORECASE
)
_COMMA = re.compile(",")
_SLASH = re.compile("/")
_SEPARATED_EXTENSION = re.compile(r"[;|\r\n]\s*(?:ext|x)[a-z]*\W*(?=\d)", re.IGNORECASE)

_WORDS = (
    "mobile|mobil|móvil|movil|mob|cellular|cellulare|cell|celular|cel|handy|portable|gsm|iphone"
    "|android|smartphone|landline|telephone|téléphone|teléfono|telefono|telefon|tél|tel|phone|ph"
    "|home|house|casa|work|office|business|company|main|direct|primary|secondary|preferred|default"
    "|personal|private|privat|other|alternate|alt|whatsapp|wa|sms|text|signal|callto|number|num|no"
    "|nr"
)
"""Labels of phones. A fax takes no texts, and other words, such as stop, may say much more."""

_WORD = re.compile(r"[^\W\d_]+")
_KNOWN_WORD = re.compile(
    rf"(?:{_WORDS})+|[mchwotpxena]|ext|extn|xtn|extension|fax|and|or|br|none|null|nan|na",
    re.IGNORECASE,
)
_LABEL = re.compile(
    rf"^[\s(]*(?:(?:{_WORDS}|[mchwotp](?=[\s:.)-]))[\s._/&#-]*)+(?:\d\s*:)?[\s:=.#)>-]*(?=[\d+(])",
    re.IGNORECASE,
)
_LABEL_AFTER = re.compile(
    rf"[\s,-]*[\s(\[]+(?:(?:{_WORDS}|[mchwotp]\b)[\s.,/&-]*)+[)\]\s]*$", re.IGNORECASE
)
_EXTENSION = re.compile(
    r"(?<=[\d)])[\s(.,/-]*(?:(?:extension|extn?|xtn|x)[\s.:=#-]*|[#~]\s*|,[\s,]*|-\s*(?=\d+#))"
    r"\d*\s*#?[\s)]*$",
    re.IGNORECASE,
)
_SCIENTIFIC = re.compile(r"(\+?\d)(?:[.,](\d+))?E\+?(\d{1,2})", re.IGNORECASE)
_FLOAT = re.compile(r"(\+?\d+)[.,]0{1,2}")
_DECIMAL = re.compile(r"\+?\d+\.(?:0+|\d)")
_GROUPED = re.compile(
    r"\+?\d{1,3}(?:(?:,\d{2,4}){2,}(?:\.0{1,2})?|(?:\.\d{3}){2,}\.\d{3,4}(?:,0{1,2})?)"
)
"""The digits of a number in groups, with commas or dots between them."""

_WRITTEN = re.compile(r"[\s(]*\+?[\d\s()[\]./-]+")
