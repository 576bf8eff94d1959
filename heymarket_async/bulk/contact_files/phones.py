"""Reads phones as people write them."""

from __future__ import annotations

import re
from collections.abc import Callable


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
