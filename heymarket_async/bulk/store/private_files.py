"""The one rule for files that hold contacts: they are the user's own, and nobody else's.

Whatever a job resumes from, or writes into, is a regular file that belongs to the user or to root.
It is taken from all others once it is known to be the right one. If it belongs to somebody else, it
may have been planted, and is refused; so is one that cannot be taken from others. For root, files
of users are somebody else's: run the job as that user. A pipe or a device that an export writes to
must belong to the user or to root too; its mode stays.

This holds in a folder of the user's own, and in one that others can write and that has the sticky
bit, such as /tmp. Without that bit, others may put another file in the place of the user's at any
time, and only what a job opens is safe.

Where the file system keeps no modes and owners (FAT, some network disks), a file counts as the
user's if it looks like a new one does; others can do there what the mount lets them. Windows has
other means to protect files, and nothing is checked there but that they are regular.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_ROOT = 0
_OTHERS = 0o077
_SAFELY = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
"""For `os.open`: follow no link, and wait for nobody at the other end of a pipe."""


UNFINISHED = ".heymarket-new"
"""The ending of what is to take the place of the file beside it; nobody else has such files."""

_LONGEST_NAME = 255


def open_new(path: Path) -> BinaryIO:
    """Make a file that only its owner can read: contacts are personal data.

    What is there is removed first: others may have it open, or it may be a link to elsewhere.

    Raises:
        PermissionError: It belongs to somebody else, and cannot be removed.
    """
    remove(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def remove(path: Path) -> None:
    """Remove a file if it is there.

    Raises:
        PermissionError: It belongs to somebody else, and cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except PermissionError as error:
        raise _refusal(path, stat.S_ISREG) or error from None


