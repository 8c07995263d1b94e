"""What a running engine holds in memory beside its journal: taken between two blocks, and put into another engine.

One literal table names it; a test holds the table against every attribute that the rooms have.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from engine.domain.commands import ExecuteTrade
from engine.domain.opportunity import Route
from engine.journal.canonical import Body
from engine.loop import Loop
from engine.miss_watch import Before
from engine.tickets import Ticket

Memory = dict[str, dict[str, Any]]
"""Room -> attribute -> what it holds; containers are copies, what is in them never changes."""

ROOMS: Mapping[str, tuple[str, ...]] = {
    "loop": (),
    "measured": ("measured",),
    "search": ("_search",),
    "tokens": ("_tokens",),
    "strikes": ("_tokens", "_strikes"),
    "desk": ("_desk",),
    "l1": ("_desk", "_l1"),
    "simulator": ("_desk", "_simulator"),
    "replacements": ("_replacements",),
    "monitor": ("_settlement", "_monitor"),
    "forecast": ("forecast",),
    "ordering": ("forecast", "_ordering"),
    "gas": ("gas_seen",),
    "prior": ("prior",),
    "misses": ("_misses",),
    "operator": ("_operator_watch",),
    "calls": ("_calls",),
    "agents": ("_commands", "_agents"),
    "tickets": ("_commands", "_agents", "_tickets"),
}
"""How each room is reached from the loop."""

KEPT: Mapping[str, tuple[str, ...]] = {
    "loop": ("_funds", "_base_fee_wei", "_stopping", "_fills_wanted", "_lenders"),
    "measured": ("filled", "reverted"),
    "search": ("_decided",),
    "tokens": ("_written", "_verdicts", "_doubted", "_worn", "_failed", "_watched", "version"),
    "strikes": ("_of",),
    "desk": ("open", "next_nonce"),
    "l1": ("model",),
    "simulator": ("_has_simulate",),
    "replacements": ("_out_since", "_missing", "cancel_wanted", "key_ends"),
    "monitor": ("_overtaken",),
    "forecast": ("_head", "_holds", "last"),
    "ordering": ("now", "_until_s"),
    "gas": ("_read_to", "_burnt", "samples", "reverted", "l1"),
    "prior": ("_read_to", "_sent", "_landed"),
    "misses": ("_before",),
    "operator": ("_obeyed", "_quiet_since", "_set_in", "following", "handed_over"),
    "calls": ("_head", "_since", "_due_s", "_filled_once"),
    "agents": ("_answers", "_waiting"),
}
"""What of each room is memory; what is not named is made anew, from the journal, the market or the settings."""


def remember(loop: Loop) -> Memory:
    """Copy an engine's memory. Call it when a block has been taken in and nothing else is under way."""
    memory: Memory = {
        name: {attribute: _copy(getattr(_room(loop, name), attribute)) for attribute in attributes}
        for name, attributes in KEPT.items()
    }
    pools = loop.market.pools
    decided = cast("dict[Route, tuple[object, ...]]", memory["search"]["_decided"])
    memory["search"]["_decided"] = [
        route
        for route, seen in decided.items()
        if all(pools.get(hop.pool) is pool for hop, pool in zip(route.hops, seen, strict=True))
    ]
    before = cast("Before | None", memory["misses"]["_before"])
    memory["misses"]["_before"] = None if before is None else replace(before, pools={})
    return memory


def recall(loop: Loop, memory: Memory) -> None:
    """Put a memory into an engine whose market is the one that it was taken with.

    What another version of the code did not keep stays as it was made anew.
    """
    pools = dict(loop.market.pools)
    for name, attributes in KEPT.items():
        for attribute in attributes:
            if attribute not in memory.get(name, {}):
                continue
            held = memory[name][attribute]
            if attribute == "_decided":
                held = {route: tuple(pools[hop.pool] for hop in route.hops) for route in held}
            elif attribute == "_before" and held is not None:
                held = replace(held, pools=pools)
            _put(_room(loop, name), attribute, held)
    loop.lay_out()


def size_of(memory: Memory) -> int:
    """Estimate the bytes that a memory keeps alive: a fixed share for each thing in it."""
    return sum(
        _THING_BYTES * (1 + (len(held) if isinstance(held, dict | set | frozenset | deque | list) else 0))
        for attributes in memory.values()
        for held in attributes.values()
    )


def ticket_of(loop: Loop, command: ExecuteTrade) -> Ticket | None:
    """Find the ticket that a command is about to spend: it was handed out between two items, and is worth nothing
    once it is spent."""
    return _unspent(loop).get(command.ticket)


def hand_out(loop: Loop, ticket: Ticket) -> None:
    """Put a ticket into an engine that is about to be given the command which spends it."""
    _unspent(loop)[ticket.id] = ticket


def count_calls(loop: Loop, body: Body) -> None:
    """Let the next batch of counted requests be this one: clients ask at their own times, between items."""
    calls = _room(loop, "calls")
    rows = Counter({(row["principal"], row["method"], row["decision"]): int(row["count"]) for row in body["calls"]})
    since = replace(loop.market.head, number=int(body["from_block"]))
    for attribute, held in (("_rows", rows), ("_unnamed", int(body["unnamed"])), ("_since", since)):
        setattr(calls, attribute, held)


def _unspent(loop: Loop) -> dict[str, Ticket]:
    return getattr(_room(loop, "tickets"), _UNSPENT)


_UNSPENT = "_unspent"
_THING_BYTES = 400


def _room(loop: Loop, name: str) -> Any:
    room: Any = loop
    for step in ROOMS[name]:
        room = getattr(room, step)
    return room


def _copy(held: Any) -> Any:
    if isinstance(held, dict):
        mapping = cast("dict[Any, Any]", held)
        return {key: list(item) if isinstance(item, deque | list) else item for key, item in mapping.items()}
    if isinstance(held, set | deque | list):
        return cast("set[Any] | deque[Any] | list[Any]", held).copy()
    return held


def _put(room: Any, attribute: str, held: Any) -> None:
    """Set an attribute; a container that stands keeps its identity, its bounds and its defaults."""
    standing = getattr(room, attribute)
    if isinstance(standing, dict):
        _fill(cast("dict[Any, Any]", standing), held)
    elif isinstance(standing, deque):
        cast("deque[Any]", standing).clear()
        cast("deque[Any]", standing).extend(held)
    elif isinstance(standing, set):
        setattr(room, attribute, set(held))
    else:
        object.__setattr__(room, attribute, held)


def _fill(standing: dict[Any, Any], held: Mapping[Any, Any]) -> None:
    """Fill a dictionary; one that makes its own values has them filled."""
    standing.clear()
    makes = getattr(standing, "default_factory", None)
    for key, item in held.items():
        if makes is None:
            standing[key] = item
        else:
            standing[key].extend(item)
