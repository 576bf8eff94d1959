"""Reads all rows before the first text is sent, and keeps the texts in a file without a name.

A field that is empty for somebody, or too many recipients, must be known before the first send. The
rows may come from a pipe, and may be a million. So their texts are kept in memory up to 16 MB, and
then in a file that has no name: only this process can read it, and it is gone with the process.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self, cast

import msgspec

from heymarket_async.bulk.contact_files.layouts import loose
from heymarket_async.bulk.contact_files.meanings import did_you_mean, first_of, shown
from heymarket_async.bulk.contact_files.typos import misspelt
from heymarket_async.bulk.errors import JobError
from heymarket_async.bulk.importing.duplicates import FirstRows
from heymarket_async.bulk.importing.source import RejectedRow, check_first_row, wrong_kind
from heymarket_async.bulk.sending.opt_outs import SAID_BY_INPUT
from heymarket_async.bulk.sending.outcomes import (
    SendFile,
    SendHeader,
    SendLine,
    SendOutcome,
    TextRow,
    local_id_of,
)
from heymarket_async.bulk.sending.report import SendResults
from heymarket_async.bulk.sending.text import Filled, TextWithFields
from heymarket_async.bulk.store.outcome_lines import digest_of, hex_of
from heymarket_async.checks import phone_digits
from heymarket_async.privacy import Masked
from heymarket_async.texting import segments

_IN_MEMORY = 16_000_000
_MOST_EXAMPLES = 3
_MOST_NAMED = 10

_NO_TEXT = Filled("", [], [])


class Draft(Masked, msgspec.Struct, frozen=True, kw_only=True):
    """The texts of a job before the first of them is sent. Opt-outs are not looked up yet.

    Attributes:
        rows: Rows read.
        recipients: The texts to send.
        sent_before: Rows that an earlier run had sent.
        segments: The segments of all texts to send; 0 for a template.
        in_ucs_2: Texts that are sent as UCS-2, in which a segment holds fewer characters.
        forcing: The characters that force UCS-2, with the number of texts that have them.
        most_segments: The segments of the longest text.
        examples: The first three texts. They may hold names.
    """

    rows: int
    recipients: int
    sent_before: int
    segments: int
    in_ucs_2: int
    forcing: Mapping[str, int]
    most_segments: int
    examples: Sequence[str]

    def __repr__(self) -> str:
        return f"Draft(rows={self.rows}, recipients={self.recipients}, segments={self.segments})"


class Drafting:
    """Reads rows, decides those that are not sent, and keeps the others; a context manager.

    Args:
        text: The text with its fields; None for a template.
        header: Of the job.
        file: The outcomes of earlier runs.
        results: Where outcomes are added.
        skip_empty: Whether a row with an empty field is skipped; else it stops the job.
    """

    def __init__(
        self,
        text: TextWithFields | None,
        header: SendHeader,
        file: SendFile,
        results: SendResults,
        *,
        skip_empty: bool,
    ) -> None:
        self._text = text
        self._header = header
        self._earlier = file.earlier
        self._results = results
        self._skip_empty = skip_empty
        self._first = FirstRows()
        self._opted_out: set[int] = set()
        self._empty: dict[str, list[int]] = {}
        self._unknown = set(text.fields if text else ())
        self._names: dict[str, None] = {}
        self._spool = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - see __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._spool.close()

    def read(self, items: Sequence[object]) -> None:
        """Read some rows.

        Raises:
            ValueError: The first one is of a wrong type.
        """
        for item in items:
            self._results.rows += 1
            number = self._results.rows
            if number == 1:
                check_first_row(item, (Mapping, msgspec.Struct), "mappings of fields or structs")
            try:
                if (row := self._row(number, item)) is not None:
                    self._spool.write(_encode(row) + b"\n")
            except UnicodeEncodeError:
                self._add(number, SendOutcome.REJECTED, "its text holds half a character")
            except _DecidedError as decided:
                self._add(number, decided.outcome, str(decided))

    def rows(self) -> Iterator[TextRow]:
        """Give the rows that are to be sent, or looked up, from the first one on."""
        self._spool.seek(0)
        for line in self._spool:
            row = _decode(line)
            row.opted_out = int(row.phone) in self._opted_out
            yield row

    def check(self) -> None:
        """Check the fields of the text, once all rows are read.

        Raises:
            JobError: A field is in no row, or is empty in some.
        """
        for name in sorted(self._unknown):
            if self._names:
                raise _unknown_field(name, list(self._names))
        if self._empty:
            raise _empty_fields(self._empty)

    def draft(self) -> Draft:
        """Return what is going to be sent, once all rows are read."""
        texts = [0, 0, 0]  # recipients, those in UCS-2, and segments
        most, examples = 0, list[str]()
        forcing: Counter[str] = Counter()
        for row in self.rows():
            if row.opted_out:
                continue
            text = row.text or ""
            found = segments(text)
            forcing.update(found.forcing)
            for place, number in enumerate((1, found.encoding == "UCS-2", found.segments)):
                texts[place] += number
            most = max(most, found.segments)
            if text and len(examples) < _MOST_EXAMPLES:
                examples.append(text)
        return Draft(
            rows=self._results.rows,
            recipients=texts[0],
            sent_before=self._results.sent_before,
            segments=texts[2],
            in_ucs_2=texts[1],
            forcing=dict(forcing.most_common()),
            most_segments=most,
            examples=examples,
        )

    def _row(self, number: int, item: object) -> TextRow | None:
        """Return a row that may have to be sent; None if it was, or stops the job.

        Raises:
            _DecidedError: The row is not sent.
        """
        fields = self._fields(item)
        phone = _phone_of(fields)
        if fields.get("is_opted_out") is True:
            self._opted_out.add(int(phone))
            self._results.opted_out += 1
            raise _DecidedError(SendOutcome.SKIPPED, SAID_BY_INPUT)
        nth, filled = self._nth(int(phone), number), _NO_TEXT
        if self._text is not None:
            try:
                filled = self._filled(self._text, number, fields)
            except _DecidedError:
                if not self._header.repeats:
                    self._first.forget(int(phone))  # another row may have a text for this person
                raise
        return self._new(number, phone, nth, filled)

    def _fields(self, item: object) -> Mapping[str, object]:
        if isinstance(item, RejectedRow):
            if item.opted_out_phone is not None:
                self._opted_out.add(int(item.opted_out_phone))
            raise _DecidedError(SendOutcome.REJECTED, item.reason)
        if isinstance(item, Mapping):
            return cast(Mapping[str, object], item)
        if isinstance(item, msgspec.Struct):
            return msgspec.structs.asdict(item)
        raise _DecidedError(
            SendOutcome.REJECTED,
            f"is neither a mapping of fields nor a struct, but {wrong_kind(item)}",
        )

    def _new(self, number: int, phone: str, nth: int, filled: Filled) -> TextRow | None:
        """Return a row, unless an earlier run has sent it."""
        row = TextRow(
            number,
            phone,
            local_id_of(self._header.run, phone, nth),
            filled.text or None,
            values=filled.values,
        )
        state = self._earlier.take(row.digest)
        if state is SendOutcome.SENT:
            self._results.add_sent_before()
            return None
        row.may_be_sent = state is not None
        row.segments = segments(filled.text).segments if filled.text else 0
        return row

    def _nth(self, phone: int, number: int) -> int:
        """Return how many rows had this phone, with this one; 1 unless repeats are wanted.

        Raises:
            _DecidedError: An earlier row has the phone.
        """
        if self._header.repeats:
            if before := self._first.known(phone) or 0:
                self._first.forget(phone)
            return self._first.first(phone, before + 1)
        first = self._first.first(phone, number)
        if first != number:
            self._results.duplicates += 1
            raise _DecidedError(SendOutcome.SKIPPED, f"row {first} has the same phone")
        return 1

    def _filled(self, text: TextWithFields, number: int, fields: Mapping[str, object]) -> Filled:
        """Return the text for a row.

        Raises:
            _DecidedError: It is empty, or a field of it is. Unless such rows are skipped, that
                stops the job later.
        """
        if self._unknown:
            self._unknown -= text.found_in(fields)
            self._names |= dict.fromkeys(fields)
        filled = text.fill(fields)
        if filled.empty:
            for name in () if self._skip_empty else filled.empty:
                self._empty.setdefault(name, []).append(number)
            are = "is" if len(filled.empty) == 1 else "are"
            names = " and ".join(map(_in_braces, filled.empty))
            raise _DecidedError(SendOutcome.SKIPPED, f"{names} {are} empty")
        if not filled.text.strip():
            raise _DecidedError(SendOutcome.REJECTED, "its text is empty")
        return filled

    def _add(self, number: int, outcome: SendOutcome, reason: str) -> None:
        digest = hex_of(digest_of(f"row {number}".encode()))
        self._results.add(SendLine(row=number, digest=digest, outcome=outcome, reason=reason))


class _DecidedError(Exception):
    """A row is not sent.

    Attributes:
        outcome: Its outcome; the text of the error is the reason.
    """

    def __init__(self, outcome: SendOutcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


def _phone_of(fields: Mapping[str, object]) -> str:
    phone = fields.get("phone")
    if phone is None:
        raise _DecidedError(SendOutcome.REJECTED, "has no phone")
    try:
        return phone_digits(cast(str, phone))
    except ValueError as error:
        raise _DecidedError(SendOutcome.REJECTED, str(error)) from None


def _in_braces(name: str) -> str:
    return f"{{{name}}}"


def _unknown_field(name: str, names: list[str]) -> JobError:
    by_loose = {loose(each): each for each in names}
    hint = did_you_mean(by_loose.get(misspelt(loose(name), by_loose), ""))
    fields = first_of(names, _MOST_NAMED, shown)
    problem = f"No row has the field {_in_braces(name)}{hint}."
    remedy = f"Nothing was sent. The fields that a text can have are {fields}."
    return JobError("unknown_text_field", problem, remedy)


def _empty_fields(empty: Mapping[str, list[int]]) -> JobError:
    name = next(iter(empty))
    return JobError(
        "empty_text_field",
        " ".join(_is_empty(*each) for each in empty.items()),
        f'Nothing was sent. Give a default with defaults={{"{name}": "there"}}, or leave such rows'
        " out with skip_empty=True.",
        field=name,
    )


def _is_empty(name: str, rows: list[int]) -> str:
    numbers = first_of(rows, _MOST_NAMED)
    count = "1 row" if len(rows) == 1 else f"{len(rows):,} rows"
    return f"{_in_braces(name)} is empty in {count}: {numbers}."


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(TextRow).decode
