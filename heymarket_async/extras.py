"""Says how to install the packages that an optional part needs.

The command names those packages, and not this one with its extra: this one may have come from a
folder or from git, and an index may hold another package of its name.
"""

from __future__ import annotations

PACKAGES = {
    "cli": "typer rich packaging platformdirs charset-normalizer phonenumbers python-calamine",
    "dlt": "dlt",
    "import": "charset-normalizer phonenumbers python-calamine",
    "keyring": "keyring",
    "parquet": "pyarrow",
    "redis": "redis",
    "xlsx": "xlsxwriter",
    "zst": "backports.zstd",
}
"""The packages of each extra that is used only if it is there, as in the project's metadata."""


def install(extra: str) -> str:
    """Return the command that installs the packages of an extra."""
    return f"pip install {PACKAGES[extra]}"


def needs(part: str, extra: str) -> str:
    """Return the sentence that names a missing extra and the command that installs it.

    Args:
        part: The part that needs it, such as "a Parquet file".
        extra: The extra.
    """
    return f"{part} needs the extra {extra}: {install(extra)}"
