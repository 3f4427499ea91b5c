"""What a recording process asked of the kernel, in order.

Nothing of devicelog or SQLite is believed here: strace writes down every system call
that changes a file, with its bytes, and every acknowledgement among them. A call that
this page has no meaning for is an error, never passed over. Stores through a shared
mapping cannot be seen; SQLite maps `-shm` alone so, which no power cut has to keep.

What the process tells counts from the moment its call began, everything else from the
moment its call had ended: the order that is hardest on the journal.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
from durability import child
from durability.plan import Plan

_WRITES = "pwrite64,write,pwritev,pwritev2,writev,copy_file_range,sendfile,splice"
_NAMES = "open,openat,openat2,creat,rename,renameat,renameat2,unlink,unlinkat,rmdir"
_MORE = "mkdir,mkdirat,link,linkat,symlink,symlinkat,ftruncate,truncate,fallocate,mmap"
_SYNCS = "fsync,fdatasync,sync,syncfs,msync"
_TRACED = f"lseek,{_WRITES},{_NAMES},{_MORE},{_SYNCS}"
_PRIVATE = "MAP_PRIVATE"
_DONE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)(.*)")
_BEGUN = re.compile(r"(\d+) +(\w+)\((.*) <unfinished \.\.\.>")
_RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+)(.*)")
_DESCRIPTOR = re.compile(r"(\d+)<([^>]*)>(\(deleted\))?")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')

Kind = Literal["tell", "create", "write", "resize", "sync", "mkdir", "rename", "unlink"]


class Op(msgspec.Struct, frozen=True):
    """One change to the traced directory, or a line that the process told (`data`).

    `path` is relative to the directory. `began` and `ended` are lines of the trace;
    `failed`: a sync or a write that the kernel refused.
    """

    kind: Kind
    path: str
    began: int
    ended: int
    offset: int = 0
    data: bytes = b""
    size: int = 0
    target: str = ""
    failed: bool = False

    @property
    def acknowledgement(self) -> str:
        """`run/group` or `open SEQ`; empty for all else."""
        line = self.data.decode().strip() if self.kind == "tell" else ""
        return line if line[:1].isdigit() or line.startswith("open ") else ""


class Unmodelled(Exception):
    """The process did something to its directory that this page cannot follow."""


class _Call(NamedTuple):
    name: str
    args: str
    result: int
    note: str
    began: int
    ended: int


def traced(
    plans: Iterable[Plan], root: Path, inject: Mapping[int, str] | None = None
) -> list[Op]:
    """Run the plans in children under strace; what they did below `root`, in order.

    `inject`: run -> a fault in strace's words. Raises Unmodelled for a call without a
    meaning here.
    """
    ops: list[Op] = []
    for plan in plans:
        first = max((op.ended for op in ops), default=-1) + 1
        ops += _one(plan, root, (inject or {}).get(plan.run, ""), first)
    return ops


def _one(plan: Plan, root: Path, inject: str, first: int) -> list[Op]:
    log = root.with_suffix(".strace")
    command = ["strace", "-f", "-y", "-xx", "-s", str(2**20)]
    command += ["-e", f"trace={_TRACED}", "-o", str(log)]
    command += ["-e", f"inject={inject}"] if inject else []
    command += child.command(plan)
    done = subprocess.run(
        command, env=child.ENVIRONMENT, capture_output=True, check=False, timeout=120
    )
    if done.returncode not in (0, -9, 137):
        raise RuntimeError(done.stderr.decode())
    with log.open() as lines:
        ops = list(_Meaning(str(root.resolve())).ops(_calls(lines, first)))
    log.unlink()
    return sorted(ops, key=lambda op: op.began if op.kind == "tell" else op.ended)


def _calls(lines: Iterable[str], first: int) -> Iterator[_Call]:
    """Finished calls; one that was interrupted by another thread's is put together."""
    begun: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines, first):
        if found := _DONE.match(line):
            _, name, args, result, note = found.groups()
            yield _Call(name, args, int(result), note, number, number)
        elif found := _BEGUN.match(line):
            begun[found[1]] = (number, found[3])
        elif found := _RESUMED.match(line):
            thread, name, rest, result, note = found.groups()
            began, args = begun.pop(thread)
            yield _Call(name, args + rest, int(result), note, began, number)


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


