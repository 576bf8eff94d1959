"""Checks of a plan against the first rows of the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress

from msgspec.structs import replace

from heymarket_async.bulk.contact_files.cells import NOT_GIVEN, cell_text
from heymarket_async.bulk.contact_files.layouts import MAY_TEXT, STATUS, loose
from heymarket_async.bulk.contact_files.meanings import OPT_OUTS, Column, Target, did_you_mean
from heymarket_async.bulk.contact_files.opt_outs import Kind, opted_out
from heymarket_async.bulk.errors import JobError

_DIGIT = re.compile(r"\d")
_FEWEST_DIGITS = 7
_CODES = {
    *("countrycode", "phonecountrycode", "mobilecountrycode", "countrycallingcode", "callingcode"),
    *("dialcode", "dialingcode", "diallingcode", "countrydialcode", "phonecode", "isdcode"),
}


def says_opt_out(column: Column, *, may_be_words: bool = False) -> bool:
    """Whether a column says who opted out, also if it means a custom field.

    Args:
        column: The column.
        may_be_words: Single words may say it, as in `may_say_stop`.
    """
    if may_be_words and may_say_stop(column):
        return True
    has_heading = column.says in {OPT_OUTS, MAY_TEXT, STATUS}
    is_own = column.target is not None and column.target.field == OPT_OUTS
    if column.is_either and column.why != "ignored":
        return True
    return is_own or (has_heading and column.why != "ignored")


def may_say_stop(column: Column) -> bool:
    """Whether a column of something else may have the words of somebody who opted out.

    They are tags, such as "Do not text", and columns that nobody has seen before.
    """
    return column.is_unknown or (column.target is not None and column.target.field == "tags")


def is_country_code(column: Column) -> bool:
    """Whether a column has the country codes of phones, such as 44, or those of addresses: GB."""
    return column.target is None and column.why != "ignored" and loose(column.heading) in _CODES


def kind_of(column: Column) -> Kind:
    """Return how a column says who opted out."""
    if may_say_stop(column) and not column.is_status:
        return "words"
    if column.is_status:
        return "status"
    if column.is_either:
        return "either"
    return "consent" if column.is_inverse else "opt-out"


def has_opt_outs(column: Column, sample: Sequence[str]) -> bool:
    """Whether a column says in the first rows that somebody opted out."""
    return any(_says(cell, column) == "opted out" for cell in sample)


def as_cells_show(column: Column, sample: Sequence[str]) -> Column:
    """Return a column whose heading is of phones or of consent with the meaning of its cells.

    Later cells may be of the other kind. A column that may be either is read as both.
    """
    filled = [text for cell in sample if (text := cell_text(cell)) not in NOT_GIVEN]
    if not filled or column.why != "layout":
        return column
    may_be_phones = [len(_DIGIT.findall(text)) >= _FEWEST_DIGITS for text in filled]
    consent = replace(column, target=Target(OPT_OUTS), is_either=False, is_inverse=True)
    is_understood = [_says(text, consent) != "not understood" for text in filled]
    if column.is_either and all(is_understood) and not all(may_be_phones):
        return consent
    if column.is_either and not any(may_be_phones):
        return replace(column, target=None, why="no place")
    if column.says == MAY_TEXT and all(may_be_phones) and not any(is_understood):
        return replace(column, target=Target("phone"), says="phone", is_inverse=False)
    return column


def check_opt_outs(columns: Sequence[Column], samples: Sequence[Sequence[str]]) -> None:
    """Check that the opt-outs in the first rows are understood, and that none is ignored.

    Raises:
        JobError: They are not, and texts might go to a person who opted out.
    """
    for column, sample in zip(columns, samples, strict=True):
        says = [says for cell in sample if (says := _says(cell, column)) != "nothing"]
        if column.why == "ignored" and (
            column.is_either or column.says in {OPT_OUTS, MAY_TEXT, STATUS}
        ):
            if column.says in {OPT_OUTS, MAY_TEXT} or "opted out" in says:
                raise JobError(
                    "ignored_opt_outs",
                    f"Column {column.shown} says who opted out of texts, so it cannot be ignored.",
                    "To text these people nevertheless, use ignore_opt_outs=True.",
                )
        elif says_opt_out(column) and says and set(says) == {"not understood"}:
            raise JobError(
                "unknown_opt_outs",
                f"Column {column.shown} says who opted out of texts, but its values are not"
                " understood.",
                "Use yes and no in it, or skip it with ignore_opt_outs=True.",
            )


def check_country_codes(rows: Sequence[Sequence[str]], read: Callable[[str], str]) -> None:
    """Check that phones are not all written as they are within their country.

    Args:
        rows: The cells of phones in the first rows.
        read: Reads a phone without knowing its region.

    Raises:
        JobError: None of them can be read, and all look like phones without a country code.
    """
    filled = [cell for row in rows for cell in row if cell_text(cell) not in NOT_GIVEN]
    if not filled or not all(map(_is_national, filled)):
        return
    for cell in filled:
        with suppress(ValueError):
            read(cell)
            return
    raise JobError(
        "no_region",
        "No phone in the first rows has a country code.",
        'Name the country of these phones with region="US".',
    )


def no_phone_column(columns: Sequence[Column], samples: Sequence[Sequence[str]]) -> JobError:
    """Return the error for a file in which no column has the phones."""
    guess = ""
    for column, sample in zip(columns, samples, strict=True):
        filled = [cell for cell in sample if cell.strip()]
        has_phones = [7 <= len(_DIGIT.findall(cell)) <= 17 and "@" not in cell for cell in filled]
        if column.target is None and column.is_unknown and filled and all(has_phones):
            guess = column.heading
            break
    return JobError(
        "no_phone_column",
        f"No column has the phones{did_you_mean(guess)}.",
        'Map one with mapped={"COLUMN": "phone"}.',
    )


def _is_national(cell: str) -> bool:
    return "+" not in cell and 7 <= len(_DIGIT.findall(cell)) <= 11


def _says(cell: str, column: Column) -> str:
    text = cell_text(cell)
    if text in NOT_GIVEN:
        return "nothing"
    try:
        return "opted out" if opted_out(text, kind_of(column)) else "understood"
    except ValueError:
        return "not understood"
