#!/usr/bin/env bash
# Version: vobject 0.9.9.
# Seen: `readComponents` decodes quoted-printable values, but joins the lines of one only with
#   `allowQP=True`. Outlook breaks such a value behind each encoded line break, so each line of a note
#   begins a line of the file. If one reads "Tel:+12125550199", the contact has one more number, and the
#   note ends before it. With "Email:" it gets an e-mail. Another text there raises a ParseError, and the
#   cards that follow are not read.
# Guessed: that a reader which decodes a value knows where it ends, or that it raises in all cases.
# Matters: Outlook and older phones write version 2.1, where notes look like this, and a note often says
#   whose number it holds. An import would give somebody else's number to the contact, without an error, and
#   the words that would show it are lost. It is one reason why we read such files ourselves.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check vobject==0.9.9
"$folder/venv/bin/python" - <<'END'
import sys

import vobject
from vobject.base import ParseError

SHOWN = ("NOTE", "TEL", "EMAIL")


def card(name: str, note: str = "") -> str:
    lines = ["BEGIN:VCARD", "VERSION:2.1", f"N:{name};;;;", f"FN:{name}", "TEL;CELL:+12125550123"]
    if note:
        encoded = note.replace("\n", "=0D=0A=\r\n")
        lines.append(f"NOTE;ENCODING=QUOTED-PRINTABLE:{encoded}")
    return "".join(f"{line}\r\n" for line in [*lines, "END:VCARD"])


def read(note: str, **options: bool) -> list[str]:
    """Return the contacts that are read from three cards, of which the second has this note."""
    seen = []
    try:
        for contact in vobject.readComponents(card("Ana") + card("Bo", note) + card("Cy"), **options):
            lines = (line for line in contact.lines() if line.name in SHOWN)
            values = sorted(f"{line.name}={' / '.join(line.value.splitlines())}" for line in lines)
            seen.append(" ".join([contact.fn.value, *values]))
    except ParseError as error:
        seen.append(type(error).__name__)
    return seen


TEL = "TEL=+12125550123"
JOIN = {"allowQP": True}
ANA, CY = f"Ana {TEL}", f"Cy {TEL}"
cases = [
    ("Ask Di.\nTel:+12125550199", {}, [ANA, f"Bo NOTE=Ask Di. {TEL} TEL=+12125550199", CY]),
    ("Ask Di.\nEmail:di@example.com", {}, [ANA, f"Bo EMAIL=di@example.com NOTE=Ask Di. {TEL}", CY]),
    ("Ask Di.\nOr Ed.", {}, [ANA, "ParseError"]),
    ("Ask Di.\nTel:+12125550199", JOIN, [ANA, f"Bo NOTE=Ask Di. / Tel:+12125550199 {TEL}", CY]),
    ("Ask Di.\nOr Ed.", JOIN, [ANA, f"Bo NOTE=Ask Di. / Or Ed. {TEL}", CY]),
]
changed = False
for note, options, expected in cases:
    seen = read(note, **options)
    print(f"{note!r} {'joined' if options else ''}", *seen, sep="\n  ")
    changed |= seen != expected
if changed:
    sys.exit("the behaviour changed")
END
