"""What the cells of CSV say: texts, ids, and whether something is true."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec

from heymarket_async.bulk.importing.lines import tag_ids


def _ids(cell: str) -> list[int]:
    try:
        return [int(each) for each in re.findall(r"[^\s,;]+", cell)]
    except ValueError:
        raise ValueError(
            "ids must be integers, with spaces, commas or semicolons between"
        ) from None


def _tags(cell: str) -> list[object] | list[int]:
    if not cell.startswith("["):
        return _ids(cell)
    try:
        return tag_ids(msgspec.json.decode(cell, type=list[object]))
    except msgspec.MsgspecError:
        raise ValueError("tags must be ids, or a list in JSON as exports have it") from None


def _integer(cell: str) -> int:
    try:
        return int(cell)
    except ValueError:
        raise ValueError("assignee_id must be an integer") from None


def _truth(cell: str) -> bool:
    try:
        return _TRUTHS[cell.casefold()]
    except KeyError:
        raise ValueError("is_opted_out must be true or false, yes or no, 1 or 0") from None


_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

READERS: Mapping[str, Callable[[str], object]] = {
    "tags": _tags,
    "email_suppressions": _ids,
    "assignee_id": _integer,
    "is_opted_out": _truth,
}
"""What reads a cell, by the field that it is of; all others are texts."""
