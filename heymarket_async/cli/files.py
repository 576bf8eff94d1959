"""Writes a file that is there whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path | None) -> Generator[BinaryIO]:
    """Give a file to write to, which appears under its name when the block ends without an error.

    It is written beside its place under another name, readable by its owner only, since contacts
    are personal data. A pipe or device is written to directly, and None is standard output.
    """
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if _is_pipe_or_device(path):
        with path.open("wb") as device:
            yield device
        return
    target = path.resolve()
    partial = target.with_name(f".heymarket-{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _is_pipe_or_device(path: Path) -> bool:
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    # Makes the new name outlast a power failure. The file is there in any case, so a folder that
    # may not be read is no reason to fail.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
