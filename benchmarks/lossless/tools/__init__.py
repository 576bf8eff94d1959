"""The tools that are compared, one module per tool.

A module has `read(job)`: it reads all contacts of the account through `POST /v1/contacts`, in the
way that the documentation of its tool shows, and returns the `rev` of each contact that arrived, by
id. If a contact arrives twice, the version counts that the usual destination of the tool keeps.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple


class Job(NamedTuple):
    """The account to read, and how to read it.

    Attributes:
        url: Where the account is served.
        key: Its API key.
        size: The `limit` to send; None: none.
        page: Contacts on a full page.
        ends_at_short_page: Whether to stop at a page that is not full, or else at an empty one.
        folder: An empty folder for files of the tool.
    """

    url: str
    key: str
    size: int | None
    page: int
    ends_at_short_page: bool
    folder: str

    @property
    def limit(self) -> dict[str, int]:
        """The part of a request's body that sets the size of pages."""
        return {} if self.size is None else {"limit": self.size}


class Tool(NamedTuple):
    """An entry in the list of tools.

    Attributes:
        title: Its name in tables.
        module: Its module.
        packages: The packages that it needs, the one that is compared first.
    """

    title: str
    module: str
    packages: tuple[str, ...]

    @property
    def is_there(self) -> bool:
        return all(find_spec(each.replace("-", "_")) for each in self.packages)

    @property
    def package(self) -> str:
        return f"{self.packages[0]} {version(self.packages[0])}"


TOOLS = {
    "script": Tool("usual script", "script", ("aiohttp",)),
    "dlt": Tool("dlt `rest_api`", "dlt_rest_api", ("dlt", "duckdb")),
    "airbyte": Tool("Airbyte low-code", "airbyte", ("airbyte-cdk",)),
    "singer": Tool("Singer SDK", "singer", ("singer-sdk",)),
    "iterate": Tool("`iterate()`", "ours_iterate", ("heymarket-async",)),
    "export": Tool("`export_contacts()`", "ours_export", ("heymarket-async",)),
}
OURS = ("iterate", "export")


@contextmanager
def stdout_to(path: Path) -> Generator[None, None, None]:
    """Send the standard output into a file, as a shell does with `>`."""
    sys.stdout.flush()
    kept = os.dup(1)
    with path.open("wb") as file:
        os.dup2(file.fileno(), 1)
        try:
            yield
        finally:
            sys.stdout.flush()
            os.dup2(kept, 1)
            os.close(kept)
