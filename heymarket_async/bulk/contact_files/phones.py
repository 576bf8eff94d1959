"""Reads phones as people write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.numbering import Country, international
from heymarket_async.bulk.contact_files.phone_cells import around_slashes, phones_of, written_phone
from heymarket_async.extras import needs

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

MORE_PHONES = "Phones that were left out, as one of each row is used: {count}."
EXTENSIONS = "Extensions of phones that were left off: {count}."


def phone_reader(
    region: str | None = None,
    *,
    drop_extensions: bool = False,
    takes_possible: bool = False,
    notes: Notes | None = None,
) -> Callable[[str], str]:
    """Return a function from a cell, such as "(415) 555-0100", to E.164 digits without a plus.

    A phone without a plus belongs to the region. Bare digits may include a country code, as
    Heymarket writes them: any code if there is no region, else that of the region only, since a
    typing error must not make a number of another country. A cell may have labels, the marks of
    spreadsheets, and several phones: the function returns the first valid one.

    Args:
        region: Two letters, such as "US", for phones without a country code.
        drop_extensions: Leave extensions off. Else a phone with an extension is refused.
        takes_possible: The phones come from Heymarket: bare digits are E.164 first of all, and a
            number that has a right length is taken, though it is not valid today.
        notes: Gets the count of phones and extensions that were left out.

    Raises:
        ValueError: There is no such region, or phonenumbers is not installed. The function raises
            it for a cell without a valid phone; the message does not repeat the cell.
    """
    try:
        import phonenumbers  # noqa: PLC0415 - an extra
    except ImportError:
        raise ValueError(needs("reading phones", "import")) from None
    region = region.upper() if region else None
    if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("region must be two letters of a country, such as US")
    reader = _Reader(region, drop_extensions, takes_possible, notes or Notes())
    return reader.read


class _Reader:
    def __init__(
        self, region: str | None, drop_extensions: bool, takes_possible: bool, notes: Notes
    ) -> None:
        self._region = region
        self._country = Country(region) if region else None
        self._code = self._country.code if self._country else ""
        self._drops_extensions = drop_extensions
        self._takes_possible = takes_possible
        self._notes = notes

    def read(self, cell: str) -> str:
        """Return the digits of the first valid phone in a cell."""
        return self._usual(cell) or self._first_of(phones_of(cell))

    def _first_of(self, parts: list[str]) -> str:
        parts = [piece for part in parts for piece in self._pieces(part)]
        reasons: list[str] = []
        for part in parts:
            try:
                phone, has_extension = self._phone(part)
            except ValueError as error:
                reasons.append(str(error))
            else:
                if has_extension:
                    self._notes.add(EXTENSIONS)
                others = {self._phone_or_none(other) or other for other in parts} - {phone}
                if others:
                    self._notes.add(MORE_PHONES, len(others))
                return phone
        raise ValueError(reasons[0])

    def _pieces(self, part: str) -> list[str]:
        """Return the phones between slashes, if the first is a phone and the whole is not."""
        pieces = around_slashes(part) if "/" in part else [part]
        is_list = pieces != [part] and self._phone_or_none(part) is None
        return pieces if is_list and self._phone_or_none(pieces[0]) else [part]

    def _phone_or_none(self, part: str) -> str | None:
        try:
            return self._phone(part)[0]
        except ValueError:
            return None

    def _phone(self, part: str) -> tuple[str, bool]:
        """Return the digits of a phone, and whether an extension was left off."""
        text, has_extension = written_phone(part)
        if has_extension and not self._drops_extensions:
            raise ValueError(
                "phone has an extension, and Heymarket has no place for it: leave it off"
            )
        return self._usual(text) or self._unusual(text), has_extension

    def _usual(self, text: str) -> str | None:
        """Return the digits of a valid phone that is written in a usual way; None for others."""
        if not _USUAL.fullmatch(text):
            return None
        digits = text.translate(_PUNCTUATION)
        if text[0] == "+":
            return international(digits)
        if digits == text and (self._takes_possible or self._country is None):
            return international(digits)
        return self._country.national(digits) if self._country else None

    def _unusual(self, text: str) -> str:
        """Return the digits of a valid phone, by phonenumbers."""
        is_bare = _BARE.fullmatch(text) is not None
        may_have_code = is_bare and (self._takes_possible or text.startswith(self._code))
        if self._takes_possible and is_bare and _OLD_MEXICAN_CODE.fullmatch(text):
            return text  # the contact has it, and without its 1 it would be another contact
        with_code = _valid_digits(f"+{text}", None) if may_have_code else None
        if self._takes_possible and with_code:
            return with_code
        digits = _valid_digits(text, self._region)
        if may_have_code:
            if digits is None:
                digits = with_code
            elif with_code and digits not in {"", with_code}:
                raise ValueError(
                    "phone can be read with and without a country code: begin it with a plus, or"
                    " leave the region out"
                )
        if not digits and self._takes_possible and is_bare and _is_possible(text):
            return text
        if not digits:
            raise ValueError(self._rule())
        return digits

    def _rule(self) -> str:
        import phonenumbers  # noqa: PLC0415 - an extra

        rule = (
            f"of {self._region}, or begin with a plus and the country code"
            if self._region
            else "with a plus and the country code, or bare digits that begin with it, or give the"
            " region of phones without a country code"
        )
        return (
            f"phone must be a valid number {rule} (by the numbering plans of phonenumbers"
            f" {phonenumbers.__version__}; update phonenumbers if the number is a new one)"
        )


def _valid_digits(text: str, region: str | None) -> str | None:
    """Return the digits of a valid number; "" if it is not valid, None if even its length is not.

    A length that is possible without an area code counts as a right one.
    """
    import phonenumbers  # noqa: PLC0415 - an extra

    try:
        number = _without_old_prefix(phonenumbers.parse(text, region), text)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_valid_number(number):
        return _e164(number)
    result = phonenumbers.ValidationResult
    right_lengths = {result.IS_POSSIBLE, result.IS_POSSIBLE_LOCAL_ONLY}
    return "" if phonenumbers.is_possible_number_with_reason(number) in right_lengths else None


def _without_old_prefix(number: PhoneNumber, text: str) -> PhoneNumber:
    """Return a Mexican number without the prefixes that were dialled until 2019."""
    import phonenumbers  # noqa: PLC0415 - an extra

    if number.country_code != _MEXICO:
        return number
    digits = phonenumbers.national_significant_number(number)
    old = _OLD_MEXICAN.fullmatch(digits)
    # Without a country code, a 1 is that of North America.
    if old is None or (digits[0] == "1" and len(phonenumbers.normalize_digits_only(text)) < 13):
        return number
    return phonenumbers.parse(f"+{_MEXICO}{old[1]}")


def _is_possible(digits: str) -> bool:
    """Return whether digits begin with a country code and have a right length for it."""
    import phonenumbers  # noqa: PLC0415 - an extra

    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return False
    result = phonenumbers.is_possible_number_with_reason(number)
    return result == phonenumbers.ValidationResult.IS_POSSIBLE and _e164(number) == digits


def _e164(number: PhoneNumber) -> str:
    import phonenumbers  # noqa: PLC0415 - an extra

    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]


_MEXICO = 52
_OLD_MEXICAN = re.compile(r"(?:1|01|044|045)(\d{10})")
_OLD_MEXICAN_CODE = re.compile(r"521[0-9]{10}")
_BARE = re.compile(r"[1-9][0-9]+")
_USUAL = re.compile(r"\+?[0-9 ()-]+|[0-9]{3}\.[0-9]{3}\.[0-9]{4}")
_PUNCTUATION = {ord(char): None for char in "+ ().-"}
