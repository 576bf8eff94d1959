"""The content that a disk may have after a power loss, by the calls that came before it.

A model that promises no more than POSIX does, in the way of ALICE ("All File Systems Are Not
Created Equal", OSDI 2014). All that was synced stays. Anything else may be missing:

- Of a file, the writes since its last `fsync` may be there or not, in any order, block by block. A
  file may have its new length, and zeros in place of what was written.
- Of a folder, the changes since its last `fsync` may be there or not. Two of the same name stay in
  their order. A renaming is there as a whole, or not at all.
- To sync a file does not sync its name, and to sync a name does not sync the file.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import NamedTuple, Self

from endurance.files.commands import Call

BLOCK = 512
_OPENS_NEW = os.O_CREAT | os.O_TRUNC


class Loss(Enum):
    """How much of what was not synced is lost."""

    ALL = "all that was not synced"
    NONE = "nothing"
    LATE = "what came after some call"
    SOME = "some of it"


class _Change(NamedTuple):
    """A write: its place and its data; a truncation if there is none."""

    at: int
    data: bytes | None


class _File:
    def __init__(self, content: bytes = b"") -> None:
        self.content = content
        self.changes: list[_Change] = []
        self.synced = 0


class _Folder:
    def __init__(self) -> None:
        self.names: dict[str, _File | _Folder] = {}
        self.changes: list[_Renamed] = []
        self.synced = 0


class _Renamed:
    """A change of names, in one folder or two: where each of them leads to then, or nowhere."""

    def __init__(self, *names: tuple[_Folder, str, _File | _Folder | None]) -> None:
        self.names = names
        for folder in {id(folder): folder for folder, _, _ in names}.values():
            folder.changes.append(self)


class Disk:
    """A folder, and what was done in it.

    Args:
        before: A folder with what was there before: all of it counts as synced.
        path: The path that the folder has in the calls.
    """

    def __init__(self, before: Path, path: Path) -> None:
        self._path = str(path)
        self._root = _Folder()
        self._now: dict[str, _File | _Folder] = {self._path: self._root}
        self._open: dict[int, _File | _Folder] = {}
        for each in sorted(before.rglob("*")):
            node = _Folder() if each.is_dir() else _File(each.read_bytes())
            place = str(path / each.relative_to(before))
            self._parent(place).names[each.name] = node
            self._now[place] = node

    @classmethod
    def after(cls, before: Path, path: Path, calls: Iterable[Call]) -> Self:
        """Return the disk after those calls."""
        disk = cls(before, path)
        for call in calls:
            disk.add(call)
        return disk

    def add(self, call: Call) -> None:
        """Take note of a call that has gone well; those that change nothing are ignored."""
        if call.failed or not call.path.startswith(self._path):
            return
        node = self._open.get(call.file)
        if call.name == "open":
            self._open[call.file] = self._opened(call)
        elif call.name == "close":
            self._open.pop(call.file, None)
        elif call.name in {"write", "pwrite"} and isinstance(node, _File):
            node.changes.append(_Change(call.offset, call.data))
        elif call.name == "ftruncate" and isinstance(node, _File):
            node.changes.append(_Change(call.length, None))
        elif call.name in {"fsync", "fdatasync"} and node is not None:
            node.synced = len(node.changes)
        elif call.name == "mkdir":
            self._name(call.path, _Folder())
        elif call.name in {"unlink", "rmdir"}:
            self._name(call.path, None)
        elif call.name == "link":
            self._name(call.other, self._now[call.path])
        elif call.name == "rename":
            self._rename(call.path, call.other)

    def _opened(self, call: Call) -> _File | _Folder:
        flags = call.offset
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            return _File()
        node = self._now.get(call.path)
        if node is None:
            node = _File()
            self._name(call.path, node)
        elif flags & os.O_TRUNC and isinstance(node, _File):
            node.changes.append(_Change(0, None))
        return node

    def _parent(self, path: str) -> _Folder:
        folder = self._now[str(Path(path).parent)]
        assert isinstance(folder, _Folder)
        return folder

    def _name(self, path: str, node: _File | _Folder | None) -> None:
        _Renamed((self._parent(path), Path(path).name, node))
        if node is None:
            self._now.pop(path)
        else:
            self._now[path] = node

    def _rename(self, old: str, new: str) -> None:
        node = self._now.pop(old)
        assert isinstance(node, _File), "no job moves a folder"
        _Renamed(
            (self._parent(old), Path(old).name, None), (self._parent(new), Path(new).name, node)
        )
        self._now[new] = node

    def write_after(self, loss: Loss, chance: random.Random, target: Path) -> None:
        """Make a folder of what the disk may hold after the power was lost now."""
        kept = self._kept_names(loss, chance)
        # A node may have two names; it has the same content under both.
        contents: dict[int, bytes] = {}

        def write(folder: _Folder, path: Path) -> None:
            path.mkdir(mode=0o700, exist_ok=True)
            names = dict(folder.names)
            for change in folder.changes:
                if id(change) not in kept:
                    continue
                for of, name, node in change.names:
                    if of is folder:
                        names.pop(name, None)
                        if node is not None:
                            names[name] = node
            for name, node in names.items():
                if isinstance(node, _Folder):
                    write(node, path / name)
                    continue
                if id(node) not in contents:
                    contents[id(node)] = _content(node, loss, chance)
                (path / name).write_bytes(contents[id(node)])
                (path / name).chmod(0o600)

        write(self._root, target)

    def _folders(self) -> list[_Folder]:
        found: dict[int, _Folder] = {id(self._root): self._root}
        waiting = [self._root]
        while waiting:
            folder = waiting.pop()
            nodes = [*folder.names.values()]
            nodes += [node for change in folder.changes for _, _, node in change.names if node]
            for node in nodes:
                if isinstance(node, _Folder) and id(node) not in found:
                    found[id(node)] = node
                    waiting.append(node)
        return list(found.values())

    def _kept_names(self, loss: Loss, chance: random.Random) -> set[int]:
        """Return the changes of names that are there after a loss."""
        kept = set[int]()
        for folder in self._folders():
            rest = folder.changes[folder.synced :]
            kept.update(map(id, folder.changes[: folder.synced]))
            if loss is Loss.NONE:
                kept.update(map(id, rest))
            elif loss is Loss.LATE:
                kept.update(map(id, rest[: chance.randint(0, len(rest))]))
            elif loss is Loss.SOME:
                kept.update(_some_by_name(rest, chance))
        return kept


def _some_by_name(changes: list[_Renamed], chance: random.Random) -> set[int]:
    """Return some changes of names. If one is missing, so are later ones of the same names."""
    missing, kept = set[tuple[int, str]](), set[int]()
    for change in changes:
        names = {(id(folder), name) for folder, name, _ in change.names}
        if names & missing or chance.random() < 0.3:
            missing |= names
        else:
            kept.add(id(change))
    return kept


def _content(node: _File, loss: Loss, chance: random.Random) -> bytes:
    """Return what a file may have after a loss."""
    content = bytearray(node.content)
    for change in node.changes[: node.synced]:
        _apply(content, change)
    rest = node.changes[node.synced :]
    if loss is Loss.NONE:
        for change in rest:
            _apply(content, change)
    elif loss is Loss.LATE and rest:
        whole = chance.randint(0, len(rest))
        for change in rest[:whole]:
            _apply(content, change)
        if whole < len(rest) and (data := rest[whole].data):
            _apply(content, _Change(rest[whole].at, data[: chance.randint(0, len(data))]))
    elif loss is Loss.SOME:
        for change in rest:
            _apply_some(content, change, chance)
    return bytes(content)


def _apply(content: bytearray, change: _Change) -> None:
    length, data = change.at, change.data
    if data is None:
        del content[length:]
        data = b""
    if len(content) < length:
        content.extend(bytes(length - len(content)))
    content[length : length + len(data)] = data


def _apply_some(content: bytearray, change: _Change, chance: random.Random) -> None:
    """Apply a change or not; of a write, block by block, with or without its length."""
    if change.data is None:
        if chance.random() < 0.5:
            _apply(content, change)
        return
    end = change.at + len(change.data)
    if chance.random() < 0.3 and len(content) < end:
        content.extend(bytes(end - len(content)))
    part = chance.choice([0.0, 0.5, 0.9, 1.0])
    at = change.at
    while at < end:
        until = min(end, (at // BLOCK + 1) * BLOCK)
        if chance.random() < part:
            _apply(content, _Change(at, change.data[at - change.at : until - change.at]))
        at = until
