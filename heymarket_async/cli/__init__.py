"""The `heymarket` command."""

from __future__ import annotations

import importlib.util
import sys

from heymarket_async.privacy import hides_locals


@hides_locals
def main() -> None:
    """Run the command, or say what to install if its packages are missing."""
    missing = [name for name in ("typer", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(
            f"The heymarket command needs {' and '.join(missing)}."
            " Install them with: pip install 'heymarket-async[cli]'"
        )
    from heymarket_async.cli.app import app  # noqa: PLC0415 - only now is it known to be there

    app()
