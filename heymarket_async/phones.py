"""Reads a phone as people write it, such as "(510) 555-0102"."""

from __future__ import annotations

from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.phones import phone_reader
from heymarket_async.checks import one_of
from heymarket_async.privacy import hides_locals


@hides_locals
def parse_phone(text: str, *, region: str | None = None) -> str:
    """Return a phone as Heymarket writes it: E.164 digits without the plus.

    It reads what an import of a file reads: spaces, dots, dashes, slashes, brackets and labels.
    The number must be valid by the numbering plans of the package phonenumbers.

    Args:
        text: The phone, such as "+1 (510) 555-0102". Bare digits may begin with the country code.
        region: Two letters of a country, such as "US", for phones without a country code.

    Raises:
        ValueError: It is not one valid phone, or there is no such region, or the extra `import` is
            not installed. The message does not repeat the text.
    """
    notes = Notes()
    digits = phone_reader(region, notes=notes)(one_of("phone", text, str))
    if notes.lines():
        raise ValueError("phone must be one number, not several")
    return digits
