#!/usr/bin/env bash
# Versions: typer 0.28.0 (with its own click) and 0.29.0.
# Seen: a command has a parameter of type `Path`. The function gets a `Path`. `ctx.params` has the text up to
#   0.28.0, and the `Path` in 0.29.0. An `int` is an `int` there in both.
# Guessed: that the context holds what the function gets, as in click, where each type converts its values
#   before they are kept there.
# Matters: a check over all parameters of a command, such as that no two files are the same, sees no path at
#   all in the older releases. It passes without a word, and one output overwrites the other.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/command.py" <<'END'
from pathlib import Path

import typer


def main(ctx: typer.Context, file: Path = Path("a"), count: int = 1) -> None:
    kinds = [type(ctx.params[name]).__name__ for name in ("file", "count")]
    function = [type(value).__name__ for value in (file, count)]
    as_path = [name.replace("PosixPath", "Path") for name in (*kinds, *function)]
    print(typer.__version__, "context:", *as_path[:2], "function:", *as_path[2:])


typer.run(main)
END
seen=""
for version in 0.28.0 0.29.0; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install -q --disable-pip-version-check "typer==$version"
    seen+="$("$folder/$version/bin/python" "$folder/command.py" --file b --count 2)"$'\n'
done
printf '%s' "$seen"
expected="0.28.0 context: str int function: Path int
0.29.0 context: Path int function: Path int
"
[ "$seen" = "$expected" ] || { echo "the behaviour changed"; exit 1; }
