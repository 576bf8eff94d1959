"""Checks that the files that a command was given are different, so that none overwrites another."""

from __future__ import annotations

import os
from itertools import combinations, permutations
from pathlib import Path
from typing import Any, get_type_hints

import typer

from heymarket_async.bulk.store.private_files import SQLITE_FILES, UNFINISHED, beside
from heymarket_async.cli.kept import is_pipe_or_device

_IN_USE = dict.fromkeys([UNFINISHED, ".lock", *SQLITE_FILES], "") | {
    ".partial": "--checkpoint",
    ".outcomes.jsonl": "--outcomes",
    ".texts.jsonl": "--outcomes",
}
"""The endings of files that a job makes beside one that it was given, and what may name them."""


def check_places(ctx: typer.Context) -> None:
    """Check that no two files of a command are the same, before it does anything.

    Nor may one have the name of a file that the command makes beside another one.

    Raises:
        BadParameter: It is so.
    """
    paths = {name: path for name, path in _paths(ctx).items() if _is_place(path)}
    for (other, path), (name, given) in combinations(paths.items(), 2):
        if _is_same(path, given):
            raise typer.BadParameter(f"{name} must be another file than {other}.")
    for (other, path), (name, given) in permutations(paths.items(), 2):
        place = Path(os.path.realpath(path))
        for ending, option in _IN_USE.items():
            if name != option and _is_same(beside(place, ending), given):
                raise typer.BadParameter(
                    f"{name} must have another name: {given.name} is used for {other}."
                )


def _paths(ctx: typer.Context) -> dict[str, Path]:
    """Return the paths that a command was given, by the names of its parameters in the help."""
    command: Any = ctx.command  # typer's own types for these are private
    # typer before 0.29 has texts here, and the function alone says which of them are paths.
    types = get_type_hints(command.callback)
    return {
        param.opts[0] if param.opts[0].startswith("-") else str(param.metavar): Path(value)
        for param in command.params
        if types.get(param.name) in (Path, Path | None)
        and (value := ctx.params.get(param.name)) is not None
    }


def _is_place(path: Path) -> bool:
    """Whether a path leads to something of its own, unlike - and /dev/null."""
    return str(path) != "-" and (path.is_dir() or not is_pipe_or_device(path))


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:  # one is not there yet
        return os.path.realpath(path) == os.path.realpath(other)
