"""Phones as people write them, to phones as Heymarket takes them."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable


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
