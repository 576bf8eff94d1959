#!/usr/bin/env bash
# Versions: python-calamine 0.9.1 and pandas 3.1.1; with odfpy 1.4.1, openpyxl 3.1.5 and phonenumbers 9.0.43.
# Seen: a tab inside a cell of an .ods file is an element of its own, `<text:tab/>`, as LibreOffice writes
#   it. python-calamine and both engines of pandas leave it out and put nothing in its place: "Ana<tab>Li"
#   becomes "AnaLi". The other element for white space, `<text:s/>`, they read right. In an .xlsx file the
#   same call keeps the tab. odfpy, with which the engine "odf" reads, has a function that keeps it.
# Guessed: that a tab is kept or becomes a space, and that a reader which knows one of the elements for
#   white space knows the other.
# Matters: tabs get into cells by pasting. A cell with two phone numbers becomes one long number, and in
#   Germany, where numbers have no fixed length, it can be valid, and somebody else's. With the tab, an
#   import would see two numbers. That a name was joined cannot be seen at all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
    python-calamine==0.9.1 pandas==3.1.1 odfpy==1.4.1 openpyxl==3.1.5 phonenumbers==9.0.43
cd "$folder"
"$folder/venv/bin/python" - <<'END'
import sys
import zipfile

import openpyxl
import pandas
import phonenumbers
from odf import teletype
from odf.opendocument import OpenDocumentSpreadsheet, load
from odf.table import Table, TableCell, TableRow
from odf.text import P
from python_calamine import CalamineWorkbook

TEXTS = ["Ana\tLi", "030 12345\t030 6789", "Ana   Li"]


def write_ods() -> None:
    book, table, row = OpenDocumentSpreadsheet(), Table(name="contacts"), TableRow()
    for text in TEXTS:
        cell, paragraph = TableCell(valuetype="string"), P()
        teletype.addTextToElement(paragraph, text)
        cell.addElement(paragraph)
        row.addElement(cell)
    table.addElement(row)
    book.spreadsheet.addElement(table)
    book.save("contacts.ods")


def write_xlsx() -> None:
    book = openpyxl.Workbook()
    book.active.append(TEXTS)
    book.save("contacts.xlsx")


def calamine(file: str) -> list[str]:
    return CalamineWorkbook.from_path(file).get_sheet_by_index(0).to_python()[0]


def with_odfpy(file: str) -> list[str]:
    return [teletype.extractText(cell) for cell in load(file).getElementsByType(TableCell)]


def with_pandas(file: str, engine: str) -> list[str]:
    return pandas.read_excel(file, engine=engine, header=None).values.tolist()[0]


write_ods()
write_xlsx()
content = zipfile.ZipFile("contacts.ods").read("content.xml")
assert b"Ana<text:tab/>Li" in content and b'Ana <text:s text:c="2"/>Li' in content
JOINED = [text.replace("\t", "") for text in TEXTS]
cases = {
    "python-calamine, .ods": (calamine("contacts.ods"), JOINED),
    "python-calamine, .xlsx": (calamine("contacts.xlsx"), TEXTS),
    "pandas with odf, .ods": (with_pandas("contacts.ods", "odf"), JOINED),
    "pandas with calamine, .ods": (with_pandas("contacts.ods", "calamine"), JOINED),
    "pandas with calamine, .xlsx": (with_pandas("contacts.xlsx", "calamine"), TEXTS),
    "odfpy, .ods": (with_odfpy("contacts.ods"), TEXTS),
}
for title, (seen, _) in cases.items():
    print(f"{title:28} {seen}")
number = phonenumbers.parse(calamine("contacts.ods")[1], "DE")
print(f"{JOINED[1]!r} is valid in Germany: {phonenumbers.is_valid_number(number)}")
if not phonenumbers.is_valid_number(number) or any(seen != expected for seen, expected in cases.values()):
    sys.exit("the behaviour changed")
END
