"""Phones as people write them, to phones as Heymarket takes them."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable


def phone_reader(region: str | None = None) -> Callable[[str], str]:
    """Return a function from a phone, such as "(415) 555-0100", to E.164 digits without a plus.

    A phone that does not begin with a plus is read as one of the region. If that makes no valid
    number of it, or there is no region, its digits are read as Heymarket writes them, with the
    country code.

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

    def digits_of(text: str, region: str | None) -> str | None:
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            return None
        if number.extension or not phonenumbers.is_valid_number(number):
            return None
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]

    def read(text: str) -> str:
        digits = digits_of(text, region)
        if digits is None and _DIGITS.fullmatch(text.strip()):
            digits = digits_of(f"+{text.strip()}", None)
        if digits is None:
            raise ValueError(
                "phone must be a valid number without an extension, and with the country code"
                if region is None
                else f"phone must be a valid number of {region} without an extension, or one with"
                " the country code"
            )
        return digits

    return read


_DIGITS = re.compile(r"[1-9][0-9]+", re.ASCII)
