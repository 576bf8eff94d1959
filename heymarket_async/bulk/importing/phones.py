"""Phones of an import: reads them, and keeps rows apart that have the same one."""

from __future__ import annotations

import importlib.util
import re
from array import array
from bisect import bisect_left
from collections.abc import Callable

from heymarket_async.bulk.importing.report import Results
from heymarket_async.bulk.importing.rules import Row, RowOutcome, Verdict


def phone_reader(region: str | None = None) -> Callable[[str], str]:
    """Return a function from a phone, such as "(415) 555-0100", to E.164 digits without a plus.

    A phone that does not begin with a plus is one of the region. Bare digits may have the
    country code in them, as Heymarket writes them: any code if there is no region, else that of the
    region only, since a slip in a number must not make one of another country. What makes a phone
    of a spreadsheet a number, ".0" after bare digits, is taken off.

    Args:
        region: Two letters, such as "US", for phones without a country code.

    Raises:
        ValueError: There is no such region, or phonenumbers is not installed. The function raises
            it for what is no valid phone; the phone is not in the message.
    """
    if importlib.util.find_spec("phonenumbers") is None:
        raise ValueError("to read phones, install: pip install 'heymarket-async[import]'")
    import phonenumbers  # noqa: PLC0415 - an extra

    region = region.upper() if region else None
    if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("region must be two letters of a country, such as US")

    code = str(phonenumbers.country_code_for_region(region)) if region else ""
    result = phonenumbers.ValidationResult
    lengths_of_a_region = {result.IS_POSSIBLE, result.IS_POSSIBLE_LOCAL_ONLY}

    def digits_of(text: str, region: str | None) -> str | None:
        """Return the digits, "" if it is no valid number, None if it cannot be one by length."""
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            return None
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
        is_off = phonenumbers.is_possible_number_with_reason(number) not in lengths_of_a_region
        return None if is_off else ""

    def read(text: str) -> str:
        text = _as_typed(text)
        _check_written(text)
        digits = digits_of(text, region)
        if _BARE.fullmatch(text) and text.startswith(code):
            whole = digits_of(f"+{text}", None)
            if digits is None:
                digits = whole
            elif whole and digits not in {"", whole}:
                raise ValueError(
                    "phone can be read with and without a country code: begin it with a plus, or"
                    " leave the region out"
                )
        if not digits:
            raise ValueError(
                "phone must be a valid number with a plus and the country code, or bare digits"
                " that begin with it"
                if region is None
                else f"phone must be a valid number of {region}, or begin with a plus and the"
                " country code"
            )
        return digits

    return read


def _as_typed(text: str) -> str:
    """Return a phone without what programs, and not people, put around one."""
    text = _MARKS.sub("", text).strip()
    text = text[4:] if text[:4].casefold() == "tel:" else text
    return text.removesuffix(".0") if _FLOAT.fullmatch(text) else text


def _check_written(text: str) -> None:
    # phonenumbers reads letters as the keys that they are on, and cuts off what it cannot read.
    if _EXTENSION.search(text):
        raise ValueError("phone must not have an extension: Heymarket has no place for it")
    if any(map(str.isalpha, text)):
        raise ValueError("phone must not have letters in it")
    if _DECIMAL.fullmatch(text):
        raise ValueError("phone must be digits, and not a decimal number: make its column text")
    if not _WRITTEN.fullmatch(text):
        raise ValueError(
            "phone must be one number: digits, with spaces, dots, dashes, slashes or brackets"
            " between, and a plus before the country code"
        )


_BARE = re.compile(r"[1-9][0-9]+")
_FLOAT = re.compile(r"\+?[1-9][0-9]+\.0")
_DECIMAL = re.compile(r"[+＋]?\d+\.0+")  # noqa: RUF001 - it is typed so
_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What says in which direction a text is written; address books and chats copy it along."""

_EXTENSION = re.compile(r"(\d\W*(ext(ension|n)?|x)|[#~])\W*\d+\s*$", re.IGNORECASE)
_WRITTEN = re.compile(r"[\s(]*[+＋]?[\d\s()[\]./‐-―−-]+")  # noqa: RUF001 - they are typed so


_SHELVES = 4096


class PhoneRows:
    """Phones with the numbers of their rows, sorted on shelves by their last digits.

    A `dict` takes ten times as much. Phones that follow each other come to different shelves, so
    each shelf stays short enough for an insertion.
    """

    def __init__(self) -> None:
        self._shelves: dict[int, tuple[array[int], array[int]]] = {}

    def first(self, phone: int, row: int) -> int:
        """Return the row that had a phone first, which is this one if none had."""
        phones, rows = self._shelf(phone)
        place = bisect_left(phones, phone)
        if place < len(phones) and phones[place] == phone:
            return rows[place]
        phones.insert(place, phone)
        rows.insert(place, row)
        return row

    def forget(self, phone: int) -> None:
        """Let the next row that has a phone, which is known, be its first."""
        phones, rows = self._shelf(phone)
        place = bisect_left(phones, phone)
        del phones[place], rows[place]

    def _shelf(self, phone: int) -> tuple[array[int], array[int]]:
        if (shelf := self._shelves.get(phone % _SHELVES)) is None:
            shelf = self._shelves[phone % _SHELVES] = array("Q"), array("I")
        return shelf


class SamePhone:
    """Lets one row at a time through for each phone, and settles the others.

    In memory are the phones, and for each row under way at most one that waits for its end. Two
    rows of a phone are tried: of a thousand with one made-up phone, each would be refused.

    Args:
        results: Takes in the rows that are settled here.
    """

    def __init__(self, results: Results) -> None:
        self._results = results
        self._first = PhoneRows()
        self._first_refused = PhoneRows()
        self._next: dict[int, Row | None] = {}
        self._again: list[Row] = []

    def let_through(self, row: Row) -> bool:
        """Return whether a row is to be sent now; else it waits, or is settled."""
        first = self._first.first(int(row.contact.phone), row.number)
        if first == row.number:
            self._next[row.number] = None
            return True
        if first in self._next and self._next[first] is None:
            self._next[first] = row
        else:
            self._reject(row, first)
        return False

    def skip(self, number: int, phone: int, outcome: RowOutcome) -> None:
        """Take note of a row that an earlier run has settled."""
        first = self._first.first(phone, number)
        self._results.duplicates += first != number
        if first == number and outcome is RowOutcome.REJECTED:
            self._may_try_next(phone, number)

    def settled(self, row: Row, verdict: Verdict) -> None:
        """Settle the row that waits for this one, or have it tried."""
        waiting = self._next.pop(row.number)
        is_next = verdict.outcome is RowOutcome.REJECTED and self._may_try_next(
            int(row.contact.phone), row.number
        )
        if waiting is None:
            return
        if is_next:
            self.let_through(waiting)
            self._again.append(waiting)
        else:
            self._reject(waiting, row.number)

    def again(self, size: int) -> list[Row]:
        """Take so many of the rows that are to be tried since the first of their phone was not."""
        rows, self._again = self._again[:size], self._again[size:]
        return rows

    def _may_try_next(self, phone: int, number: int) -> bool:
        if self._first_refused.first(phone, number) != number:
            return False
        self._first.forget(phone)
        return True

    def _reject(self, row: Row, first: int) -> None:
        self._results.duplicates += 1
        self._results.settle(row, Verdict(RowOutcome.REJECTED, f"row {first} has the same phone"))
