"""Functions from a cell of a table to the value that it stands for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from heymarket_async.bulk.sinks.tables import as_it_was

NOT_GIVEN = frozenset(
    "|#N/A|#N/A N/A|#NA|#REF!|#VALUE!|#NAME?|#DIV/0!|#NULL!|#NUM!|#ERROR!|NULL|null|(null)|<null>"  # noqa: SIM905 - it reads better
    "|(none)|None|nan|NaN|-nan|NaT|<NA>|N/A|n/a|(blank)|(empty)|-|--|\u2013|\u2014|undefined".split(
        "|"
    )
)
"""Cells that stand for an empty one, with their case: a person may be called Null."""

_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
)
_SPACES = re.compile(r"\s+")
_AROUND = (
    "".join(map(chr, range(0x20)))
    + " \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
    + "".join(
        map(
            chr,
            [*range(0x2000, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xAD, 0xFEFF],
        )
    )
)
"""White space and invisible characters, which are not part of a text around it."""

_BETWEEN = re.compile(r"(?:[\s,;|]|:::)+")
_EMAIL = re.compile(r"(?<![^\s@,;<>:\"'()])[^\s@,;<>:\"'()]++@[^\s@,;<>:\"'()?]+")
_WHOLE = re.compile(r"[+-]?\d+(\.0*)?", re.ASCII)


def visible(text: str) -> str:
    """Return a text without characters that nobody sees, such as zero-width spaces."""
    return text if text.isascii() else _INVISIBLE.sub("", text)


def collapsed(text: str) -> str:
    """Return a text with one space for any white space in it, and none around it."""
    return _SPACES.sub(" ", visible(text)).strip()


def heading_text(heading: str) -> str:
    """Return a heading without the marks that spreadsheets and exports put into it."""
    return collapsed(as_it_was(heading))


def whole(cell: str) -> int:
    """Return the integer in a cell, which a table tool may have made a decimal: "4203.0".

    Raises:
        ValueError: The cell is something else.
    """
    if not _WHOLE.fullmatch(cell):
        raise ValueError("must be an integer")
    return int(cell.partition(".")[0])


def whole_numbers(cell: str) -> list[int]:
    """Return the integers in a cell, with spaces, commas, semicolons or the like between.

    Raises:
        ValueError: The cell has something else in it.
    """
    return [whole(each) for each in _BETWEEN.split(cell) if each]


def cell_text(cell: str) -> str:
    """Return a cell without white space around it, and without the marks of spreadsheets."""
    return clean([cell], is_exact=False, has_apostrophes=True)[0]


def clean(
    cells: Sequence[str],
    *,
    is_exact: bool,
    has_apostrophes: bool,
    empty_words: frozenset[str] = NOT_GIVEN,
) -> list[str]:
    """Return the texts of cells, "" for a cell that stands for an empty one.

    Args:
        cells: As the file has them; many at once cost least.
        is_exact: They are of an export of ours: white space is part of them.
        has_apostrophes: Apostrophes before formulas are not part of them.
        empty_words: The cells that stand for an empty one.
    """
    if is_exact:
        texts = (
            [as_it_was(cell) if "'" in cell else cell for cell in cells]
            if has_apostrophes
            else list(cells)
        )
        return ["" if text in empty_words else text for text in texts] if empty_words else texts
    everything = "".join(cells)
    if everything.isascii():
        texts = [cell.strip() for cell in cells]
    else:
        texts = [cell.strip(_AROUND) for cell in cells]
    if has_apostrophes and "'" in everything:
        texts = [as_it_was(text).strip() for text in texts]
    return ["" if text in empty_words else text for text in texts]


def is_email(cell: str) -> bool:
    """Whether a cell is one e-mail, and nothing has to be removed from it."""
    return cell.isascii() and _EMAIL.fullmatch(cell) is not None


def emails_of(cell: str) -> list[str]:
    """Return the e-mails in a cell, without "mailto:" and names; none if there is none."""
    return _EMAIL.findall(visible(cell))
