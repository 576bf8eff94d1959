"""The options that every command takes, before or after its name, and their values."""

from __future__ import annotations

import copy
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from typer import CallbackParam, Option

T = TypeVar("T")


class Settings(msgspec.Struct):
    """The values of these options.

    Attributes:
        profile_name: The name of a profile, or None.
        config: The file with the profiles; None for the one in the user's folder.
        verbose: Whether each attempt is logged.
        no_progress: Whether no progress is shown.
    """

    profile_name: str | None = None
    config: Path | None = None
    verbose: bool = False
    no_progress: bool = False


_given = ContextVar[Settings]("heymarket_settings")


def begin() -> None:
    """Forget the values of an earlier command in this process."""
    _given.set(Settings())


def given() -> Settings:
    """Return the values that this command was given."""
    return _given.get(Settings())


def _keep(param: CallbackParam, value: T) -> T:
    # Absent in one of the two places, it must not undo the other one. An empty text is a mistake,
    # which is reported where it is used.
    if value not in (None, False):
        setattr(given(), param.name, value)
    return value


ProfileName = Annotated[
    str | None,
    Option(
        "--profile",
        metavar="NAME",
        help="The profile with the credentials.",
        callback=_keep,
        expose_value=False,
    ),
]
ConfigFile = Annotated[
    Path | None,
    Option(
        "--config",
        metavar="FILE",
        help="The file with the profiles.",
        callback=_keep,
        expose_value=False,
    ),
]
Verbose = Annotated[
    bool,
    Option(
        "--verbose",
        "-v",
        help="Log each request to stderr.",
        callback=_keep,
        expose_value=False,
    ),
]
NoProgress = Annotated[
    bool,
    Option("--no-progress", help="Show no progress.", callback=_keep, expose_value=False),
]


def add_to(command: Any, root: Any, *, shown: bool) -> None:
    """Let a command take these options too; its help says where they are.

    Args:
        command: The command, which keeps options of its own with these names.
        root: The command of all, which has them.
        shown: Whether they are listed with those of the command, as for a completion.
    """
    command.epilog = command.epilog or "Options of every command: heymarket -h"
    taken = {text for param in command.params for text in param.opts}
    for param in root.params:
        if param.name in Settings.__struct_fields__ and taken.isdisjoint(param.opts):
            added = copy.copy(param)
            added.hidden = not shown
            command.params.append(added)
