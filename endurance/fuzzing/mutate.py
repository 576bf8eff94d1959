"""Makes odd contents of valid ones: a few changes each, so that most of a content stays valid."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Callable, Sequence

_NUMBERS = [
    b"0", b"-1", b"1e400", b"-0.0", b"1e-9", b"00", b"2147483648", b"9223372036854775808", b"NaN",
    b"1" + b"0" * 40, b"9" * 400, b"1048576", b"16384", b"1e15", b"0.1", b"4294967295", b"-5e324",
]  # fmt: skip
_TEXTS = [
    b"", b'""', b"null", b"true", b"[]", b"{}", b"[[[[", b'"\\ud800"', b'"\\u0000"',
    b"\xef\xbb\xbf",
    b"\x00", b"\xff", b"\r", b"\n", b"\r\n", b"\t", b'"', b"'", b",", b";", b"\\", b"\x1a", b"=",
    b"\xe2\x80\xa8", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", "\u200b".encode(), "\u0660".encode(),
    b"%", b"{", b"}", b"[", b"]", b":", b"<", b">", b"&#x110000;", b"&amp;", b"A" * 300,
    b"2026-02-30T25:61:61Z", b"0000-00-00", b"9999-12-31T23:59:59.999999999Z", b"+1 (415) 555-0100",
]  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_VALUE = re.compile(rb'"[^"\\]*"|-?\d+(?:\.\d+)?|\b(?:true|false|null)\b|[A-Za-z_]{2,}')


class Mutator:
    """Changes contents, each in the way that the random numbers say.

    Args:
        chance: The random numbers.
        seeds: The valid contents.
        longest: The most bytes of a changed content.
    """

    def __init__(self, chance: random.Random, seeds: Sequence[bytes], longest: int) -> None:
        self._chance = chance
        self._longest = longest
        self._seeds = seeds
        self._ways: list[Callable[[bytes], bytes]] = [
            self._with_bit,
            self._without_part,
            self._with_part_again,
            self._with_token,
            self._with_token,
            self._with_number,
            self._with_value,
            self._with_value,
            self._with_part_of_other,
            self._with_many,
            self._with_line_moved,
            self._cut,
        ]

    def next(self) -> bytes:
        """Return the next content."""
        seed = self._chance.choice(self._seeds)
        if seed.startswith(b"PK\x03\x04") and self._chance.random() < 0.8:
            return self._with_changed_part(seed)
        return self.changed(seed)

    def changed(self, content: bytes) -> bytes:
        """Return a content with one change or more."""
        for _ in range(min(int(self._chance.expovariate(0.5)) + 1, 12)):
            content = self._chance.choice(self._ways)(content)
        return content[: self._longest]

    def _with_changed_part(self, archive: bytes) -> bytes:
        """Change a file in a zip archive, whose checksum stays right."""
        made = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(made, "w") as new:
            names = old.namelist()
            chosen = self._chance.choice(names)
            for name in names:
                part = old.read(name)
                new.writestr(name, self.changed(part) if name == chosen else part)
        return made.getvalue()

    def _span(self, content: bytes, longest: int = 200) -> tuple[int, int]:
        begin = self._chance.randrange(len(content) + 1)
        return begin, min(len(content), begin + self._chance.randint(1, longest))

    def _with_bit(self, content: bytes) -> bytes:
        begin, end = self._span(content, 1)
        changed = bytes(byte ^ 1 << self._chance.randrange(8) for byte in content[begin:end])
        return content[:begin] + changed + content[end:]

    def _without_part(self, content: bytes) -> bytes:
        begin, end = self._span(content)
        return content[:begin] + content[end:]

    def _with_part_again(self, content: bytes) -> bytes:
        begin, end = self._span(content)
        at, _ = self._span(content)
        return content[:at] + content[begin:end] + content[at:]

    def _with_many(self, content: bytes) -> bytes:
        """Repeat a short part often: deep nesting, many columns, long lines."""
        begin, end = self._span(content, 8)
        times = self._chance.choice([3, 40, 1000, 5000])
        return content[:begin] + content[begin:end] * times + content[end:]

    def _with_token(self, content: bytes) -> bytes:
        at, _ = self._span(content)
        return content[:at] + self._chance.choice(_TEXTS) + content[at:]

    def _with_number(self, content: bytes) -> bytes:
        return self._replaced(_NUMBER, content, _NUMBERS)

    def _with_value(self, content: bytes) -> bytes:
        return self._replaced(_VALUE, content, _TEXTS + _NUMBERS)

    def _replaced(
        self, pattern: re.Pattern[bytes], content: bytes, others: Sequence[bytes]
    ) -> bytes:
        found = [match.span() for match in pattern.finditer(content)]
        if not found:
            return content
        begin, end = self._chance.choice(found)
        other = self._chance.choice(others)
        if self._chance.random() < 0.3:  # one of its own, in another place
            begin_of_other, end_of_other = self._chance.choice(found)
            other = content[begin_of_other:end_of_other]
        return content[:begin] + other + content[end:]

    def _with_part_of_other(self, content: bytes) -> bytes:
        other = self._chance.choice(self._seeds)
        begin, end = self._span(other, 2000)
        at, after = self._span(content)
        return content[:at] + other[begin:end] + content[after:]

    def _with_line_moved(self, content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        if lines:
            line = lines.pop(self._chance.randrange(len(lines)))
            lines.insert(self._chance.randrange(len(lines) + 1), line)
        return b"".join(lines)

    def _cut(self, content: bytes) -> bytes:
        return content[: self._chance.randrange(len(content) + 1)]
