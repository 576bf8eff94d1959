"""Long texts in files and headers: the time to read one grows with its length, and no faster."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from multidict import CIMultiDict

from heymarket_async.bulk.contact_files import cells, encoding_guess, heading_row, spreadsheet
from heymarket_async.bulk.contact_files.table import Row
from heymarket_async.bulk.headings import headings_of
from heymarket_async.models.contact import ContactField
from heymarket_async.transport.wire import retry_after_s

READERS: dict[str, Callable[[int], object]] = {
    "letters where e-mails are looked for": lambda size: cells.emails_of("1" * size),
    "letters among the headings": lambda size: heading_row._is_below(
        Row(2, ["a" * size]), [Row(1, ["Contacts"])]
    ),
    "letters before the encoding is known": lambda size: encoding_guess._WORDS.findall(b"a" * size),
    "cells of a sheet that are not closed": lambda size: (
        spreadsheet._CELL_WITHOUT_REFERENCE.findall(b"<c " * (size // 3))
    ),
    "digits in the title of a field": lambda size: headings_of(
        [ContactField(id=1, title="1" * size + "a@")]
    ),
    "white space behind a Retry-After": lambda size: retry_after_s(
        CIMultiDict({"Retry-After": "30" + "\r" * size + "x"})
    ),
}


def seconds(read: Callable[[int], object], size: int) -> float:
    taken: list[float] = []
    for _ in range(3):
        began = time.process_time()
        read(size)
        taken.append(time.process_time() - began)
    return min(taken)


@pytest.mark.parametrize("name", READERS)
def test_the_time_to_read_a_text_grows_with_its_length(name):
    read = READERS[name]
    read(1)

    # Sixty-four times the time would be the square of eight times the length.
    assert seconds(read, 16_000) < 32 * max(seconds(read, 2_000), 1e-3)