def open_own(path: Path, flags: int, *, closes: bool = True) -> int:
    """Open a file of the user's, and return its descriptor.

    Args:
        path: The file.
        flags: As for `os.open`.
        closes: Take it from others at once. Without it, call `make_private` once it is known to be
            the right file.

    Raises:
        PermissionError: It belongs to somebody else, or cannot be taken from others.
        OSError: It is a folder, a link, a pipe or a device, or cannot be opened.
    """
    try:
        descriptor = os.open(path, flags | _SAFELY, 0o600)
    except OSError as error:
        raise _refusal(path, stat.S_ISREG) or error from None
    try:
        _check(path, os.fstat(descriptor), stat.S_ISREG)
        if closes:
            make_private(path, descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_own_pipe(path: Path) -> int:
    """Open a pipe or a device of the user's or of root to write to, and return its descriptor.

    Raises:
        PermissionError: It belongs to somebody else.
        OSError: It is of another kind, or cannot be opened; ENXIO if it is a pipe without a reader.
    """
    _check(path, path.lstat(), _is_pipe, _PIPE)  # nobody waits for a reader of another user's
    descriptor = os.open(path, os.O_WRONLY | _SAFELY)
    try:
        _check(path, os.fstat(descriptor), _is_pipe, _PIPE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def make_private(
    path: Path, descriptor: int | None = None, *, is_right: Callable[[int], bool] = stat.S_ISREG
) -> None:
    """Take a file or a folder from all but its owner.

    Args:
        path: Which one.
        descriptor: It, if it is open. Nobody can put another one in its place then.
        is_right: Says of a mode whether it is of the right kind.

    Raises:
        PermissionError: It belongs to somebody else, or cannot be taken from others.
        OSError: It is of another kind, or is not there.
    """
    facts = path.lstat() if descriptor is None else os.fstat(descriptor)
    _check(path, facts, is_right)
    if facts.st_mode & _OTHERS and _has_owners():
        mode = facts.st_mode & (0o700 if stat.S_ISDIR(facts.st_mode) else 0o600)
        try:
            os.chmod(path if descriptor is None else descriptor, mode)  # noqa: PTH101 - or that
        except OSError as error:
            if (new := _new_file_in(path.parent)) is None or not new.st_mode & _OTHERS:
                raise PermissionError(
                    f"{path} cannot be taken from other users ({error.strerror}): remove it, or"
                    " name another place"
                ) from None


def check_own(path: Path, *, is_right: Callable[[int], bool] = stat.S_ISREG) -> None:
    """Refuse a file that belongs to somebody else, if it is there, and leave it as it is.

    Raises:
        PermissionError: It belongs to somebody else.
        OSError: It is of another kind.
    """
    with suppress(FileNotFoundError):
        _check(path, path.lstat(), is_right)


def check_place(path: Path) -> None:
    """Refuse a place that a new file could not take, before the work for it is done.

    Raises:
        PermissionError: Another user's file is there, and this user cannot replace it.
        OSError: No file can be made in the folder.
    """
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    with suppress(FileNotFoundError):
        owner = path.lstat().st_uid
        if _has_owners() and owner != os.geteuid() and not _replaces_any_file(path.parent):
            raise PermissionError(
                f"{path} belongs to another user (id {owner}) and cannot be replaced in this"
                " folder: name another place, or run this as that user"
            )


def behind_links(path: Path) -> Path:
    """Return where a path leads, through links of the user's or of root.

    Raises:
        PermissionError: A link in its place belongs to somebody else.
        OSError: The links go in a circle.
    """
    with suppress(FileNotFoundError, PermissionError):
        path.stat()
    at = path
    while (target := _next_link(at)) is not None:
        at = at.parent / target
    if at.name in {"", ".."}:
        return at.resolve()
    # The last name is not looked at again: somebody could have put a link there by now.
    return at.parent.resolve() / at.name


@contextmanager
def naming(path: Path) -> Generator[None]:
    """Let an error say which file is at fault; of a full disk the system tells no name."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


def replace_file(path: Path, data: bytes) -> None:
    """Give a file a new content: all of it or, whatever happens, the old one."""
    partial = beside(path, UNFINISHED)
    with naming(path), open_new(partial) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def real_path(path: Path) -> Path:
    """Return where a file is to be, behind all links.

    Raises:
        ValueError: It is a folder, a pipe or a device.
        PermissionError: It is a link of somebody else's.
        OSError: The links go in a circle.
    """
    real = behind_links(path)
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(real.lstat().st_mode):
            raise ValueError(f"{path} is no file; name one")
    return real


def beside(path: Path, ending: str) -> Path:
    """Return a name in the same folder that says whose it is, unless that would be too long."""
    name = f"{path.name}{ending}"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f"{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}{ending}"
    return path.with_name(name)


def sync_folder(folder: Path) -> None:
    """Make new names in a folder outlast a power failure."""
    # The file is there in any case, so a folder that may not be read is no reason to fail.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def lock(descriptor: int, path: Path) -> None:
    """Lock an open file; the system lets go of it when the process ends, however it ends.

    Raises:
        OSError: Another job holds it.
    """
    with suppress(ImportError):  # on Windows, where nothing keeps jobs apart
        import fcntl  # noqa: PLC0415 - not everywhere

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OSError(error.errno, "another job is at work there", str(path)) from None


class Lock:
    """A lock on something that is no file of its own.

    Args:
        path: A file for it alone; made if it is not there.

    Raises:
        OSError: Another job holds it, or the file cannot be made, is a link, a pipe or a device,
            or belongs to somebody else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        while True:
            self._descriptor = open_own(path, os.O_RDWR | os.O_CREAT)
            try:
                lock(self._descriptor, path)
                if self._is_there():
                    return
            except OSError:
                os.close(self._descriptor)
                raise
            # Between the two, its last holder has removed it: the next one would make another.
            os.close(self._descriptor)

    def release(self) -> None:
        """Let go of it, and remove the file."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _is_there(self) -> bool:
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False


def _next_link(path: Path) -> Path | None:
    with suppress(FileNotFoundError):
        facts = path.lstat()
        if stat.S_ISLNK(facts.st_mode):
            _check(path, facts, stat.S_ISLNK)
            return path.readlink()
    return None


def _refusal(path: Path, is_right: Callable[[int], bool]) -> OSError | None:
    """Return what this module says of a path that the system refuses."""
    try:
        facts = path.lstat()
    except OSError:
        return None  # what the system said first is nearer to the cause
    try:
        _check(path, facts, is_right)
    except OSError as error:
        return error
    return None


def _check(
    path: Path, facts: os.stat_result, is_right: Callable[[int], bool], kind: str = "a regular file"
) -> None:
    if not is_right(facts.st_mode):
        raise OSError(f"{path} is not {kind}: remove it, or name another place")
    if not _has_owners() or facts.st_uid in {os.geteuid(), _ROOT}:
        return
    if (new := _new_file_in(path.parent)) is None or new.st_uid != facts.st_uid:
        raise PermissionError(
            f"{path} belongs to another user (id {facts.st_uid}) and may have been planted: remove"
            " it, name another place, or run this as that user"
        )


_PIPE = "a pipe or a device"


def _is_pipe(mode: int) -> bool:
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))


def _replaces_any_file(folder: Path) -> bool:
    facts = folder.stat()
    return not facts.st_mode & stat.S_ISVTX or os.geteuid() in {_ROOT, facts.st_uid}


def _has_owners() -> bool:
    return hasattr(os, "geteuid")  # not on Windows


def _new_file_in(folder: Path) -> os.stat_result | None:
    """Return the facts of a new file in a folder, or None if none can be made."""
    with suppress(OSError), tempfile.TemporaryFile(dir=folder) as file:
        return os.fstat(file.fileno())
    return None
