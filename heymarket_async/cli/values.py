"""Values of options, and errors about them that begin with the name of the option."""

from __future__ import annotations

from collections.abc import Callable

from typer import BadParameter

MOST_IN_SANDBOX = 1_000_000
"""Contacts or messages that a sandbox may be started with."""


LARGEST = 2**63 - 1
"""The largest id that Heymarket's databases can hold."""


class WrongValue(BadParameter):
    """A rule that a value breaks, such as "must be an integer"; the name is put before it."""

    def format_message(self) -> str:
        """Return the rule, with the name of the option."""
        name = "the value" if self.param is None else self.param.opts[0]
        return f"{name} {self.message}"


def _shown(number: int) -> str:
    return str(number) if number < 100_000 else f"{number:,}"  # a port has no thousands


def integer(least: int | None = None, most: int | None = None) -> Callable[[str | int], int]:
    """Return a parser of an integer with these bounds, both of them allowed."""
    if least is None:
        rule = "must be an integer"
    elif most is None:
        rule = f"must be an integer of at least {least}"
    else:
        rule = f"must be an integer from {least} to {_shown(most)}"

    def parsed(value: str | int) -> int:
        try:
            number = int(value)
        except ValueError:  # also of thousands of digits
            raise WrongValue(rule) from None
        if most is None and number > LARGEST:
            raise WrongValue("is too large")
        if (least is not None and number < least) or (most is not None and number > most):
            raise WrongValue(rule)
        return number

    return parsed
