"""The file: a line that says what it is, then xz over one JSON object. Whoever reads one trusts nothing in it.

A reader takes no more than `MAX_FILE_BYTES` in and no more than `MAX_BYTES` out of the compression, no deeper nesting
than `MAX_DEPTH`, and only the classes of `wire.py`. What does not fit is a `CassetteError` in one line.
"""

import json
import lzma
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from engine.domain.errors import CassetteError
from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool, Log, StablePool, WeightedPool
from engine.domain.units import BlockRef, PoolId
from engine.replay.beginning import Line, Rows
from engine.replay.memory import KEPT, Memory
from engine.replay.wire import block_ref, from_wire, to_wire

MAGIC = b"ketch cassette "
FORMAT = 1
SUFFIX = ".cassette"
MAX_FILE_BYTES = 32 << 20
MAX_BYTES = 64 << 20
MAX_DEPTH = 64
MAX_BLOCKS = 20_000
_MEMORY_BYTES = 64 << 20
_PRESET = 6
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_NEXT_STEP = "record it again: ketch capture"

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that the loop took in, and all it drew on: what the node said, the clock's readings, the newest block
    known, the logs of the block being built, the halt file, and the places of the journal before and after it."""

    taken: object
    heard: Sequence[tuple[list[tuple[str, list[Any]]], list[Tree] | None]]
    now: Sequence[int]
    tips: Sequence[int]
    pending: Sequence[Sequence[Log]]
    halted: str | None
    before: int
    after: int
    ticket: object
    wanted: Tree | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cassette:
    """A stretch of one engine's life: how it stood at `head`, what it took in after that, and what it wrote down."""

    made_by: str
    settings: Tree
    wanted: Tree
    schema: int
    head: BlockRef
    pools: Mapping[PoolId, AnyPool]
    memory: Memory
    rows: Rows
    beginning: Sequence[Line]
    recorded: Sequence[Line]
    items: Sequence[Item]


def pack(
    *,
    made_by: str,
    settings: Tree,
    wanted: Tree,
    schema: int,
    head: BlockRef,
    pools: Mapping[PoolId, AnyPool],
    memory: Memory,
    rows: Rows,
    beginning: Sequence[Line],
    recorded: Sequence[Line],
    items: Sequence[bytes],
) -> bytes:
    """Write a cassette; `items` are JSON each, as the recorder made them."""
    body = {
        "made_by": made_by,
        "settings": settings,
        "wanted": wanted,
        "schema": schema,
        "head": to_wire(head),
        "pools": [to_wire(pool) for pool in pools.values()],
        "memory": {
            room: {name: to_wire(held) for name, held in attributes.items()} for room, attributes in memory.items()
        },
        "rows": rows,
        "beginning": [asdict(line) for line in beginning],
        "recorded": [asdict(line) for line in recorded],
    }
    start = json.dumps(body, separators=(",", ":")).encode("ascii")
    whole = start[:-1] + b',"items":[' + b",".join(items) + b"]}"
    return MAGIC + str(FORMAT).encode() + b"\n" + lzma.compress(whole, preset=_PRESET)


def read(path: Path) -> Cassette:
    """Read a cassette; raises `CassetteError` in one line for whatever is none."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise CassetteError(f"cannot read {path}", measured=error.strerror, next_step="name a cassette") from error
    return unpack(data, str(path))


def unpack(data: bytes, name: str) -> Cassette:
    """Read a cassette's bytes; raises `CassetteError` for whatever is none."""
    line, _, _ = data[:64].partition(b"\n")
    if not line.startswith(MAGIC):
        raise CassetteError(f"{name} is no ketch cassette", next_step=_NEXT_STEP)
    if line != MAGIC + str(FORMAT).encode():
        measured = line.removeprefix(MAGIC).decode("ascii", "replace")
        raise CassetteError(
            f"{name} has another format",
            measured=f"format {measured!r}",
            limit=f"format {FORMAT}",
            next_step=_NEXT_STEP,
        )
    if len(data) > MAX_FILE_BYTES:
        raise CassetteError(f"{name} is too large", limit=f"{MAX_FILE_BYTES} bytes", next_step=_NEXT_STEP)
    text = _unpacked(data[len(line) + 1 :], name)
    if _depth(text) > MAX_DEPTH:
        raise CassetteError(f"{name} is nested too deeply", limit=f"{MAX_DEPTH} levels", next_step=_NEXT_STEP)
    try:
        return _cassette(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        cause = str(error).splitlines()[0][:120] if str(error) else ""
        raise CassetteError(
            f"{name} is damaged", measured=f"{type(error).__name__} {cause}".strip(), next_step=_NEXT_STEP
        ) from error


def _unpacked(packed: bytes, name: str) -> bytes:
    try:
        decompressor = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_MEMORY_BYTES)
        text = decompressor.decompress(packed, max_length=MAX_BYTES)
    except (lzma.LZMAError, MemoryError, EOFError) as error:
        raise CassetteError(f"{name} is damaged", measured=error, next_step=_NEXT_STEP) from error
    if not decompressor.eof:
        cut_short = decompressor.needs_input
        raise CassetteError(
            f"{name} is {'cut short' if cut_short else 'too large once unpacked'}",
            measured=f"{len(text)} bytes",
            limit=f"{MAX_BYTES} bytes",
            next_step=_NEXT_STEP,
        )
    return text


