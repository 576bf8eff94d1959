"""Recognizes the format of a file, by its content and then by its name."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from enum import StrEnum
from pathlib import PurePath
from typing import BinaryIO

from heymarket_async.bulk.contact_files.encoding import declared_encoding


class FileFormat(StrEnum):
    """The formats that can be read. `CSV` is any text with delimited cells."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    XLSX = "xlsx"
    XLS = "xls"
    XLSB = "xlsb"
    ODS = "ods"
    VCF = "vcf"
    PARQUET = "parquet"
    SQLITE = "sqlite"


TEXTS = frozenset({FileFormat.CSV, FileFormat.TSV, FileFormat.JSONL, FileFormat.VCF})
DELIMITED = frozenset({FileFormat.CSV, FileFormat.TSV})
SPREADSHEETS = frozenset({FileFormat.XLSX, FileFormat.XLS, FileFormat.XLSB, FileFormat.ODS})
_BY_SUFFIX = {
    **{f".{each}": each for each in FileFormat},
    ".tab": FileFormat.TSV,
    ".ndjson": FileFormat.JSONL,
    ".xlsm": FileFormat.XLSX,
    ".vcard": FileFormat.VCF,
}
_EXPORT_IT = "Export the contacts as CSV, .xlsx or .vcf."
_UNPACK_IT = "Unpack it, and name the file with the contacts."
_SAVE_IT = "Open it in a spreadsheet, and save it as .xlsx or CSV."
_BY_MARK = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": FileFormat.XLS,
    b"PAR1": FileFormat.PARQUET,
    b"SQLite format 3\0": FileFormat.SQLITE,
}
_OTHERS = {
    rb"%PDF": ("a PDF", _EXPORT_IT),
    rb"\x89PNG|\xff\xd8\xff|GIF8|BM.{4}\0{4}|II\*\0|MM\0\*|RIFF.{4}WEBP|.{4}ftyp(?:hei|mif|avif)": (
        "a picture", _EXPORT_IT
    ),
    rb"Rar!|7z\xbc\xaf|BZh\d|\xfd7zXZ|.{257}ustar": ("an archive", _UNPACK_IT),
    rb"\{\\rtf": ("a text document (RTF)", _EXPORT_IT),
    rb"\x7fELF|MZ\x90|\xca\xfe\xba\xbe": ("a program", "Name another file."),
    rb"bplist": ("a property list", _EXPORT_IT),
    rb"ARROW1|FEA1|Obj\x01": ("a data file of another kind", "Save it as CSV or Parquet."),
}  # fmt: skip
_OTHERS_IN_TEXT = {
    r"<!doctype html|<html|<head|<body|<table|<meta|<style|<div": ("a web page (HTML)", _SAVE_IT),
    r"<\?xml.*urn:schemas-microsoft-com:office:spreadsheet": ("an XML spreadsheet", _SAVE_IT),
    r"<\?xml|<\w": ("XML", _EXPORT_IT),
    r"BEGIN:VCALENDAR": ("a calendar", _EXPORT_IT),
    r"dn:\s|version:\s*1\s*\ndn:": ("LDIF", _EXPORT_IT),
}
"""By a pattern at the beginning: what a file is that cannot be read, and what to do."""

_HEADINGS = re.compile(r"[^\r\n:{[]*[,;\t|][^\r\n:]*([\r\n]|$)")
_SIGNS_IN_TEXT = {
    r"BEGIN:VCARD": FileFormat.VCF,
    r'\{\s*(?:"|\}|$)': FileFormat.JSONL,
    r"\[\s*(?:\{|\]|$)": FileFormat.JSONL,
}


_START = 4096
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1f]")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_IN_ZIP = {"xl/": FileFormat.XLSX, "content.xml": FileFormat.ODS}
_OTHERS_IN_ZIP = {
    "word/": ("a Word document", _EXPORT_IT),
    "ppt/": ("a PowerPoint document", _EXPORT_IT),
    "Index": ("a document of Numbers", "Export it from Numbers as CSV or .xlsx."),
}


def format_of(head: bytes, path: PurePath, whole: Callable[[], BinaryIO]) -> FileFormat:
    """Return the format of a file.

    Args:
        head: Its first bytes.
        path: Its name, which counts where the content could be of several formats.
        whole: Returns all of it, as a file that can seek; called for a zip archive only.

    Raises:
        ValueError: It is of another kind, or damaged. The message says what it is and what to do.
    """
    if head.startswith(_ZIP):
        return _format_in_zip(whole())
    for mark, found in _BY_MARK.items():
        if head.startswith(mark):
            return found
    for pattern, (kind, remedy) in _OTHERS.items():
        if re.match(pattern, head, re.DOTALL):
            raise _refusal(kind, remedy)
    return _format_of_text(head[:_START], _BY_SUFFIX.get(path.suffix.casefold()))


def _format_of_text(head: bytes, by_name: FileFormat | None) -> FileFormat:
    encoding = declared_encoding(head)
    start = head.decode(encoding or "utf-8", "replace").lstrip("\ufeff \t\r\n")
    for pattern, found in _SIGNS_IN_TEXT.items():
        if re.match(pattern, start, re.IGNORECASE):
            return found
    for pattern, (kind, remedy) in _OTHERS_IN_TEXT.items():
        if re.match(pattern, start, re.IGNORECASE | re.DOTALL):
            raise _refusal(kind, remedy)
    if encoding is None and len(_CONTROL.findall(head)) * 10 > len(head):
        raise _refusal("no text, and no file of a kind that can be read", _EXPORT_IT)
    if _HEADINGS.match(start):  # no line of a vCard or of JSON
        return FileFormat.TSV if by_name is FileFormat.TSV else FileFormat.CSV
    # A text with the name of a spreadsheet is a table that a program named so.
    return by_name if by_name is not None and by_name in TEXTS else FileFormat.CSV


def _format_in_zip(file: BinaryIO) -> FileFormat:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise ValueError("The file is damaged or not whole. Save or download it again.") from None
    for start, found in _IN_ZIP.items():
        if any(name.startswith(start) for name in names):
            return found
    for start, (kind, remedy) in _OTHERS_IN_ZIP.items():
        if any(name.startswith(start) for name in names):
            raise _refusal(kind, remedy)
    raise _refusal("a zip archive", _UNPACK_IT)


def _refusal(kind: str, remedy: str) -> ValueError:
    return ValueError(f"This is {kind}. {remedy}")
