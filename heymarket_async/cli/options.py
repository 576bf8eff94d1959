"""The arguments and options of the commands, and the checks of their values.

A parameter has the name of the library's argument that it is passed to. So an error about that
argument can name the option (`running.Commands`).
"""

from __future__ import annotations

import errno
import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

from typer import Argument, BadParameter, Option

from heymarket_async.bulk.contact_files.file_format import FileFormat
from heymarket_async.bulk.store.private_files import check_place, real_path
from heymarket_async.cli.values import LARGEST, MOST_IN_SANDBOX, WrongValue, integer
from heymarket_async.timestamps import to_text

MOST_AT_ONCE = 100
"""The connections of a client. It is not imported, as no help needs what makes them."""


class Surface(StrEnum):
    """The list of contacts to read: of the v1 or of the v2 endpoints."""

    V1 = "v1"
    V2 = "v2"


# Of several commands

Json = Annotated[bool, Option("--json", help="Print JSON, for programs.")]
Quiet = Annotated[bool, Option("--quiet", help="Show no progress.")]
SandboxSize = Annotated[
    int | None,
    Option(
        "--sandbox",
        metavar="N",
        parser=integer(0, MOST_IN_SANDBOX),
        help="Use a built-in sandbox with N contacts.",
    ),
]


def _time(text: str | None) -> str | None:
    """Return a timestamp, of a plain date its midnight in UTC, as Heymarket writes its times."""
    if text is None:
        return None
    is_date = re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII)
    try:
        return to_text("date", f"{text}T00:00:00Z" if is_date else text)
    except ValueError:
        raise WrongValue(
            "must be a date, such as 2026-04-12, or a timestamp with a zone, such as"
            " 2026-04-12T15:30:00Z"
        ) from None


Since = Annotated[
    str | None,
    Option(
        "--since",
        metavar="TIME",
        callback=_time,
        help="Only contacts updated after this time, such as 2026-04-12T15:30:00Z, or after"
        " midnight UTC of a date, such as 2026-04-12.",
    ),
]
ReadFrom = Annotated[Surface, Option("--surface", help="The API version to list contacts with.")]
PageSize = Annotated[
    int | None,
    Option(
        metavar="N",
        parser=integer(1),
        help="Contacts per request. Default: as many as Heymarket gives.",
    ),
]
Parts = Annotated[
    int,
    Option(
        metavar="N", parser=integer(1, MOST_AT_ONCE), help="Parts of the account to read at once."
    ),
]

# Of a contact

ContactId = Annotated[str, Argument(metavar="ID", help="The integer id or the UUID.")]
Phone = Annotated[
    str, Option(metavar="PHONE", help="Digits with the country code, such as 15105553344.")
]
First = Annotated[str | None, Option(metavar="NAME", help="The first name.")]
Last = Annotated[str | None, Option(metavar="NAME", help="The last name.")]
Email = Annotated[str | None, Option(metavar="EMAIL", help="The email.")]
Custom = Annotated[
    list[str] | None,
    Option(metavar="TITLE=VALUE", help="A custom field, by its title; repeatable."),
]
Tags = Annotated[
    list[int] | None,
    Option("--tag", metavar="ID", parser=integer(1), help="The id of a tag; repeatable."),
]
Replace = Annotated[bool, Option("--overwrite", help="Remove custom fields that are not given.")]
Force = Annotated[
    bool, Option("--force", help="Create it without a look whether a contact has the phone.")
]
Yes = Annotated[bool, Option("--yes", help="Delete without asking.")]
RegionOfPhone = Annotated[
    str | None,
    Option("--region", metavar="COUNTRY", help="Read the phone as in this country, such as US."),
]
Phones = Annotated[
    list[str] | None, Option("--phone", metavar="PHONE", help="A phone; repeatable.")
]
Emails = Annotated[
    list[str] | None, Option("--email", metavar="EMAIL", help="An email; repeatable.")
]

# Of an export

# Whether a file can be read is seen later: an export replaces it, and an import says why not.
ExportPath = Annotated[
    Path,
    Argument(
        readable=False,
        metavar="PATH",
        help="The file to write: .jsonl, .jsonl.gz, .jsonl.zst, .csv, .xlsx, .parquet, or"
        " .db for SQLite."
        " Use - for JSON Lines on standard output.",
    ),
]
Checkpoint = Annotated[
    Path | None,
    Option(metavar="FOLDER", help="Where to keep an unfinished export.  [default: PATH.partial]"),
]
Restart = Annotated[bool, Option("--restart", help="Discard an unfinished export.")]
Bom = Annotated[bool, Option("--bom", help="CSV: start with a byte order mark, for spreadsheets.")]
RawFormulas = Annotated[
    bool, Option("--raw-formulas", help="CSV: keep cells that a spreadsheet would run as formulas.")
]
ReportFile = Annotated[
    Path | None, Option(metavar="FILE", help="Write the report to this file too, as JSON.")
]

