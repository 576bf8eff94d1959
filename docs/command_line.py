"""Writes down the commands of `heymarket` and their options, as `--help` shows them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import typer

from heymarket_async.cli.app import app

NAME = "heymarket"
OPTION = re.compile(r"(?<!\S)(--[a-z-]+)")


def commands() -> str:
    """Return all commands, with their arguments, options and defaults, as Markdown."""
    command = typer.main.get_command(app)
    return "\n\n".join(described(command, command.make_context(NAME, [], resilient_parsing=True)))


def described(command: Any, context: Any) -> Iterator[str]:  # typer's own types are private
    """Yield the paragraphs about a command, and then those about the commands in it."""
    yield f"## `{context.command_path}`"
    yield command.help
    yield f"```text\n{command.get_usage(context).removeprefix('Usage: ')}\n```"
    records = [each.get_help_record(context) for each in command.get_params(context)]
    rows = [f"| `{name}` | {cell(meaning)} |" for name, meaning in filter(None, records)]
    if rows:
        yield "\n".join(["| Argument or option | Meaning |", "|---|---|", *rows])
    if command.epilog:
        yield command.epilog
    for name, inner in getattr(command, "commands", {}).items():
        arguments = {"parent": context, "resilient_parsing": True}
        yield from described(inner, inner.make_context(name, [], **arguments))


def cell(text: str) -> str:
    """Return a text as the cell of a table, with its options as code."""
    return OPTION.sub(r"`\1`", html.escape(text, quote=False)).replace("|", "\\|")
