#!/usr/bin/env bash
# Version: phonenumbers 9.0.43.
# Seen: a word of three letters or more behind a number is read as the keys of a telephone, and put at its
#   end: "030 123456 (home)" of Germany becomes +49 30 1234564663. Where numbers have no fixed length,
#   `is_valid_number` is true of that, too. The same word before the number is left out, and one of two
#   letters behind it as well. `PhoneNumberMatcher` finds the right number in the same text.
# Guessed: that a remark is left out wherever it stands, or that the text is refused, or at least that the
#   check for validity finds it. Letters as keys would be guessed for "1-800-FLOWERS" only.
# Matters: in address books people write whose phone it is, and an import reads such a column. In the
#   United States the number gets too long, and is refused; in Austria and Germany it is somebody else's,
#   who then gets the messages. So letters must be refused before the parser sees them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check phonenumbers==9.0.43
"$folder/venv/bin/python" - <<'END'
import sys

import phonenumbers


def read(text: str, region: str) -> tuple[str, bool, str]:
    """Return the number that `parse` reads, whether it is valid, and the number that is found."""
    number = phonenumbers.parse(text, region)
    found = next(iter(phonenumbers.PhoneNumberMatcher(text, region))).number
    e164 = phonenumbers.PhoneNumberFormat.E164
    return (
        phonenumbers.format_number(number, e164),
        phonenumbers.is_valid_number(number),
        phonenumbers.format_number(found, e164),
    )


RIGHT_DE, RIGHT_AT, RIGHT_US = "+4930123456", "+436641234567", "+12125550123"
cases = {
    ("030 123456 (home)", "DE"): ("+49301234564663", True, RIGHT_DE),
    ("030 123456 work", "DE"): ("+49301234569675", True, RIGHT_DE),
    ("home 030 123456", "DE"): (RIGHT_DE, True, RIGHT_DE),
    ("030 123456 hm", "DE"): (RIGHT_DE, True, RIGHT_DE),
    ("0664 1234567 Ana", "AT"): ("+436641234567262", True, RIGHT_AT),
    ("0664 1234567 Jo", "AT"): (RIGHT_AT, True, RIGHT_AT),
    ("212 555 0123 work", "US"): ("+121255501239675", False, RIGHT_US),
}
changed = False
for (text, region), expected in cases.items():
    seen = read(text, region)
    parsed, valid, found = seen
    print(f"{text:18} {region}  parsed {parsed:17} {'valid' if valid else 'not valid':10} found {found}")
    changed |= seen != expected
if changed:
    sys.exit("the behaviour changed")
END
