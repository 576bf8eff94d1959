"""The options of commands that read a whole account."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Surface(StrEnum):
    """Which of the two lists to read."""

    V1 = "v1"
    V2 = "v2"


ReadFrom = Annotated[Surface, typer.Option("--surface", help="Which list to read.")]
PageSize = Annotated[int, typer.Option(min=1, help="Contacts asked for at once.")]
Concurrency = Annotated[
    int, typer.Option(min=1, help="Parts of the account that are read side by side.")
]
