"""Reads contacts from vCards: 2.1 as of Android, 3.0 as of an iPhone or Google, and 4.0.

Own code, since no package reads the files that people have. With vobject a card of Android with a
name that is not ASCII, or a photo whose base64 is not padded, ends the whole file; it keeps photos
in memory, and reads about 3,000 cards in a second. Others read 4.0 alone, or one card at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO
from urllib.parse import unquote

from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.table import Row, Table
from heymarket_async.bulk.contact_files.vcard_lines import (
    LONGEST,
    Property,
    divided,
    properties,
    text_of,
    unescaped,
)

HEADINGS = ["first", "last", "display_name", "phone", "email", "tags", "avatar"]
"""Properties that have no place in Heymarket, such as addresses, are not read."""

_BETWEEN = " ::: "
_READ = frozenset(
    {
        *("N", "FN", "NICKNAME", "ORG", "TEL", "EMAIL", "CATEGORIES", "PHOTO"),
        *("KIND", "X-ADDRESSBOOKSERVER-KIND", "X-ABLABEL"),
    }
)
_RANKS = [
    {"cell", "mobile", "iphone", "apple watch"},
    {"main"},
    {"home"},
    {"work"},
]
"""The types and labels of phones, best first; others come behind them."""

_NO_TEXTS = {"fax", "pager", "home fax", "work fax", "other fax", "homefax", "workfax"}
_LAST = 101
"""Behind the preferences of 4.0, which are 1 to 100."""

_URL = re.compile(rb"\s*https?(:|\\:|=3A)//", re.IGNORECASE)
_APPLE = re.compile(r"_\$!<(.*)>!\$_", re.DOTALL)
_EVERYBODY = "myContacts"
"""Google puts each contact of an address book into this category."""

_GROUPS = "Cards that are groups, not contacts, and were skipped: {count}."
_FAXES = "Numbers of a fax or pager, which were left out: {count}."


def read(file: BinaryIO, *, encoding: str | None, notes: Notes) -> Table:
    """Return a table with a row for each card; several phones are in one cell, the best first.

    A card that cannot be read, or has no end, is a row with a problem. The next one is read.

    Args:
        file: The cards; it is read as rows are asked for.
        encoding: Of texts that are not UTF-8 and have no CHARSET; None is UTF-8.
        notes: Get the numbers of groups that were skipped, and of faxes that were left out.

    Raises:
        ValueError: The file has no card of a contact.
    """
    rows = _rows(file, encoding, notes)
    first = next(rows, None)
    if first is None:
        raise ValueError("The file has no vCard of a contact. Each one begins with BEGIN:VCARD.")
    return Table(HEADINGS, chain([first], rows), unit="card")


def _rows(file: BinaryIO, encoding: str | None, notes: Notes) -> Iterator[Row]:
    for number, card in enumerate(_cards(file, encoding), start=1):
        if card.is_group:
            notes.add(_GROUPS)
        else:
            yield Row(number, card.cells(notes), card.problem)


def _cards(file: BinaryIO, encoding: str | None) -> Iterator[_Card]:
    card: _Card | None = None
    depth = 0  # of cards inside of a card: in 2.1 an AGENT is one
    last = ""
    for found in properties(file, encoding):
        border = found.raw.strip().upper() == b"VCARD" and found.name
        if border == "BEGIN" and card and (depth or last == "AGENT"):
            depth += 1
        elif border == "BEGIN":
            if card:
                yield card.without_end()
            card = _Card(encoding)
        elif border == "END" and depth:
            depth -= 1
        elif border == "END" and card:
            yield card
            card = None
        elif card and not depth:
            card.add(found, last)
        last = found.name or last
    if card:
        yield card.without_end()


class _Card:
    """The properties of one card that Heymarket has a place for.

    Attributes:
        problem: Why the card cannot be read, or empty.
    """

    def __init__(self, encoding: str | None) -> None:
        self.problem = ""
        self._encoding = encoding
        self._texts: dict[str, list[tuple[Property, str]]] = {}
        self._length = 0

    @property
    def is_group(self) -> bool:
        """Whether the card is a list of other cards."""
        kinds = [*self._values("KIND"), *self._values("X-ADDRESSBOOKSERVER-KIND")]
        return any(kind.strip().lower() == "group" for kind in kinds)

    def add(self, found: Property, last: str) -> None:
        """Take a property, if it has a place."""
        if not found.name and last in _READ - {"PHOTO"}:
            self.problem = "has a line that is not a property"
        if found.name not in _READ or found.encoding == "base64":
            return
        if found.name == "PHOTO" and not (found.is_whole and _URL.match(found.raw)):
            return  # the photo itself, or a place in the file that wrote it
        self._length += len(found.raw)
        if not found.is_whole or self._length > LONGEST:
            self.problem = "is too long"
            return
        try:
            text = text_of(found, self._encoding)
        except ValueError as error:
            self.problem = str(error)
            return
        self._texts.setdefault(found.name, []).append((found, text))

    def without_end(self) -> _Card:
        """Return the card, which was cut off."""
        self.problem = self.problem or "has no END:VCARD"
        return self

    def cells(self, notes: Notes) -> list[str]:
        """Return a cell for each of the headings."""
        last, first = (*map(str.strip, divided(self._best("N"), ";")), "", "")[:2]
        company = divided(self._best("ORG"), ";")[0]
        nickname = unescaped(self._best("NICKNAME"))
        name = unescaped(self._best("FN")).strip()
        if not (name or first or last):
            name = company.strip() or nickname.strip()
        tags = [tag.strip() for text in self._values("CATEGORIES") for tag in divided(text, ",")]
        emails = [unescaped(text).strip() for text in self._by_preference("EMAIL")]
        return [
            first,
            last,
            name,
            _BETWEEN.join(self._phones(notes)),
            _BETWEEN.join(dict.fromkeys(filter(None, emails))),
            _BETWEEN.join(dict.fromkeys(tag for tag in tags if tag and tag != _EVERYBODY)),
            unescaped(self._best("PHOTO")).strip(),
        ]

    def _values(self, name: str) -> list[str]:
        return [text for _, text in self._texts.get(name, ())]

    def _by_preference(self, name: str) -> list[str]:
        found = sorted(self._texts.get(name, ()), key=lambda one: _preference(one[0]))
        return [text for _, text in found]

    def _best(self, name: str) -> str:
        return next((text for text in self._by_preference(name) if text.strip(" ;")), "")

    def _phones(self, notes: Notes) -> list[str]:
        """Return the phones, best first, and each once."""
        labels = {found.group: text for found, text in self._texts.get("X-ABLABEL", ())}
        phones: list[tuple[int, int, str]] = []
        for found, text in self._texts.get("TEL", ()):
            label = unescaped(labels.get(found.group, "")) if found.group else ""
            label = _APPLE.sub(r"\1", label).strip().lower()
            types = {*found.params.get("type", ()), label}
            if not types.isdisjoint(_NO_TEXTS):
                notes.add(_FAXES)
                continue
            ranks = (rank for rank, known in enumerate(_RANKS) if not known.isdisjoint(types))
            phones.append((_preference(found), next(ranks, len(_RANKS)), _phone(text)))
        phones.sort(key=lambda phone: phone[:2])
        by_digits: dict[str, str] = {}
        for _, _, phone in phones:
            by_digits.setdefault(re.sub(r"[^\w+#*]", "", phone), phone)
        return [phone for phone in by_digits.values() if phone]


def _preference(found: Property) -> int:
    """Return 1 for the preferred one of several, up to `_LAST` for others."""
    if "pref" in found.params.get("type", ()):
        return 1
    wanted = next(iter(found.params.get("pref", ())), "")
    return int(wanted) if re.fullmatch(r"[0-9]{1,2}|100", wanted, re.ASCII) else _LAST


def _phone(text: str) -> str:
    """Return the phone of a TEL, which is text or a URI: tel:+1-510-555-0147;ext=5.

    https://www.rfc-editor.org/rfc/rfc3966
    """
    phone = unescaped(text).strip()
    if phone[:4].lower() != "tel:":
        return phone
    phone, *params = unquote(phone[4:]).split(";")
    named = {name.lower(): value for name, _, value in (param.partition("=") for param in params)}
    context = named.get("phone-context", "")
    if context.startswith("+") and not phone.startswith("+"):
        phone = context + phone
    return f"{phone} ext. {named['ext']}" if named.get("ext") else phone
