"""How a text is sent: its encoding, its segments, and the merge tokens of a template in it.

A text message is sent and paid in segments. In GSM-7, the alphabet of GSM 03.38, a segment holds
160 characters, or 153 if there are several. A single character outside that alphabet, such as a
curly quote or an emoji, makes the whole text UCS-2, where a segment holds 70, or 67.

https://help.heymarket.com/hc/en-us/articles/4474574459789
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias

Encoding: TypeAlias = Literal["GSM-7", "UCS-2"]

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENSION = frozenset("\f^{}\\[~]|€")
"""Characters of GSM-7 that take two units: an escape, and a character."""

_SIZES: dict[Encoding, tuple[int, int]] = {"GSM-7": (160, 153), "UCS-2": (70, 67)}
"""The units of a single segment, and of each one if there are several."""

_TOKEN = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


class Segments(NamedTuple):
    """How a text is sent.

    Attributes:
        encoding: "GSM-7", or "UCS-2" if a character is not in GSM-7.
        units: The length in units of the encoding. Some characters take two: in GSM-7 those of the
            extension, such as the euro sign and brackets; in UCS-2 those beyond U+FFFF, such as
            most emoji.
        segments: How many segments it takes; 0 for an empty text.
        forcing: The characters that force UCS-2, each once, in the order of the text.
    """

    encoding: Encoding
    units: int
    segments: int
    forcing: tuple[str, ...] = ()


def segments(text: str) -> Segments:
    """Return how a text is sent. A character of two units is never cut in two.

    >>> segments("See you soon 🎉")
    Segments(encoding='UCS-2', units=15, segments=1, forcing=('🎉',))
    """
    characters = frozenset(text)
    forcing = characters - _GSM - _GSM_EXTENSION
    if forcing:
        in_order = tuple(dict.fromkeys(each for each in text if each in forcing))
        wide = frozenset(each for each in characters if each > "\uffff")
        return _counted("UCS-2", text, wide, in_order)
    return _counted("GSM-7", text, characters & _GSM_EXTENSION, ())


def tokens(text: str) -> list[str]:
    """Return the names of the merge tokens in a text, each once: "first_name" of `{{first_name}}`.

    Heymarket fills them in when a template is sent by `template_id`. It is not documented that it
    does so for a `text`.

    https://developers.heymarket.com/api-reference/templates/create
    """
    return list(dict.fromkeys(_TOKEN.findall(text)))


def _counted(
    encoding: Encoding, text: str, wide: frozenset[str], forcing: tuple[str, ...]
) -> Segments:
    single, size = _SIZES[encoding]
    units = len(text) + (sum(map(text.count, wide)) if wide else 0)
    if units <= single:
        return Segments(encoding, units, min(units, 1), forcing)
    if not wide:
        return Segments(encoding, units, -(-units // size), forcing)
    shape = "".join("()" if each in wide else "." for each in text)
    return Segments(encoding, units, _pieces(shape, size), forcing)


def _pieces(shape: str, size: int) -> int:
    """Return into how many pieces a text is cut.

    Args:
        shape: A character for each unit, where the two of a pair are "(" and ")".
        size: The units of a piece, which has one less where it would end within a pair.
    """
    pieces = end = 0
    while end < len(shape):
        end += size
        end -= shape[end - 1 : end] == "("
        pieces += 1
    return pieces
