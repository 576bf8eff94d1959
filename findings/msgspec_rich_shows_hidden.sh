#!/usr/bin/env bash
# Version: msgspec 0.22.0, rich 15.0.0.
# Seen: a struct with a `__repr__` of its own, which masks a password, is masked by `repr`, `str`, logging
#   and the console, and shown in full by rich: `rich.print`, its tracebacks with variables, and with it
#   whatever prints through rich. msgspec gives each struct a `__rich_repr__`, and rich asks for that
#   first. A dataclass with the same `__repr__` stays masked, because rich looks whether its `repr` is
#   the usual one. A `__rich_repr__` that returns None brings the mask back.
# Guessed: that `__repr__` decides how an object is shown, as it does for a dataclass, and that masking it
#   is enough.
# Matters: the URL of a shared store holds a password, and a request holds a person's phone. Both were
#   masked by `__repr__`, and a traceback with variables showed them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check msgspec==0.22.0 rich==15.0.0
"$folder/venv/bin/python" - <<'END'
import dataclasses
import io
import sys

import msgspec
import rich.console
import rich.pretty
import rich.traceback

PASSWORD = "correct horse"


class Struct(msgspec.Struct):
    url: str

    def __repr__(self) -> str:
        return "Struct(url='<hidden>')"


@dataclasses.dataclass(repr=False)
class Dataclass:
    url: str

    def __repr__(self) -> str:
        return "Dataclass(url='<hidden>')"


class Masked(Struct):
    def __repr__(self) -> str:
        return "Masked(url='<hidden>')"

    def __rich_repr__(self) -> None:
        return None


def traceback_of(store: object) -> str:
    try:
        raise LookupError
    except LookupError as error:
        shown = rich.traceback.Traceback.from_exception(
            LookupError, error, error.__traceback__, show_locals=True
        )
    console = rich.console.Console(file=io.StringIO(), width=120)
    console.print(shown)
    return console.file.getvalue()


shown = {}
for kind in (Struct, Dataclass, Masked):
    one = kind(f"redis://:{PASSWORD}@store/0")
    ways = {"repr": repr(one), "rich": rich.pretty.pretty_repr(one), "traceback": traceback_of(one)}
    shown[kind.__name__] = [way for way, text in ways.items() if PASSWORD in text]
    print(f"{kind.__name__:10} shown by: {', '.join(shown[kind.__name__]) or 'nothing'}")
expected = {"Struct": ["rich", "traceback"], "Dataclass": [], "Masked": []}
if shown != expected:
    sys.exit("the behaviour changed")
END
