"""The command starts without the modules that only its work needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unmeasured  # coverage imports modules of its own, such as sqlite3

NEEDLESS = {
    "aiohttp", "charset_normalizer", "dlt", "heymarket_async.bulk.public",
    "heymarket_async.client", "heymarket_async.public", "heymarket_async.sandbox", "jwt",
    "phonenumbers", "pyarrow", "python_calamine", "redis", "sqlite3", "tenacity", "xlsxwriter",
}  # fmt: skip

LISTED = """
import atexit, sys
from heymarket_async import cli

atexit.register(lambda: print(*sys.modules, file=sys.stderr))
cli.main()
"""


@pytest.mark.parametrize(
    "arguments",
    ["--version", "--help", "contacts --help", "contacts export --help", "contacts import --help"],
)
def test_help_imports_no_module_that_only_the_work_needs(arguments):
    done = subprocess.run(
        [sys.executable, "-c", LISTED, *arguments.split()],
        capture_output=True,
        text=True,
        check=True,
    )

    imported = set(done.stderr.split())
    assert "heymarket_async.cli.import_command" in imported
    assert not imported & NEEDLESS
