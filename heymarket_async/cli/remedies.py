"""The problem and the remedy of an error, in the words of the command."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from heymarket_async.bulk.errors import JobError
from heymarket_async.extras import install

_REMEDIES: dict[str, str] = {
    "empty_text_field": "Nothing was sent. Rows count from 1, without the headings. Give a default"
    ' with --default "{field}=there", or leave such rows out with --skip-empty.',
    "ignored_opt_outs": "To text these people nevertheless, use --ignore-opt-outs.",
    "no_right_to_create_tags": "Get that right, or leave out --create-tags.",
    "no_phone_column": 'Map one with --map "COLUMN=phone".',
    "no_region": "Name the country of these phones with --region, such as --region US.",
    "not_outcomes": "Name another file with --outcomes.",
    "other_import": "Use the options that it began with, begin anew with --restart, or name another"
    " file with --outcomes.",
    "other_kind": "Name another file with --outcomes.",
    "other_outcomes": "Begin anew with --restart, or name another file with --outcomes.",
    "outcomes_exist": "Resume that job with --resume, begin anew with --restart, or name another"
    " file with --outcomes.",
    "outcomes_missing": "Name the file of that job with --outcomes.",
    "not_utf_8": "Use --encoding {encoding}, or save the file as UTF-8.",
    "same_field": "Skip one with --ignore {skipped}, or rename one if both have the same name.",
    "same_title": 'Map the column by the id: --map "COLUMN=custom:{custom_id}".',
    "too_many_recipients": "Nothing was sent. Look at them with --dry-run, then send them with"
    " --yes.",
    "too_many_new_tags": 'If the column holds other text, skip it with --ignore "{column}". If not,'
    " the next run creates more.",
    "unread_tags": "Get the right to read tags, or leave out --create-tags.",
    "unknown_columns": 'Map one with --map "{column}={field}", skip one with --ignore {skipped}, or'
    " skip all unknown ones with --ignore-others. The fields are {fields}.",
    "unknown_encoding": "Use a name such as utf-8, windows-1252, mac-roman, shift-jis or gb18030.",
    "unknown_text": f"Install it with: {install('import')}. Or use --encoding.",
    "unknown_opt_outs": "Use yes and no in it, or skip it with --ignore-opt-outs.",
    "unread_custom_fields": 'Map one with --map "{column}={field}", skip one with --ignore'
    " {skipped}, or get the right to read custom fields. The fields are {fields}.",
    "wrong_delimiter": "If that divides the cells, use --delimiter {delimiter}.",
    "wrong_encoding": "Use another --encoding, or save the file as UTF-8.",
    "damaged_export": "Start anew with --restart.",
    "other_format": "Continue that export, start anew with --restart, or name another folder.",
    "no_checkpoint": "Leave out --checkpoint.",
    "too_large_for_xlsx": "Export into a .csv file.",
    "moved_account": "Name another file, or use --rebind if the account has moved.",
    "other_checkpoint": "Start anew with --restart, or name another file.",
}
"""By `JobError.reason`; `{names}` in braces are filled in from `JobError.about`."""


def message_of(error: JobError) -> str:
    """Return the problem, and the remedy in the words of the command, or else of the library."""
    remedy = _REMEDIES.get(error.reason)
    # The library's remedy is not a template: it may hold braces, as of a column's name.
    remedy = error.remedy if remedy is None else remedy.format_map(error.about)
    return f"{error.problem} {remedy}".rstrip()


def message_of_os(error: OSError) -> str:
    """Return the problem with a file, a disk or a port, and the remedy, without error numbers."""
    # A note on how to resume says this by itself.
    again = "." if hasattr(error, "__notes__") else ", then run the same command again."
    if error.errno == errno.EADDRINUSE:
        port = re.search(r", (\d+)[,)]", str(error))
        which = f"Port {port[1]}" if port else "The port"
        return (
            f"{which} is in use. Stop the program that uses it, or choose another port; --port 0"
            " takes a free one."
        )
    # Any other text is our own, or that of a library.
    if error.errno and error.strerror == os.strerror(error.errno):
        if error.errno == errno.ENOSPC:
            return f"The disk is full. Make room{again}"
        if error.errno == errno.EDQUOT:
            return f"The disk quota is used up. Free some of it{again}"
        if error.errno == errno.EMFILE:
            return f"Too many files are open at once. Raise the limit (ulimit -n){again}"
        if error.errno == errno.EFBIG:
            return (
                "A file would be larger than it may be here. Raise the limit (ulimit -f), or use"
                f" another disk{again}"
            )
        if isinstance(error.filename, str) and (words := _WORDS.get(error.errno)):
            if error.filename == ".":
                return "The path is empty, or is this folder. Name a file."
            folder = Path(error.filename).absolute().parent
            if error.errno == errno.ENOENT and not folder.is_dir():
                return f"The folder {folder} does not exist."
            return words.format(path=error.filename)
    return str(error).removeprefix(f"[Errno {error.errno}] ")


_WORDS = {
    errno.ENOENT: "{path} does not exist.",
    errno.EISDIR: "{path} is a folder. Name a file.",
    errno.ENOTDIR: "{path} is below a file. Name a folder that exists.",
    errno.EACCES: "{path} cannot be opened: this user has no permission.",
    errno.EROFS: "{path} cannot be written: its disk is read-only.",
}