class _Meaning:
    """Calls to ops. Knows where each descriptor stands, for write(2) tells no place."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._at: dict[str, int] = {}
        self._known: set[str] = set()

    def ops(self, calls: Iterator[_Call]) -> Iterator[Op]:
        for call in calls:
            yield from self._of(call)

    def _of(self, call: _Call) -> Iterator[Op]:
        if call.name in ("fsync", "fdatasync"):
            if (path := self._inside(call)) is not None:
                yield self._op("sync", path, call, failed=call.result != 0)
        elif call.result < 0:
            if call.name == "pwrite64" and (path := self._inside(call)) is not None:
                yield self._op("write", path, call, failed=True)
        elif call.name in ("open", "openat", "creat"):
            yield from self._open(call)
        elif call.name in ("write", "pwrite64"):
            yield from self._write(call)
        elif call.name in ("mkdir", "unlink", "rename"):
            yield from self._name(call)
        elif (path := self._inside(call)) is not None:
            yield from self._other(call, path)
        elif self._root.encode().hex() in call.args.replace("\\x", ""):
            raise Unmodelled(f"{call.name}({call.args[:400]})")

    def _open(self, call: _Call) -> Iterator[Op]:
        found = _DESCRIPTOR.match(f"{call.result}{call.note}")
        path = self._relative(_bytes(found[2]).decode()) if found else None
        if path is None:
            return
        self._at[str(call.result)] = 0
        if "O_APPEND" in call.args:
            raise Unmodelled(call.args)
        if "O_CREAT" in call.args or call.name == "creat":
            yield self._op("create", path, call)
        if "O_TRUNC" in call.args or call.name == "creat":
            yield self._op("resize", path, call)

    def _write(self, call: _Call) -> Iterator[Op]:
        descriptor = call.args.partition("<")[0]
        text = _TEXT.search(call.args)
        if text is None or text[2]:
            raise Unmodelled(f"{call.name}: strace cut the data short")
        path = self._inside(call)
        if path is None and descriptor == "1":
            yield self._op("tell", "", call, data=_bytes(text[1]))
        if path is None:
            return
        if call.name == "pwrite64":
            offset = int(call.args.rpartition(",")[2])
        else:
            offset = self._at[descriptor]
            self._at[descriptor] += call.result
        data = _bytes(text[1])[: call.result]
        yield self._op("write", path, call, offset=offset, data=data)

    def _name(self, call: _Call) -> Iterator[Op]:
        paths = [_bytes(text[1]).decode() for text in _TEXT.finditer(call.args)]
        inside = [self._relative(path) for path in paths]
        if inside[0] is not None:
            target = inside[1] if call.name == "rename" else ""
            kind: Kind = call.name  # type: ignore[assignment]
            yield self._op(kind, inside[0], call, target=target or "")

    def _other(self, call: _Call, path: str) -> Iterator[Op]:
        numbers = re.findall(r", (-?\d+)(?=,|$)", call.args)
        if call.name == "lseek":
            self._at[call.args.partition("<")[0]] = call.result
        elif call.name == "ftruncate":
            yield self._op("resize", path, call, size=int(numbers[-1]))
        elif call.name == "fallocate" and call.args.split(", ")[1] == "0":
            # As a write of nothing at its end: it grows the file, never shrinks it.
            yield self._op(
                "write", path, call, offset=int(numbers[1]) + int(numbers[2])
            )
        elif path.endswith("-shm") or (call.name == "mmap" and _PRIVATE in call.args):
            return
        else:
            raise Unmodelled(f"{call.name}({call.args[:400]})")

    def _inside(self, call: _Call) -> str | None:
        """The path below the root that the call's descriptor stands for."""
        found = _DESCRIPTOR.search(call.args)
        if found is None or found[3]:
            return None
        return self._relative(_bytes(found[2]).decode(errors="replace"))

    def _relative(self, path: str) -> str | None:
        if path == self._root:
            return ""
        inside = path.removeprefix(f"{self._root}/")
        return None if inside == path else inside

    @staticmethod
    def _op(kind: Kind, path: str, call: _Call, **more: object) -> Op:
        return Op(kind, path, call.began, call.ended, **more)  # type: ignore[arg-type]