def _depth(text: bytes) -> int:
    """Measure how deep brackets nest, those inside texts left out: parsers recurse."""
    marks = np.frombuffer(_TEXT.sub(b"", text), dtype=np.uint8)
    opens = np.isin(marks, np.frombuffer(b"[{", dtype=np.uint8)).astype(np.int32)
    closes = np.isin(marks, np.frombuffer(b"]}", dtype=np.uint8)).astype(np.int32)
    return int(np.max(np.cumsum(opens - closes), initial=0))


def _cassette(body: Tree) -> Cassette:
    pools = [from_wire(tree) for tree in body["pools"]]
    if not all(isinstance(pool, ConstantProductPool | ConcentratedPool | WeightedPool | StablePool) for pool in pools):
        raise TypeError("what stands among the pools is none")
    items = [_item(tree) for tree in body["items"]]
    if len(items) > MAX_BLOCKS:
        raise ValueError(f"{len(items)} items, more than {MAX_BLOCKS}")
    return Cassette(
        made_by=_text(body["made_by"]),
        settings=_tree(body["settings"]),
        wanted=_tree(body["wanted"]),
        schema=int(body["schema"]),
        head=block_ref(body["head"]),
        pools={pool.id: pool for pool in pools},
        memory={
            room: {name: from_wire(tree) for name, tree in _tree(held).items() if name in KEPT.get(room, ())}
            for room, held in body["memory"].items()
        },
        rows={str(table): [_tree(row) for row in rows] for table, rows in body["rows"].items()},
        beginning=[_line(tree) for tree in body["beginning"]],
        recorded=[_line(tree) for tree in body["recorded"]],
        items=items,
    )


def _item(tree: Tree) -> Item:
    return Item(
        taken=from_wire(tree["taken"]),
        heard=[_exchange(one) for one in tree["heard"]],
        now=[int(one) for one in tree["now"]],
        tips=[int(one) for one in tree["tips"]],
        pending=[[_log(log) for log in logs] for logs in tree.get("pending", ())],
        halted=None if tree["halted"] is None else _text(tree["halted"]),
        before=int(tree["before"]),
        after=int(tree["after"]),
        ticket=from_wire(tree["ticket"]),
        wanted=None if tree["wanted"] is None else _tree(tree["wanted"]),
    )


def _log(tree: Any) -> Log:
    log = from_wire(tree)
    if not isinstance(log, Log):
        raise TypeError(f"{type(log).__name__} where a log belongs")
    return log


def _exchange(given: Any) -> tuple[list[tuple[str, list[Any]]], list[Tree] | None]:
    requests, answers = given
    asked = [(_text(method), list(params)) for method, params in requests]
    if answers is None:
        return asked, None
    said = [_tree(answer) for answer in answers]
    if len(said) != len(asked):
        raise ValueError(f"{len(said)} answers to {len(asked)} questions")
    return asked, said


def _line(tree: Tree) -> Line:
    seq, kind, body, prev, digest = tree["seq"], tree["kind"], tree["body"], tree["prev"], tree["hash"]
    for one in (prev, digest):
        if len(bytes.fromhex(_text(one).removeprefix("0x"))) != 32:
            raise ValueError(f"{one} is no hash")
    return Line(seq=int(seq), kind=_text(kind), body=_text(body), prev=prev, hash=digest)


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError(f"{type(given).__name__} where text belongs")
    return given


def _tree(given: Any) -> Tree:
    if not isinstance(given, dict):
        raise TypeError(f"{type(given).__name__} where an object belongs")
    return cast("Tree", given)
