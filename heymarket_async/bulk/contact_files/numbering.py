"""Reads phones of the usual kind at a small part of the price of phonenumbers, by its patterns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from phonenumbers import PhoneMetadata, PhoneNumberDesc


def international(digits: str) -> str | None:
    """Return the digits of a valid number with its country code.

    Returns:
        The digits, if phonenumbers reads a plus and these digits as a valid number, and leaves them
        as they are. None if that is not certain: phonenumbers itself must be asked.
    """
    for length in (1, 2, 3):
        plan = _plan(digits[:length])
        if plan is not None:
            return digits if plan.keeps(digits[length:]) else None
    return None


class Country:
    """Reads digits as they are dialled in a country, where that is simple.

    Args:
        region: Two capital letters that phonenumbers supports.

    Attributes:
        code: The digits of the country code.
    """

    def __init__(self, region: str) -> None:
        import phonenumbers  # noqa: PLC0415 - an extra

        rules = _metadata(phonenumbers.country_code_for_region(region), region)
        self.code = str(rules.country_code)
        self._plan = _plan(self.code)
        self._abroad = re.compile(rules.international_prefix or _NOTHING)
        self._prefix = re.compile(rules.national_prefix_for_parsing or _NOTHING)
        self._general, self._lengths = _general(rules)

    def national(self, digits: str) -> str | None:
        """Return the digits with the country code, if phonenumbers reads them so in the country.

        Returns:
            Digits of a valid number. None if that is not certain: phonenumbers must be asked.
        """
        if self._plan is None or self._abroad.match(digits):
            return None
        if digits.startswith(self.code):
            return digits if self._has_code(digits) else None
        prefix = self._prefix.match(digits)
        if prefix:
            if prefix.lastindex:
                return None
            digits = digits[prefix.end() :]
        if len(digits) not in self._lengths or not self._general.fullmatch(digits):
            return None
        return self.code + digits if self._plan.is_valid(digits) else None

    def _has_code(self, digits: str) -> bool:
        """Return whether digits can only be a number with the code, and none without it."""
        number = digits[len(self.code) :]
        return (
            self._plan is not None
            and not self._general.fullmatch(digits)
            and bool(self._general.fullmatch(number))
            and not _changes(self._prefix, number)
            and self._plan.keeps(number)
        )


class _Plan(NamedTuple):
    """The numbers of a country code: for each region, its leading digits and its patterns."""

    prefix: re.Pattern[str]
    regions: list[tuple[re.Pattern[str] | None, frozenset[int], re.Pattern[str]]]

    def keeps(self, number: str) -> bool:
        """Return whether a number after a country code is valid and has no prefix to remove."""
        return not _changes(self.prefix, number) and self.is_valid(number)

    def is_valid(self, number: str) -> bool:
        """Return whether a number is valid in the first region that it can belong to."""
        for leading, lengths, valid in self.regions:
            if leading is None or leading.match(number):
                is_valid = len(number) in lengths and bool(valid.fullmatch(number))
                if is_valid or leading is not None:
                    return is_valid
        return False


@cache
def _plan(code: str) -> _Plan | None:
    """Return the plan of a country code of one to three digits."""
    import phonenumbers  # noqa: PLC0415 - an extra

    names = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code or 0))
    if names is None or code[0] == "0":
        return None
    regions = [_metadata(int(code), name) for name in names]
    return _Plan(
        re.compile(regions[0].national_prefix_for_parsing or _NOTHING),
        [_region(rules, alone=len(regions) == 1) for rules in regions],
    )


def _region(
    rules: PhoneMetadata, *, alone: bool
) -> tuple[re.Pattern[str] | None, frozenset[int], re.Pattern[str]]:
    general, lengths = _general(rules)
    leading = None if alone or rules.leading_digits is None else re.compile(rules.leading_digits)
    kinds = "|".join(dict.fromkeys(_kinds(rules))) or _NOTHING
    return leading, lengths, re.compile(rf"(?=(?:{general.pattern})\Z)(?:{kinds})")


def _kinds(rules: PhoneMetadata) -> Iterator[str]:
    """Yield the patterns of the kinds of numbers, the most frequent ones first."""
    for kind in (
        rules.fixed_line,
        rules.mobile,
        rules.toll_free,
        rules.premium_rate,
        rules.shared_cost,
        rules.voip,
        rules.personal_number,
        rules.pager,
        rules.uan,
        rules.voicemail,
    ):
        if kind is not None and kind.national_number_pattern:
            yield f"{_of_lengths(kind)}(?:{kind.national_number_pattern})"


def _of_lengths(kind: PhoneNumberDesc) -> str:
    """Return a pattern that looks ahead whether a number has one of the lengths of a kind."""
    lengths = "|".join(rf"\d{{{length}}}" for length in kind.possible_length)
    return rf"(?=(?:{lengths})\Z)" if lengths else ""


def _general(rules: PhoneMetadata) -> tuple[re.Pattern[str], frozenset[int]]:
    """Return the pattern that all numbers of a region match, and their lengths."""
    general = cast("PhoneNumberDesc", rules.general_desc)
    pattern = re.compile(general.national_number_pattern or _NOTHING)
    return pattern, frozenset(general.possible_length)


def _metadata(code: int, region: str) -> PhoneMetadata:
    from phonenumbers import PhoneMetadata  # noqa: PLC0415 - an extra

    # There is metadata for each region that phonenumbers lists.
    rules = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    return cast("PhoneMetadata", rules)


def _changes(prefix: re.Pattern[str], number: str) -> bool:
    """Return whether phonenumbers may take a prefix for dialling away from a number."""
    match = prefix.match(number)
    return match is not None and (match.end() > 0 or match.lastindex is not None)


_NOTHING = r"(?!)"
"""A pattern that nothing matches."""
