"""Contacts as lines, and the comparison of their versions."""

from __future__ import annotations

import pytest

from heymarket_async.bulk.read.versions import lines_of, older, text_of


@pytest.mark.parametrize(
    ("sent", "line"),
    [
        (b'{"id":1}', b'{"id":1}'),
        (b'{"id":1,\r\n "first":"a"}', b'{"id":1,"first":"a"}'),
        (b'{"id":1,\n"first":"\\ud83d"}', b'{"id":1,"first":"\\ud83d"}'),
        (b' {"id":1,"first":"a\\tb"}', b'{"id":1,"first":"a\\tb"}'),
    ],
)
def test_a_contact_is_one_line(sent, line):
    lines, mended = lines_of([sent, b'{"id":2}'])

    assert lines == [line, b'{"id":2}']
    assert mended == sent.startswith(b" ")


def test_text_has_no_half_of_an_emoji():
    assert text_of(rb'["\ud83d\ude00", "\ud83d"]') == r'["\ud83d\ude00", "\ufffd"]'


def test_older_versions_are_told_by_their_places():
    lines = [
        b'{"id":%d,"rev":%d,"updated":"2026-01-0%dT00:00:00Z"}' % each
        for each in [(1, 1, 1), (2, 7, 1), (1, 3, 3), (1, 2, 2), (2, 7, 1)]
    ]

    assert list(older(enumerate(lines), latest="2027")) == [0, 3, 4]


def test_only_the_contacts_that_are_asked_for_are_compared():
    lines = [b'{"id":%d,"rev":1,"updated":"2026-01-01T00:00:00Z"}' % each for each in (1, 2) * 600]

    assert list(older(enumerate(lines), {2}, latest="2027")) == list(range(3, 1200, 2))
