"""Reads the fields of many rows at once, column by column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TypeAlias

from msgspec import UNSET, UnsetType

from heymarket_async.bulk.contact_files.cells import (
    clean,
    emails_of,
    heading_text,
    is_email,
    whole,
    whole_numbers,
)
from heymarket_async.bulk.contact_files.meanings import OPT_OUTS, Target
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.opt_outs import Kind, opted_out
from heymarket_async.bulk.contact_files.phones import MORE_PHONES
from heymarket_async.bulk.contact_files.plan import PHONE, Plan
from heymarket_async.bulk.contact_files.plan_checks import kind_of
from heymarket_async.bulk.contact_files.tag_cells import TagReader
from heymarket_async.bulk.errors import JobError

_OTHER_PHONE = "Rows whose first phone is not valid, so another one was imported: {count}."
_NO_EMAIL = "Cells of e-mails that were left out, as they have no address: {count}."
_MORE_EMAILS = "Rows with several e-mails: {count}. A contact has one, so the first was imported."

_READERS: dict[str, Callable[[str], object]] = {
    "assignee_id": whole,
    "email_suppressions": whole_numbers,
}
_RULES = {
    "assignee_id": "assignee_id must be an integer",
    "email_suppressions": "ids must be integers, with spaces, commas or semicolons between",
}

_CODE = re.compile(r"[1-9]\d{0,2}", re.ASCII)
_NO_PHONE = re.compile("fax|pager")
_MOBILE = re.compile("mobile|cell|iphone|handy|portable|móvil")
_MOST_CACHED = 1000

Columns: TypeAlias = Sequence[Sequence[str]]
Problems: TypeAlias = dict[int, str]
_Says: TypeAlias = bool | UnsetType | str


class FieldReader:
    """Reads the fields of rows by a plan.

    Args:
        plan: The meanings of the columns.
        phone: Makes E.164 digits of a phone; see `phone_reader`.
        tags: Reads tags.
        notes: For remarks on the file.
        has_apostrophes: See `Table`.
    """

    def __init__(
        self,
        plan: Plan,
        phone: Callable[[str], str],
        tags: TagReader,
        notes: Notes,
        *,
        has_apostrophes: bool,
    ) -> None:
        self._plan = plan
        self._phone = phone
        self._tags = tags
        self._notes = notes
        self._has_apostrophes = has_apostrophes
        self._said: dict[tuple[str, ...], _Says] = {}
        sources = dict(plan.sources)
        self._phones = sources.pop(PHONE)
        self._opt_outs = sources.pop(Target(OPT_OUTS), [])
        self._kinds: list[Kind] = [kind_of(plan.columns[index]) for index in self._opt_outs]
        self._tag_columns = sources.pop(Target("tags"), [])
        self._custom = {each.custom_id: at for each, at in sources.items() if each.custom_id}
        self._others = {each.field: at for each, at in sources.items() if not each.custom_id}

    def of_columns(self, columns: Columns, problems: Problems) -> dict[str, Sequence[object]]:
        """Return the values of each field, `UNSET` where a cell is empty.

        Args:
            columns: The cells of each column, which are as many in each.
            problems: Gets the reasons why rows cannot be read, by index.
        """
        fields: dict[str, Sequence[object]] = {"phone": self._read_phones(columns, problems)}
        for field, at in self._others.items():
            texts = self._texts(columns, at)
            fields[field] = self._read(field, texts, problems)
        if self._custom:
            fields["custom"] = self._read_custom(columns)
        if self._tag_columns:
            fields["tags"] = self._read_tags(columns, problems)
        if self._opt_outs:
            fields[OPT_OUTS] = self._read_opt_outs(columns, problems)
        return fields

    def _texts(self, columns: Columns, at: Sequence[int]) -> list[str]:
        """Return the first cell that is filled in each row, of several columns."""
        texts = self._clean(columns[at[0]])
        for index in at[1:]:
            more = self._clean(columns[index])
            texts = [text or other for text, other in zip(texts, more, strict=True)]
        return texts

    def _clean(self, cells: Sequence[str]) -> list[str]:
        return clean(
            cells,
            is_exact=self._plan.is_export,
            has_apostrophes=self._has_apostrophes,
            empty_words=self._plan.empty_words,
        )

    def _read(self, field: str, texts: list[str], problems: Problems) -> Sequence[object]:
        if field == "email" and not self._plan.is_export:
            return [
                text if is_email(text) else (self._email(text) if text else UNSET) for text in texts
            ]
        read = _READERS.get(field)
        if read is None:
            return [text or UNSET for text in texts]
        values: list[object] = []
        for index, text in enumerate(texts):
            try:
                values.append(read(text) if text else UNSET)
            except ValueError:
                problems.setdefault(index, _RULES[field])
                values.append(UNSET)
        return values

    def _email(self, text: str) -> str | UnsetType:
        emails = emails_of(text)
        if not emails:
            self._notes.add(_NO_EMAIL)
            return UNSET
        if len(emails) > 1:
            self._notes.add(_MORE_EMAILS)
        return emails[0]

    def _read_phones(self, columns: Columns, problems: Problems) -> list[str]:
        cells = [self._clean(columns[index]) for index in self._phones]
        if self._plan.code is not None:
            codes = self._clean(columns[self._plan.code])
            cells = [list(map(self._with_code, codes, texts)) for texts in cells]
        labels = [self._labels(columns, index) for index in self._phones]
        is_simple = len(cells) == 1 and labels == [None]
        values: list[str] = []
        for index, text in enumerate(cells[0]):
            try:
                if is_simple and text:
                    values.append(self._phone(text))
                    continue
                row = [
                    (names[index] if names else "", texts[index])
                    for names, texts in zip(labels, cells, strict=True)
                ]
                values.append(self._one_phone(row))
            except ValueError as error:
                problems[index] = str(error)
                values.append("")
        return values

    def _with_code(self, code: str, text: str) -> str:
        """Return a phone with the country code of another cell, if it is valid with it."""
        code = code.lstrip("+0").removesuffix(".0")
        if not _CODE.fullmatch(code) or not text or "+" in text:
            return text
        phones: set[str] = set()
        for written in [f"+{code} {text}", *([f"+{text}"] if text.startswith(code) else [])]:
            with suppress(ValueError):
                phones.add(self._phone(written))
        if len(phones) > 1:
            return text
        # If it is not valid with the code, it must not become a phone of another country.
        return f"+{phones.pop()}" if phones else f"+{code} {text}"

    def _labels(self, columns: Columns, index: int) -> list[str] | None:
        label = self._plan.labels.get(index)
        return None if label is None else [cell.casefold() for cell in columns[label]]

    def _one_phone(self, row: Iterable[tuple[str, str]]) -> str:
        """Return the first valid phone of one row, of phones with their labels.

        A mobile phone comes first, and a fax is not a phone.
        """
        phones = [(label, text) for label, text in row if text and not _NO_PHONE.search(label)]
        phones.sort(key=lambda phone: not _MOBILE.search(phone[0]))
        failure: ValueError | None = None
        for place, (_, text) in enumerate(phones):
            try:
                phone = self._phone(text)
            except ValueError as error:
                failure = failure or error
                continue
            others = phones[:place] + phones[place + 1 :]
            ends = {_digits(other)[-7:] for _, other in others}
            if failure:
                self._notes.add(_OTHER_PHONE)
            if more := ends - {phone[-7:], ""}:
                self._notes.add(MORE_PHONES, len(more))
            return phone
        raise failure or ValueError("has no phone")

    def _read_custom(self, columns: Columns) -> Sequence[object]:
        ids = list(self._custom)
        texts = [self._texts(columns, at) for at in self._custom.values()]
        return [
            {key: text for key, text in zip(ids, row, strict=True) if text} or UNSET
            for row in zip(*texts, strict=True)
        ]

    def _read_tags(self, columns: Columns, problems: Problems) -> Sequence[object]:
        names = [self._plan.columns[at].heading for at in self._tag_columns]
        has_ids = [heading_text(name) for name in names] == ["tags"]
        column = ", ".join(names)
        cells = [self._clean(columns[index]) for index in self._tag_columns]
        values: list[object] = []
        for index, row in enumerate(zip(*cells, strict=True)):
            try:
                ids = self._tags.of_cells(row, has_ids=has_ids) if any(row) else None
            except JobError as error:  # about the account, such as a right that is missing
                error.about["column"] = column
                raise
            except ValueError as error:
                problems.setdefault(index, f'{error} (column "{column}")')
                ids = None
            values.append(UNSET if ids is None else ids)
        return values

    def _read_opt_outs(self, columns: Columns, problems: Problems) -> Sequence[object]:
        cells = [self._clean(columns[index]) for index in self._opt_outs]
        values: list[object] = []
        for index, row in enumerate(zip(*cells, strict=True)):
            # Most rows say the same.
            says = self._said[row] if row in self._said else self._opted_out(row)
            if isinstance(says, str):
                problems.setdefault(index, says)
            values.append(says)
        return values

    def _opted_out(self, row: tuple[str, ...]) -> _Says:
        """Return whether the cells of one row say that a person opted out, or the problem."""
        says: set[bool | None] = set()
        problem = ""
        for cell, kind in zip(row, self._kinds, strict=True):
            try:
                says.add(opted_out(cell, kind) if cell else None)
            except ValueError as error:
                problem = str(error)
        found: _Says = problem or (False if False in says else UNSET)
        if True in says:
            found = True
        if len(self._said) < _MOST_CACHED:
            self._said[row] = found
        return found


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))