# Of an export of messages or conversations

OfConversation = Annotated[
    int | None,
    Option(
        "--conversation",
        metavar="ID",
        parser=integer(1),
        help="Only messages of this conversation.",
    ),
]
WithPhone = Annotated[
    str | None, Option("--phone", metavar="PHONE", help="Only messages with this phone.")
]
InboxOfPhone = Annotated[
    int | None, Option("--inbox", metavar="ID", parser=integer(1), help="The inbox of --phone.")
]
Inboxes = Annotated[
    list[int] | None,
    Option(
        "--inbox",
        metavar="ID",
        parser=integer(1),
        help="Only this inbox; repeatable.  [default: all]",
    ),
]
RestartArchive = Annotated[
    bool,
    Option("--restart", help="Discard an unfinished export; .db: all that it has of them."),
]
Window = Annotated[
    str,
    Option("--window", metavar="TIME", help=".db: how far back to look for changes: 12h, 1d."),
]
Follow = Annotated[
    bool, Option("--follow", help=".db: keep running, and add what is new every minute.")
]
FollowEvery = Annotated[
    str | None, Option("--every", metavar="TIME", help="Follow with this pause: 30s, 5m, 1h.")
]
RecordsPerPage = Annotated[
    int | None,
    Option(
        "--page-size",
        metavar="N",
        parser=integer(1),
        help="Per request. Default: as many as Heymarket gives.",
    ),
]

# Of a sync

SyncPath = Annotated[
    Path, Argument(readable=False, metavar="FILE", help="The SQLite file, such as contacts.db.")
]
Full = Annotated[
    bool,
    Option(
        "--full",
        "--detect-deletions",
        help="Read all contacts again, and mark those that are gone.",
    ),
]
Rebind = Annotated[bool, Option("--rebind", help="Accept a new base URL with the same team.")]
Every = Annotated[str | None, Option(metavar="TIME", help="Repeat with this pause: 30s, 5m, 1h.")]

# Of an import

ImportPath = Annotated[
    Path, Argument(readable=False, metavar="FILE", help="The file, or - for standard input.")
]
ImportFormat = Annotated[
    FileFormat | None,
    Option("--format", help="The format of FILE.  [default: by its content and its name]"),
]
Delimiter = Annotated[
    str | None,
    Option(metavar="CHARACTER", help='CSV: the delimiter, such as ";" or "tab".  [default: found]'),
]
Encoding = Annotated[
    str | None,
    Option(metavar="NAME", help="Text: the encoding, such as windows-1252.  [default: found]"),
]
Mapped = Annotated[
    list[str] | None,
    Option(
        "--map",
        metavar="COLUMN=FIELD",
        help="The meaning of a column: a field of a contact, the title of a custom field,"
        ' custom:TITLE or custom:ID; repeatable. Of several columns, as in "Mobile,Work=phone",'
        " the first that is filled counts.",
    ),
]
Ignored = Annotated[
    list[str] | None, Option("--ignore", metavar="COLUMN", help="A column to skip; repeatable.")
]
IgnoreOthers = Annotated[
    bool,
    Option("--ignore-others", help="Skip unknown columns, even if they look like misspelt fields."),
]
IgnoreOptOuts = Annotated[
    bool, Option("--ignore-opt-outs", help="Skip the columns that say who must not be texted.")
]
Region = Annotated[
    str | None,
    Option(metavar="COUNTRY", help="Country of phones without a country code, such as US."),
]
DropExtensions = Annotated[
    bool, Option("--drop-extensions", help="Import phones without their extensions.")
]
CreateTags = Annotated[bool, Option("--create-tags", help="Create tags that do not exist.")]
Overwrite = Annotated[bool, Option("--overwrite", help="Update contacts that exist but differ.")]
DryRun = Annotated[bool, Option("--dry-run", help="Compare with the account, but write nothing.")]
YesToImport = Annotated[bool, Option("--yes", help="Import without asking.")]
Outcomes = Annotated[
    Path | None,
    Option(
        metavar="FILE",
        help="Write the outcome of each row here.  [default: FILE.outcomes.jsonl]",
    ),
]
Rejected = Annotated[
    Path | None,
    Option(
        metavar="FILE", help="Write the rejected rows here.  [default: FILE.rejected.csv or .jsonl]"
    ),
]
Resume = Annotated[
    bool, Option("--resume", help="Continue an interrupted import, as happens without it.")
]
RestartImport = Annotated[
    bool, Option("--restart", help="Discard the outcomes of an earlier run. Resume without it.")
]
# Of texts

