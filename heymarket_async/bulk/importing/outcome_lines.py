"""What a line of an outcome file says, and whether it is of this import."""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Annotated

import msgspec

from heymarket_async.bulk.importing.rules import Before, RowOutcome

VERSION = 1


class Kind(StrEnum):
    """What an import does, as its file and its errors call it."""

    IMPORT = "import"
    DRY_RUN = "dry run"

    @property
    def told(self) -> str:
        """What it is, and by which option."""
        return "an import" if self is Kind.IMPORT else "a dry run (--dry-run)"


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """Whose file it is; all of it must be the same to resume.

    Attributes:
        version: Of this form.
        kind: An import, or a dry run.
        account: The `name` of an `Account`.
        overwrite: Whether contacts are overwritten.
    """

    version: int = VERSION
    kind: Kind
    account: str
    overwrite: bool


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a row; see `Verdict`."""

    row: Annotated[int, msgspec.Meta(ge=1)]
    digest: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    outcome: RowOutcome
    before: Before | None = None
    reason: str | None = None
    contact_id: int | None = None


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Line).decode


def digest_of(content: bytes) -> int:
    """Return the digest that identifies a row."""
    return int.from_bytes(blake2b(content, digest_size=8).digest())


def check_header(path: Path, line: bytes, asked: Header) -> None:
    """Refuse a file whose first line is of another import.

    Raises:
        ValueError: It is.
        msgspec.MsgspecError: It is no first line.
    """
    stored = msgspec.json.decode(line, type=Header)
    if stored == asked:
        return
    if stored.version != asked.version:
        what = f"has version {stored.version}, and this package reads {asked.version}"
    elif stored.kind != asked.kind:
        what = f"is of {stored.kind.told}, and this is {asked.kind.told}"
    elif stored.account != asked.account:
        what = f"is of another account, {stored.account} and not {asked.account}"
    else:
        what = _OVERWRITES if stored.overwrite else _DOES_NOT_OVERWRITE
    raise ValueError(f"{path} {what}: resume it as it was, or name another file")


_OVERWRITES = "is of an import that overwrites, and this one does not (--overwrite)"
_DOES_NOT_OVERWRITE = "is of an import that does not overwrite, and this one does (--overwrite)"


def check_torn(path: Path, content: bytes, header: Header) -> None:
    """Refuse a file that has no whole line, and did not become so by a kill.

    Raises:
        ValueError: Something else is in it.
    """
    # What a kill can leave of a first line is the beginning of it.
    if not encode(header).startswith(content):
        raise no_outcome_file(path, 1)


def no_outcome_file(path: Path, line: int) -> ValueError:
    """Return the error of a file that is something else, or was changed."""
    return ValueError(
        f"{path} is no outcome file: see its line {line}; name another file (--outcomes)"
    )
