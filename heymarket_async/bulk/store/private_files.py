"""Files that hold contacts: opened for their user alone, replaced as a whole, locked by one job.

A job reads and writes only regular files that belong to the user or to root, and follows only their
links. When a file is known to be the right one, its permissions for others are removed. Another
user's file may have been planted, so it is refused, as is a file whose permissions cannot be
removed. For root, too, a user's file is another user's: run the job as that user. A pipe or device
that an export writes to must also belong to the user or to root; its mode stays.

This protects files in the user's own folders, and in shared folders that have the sticky bit, such
as /tmp. In other shared folders anybody can replace a file at any time, and only files that a job
has open are safe.

Some file systems have no modes and owners (FAT, some network disks). There, a file counts as the
user's if its mode and owner are those of a new file; other users can do what the mount lets them.
On Windows, which protects files by other means, only the type of a file is checked.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

UNFINISHED = ".heymarket-new"
"""The ending of the file that will replace the one beside it. No other program uses it."""

SQLITE_FILES = ("-wal", "-shm", "-journal")
"""The endings of the files that SQLite makes beside a file, and reads if they are there."""

FILE, FOLDER, LINK, PIPE = "a regular file", "a folder", "a link", "a pipe or a device"
_TYPES = {stat.S_IFREG: FILE, stat.S_IFDIR: FOLDER, stat.S_IFLNK: LINK}
"""The names of file types in errors; every other type is a `PIPE`."""

_ROOT = 0
_OTHERS = 0o077
_LONGEST_NAME = 255
_SAFELY = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
"""For `os.open`: do not follow a link, and do not wait for the other end of a pipe."""


# Opening and checking


def open_new(path: Path) -> BinaryIO:
    """Make a file that only its owner can read.

    An existing file is removed first: other users may have it open, or it may be a link.

    Raises:
        PermissionError: The existing file belongs to another user, and cannot be removed.
    """
    remove(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def remove(path: Path) -> None:
    """Remove a file if it is there.

    Raises:
        PermissionError: It belongs to another user, and cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        check_own(path)
        raise


def open_own(path: Path, flags: int, *, expected: str = FILE, closes: bool = True) -> int:
    """Open a file of the user's, and return its descriptor.

    Args:
        path: The file.
        flags: As for `os.open`.
        expected: `FILE` or `PIPE`.
        closes: Remove the permissions of others. Without it, call `make_private` once it is known
            to be the right file.

    Raises:
        PermissionError: It belongs to another user, or the permissions cannot be removed.
        OSError: It is of another type or cannot be opened; ENXIO for a pipe without a reader.
    """
    check_own(path, expected)  # before it is opened: that could wait, or fail without the reason
    descriptor = os.open(path, flags | _SAFELY, 0o600)
    try:
        if closes:
            make_private(path, descriptor, expected=expected)
        else:
            _check(path, os.fstat(descriptor), expected)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def make_private(path: Path, descriptor: int | None = None, *, expected: str = FILE) -> None:
    """Remove the permissions that others have on a file or a folder.

    Args:
        path: The file or folder.
        descriptor: Its descriptor, if it is open. Then nobody can replace it before the change.
        expected: `FILE` or `FOLDER`.

    Raises:
        PermissionError: It belongs to another user, or the permissions cannot be removed.
        OSError: It is of another type, or is not there.
    """
    facts = path.lstat() if descriptor is None else os.fstat(descriptor)
    _check(path, facts, expected)
    if not facts.st_mode & _OTHERS or not _has_owners():
        return
    mode = facts.st_mode & (0o700 if expected is FOLDER else 0o600)
    try:
        os.chmod(path if descriptor is None else descriptor, mode)  # noqa: PTH101 - or that
    except OSError as error:
        new = _new_file_in(path.parent)
        if new is None or not new.st_mode & _OTHERS:
            raise PermissionError(
                f"{path} is open to other users, and its mode cannot be changed ({error.strerror})."
                " Remove it, or name another place."
            ) from None


def check_own(path: Path, expected: str = FILE) -> None:
    """Refuse a file that belongs to another user, and leave it as it is; none is fine.

    Raises:
        PermissionError: It belongs to another user.
        OSError: It is of another type than expected.
    """
    with suppress(FileNotFoundError):
        _check(path, path.lstat(), expected)


def _check(path: Path, facts: os.stat_result, expected: str) -> None:
    if _TYPES.get(stat.S_IFMT(facts.st_mode), PIPE) is not expected:
        raise OSError(f"{path} is not {expected}. Remove it, or name another place.")
    if not _has_owners() or facts.st_uid in {os.geteuid(), _ROOT}:
        return
    if (new := _new_file_in(path.parent)) is None or new.st_uid != facts.st_uid:
        raise PermissionError(
            f"{path} belongs to another user (id {facts.st_uid}) and may have been planted. Remove"
            " it, name another place, or run this as that user."
        )


