"""Phones of an import: reads them as people write them, and deduplicates rows by them."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable

from heymarket_async.bulk.importing.report import Results
from heymarket_async.bulk.importing.rules import Decision, PendingRow, RowOutcome

_SHELVES = 4096


class FirstRows:
    """The first row of each phone, in about thirteen bytes a phone.

    A `dict` takes ten times as much. Phones are sorted on shelves by their last digits: phones that
    follow each other come to different shelves, so a shelf stays short enough for an insertion.
    """

    def __init__(self) -> None:
        self._shelves: dict[int, tuple[array[int], array[int]]] = {}

    def first(self, phone: int, row: int) -> int:
        """Return the first row of a phone, which is this one if there is none yet."""
        phones, rows, place = self._find(phone)
        if place < len(phones) and phones[place] == phone:
            return rows[place]
        phones.insert(place, phone)
        rows.insert(place, row)
        return row

    def forget(self, phone: int) -> None:
        """Forget a phone that has a first row, so that the next row becomes its first."""
        phones, rows, place = self._find(phone)
        del phones[place], rows[place]

    def _find(self, phone: int) -> tuple[array[int], array[int], int]:
        shelf = self._shelves.get(phone % _SHELVES)
        if shelf is None:
            shelf = self._shelves[phone % _SHELVES] = array("Q"), array("I")
        return *shelf, bisect_left(shelf[0], phone)


class Duplicates:
    """Deduplicates rows by phone: the first one wins; if it is rejected, the next is tried.

    At most two rows of a phone are tried, since a made-up phone may be in a thousand rows, and each
    would be rejected. In memory are the phones, and for each pending row one that waits for it.

    Args:
        results: Where outcomes are added.
    """

    def __init__(self, results: Results) -> None:
        self._results = results
        self._first = FirstRows()
        self._first_rejected = FirstRows()
        self._waiting: dict[int, PendingRow | None] = {}
        self._retries: list[PendingRow] = []

    def admit(self, row: PendingRow) -> bool:
        """Return whether a row can be sent now; otherwise it waits, or is rejected."""
        first = self._first.first(int(row.contact.phone), row.number)
        if first == row.number:
            self._waiting[first] = None
            return True
        if first in self._waiting and self._waiting[first] is None:
            self._waiting[first] = row
        else:
            self._reject(row, first)
        return False

    def skip(self, number: int, phone: int, outcome: RowOutcome) -> None:
        """Take note of a row that an earlier run had finished."""
        first = self._first.first(phone, number)
        self._results.duplicates += first != number
        if first == number and outcome is RowOutcome.REJECTED:
            self._may_try_next(phone, number)

    def finish(self, row: PendingRow, decision: Decision) -> None:
        """Add the outcome of a row, and reject or retry the row that waits for it."""
        self._results.add(row, decision)
        waiting = self._waiting.pop(row.number)
        is_next = decision.outcome is RowOutcome.REJECTED and self._may_try_next(
            int(row.contact.phone), row.number
        )
        if waiting is not None and is_next:
            self.admit(waiting)
            self._retries.append(waiting)
        elif waiting is not None:
            self._reject(waiting, row.number)

    def take_retries(self, most: int) -> list[PendingRow]:
        """Take rows that can be sent now because the first row of their phone was rejected."""
        rows, self._retries = self._retries[:most], self._retries[most:]
        return rows

    def _may_try_next(self, phone: int, number: int) -> bool:
        if self._first_rejected.first(phone, number) != number:
            return False
        self._first.forget(phone)
        return True

    def _reject(self, row: PendingRow, first: int) -> None:
        self._results.duplicates += 1
        reason = f"row {first} has the same phone"
        self._results.add(row, Decision(RowOutcome.REJECTED, reason))


def phone_reader(region: str | None = None) -> Callable[[str], str]:
    """Return a function from a phone, such as "(415) 555-0100", to E.164 digits without a plus.

    A phone without a plus belongs to the region. Bare digits may include a country code, as
    Heymarket writes them: any code if there is no region, else that of the region only, since a
    typing error must not make a number of another country. The ".0" that spreadsheets put after
    bare digits is removed.

    Args:
        region: Two letters, such as "US", for phones without a country code.

    Raises:
        ValueError: There is no such region, or phonenumbers is not installed. The function raises
            it for a phone that is not valid; the message does not repeat the phone.
    """
    try:
        import phonenumbers  # noqa: PLC0415 - an extra
    except ImportError:
        install = "to read phones, install: pip install 'heymarket-async[import]'"
        raise ValueError(install) from None
    region = region.upper() if region else None
    if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("region must be two letters of a country, such as US")
    code = str(phonenumbers.country_code_for_region(region)) if region else ""
    rule = (
        f"of {region}, or begin with a plus and the country code"
        if region
        else "with a plus and the country code, or bare digits that begin with it"
    )

    def read(text: str) -> str:
        text = _without_wrapping(text)
        _check_characters(text)
        digits = _valid_digits(text, region)
        if _BARE.fullmatch(text) and text.startswith(code):
            with_code = _valid_digits(f"+{text}", None)
            if digits is None:
                digits = with_code
            elif with_code and digits not in {"", with_code}:
                raise ValueError(
                    "phone can be read with and without a country code: begin it with a plus, or"
                    " leave the region out"
                )
        if not digits:
            raise ValueError(f"phone must be a valid number {rule}")
        return digits

    return read


def _valid_digits(text: str, region: str | None) -> str | None:
    """Return the digits of a valid number; "" if it is not valid, None if even its length is not.

    A length that is possible without an area code counts as a right one.
    """
    import phonenumbers  # noqa: PLC0415 - an extra

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_valid_number(number):
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    result = phonenumbers.ValidationResult
    right_lengths = {result.IS_POSSIBLE, result.IS_POSSIBLE_LOCAL_ONLY}
    return "" if phonenumbers.is_possible_number_with_reason(number) in right_lengths else None


def _without_wrapping(text: str) -> str:
    """Return a phone without the marks that programs, and not people, put around it."""
    text = _MARKS.sub("", text).strip()
    text = text[4:] if text[:4].casefold() == "tel:" else text
    return text.removesuffix(".0") if _FLOAT.fullmatch(text) else text


def _check_characters(text: str) -> None:
    # phonenumbers reads letters as keys of a telephone, and cuts off what it cannot read.
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
"""Marks of the direction of a text, which are copied along from address books and chats."""

_EXTENSION = re.compile(r"(\d\W*(ext(ension|n)?|x)|[#~])\W*\d+\s*$", re.IGNORECASE)
_WRITTEN = re.compile(r"[\s(]*[+＋]?[\d\s()[\]./‐-―−-]+")  # noqa: RUF001 - they are typed so