Inbox = Annotated[
    int,
    Option("--inbox", metavar="ID", parser=integer(1), help="The id of the inbox to send from."),
]
Creator = Annotated[
    int, Option("--creator", metavar="ID", parser=integer(1), help="The member id of the sender.")
]
Text = Annotated[
    str | None,
    Option(metavar="TEXT", help='The text, with columns in braces: "Hi {first}".'),
]
Template = Annotated[
    int | None,
    Option("--template", metavar="ID", parser=integer(1), help="A template, instead of a text."),
]
MediaUrl = Annotated[
    str | None, Option(metavar="URL", help="A public URL of a picture or another file.")
]
Defaults = Annotated[
    list[str] | None,
    Option(
        "--default",
        metavar="COLUMN=VALUE",
        help='The words for an empty column, such as "first=there"; repeatable.',
    ),
]
SkipEmpty = Annotated[
    bool, Option("--skip-empty", help="Skip people for whom a column of the text is empty.")
]
Repeats = Annotated[
    bool, Option("--repeats", help="Send every row, also if an earlier row has its phone.")
]
Limit = Annotated[
    int, Option(metavar="N", parser=integer(1), help="The most texts to send without --yes.")
]
DryRunOfTexts = Annotated[
    bool, Option("--dry-run", help="Show texts and numbers, but send nothing.")
]
YesToSend = Annotated[bool, Option("--yes", help="Send without asking, however many they are.")]
SendOutcomes = Annotated[
    Path | None,
    Option(metavar="FILE", help="Write the outcome of each row here.  [default: FILE.texts.jsonl]"),
]
RestartTexts = Annotated[
    bool,
    Option(
        "--restart",
        help="Discard the outcomes of an earlier run: text everybody again. Resume without it.",
    ),
]

BatchSize = Annotated[int, Option(metavar="N", parser=integer(1), help="Rows per request.")]
Requests = Annotated[
    int, Option(metavar="N", parser=integer(1, MOST_AT_ONCE), help="Requests at the same time.")
]


def phone_of(text: str, region: str | None) -> str:
    """Return a phone, read as people of a region write it if one is given."""
    if region is None:
        return text
    from heymarket_async.phones import parse_phone  # noqa: PLC0415 - no help needs it

    return parse_phone(text, region=region)


def contact_id_of(text: str) -> int | UUID:
    """Return the id of a contact, which is an integer in v1 and a UUID in v2."""
    try:
        if not text.isdecimal():
            return UUID(text)
        if (number := int(text)) > LARGEST:
            raise BadParameter("ID is too large for an id.")
        if number:
            return number
    except ValueError:  # also of an integer with thousands of digits
        pass
    raise BadParameter("ID must be a positive integer or a UUID.")


_OTHER_FORMATS = frozenset(
    {
        ".csv",
        ".gz",
        ".json",
        ".jsonl",
        ".ndjson",
        ".parquet",
        ".tsv",
        ".txt",
        ".xls",
        ".xlsx",
        ".zst",
    }
)
"""The endings of files that are not SQLite."""


def check_sync_path(path: Path) -> None:
    """Check that a file of a sync can be there, and that a new one is named as an SQLite file."""
    if str(path) == "-":
        raise BadParameter(
            "FILE must be an SQLite file, such as contacts.db. To write the contacts to standard"
            " output, use heymarket contacts export -."
        )
    if path.suffix.lower() in _OTHER_FORMATS and not path.exists():
        raise BadParameter(
            f"FILE ends in {path.suffix}, but a sync keeps an SQLite file. Name it"
            f" {path.with_suffix('.db')}, or use heymarket contacts export {path}."
        )
    check_folder(path)


def check_export_paths(path: Path, report: Path | None) -> None:
    """Check that the files of an export can be written, before the account is read."""
    check_folder(path)
    if report is None:
        return
    if str(report) == "-":
        raise BadParameter("--report must be a file. For standard output, use --json instead.")
    check_folder(report)
    check_place(real_path(report))


def check_folder(path: Path) -> None:
    """Check that a file can be made here: it is not a folder, and is in one.

    Raises:
        OSError: It cannot.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