def _has_owners() -> bool:
    return hasattr(os, "geteuid")  # not on Windows


def _new_file_in(folder: Path) -> os.stat_result | None:
    """Return the mode and owner of a new file in a folder, or None if none can be made."""
    with suppress(OSError), tempfile.TemporaryFile(dir=folder) as file:
        return os.fstat(file.fileno())
    return None


# Places


def check_place(path: Path) -> None:
    """Check that a new file can be made at a path, before any work is done for it.

    Raises:
        PermissionError: Another user's file is there, and this user cannot replace it.
        OSError: No file can be made in the folder.
    """
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        if error.errno == errno.ENOENT and path.parent.is_dir():  # such as /proc
            raise OSError(f"No file can be made in {path.parent}. Name another folder.") from None
        raise OSError(error.errno, error.strerror, str(path)) from None
    with suppress(FileNotFoundError):
        owner = path.lstat().st_uid
        if _has_owners() and owner != os.geteuid() and not _replaces_any_file(path.parent):
            raise PermissionError(
                f"{path} belongs to another user (id {owner}) and cannot be replaced in this"
                " folder. Name another place, or run this as that user."
            )


def _replaces_any_file(folder: Path) -> bool:
    facts = folder.stat()
    return not facts.st_mode & stat.S_ISVTX or os.geteuid() in {_ROOT, facts.st_uid}


def real_path(path: Path) -> Path:
    """Return the path of a regular file, behind all links; it need not be there yet.

    Raises:
        ValueError: It is a folder, a pipe or a device.
        PermissionError: It is a link of another user.
        OSError: The links go in a circle.
    """
    real = behind_links(path)
    with suppress(FileNotFoundError):
        mode = real.lstat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "a pipe, a device or the like"
            raise ValueError(f"{path} is {kind}. Name a regular file.")
    return real


def behind_links(path: Path) -> Path:
    """Return the path that links of the user's or of root lead to.

    Raises:
        PermissionError: A link at this path belongs to another user.
        OSError: The links go in a circle.
    """
    with suppress(FileNotFoundError, PermissionError):
        path.stat()
    at = path
    while at.is_symlink():
        check_own(at, LINK)
        at = at.parent / at.readlink()
    if at.name in {"", ".."}:
        return at.resolve()
    # The last name is not resolved: a link that is there by now may have been planted.
    return at.parent.resolve() / at.name


def beside(path: Path, ending: str) -> Path:
    """Return the path of a file in the same folder: the name with an ending, or a hash of it."""
    name = f"{path.name}{ending}"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f"{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}{ending}"
    return path.with_name(name)


def is_same_file(path: Path, facts: os.stat_result) -> bool:
    """Whether a path still leads to this file, which may have been removed or replaced."""
    try:
        return os.path.samestat(path.lstat(), facts)
    except FileNotFoundError:
        return False


# Replacing


@contextmanager
def replacing(path: Path) -> Generator[BinaryIO]:
    """Write a new file, and replace the old one when it is whole and on the disk."""
    part = beside(path, UNFINISHED)
    try:
        with naming(path), open_new(part) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        remove(part)
    sync_folder(path.parent)


def replace_file(path: Path, data: bytes) -> None:
    """Replace the content of a file: all of it or, whatever happens, nothing."""
    with replacing(path) as file:
        file.write(data)


def sync_folder(folder: Path) -> None:
    """Make new names in a folder outlast a power failure."""
    # The file is there in any case, so it does not matter if the folder cannot be read.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def naming(path: Path) -> Generator[None]:
    """Add the path to an error of the system that has none, such as that of a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


# Locking


def lock(descriptor: int, path: Path) -> None:
    """Lock an open file until it is closed; a process that is killed leaves no lock.

    On Windows nothing is locked.

    Raises:
        OSError: Another job has locked it.
    """
    with suppress(ImportError):
        import fcntl  # noqa: PLC0415 - not on Windows

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OSError(error.errno, "another job is using it", str(path)) from None


class Lock:
    """A lock on a folder or a database, by a file beside or in it.

    Args:
        path: The file for the lock; made, and removed by `release`.

    Raises:
        OSError: Another job holds the lock, or see `open_own`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Between opening and locking, the job that held the lock may have removed the file. The
        # next job would make another one, so this lock would keep nobody out.
        while not self._is_taken():
            pass

    def _is_taken(self) -> bool:
        descriptor = open_own(self._path, os.O_RDWR | os.O_CREAT)
        with ExitStack() as opened:
            opened.callback(os.close, descriptor)
            lock(descriptor, self._path)
            if is_same_file(self._path, os.fstat(descriptor)):
                self._opened = opened.pop_all()
                return True
        return False

    def release(self) -> None:
        """Remove the file, then unlock it."""
        self._path.unlink(missing_ok=True)
        self._opened.close()
