"""Play a cassette: give an engine what the recorded one was given, in the same order, and hold what it does against
what was written down then."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

from engine.chains.recorded import RecordedEndpoint
from engine.domain.commands import Command, ExecuteTrade
from engine.domain.errors import CassetteError, KetchError
from engine.domain.events import BlockSeen, RolledBack
from engine.domain.units import BlockRef
from engine.journal.canonical import loads
from engine.journal.journal import Journal
from engine.journal.schema import KINDS, Kind
from engine.loop import Asked, Loop
from engine.replay.account import Account
from engine.replay.beginning import Line, between
from engine.replay.beyond import Beyond
from engine.replay.cassette import Cassette, Item
from engine.replay.decided import Decided, Ended, decided, ended
from engine.replay.memory import count_calls, hand_out
from engine.replay.timing import RecordedTime
from engine.risk.halt import halt_reason, lift_halt, write_halt
from engine.tickets import Ticket

_BY_ITSELF = frozenset({"engine", "limits"})
"""Who halts without being asked: what a replay decides otherwise may not halt it then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One item: what it was, what was decided then and now, how trades ended, and whether the lines are the same.

    `quoted` names the questions that had not been recorded, and how each was answered.
    """

    what: str
    block: BlockRef
    then: tuple[Decided, ...]
    now: tuple[Decided, ...]
    ended_then: tuple[Ended, ...]
    ended_now: tuple[Ended, ...]
    identical: bool
    quoted: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """True when the same was decided."""
        return self.then == self.now


async def play(
    cassette: Cassette,
    *,
    loop: Loop,
    journal: Journal,
    endpoint: RecordedEndpoint,
    beyond: Beyond,
    account: Account,
    time: RecordedTime,
    wanted: "Wanted",
    state: Path,
    same_terms: bool,
) -> AsyncGenerator[Step]:
    """Yield each item's step. `same_terms` is False when the engine's settings or policy are others than then.

    Raises `CassetteError` for a cassette that does not fit together.
    """
    lines = {line.seq: line for line in cassette.recorded}
    written_to = cassette.items[0].before if cassette.items else 0
    for item in cassette.items:
        for line in _lines(lines, written_to, item.before):
            _append(journal, line)
        written_to = item.after
        then = _lines(lines, item.before, item.after)
        _halt_as_then(item, state, same_terms=same_terms)
        for line in then:
            if line.kind == "calls":
                count_calls(loop, loads(line.body.encode()))
        if item.wanted is not None:
            wanted.body = item.wanted
        endpoint.load(item.heard)
        beyond.load(item.heard)
        time.load(item.now, item.tips, item.pending, item.taken.block if isinstance(item.taken, BlockSeen) else None)
        before = journal.head[0]
        await _give(loop, item)
        now = between(journal, before, journal.head[0])
        account.compare(then, now)
        yield Step(
            what=type(item.taken).__name__,
            block=loop.market.head,
            then=tuple(decided(then)),
            now=tuple(decided(now)),
            ended_then=tuple(ended(then)),
            ended_now=tuple(ended(now)),
            identical=[line.hash for line in then] == [line.hash for line in now],
            quoted=tuple(dict.fromkeys(endpoint.missed)),
        )


@dataclass(slots=True)
class Wanted:
    """The limits that the settings ask for, as whoever reads them again finds them."""

    body: dict[str, Any]


async def _give(loop: Loop, item: Item) -> None:
    taken = item.taken
    if isinstance(taken, BlockSeen | RolledBack):
        await loop.take(taken)
        return
    if not isinstance(taken, get_args(Command)):
        raise CassetteError("the cassette holds what no engine takes in", measured=type(taken).__name__)
    if isinstance(taken, ExecuteTrade) and isinstance(item.ticket, Ticket):
        hand_out(loop, item.ticket)
    answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    await loop.take(Asked(cast("Command", taken), answer))
    with suppress(KetchError):  # refused, as it was then
        await answer


def _lines(lines: dict[int, Line], after: int, to: int) -> Sequence[Line]:
    missing = [seq for seq in range(after + 1, to + 1) if seq not in lines]
    if missing:
        raise CassetteError("the cassette lacks an entry of its journal", measured=f"entry {missing[0]}")
    return [lines[seq] for seq in range(after + 1, to + 1)]


def _append(journal: Journal, line: Line) -> None:
    """Write an entry that came from beside the loop."""
    kind: Kind | None = next((kind for kind in KINDS if kind == line.kind), None)
    if kind is None:
        raise CassetteError("the cassette holds an entry of a kind that this ketch does not know", measured=line.kind)
    journal.append(kind, loads(line.body.encode()))


def _halt_as_then(item: Item, state: Path, *, same_terms: bool) -> None:
    """Let the halt file stand as it stood then, however it came to."""
    reason = halt_reason(state)
    if item.halted == reason:
        return
    said, _, principal = (item.halted or "").rpartition(" (by ")
    principal = principal.removesuffix(")")
    if not same_terms and (item.halted is None or principal in _BY_ITSELF):
        return
    lift_halt(state)
    if item.halted is not None:
        write_halt(state, principal=principal, reason=said or item.halted)
