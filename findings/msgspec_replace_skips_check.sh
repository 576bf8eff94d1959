#!/usr/bin/env bash
# Version: msgspec 0.20.0. Version 0.21.0 is the first one that behaves as guessed.
# Seen: `msgspec.structs.replace` makes a struct without calling its `__post_init__`. A value that the
#   constructor refuses, and that decoding refuses too, is taken.
# Guessed: that all three ways of making a struct run its checks, as `dataclasses.replace` does.
# Matters: a request that is checked when it is made is often changed by `replace` before it is sent.
#   A wrong phone then goes out unchecked, and only with the older release.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
check='
import dataclasses
import sys

import msgspec


class Amount(msgspec.Struct):
    value: int

    def __post_init__(self):
        if self.value < 0:
            raise ValueError("negative")


@dataclasses.dataclass
class Usual:
    value: int
    __post_init__ = Amount.__post_init__


ways = {
    "constructor": lambda: Amount(-1),
    "convert": lambda: msgspec.convert({"value": -1}, Amount),
    "structs.replace": lambda: msgspec.structs.replace(Amount(1), value=-1),
    "dataclasses.replace": lambda: dataclasses.replace(Usual(1), value=-1),
}
taken = []
for name, make in ways.items():
    try:
        make()
        taken.append(name)
    except (ValueError, msgspec.ValidationError):
        pass
print(f"msgspec {msgspec.__version__} takes the wrong value by: {taken}")
sys.exit(taken != sys.argv[1:])
'
for version in 0.20.0 0.21.0; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install -q --disable-pip-version-check "msgspec==$version"
done
"$folder/0.20.0/bin/python" -c "$check" structs.replace || { echo "the behaviour changed"; exit 1; }
"$folder/0.21.0/bin/python" -c "$check" || { echo "the behaviour changed"; exit 1; }
