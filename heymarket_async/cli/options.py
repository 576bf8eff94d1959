"""The arguments and options of the commands, and the checks of their values.

A parameter has the name of the library's argument that it is passed to. So an error about that
argument can name the option (`running.Commands`).
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

from typer import Argument, BadParameter, Option

from heymarket_async.bulk.contact_files.file_format import FileFormat
from heymarket_async.bulk.store.private_files import check_place, real_path

DATABASES = frozenset({".db", ".sqlite", ".sqlite3"})
"""The endings of SQLite files."""


class Surface(StrEnum):
    """The list of contacts to read: of the v1 or of the v2 endpoints."""

    V1 = "v1"
    V2 = "v2"


# Of several commands

Json = Annotated[bool, Option("--json", help="Print JSON, for programs.")]
Quiet = Annotated[bool, Option("--quiet", help="Show no progress.")]
SandboxSize = Annotated[
    int | None,
    Option("--sandbox", metavar="N", min=0, help="Use a built-in sandbox with N contacts."),
]
Since = Annotated[
    str | None,
    Option(
        "--since",
        metavar="TIME",
        help="Only contacts updated after this time, such as 2026-04-12T15:30:00Z.",
    ),
]
ReadFrom = Annotated[Surface, Option("--surface", help="The API version to list contacts with.")]
PageSize = Annotated[
    int | None,
    Option(metavar="N", min=1, help="Contacts per request. Default: as many as Heymarket gives."),
]
Parts = Annotated[int, Option(metavar="N", min=1, help="Parts of the account to read at once.")]

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
    list[int] | None, Option("--tag", metavar="ID", help="The id of a tag; repeatable.")
]
Replace = Annotated[bool, Option("--overwrite", help="Remove custom fields that are not given.")]
Yes = Annotated[bool, Option("--yes", help="Delete without asking.")]
Phones = Annotated[
    list[str] | None, Option("--phone", metavar="PHONE", help="A phone; repeatable.")
]
Emails = Annotated[
    list[str] | None, Option("--email", metavar="EMAIL", help="An email; repeatable.")
]

# Of an export

ExportPath = Annotated[
    Path,
    Argument(
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
    Option("--conversation", metavar="ID", min=1, help="Only messages of this conversation."),
]
WithPhone = Annotated[
    str | None, Option("--phone", metavar="PHONE", help="Only messages with this phone.")
]
InboxOfPhone = Annotated[
    int | None, Option("--inbox", metavar="ID", min=1, help="The inbox of --phone.")
]
Inboxes = Annotated[
    list[int] | None,
    Option("--inbox", metavar="ID", min=1, help="Only this inbox; repeatable.  [default: all]"),
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
        "--page-size", metavar="N", min=1, help="Per request. Default: as many as Heymarket gives."
    ),
]

# Of a sync

SyncPath = Annotated[Path, Argument(metavar="FILE", help="The SQLite file, such as contacts.db.")]
DetectDeletions = Annotated[
    bool, Option("--detect-deletions", help="Read all contacts, and mark those that are gone.")
]
Rebind = Annotated[bool, Option("--rebind", help="Accept a new base URL with the same team.")]
Every = Annotated[str | None, Option(metavar="TIME", help="Repeat with this pause: 30s, 5m, 1h.")]

# Of an import

ImportPath = Annotated[Path, Argument(metavar="FILE", help="The file, or - for standard input.")]
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
    int, Option("--inbox", metavar="ID", min=1, help="The id of the inbox to send from.")
]
Creator = Annotated[
    int, Option("--creator", metavar="ID", min=1, help="The member id of the sender.")
]
Text = Annotated[
    str | None,
    Option(metavar="TEXT", help='The text, with columns in braces: "Hi {first}".'),
]
Template = Annotated[
    int | None, Option("--template", metavar="ID", help="A template, instead of a text.")
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
Limit = Annotated[int, Option(metavar="N", min=1, help="The most texts to send without --yes.")]
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

BatchSize = Annotated[int, Option(metavar="N", min=1, help="Rows per request.")]
Requests = Annotated[int, Option(metavar="N", min=1, help="Requests at the same time.")]


def contact_id_of(text: str) -> int | UUID:
    """Return the id of a contact, which is an integer in v1 and a UUID in v2."""
    try:
        if not text.isdecimal():
            return UUID(text)
        if number := int(text):
            return number
    except ValueError:  # also of an integer with thousands of digits
        pass
    raise BadParameter("ID must be a positive integer or a UUID.")


def check_export_paths(path: Path, report: Path | None) -> None:
    """Check that the files of an export can be written, before the account is read."""
    if path.is_dir():
        raise BadParameter("PATH is a folder. Name a file in it.")
    if not path.absolute().parent.is_dir():
        raise BadParameter("The folder of PATH does not exist.")
    if report is None:
        return
    place = real_path(report)
    if place == path.resolve():
        raise BadParameter("--report must be another file than PATH.")
    if not report.absolute().parent.is_dir():
        raise BadParameter("The folder of --report does not exist.")
    check_place(place)
