#!/usr/bin/env bash
# Version: pip 25.3, and dlt up to 1.31.0.
# Seen: every release of dlt says which Python it needs, with an upper bound (`<3.15` at last), but for
#   1.12.1, which says none at all. On Python 3.15 pip installs that one, without a word: 19
#   minor releases older than the one that Python 3.14 gets.
# Guessed: that a package whose newest release excludes this Python cannot be installed, and that pip
#   says so, as it does for a package whose releases all have bounds.
# Matters: an extra that asks for `dlt>=1.10` installs on a new Python, and fails when it is used. So
#   an extra needs a bound of its own for the Python versions that its package excludes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check pip==25.3
taken() {
    "$folder/venv/bin/pip" install --dry-run --no-deps --ignore-installed --only-binary=:all: \
        --python-version "$1" --target "$folder/target" 'dlt<=1.31.0' 2> "$folder/errors" | tail -n 1
}
newer=$(taken 3.14) newest=$(taken 3.15)
printf 'Python 3.14: %s\nPython 3.15: %s\n' "$newer" "$newest"
grep -v '^WARNING: Location' "$folder/errors" || echo "and no warning"
[[ $newer == *dlt-1.31.0 && $newest == *dlt-1.12.1 ]] || { echo "the behaviour changed"; exit 1; }
