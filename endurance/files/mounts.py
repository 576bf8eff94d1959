"""Real file systems whose power can be cut: each in a file, through a loop device."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

SYSTEMS = {"ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q", "-f"]}
INSTALL = "apt-get install e2fsprogs xfsprogs"
_NEW_MOUNTS, _PRIVATE = 0x20000, 0x44000
"""CLONE_NEWNS; MS_REC | MS_PRIVATE."""

_SIZE = 320 * 2**20
"""The smallest that xfs takes is 300 MB. The file has holes, so it takes little of the disk."""


def can_mount(system: str) -> bool:
    """Whether such a file system can be made and mounted here."""
    has_loop = os.access("/dev/loop-control", os.R_OK | os.W_OK)
    return has_loop and os.geteuid() == 0 and shutil.which(SYSTEMS[system][0]) is not None


def take_own_mounts() -> None:
    """Hide from other processes everything that is mounted from now on.

    A copy of a mount in another namespace would keep a file system alive whose power was cut.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(_NEW_MOUNTS) or library.mount(b"none", b"/", None, _PRIVATE, None):
        raise OSError(ctypes.get_errno(), "no mounts of its own")


class Mount:
    """A mounted file system.

    Args:
        image: The file that holds it.
        root: The folder that it is mounted at.
    """

    def __init__(self, image: Path, root: Path) -> None:
        self.root = root
        self._image = image

    def again(self) -> None:
        """Unmount it and mount it again, which mends it after its power was cut."""
        _run("umount", self.root)
        self.mount()

    def mount(self) -> None:
        """Mount it."""
        _run("mount", "-o", "loop", self._image, self.root)

    def sync(self) -> None:
        """Write all of it to its disk."""
        _run("sync", "-f", self.root)


@contextmanager
def mounted(system: str, scratch: Path) -> Generator[Mount]:
    """Give a new file system, and unmount it at the end."""
    image, root = scratch / f"{system}.image", scratch / system
    with image.open("wb") as file:
        file.truncate(_SIZE)
    _run(*SYSTEMS[system], image)
    root.mkdir()
    mount = Mount(image, root)
    mount.mount()
    try:
        yield mount
    finally:
        _run("umount", root)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
