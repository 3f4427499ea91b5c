"""A disk that keeps no more than it was made to: what a power cut may leave.

The rules are POSIX at its hardest, not one file system's kindness:

- Of a file, what was there at its last successful sync survives. Each 512-byte sector
  written since survives or not by a coin of its own, in any state that it had since; a
  size set since may or may not have reached the disk; where a file grew and the bytes
  did not arrive, there are zeros or garbage. A file that was cut shorter is cut, or it
  is what it was before.
- A file's name is durable only once its directory was synced, and a directory's own
  name once its parent was.
- After a sync that failed, the kernel calls what it covered clean (fsync(2), since
  Linux 4.13): no later sync writes it, unless it is written anew; until then it is
  there by chance alone.
"""

import copy
import random
from pathlib import PurePosixPath

import msgspec
from durability.trace import Op

SECTOR = 512
_SHM = "-shm"  # a mapping; SQLite makes it anew after a boot
_GARBAGE = 0.25
_STALE_SHM = 0.3


class File:
    """One file: as the process sees it, and as the disk must have it."""

    def __init__(self) -> None:
        self.seen = bytearray()
        self.kept = bytearray()
        self._since: dict[int, list[bytes]] = {}  # sector -> its states, not synced
        self._given_up: dict[int, list[bytes]] = {}  # those of a sync that failed
        self._sizes: list[int] = []
        self._uncut: list[File] = []  # as it was before each cut that is not synced

    def write(self, offset: int, data: bytes) -> None:
        end = offset + len(data)
        if end > len(self.seen):
            self.seen.extend(bytes(end - len(self.seen)))
            self._sizes.append(end)
        self.seen[offset:end] = data
        self._note(offset, end)

    def resize(self, size: int) -> None:
        if size < len(self.seen):
            self._uncut.append(copy.deepcopy(self))
            self._fit(self.kept, min(size, len(self.kept)))
            for states in (self._since, self._given_up):
                for sector in [it for it in states if it * SECTOR >= size]:
                    del states[sector]
            self._sizes.clear()
        self._fit(self.seen, size)
        self._sizes.append(size)

    def sync(self) -> None:
        for sector, states in self._since.items():
            _put(self.kept, sector * SECTOR, states[-1])
            self._given_up.pop(sector, None)
        self._fit(self.kept, len(self.seen))
        self._since.clear()
        self._sizes.clear()
        self._uncut.clear()

    def fail_to_sync(self) -> None:
        for sector, states in self._since.items():
            self._given_up.setdefault(sector, []).extend(states)
        self._since.clear()

    def after_cut(self, chance: random.Random, odds: float) -> bytes:
        """What the disk may hold; `odds` that an unsynced sector survives."""
        if odds >= 1:
            return bytes(self.seen)
        if self._uncut and chance.random() >= odds:
            return chance.choice(self._uncut).after_cut(chance, odds)
        content = bytearray(self.kept)
        garbage = chance.random() < _GARBAGE
        for sector in sorted(self._since.keys() | self._given_up.keys()):
            states = self._given_up.get(sector, []) + self._since.get(sector, [])
            start = sector * SECTOR
            if chance.random() < odds:
                _put(content, start, chance.choice(states))
            elif garbage and start >= len(self.kept):
                _put(content, start, chance.randbytes(SECTOR))
        sizes = [len(self.kept), *self._sizes[-3:], len(self.seen)]
        self._fit(content, chance.choice(sizes))
        return bytes(content)

    @staticmethod
    def _fit(content: bytearray, size: int) -> None:
        del content[size:]
        content.extend(bytes(size - len(content)))

    def _note(self, start: int, end: int) -> None:
        for sector in range(start // SECTOR, -(-end // SECTOR)):
            at = sector * SECTOR
            state = bytes(self.seen[at : at + SECTOR])
            self._since.setdefault(sector, []).append(state.ljust(SECTOR, b"\0"))


def _put(content: bytearray, start: int, data: bytes) -> None:
    content.extend(bytes(max(0, start + len(data) - len(content))))
    content[start : start + len(data)] = data


class _Move(msgspec.Struct, frozen=True):
    """A change of names in one directory that it was not yet synced for."""

    folder: str
    names: dict[str, File | None]


class Disk:
    """A directory and all below it, driven by ops. A folder is a File without bytes."""

    def __init__(self, there: dict[str, bytes | None] | None = None) -> None:
        """`there`: what the disk holds from before, relative path -> content."""
        self._names: dict[str, File] = {"": File()}
        self._folders = {""}
        for path, content in (there or {}).items():
            self._names[path] = file = File()
            if content is None:
                self._folders.add(path)
            else:
                file.write(0, content)
                file.sync()
        self._kept = dict(self._names)
        self._moves: list[_Move] = []

    def apply(self, op: Op) -> None:
        """Take one op in. What the process tells changes nothing."""
        if op.kind == "tell" or op.path.endswith(_SHM):
            return
        if op.kind == "create" and op.path not in self._names:
            self._move({op.path: File()})
        elif op.kind == "mkdir":
            self._folders.add(op.path)
            self._move({op.path: File()})
        elif op.kind == "unlink":
            self._move({op.path: None})
        elif op.kind == "rename":
            self._move({op.path: None, op.target: self._names[op.path]})
        elif op.kind == "write" and not op.failed:
            self._names[op.path].write(op.offset, op.data)
        elif op.kind == "resize":
            self._names[op.path].resize(op.size)
        elif op.kind == "sync":
            self._sync(op.path, failed=op.failed)

    def after_cut(self, chance: random.Random) -> dict[str, bytes | None]:
        """One state that a power cut now may leave: path -> content, None a folder."""
        odds = chance.choice([0.0, 0.1, 0.5, 0.5, 0.5, 0.9, 1.0])
        names, lost = dict(self._kept), set()
        for move in self._moves:
            if lost & move.names.keys() or chance.random() >= odds:
                lost |= move.names.keys()
            else:
                _rename(names, move)
        state: dict[str, bytes | None] = {}
        for path, file in sorted(names.items()):
            folder = _parent(path)
            if path and (folder == "" or folder in state):
                is_folder = path in self._folders
                state[path] = None if is_folder else file.after_cut(chance, odds)
        return state | _shm(state, chance)

    def _move(self, names: dict[str, File | None]) -> None:
        folders = {_parent(path) for path in names}
        if len(folders) > 1:
            raise ValueError(f"a move between directories: {sorted(names)}")
        move = _Move(folders.pop(), names)
        _rename(self._names, move)
        self._moves.append(move)

    def _sync(self, path: str, *, failed: bool) -> None:
        if path not in self._folders:
            file = self._names[path]
            file.fail_to_sync() if failed else file.sync()
            return
        if failed:
            return
        for move in self._moves:
            if move.folder == path:
                _rename(self._kept, move)
        self._moves = [move for move in self._moves if move.folder != path]


def _rename(names: dict[str, File], move: _Move) -> None:
    for path, file in move.names.items():
        if file is None:
            names.pop(path, None)
        else:
            names[path] = file


def _parent(path: str) -> str:
    return "" if "/" not in path else str(PurePosixPath(path).parent)


def _shm(
    state: dict[str, bytes | None], chance: random.Random
) -> dict[str, bytes | None]:
    """Now and then the index of the log, as garbage: it must not be believed."""
    logs = [path for path in state if path.endswith("-wal")]
    return {
        f"{path.removesuffix('-wal')}{_SHM}": chance.randbytes(32768)
        for path in logs
        if chance.random() < _STALE_SHM
    }
