#!/usr/bin/env bash
# Version: msgspec 0.22.0.
# Seen: list[msgspec.Raw] refuses a text with half a surrogate pair, such as "\ud83d", although a Raw
#   is never decoded. If it stands near the end, the words are "Input data was truncated"; further in,
#   they are "JSON is malformed: unexpected end of hex escape". Bytes that are not UTF-8 pass a Raw.
# Guessed: the other way round. RFC 8259 allows any four hex digits behind \u, and says that the meaning
#   of half a pair is open: so a reader that only looks for where a value ends lets it by. A text that
#   is not UTF-8 is no JSON at all. "Truncated" should mean that bytes are missing.
# Matters: one contact with such a name ended every page that was read as raw rows. The words sent the
#   reader to look for a broken connection, and to ask for the page again, in vain.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check msgspec==0.22.0
"$folder/venv/bin/python" - <<'END'
import json
import sys

import msgspec

rows = msgspec.json.Decoder(list[msgspec.Raw])


def outcome(body: bytes) -> str:
    try:
        return f"{len(rows.decode(body))} rows"
    except msgspec.DecodeError as error:
        return str(error)


AT_THE_END = rb'[{"id":1,"name":"Ana \ud83d"}]'
FURTHER_IN = rb'[{"id":1,"name":"Ana \ud83d of Lima"},{"id":2}]'
SECOND_HALF = rb'[{"id":1,"name":"Ana \ude00"}]'
NOT_UTF_8 = b'[{"id":1,"name":"Ana \xff"}]'
WHOLE_PAIR = rb'[{"id":1,"name":"Ana \ud83d\ude00"}]'

for body in AT_THE_END, FURTHER_IN, SECOND_HALF:
    json.loads(body)  # the standard library reads each of them
expected = {
    AT_THE_END: "Input data was truncated",
    FURTHER_IN: "JSON is malformed: unexpected end of hex escape (byte 27)",
    SECOND_HALF: "JSON is malformed: invalid utf-16 surrogate pair (byte 27)",
    NOT_UTF_8: "1 rows",
    WHOLE_PAIR: "1 rows",
}
seen = {body: outcome(body) for body in expected}
for body, what in seen.items():
    print(f"{body!r:60} {what}")
if seen != expected:
    sys.exit("the behaviour changed")
END
