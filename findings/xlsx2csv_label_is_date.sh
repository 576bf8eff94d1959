#!/usr/bin/env bash
# Versions: xlsx2csv 0.8.6, with polars 2.1.0, openpyxl 3.1.5 and xlsxwriter 3.3.1.
# Seen: a number format of a workbook may hold words between quotes, as in `0" days"`. If such a word has
#   one of the letters d, h, m, s and y, xlsx2csv takes the number for a date and fills it into the format,
#   and the number is gone: 41 becomes `0" 09ays"`, or with `0" points"` the format itself. Below 1 it
#   becomes a time of day, below 0 it stays. A number that is too big for a date, as phone numbers are, ends
#   the whole sheet with an AttributeError. "(work)" has none of these letters, and is read right; "(home)"
#   is not. Polars returns the same texts with `read_excel(engine="xlsx2csv")`.
# Guessed: that words between quotes are not read as codes. openpyxl returns the number in all cases.
# Matters: people save a workbook as CSV before an import, and on a server they do it with this tool. Sheets
#   of contacts hold points, visits and days since an order, formatted like that. All is text afterwards,
#   so nothing that comes later can tell. An import should read the workbook itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
    xlsx2csv==0.8.6 polars==2.1.0 openpyxl==3.1.5 xlsxwriter==3.3.1
cd "$folder"
"$folder/venv/bin/python" - <<'END'
import csv
import io
import sys

import openpyxl
import polars
import xlsxwriter
from xlsx2csv import Xlsx2csv

cases = [
    (41, '0" (work)"', "41"),
    (41, '0" (home)"', '0" (12o02e)"'),
    (41, '0" days"', '0" 09ays"'),
    (41, '0" points"', '0" points"'),
    (41.5, '0.0" days"', '0.0" 09ays"'),
    (0.4, '0.0" days"', "09:36"),
    (-41, '0" days"', "-41"),
    (41, '0" kg"', "41"),
    (41, '0" km"', '0" k02"'),
    (41, '0;0;"empty"', '0;0;"e02pty"'),
]


def write(cells: list) -> None:
    book = xlsxwriter.Workbook("contacts.xlsx")
    sheet = book.add_worksheet()
    sheet.write(0, 0, "value")
    for row, (number, number_format, _) in enumerate(cells, start=1):
        sheet.write_number(row, 0, number, book.add_format({"num_format": number_format}))
    book.close()


def convert() -> list[str]:
    output = io.StringIO()
    Xlsx2csv("contacts.xlsx").convert(output)
    return [row[0] for row in csv.reader(io.StringIO(output.getvalue()))][1:]


write(cases)
converted = convert()
frame = polars.read_excel("contacts.xlsx", engine="xlsx2csv")["value"].to_list()
sheet = openpyxl.load_workbook("contacts.xlsx").active
right = [cell.value for (cell,) in sheet.iter_rows(min_row=2)]
for (number, number_format, _), seen in zip(cases, converted, strict=True):
    print(f"{number:5} as {number_format:14} {seen}")
changed = converted != [expected for _, _, expected in cases]
changed |= frame != converted or right != [number for number, _, _ in cases]
for number_format, expected in {'0" (work)"': "2125550123", '0" (home)"': "AttributeError"}.items():
    write([(2125550123, number_format, "")])
    try:
        (seen,) = convert()
    except AttributeError as error:
        seen = type(error).__name__
    print(f"2125550123 as {number_format} {seen}")
    changed |= seen != expected
if changed:
    sys.exit("the behaviour changed")
END
