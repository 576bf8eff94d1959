"""What is said of columns that mean nothing, or not one thing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches

from heymarket_async.models import ContactField
from heymarket_async.transport import wire


def told(column: str, place: int, meant: str, known: Collection[str]) -> str:
    """Return how a column that means nothing is called.

    Args:
        column: Its name.
        place: From 1.
        meant: What it was to mean.
        known: What it could have been.
    """
    if not column:
        return f'column {place}, which has no name (--ignore "" leaves it out),'
    called = f"column {_shown(column)}"
    called = called if meant == column else f"{_shown(meant)}, for {called},"
    return f"{called}{_did_you_mean(meant.removeprefix('custom:'), known)}"


def meaning_nothing(called: Sequence[str], fields: Sequence[str]) -> ValueError:
    """Return the error for columns that mean nothing, as `told` calls them."""
    is_or_are = "is" if len(called) == 1 else "are"
    return ValueError(
        f"{' and '.join(called)} {is_or_are} neither a field of a contact nor the title of a custom"
        ' field; say what a column means with --map "COLUMN=FIELD", leave one out with --ignore'
        " COLUMN, or leave out all that mean nothing with --ignore-others; the fields are"
        f" {', '.join(fields)}"
    )


def not_to_read(called: Sequence[str], fields: Sequence[str]) -> ValueError:
    """Return the error for columns that may be custom fields, where those cannot be read."""
    kind = "a custom field" if len(called) == 1 else "custom fields"
    return ValueError(
        f"{' and '.join(called)} may be {kind}, and those of the account cannot be read: get the"
        " right to read them, leave a column out with --ignore COLUMN, or say which other field it"
        f' is with --map "COLUMN=FIELD"; the fields are {", ".join(fields)}'
    )


def no_header(called: Sequence[str]) -> ValueError | None:
    """Return the error for a first row that is a contact, if it looks so."""
    if not any("***" in each for each in called):
        return None
    return ValueError(
        "what looks like a phone or an e-mail is among the names of the columns: the first row must"
        " name the columns, and not be a contact"
    )


def not_there(column: str, header: Sequence[str]) -> ValueError:
    """Return the error for a column that was to be mapped or ignored."""
    return ValueError(
        f"there is no column {_shown(column)} to map or to ignore{_did_you_mean(column, header)}"
    )


def same_field(first: str, second: str) -> ValueError:
    """Return the error for two columns that mean the same."""
    return ValueError(
        f"columns {_shown(first)} and {_shown(second)} mean the same field; leave one out with"
        f" --ignore {_shown(second)}, or give it another name if both have the same"
    )


def same_title(titled: Sequence[ContactField]) -> ValueError:
    """Return the error for a title that several custom fields have."""
    return ValueError(
        f"{len(titled)} custom fields have the title {_shown(titled[0].title.strip())}; say which"
        f' one is meant by its id, as in --map "COLUMN=custom:{titled[0].id}": they are'
        f" {' and '.join(str(field.id) for field in titled)}"
    )


def _did_you_mean(name: str, names: Collection[str]) -> str:
    known = {each.casefold(): each for each in names}
    close = get_close_matches(name.casefold(), known, n=1)
    return f" (did you mean {_shown(known[close[0]])}?)" if close else ""


def _shown(name: str) -> str:
    # In a file without a first row that names the columns, they are personal data.
    return wire.masked(name, None)
