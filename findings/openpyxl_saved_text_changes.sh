#!/usr/bin/env bash
# Versions: openpyxl 3.1.5, xlsxwriter 3.3.1 and python-calamine 0.9.1.
# Seen: in an .xlsx file `_x0041_` stands for "A", so a text that really holds these characters is written
#   as `_x005F_x0041_`. openpyxl takes out each "x005F_" when it reads, even that of "0x005F_1", and puts
#   none in when it saves. So a workbook that it only opened and saved holds another text: "size_x0041_" has
#   become "sizeA" for python-calamine. openpyxl itself still reads the old text, so a test with it alone
#   sees no change. xlsxwriter writes the long form, but of two that share a "_" only for the first:
#   "_x0041_x0042_" is read as "_x0041B".
# Guessed: that a library which reads the escape also writes it, and that opening and saving keeps a text.
# Matters: programs make such names, of files and of fields. Our export writes a custom field with
#   xlsxwriter, a user's script adds a column with openpyxl, our import reads it with calamine, and the
#   field has changed though nobody changed it. A round trip must be tested across the libraries.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
    openpyxl==3.1.5 xlsxwriter==3.3.1 python-calamine==0.9.1
cd "$folder"
"$folder/venv/bin/python" - <<'END'
import sys

import openpyxl
import xlsxwriter
from python_calamine import CalamineWorkbook

TEXTS = ["size_x0041_", "file_x005F_1", "_x0041_x0042_", "id 0x005F_1", "size_x41_"]
BY_OPENPYXL = ["size_x0041_", "file_1", "_x0041_x0042_", "id 01", "size_x41_"]
BY_CALAMINE = ["size_x0041_", "file_x005F_1", "_x0041B", "id 0x005F_1", "size_x41_"]
AFTER_SAVING = ["sizeA", "file_1", "Ax0042_", "id 01", "size_x41_"]


def write(file: str) -> None:
    book = xlsxwriter.Workbook(file)
    book.add_worksheet().write_row(0, 0, TEXTS)
    book.close()


def with_openpyxl(file: str) -> list[str]:
    return [cell.value for cell in openpyxl.load_workbook(file).active[1]]


def with_calamine(file: str) -> list[str]:
    return CalamineWorkbook.from_path(file).get_sheet_by_index(0).to_python()[0]


write("written.xlsx")
openpyxl.load_workbook("written.xlsx").save("saved.xlsx")
print("written", *TEXTS, sep="\n  ")
steps = [
    ("written by xlsxwriter, read by openpyxl", with_openpyxl("written.xlsx"), BY_OPENPYXL),
    ("written by xlsxwriter, read by calamine", with_calamine("written.xlsx"), BY_CALAMINE),
    ("then saved by openpyxl, read by openpyxl", with_openpyxl("saved.xlsx"), BY_OPENPYXL),
    ("then saved by openpyxl, read by calamine", with_calamine("saved.xlsx"), AFTER_SAVING),
]
for title, seen, _ in steps:
    print(title, *seen, sep="\n  ")
if any(seen != expected for _, seen, expected in steps):
    sys.exit("the behaviour changed")
END
