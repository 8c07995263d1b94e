"""The market: every pool as of one block. This is the only writer of pool state."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from engine.chains.heads import HISTORY_BLOCKS
from engine.domain.errors import ChainError
from engine.domain.events import BlockSeen, RolledBack
from engine.domain.pools import AnyPool, Log
from engine.domain.units import BlockRef, PoolId
from engine.venues.table import BY_FAMILY, VENUES

TOPICS = tuple(sorted({topic for venue in VENUES for topic in venue.topics}))
_POOL_OF = {topic: venue.pool_of for venue in VENUES for topic in venue.topics}


def pools_after(pools: Mapping[PoolId, AnyPool], logs: Sequence[Log]) -> dict[PoolId, AnyPool]:
    """Apply logs in order; return the pools that they changed, as they are after the last one."""
    after: dict[PoolId, AnyPool] = {}
    for log in logs:
        pool_of = _POOL_OF.get(log.topics[0]) if log.topics else None
        if pool_of is None:
            continue
        pool_id = pool_of(log)
        before = after.get(pool_id) or pools.get(pool_id)
        if before is None or log.topics[0] not in BY_FAMILY[before.family].topics:
            continue
        changed = BY_FAMILY[before.family].apply(before, log)
        if changed is not before:
            after[pool_id] = changed
    return after


def touched(pools: Mapping[PoolId, AnyPool], logs: Sequence[Log]) -> frozenset[PoolId]:
    """Name the pools that logs speak of, whoever tells of them and however they are made; nothing is applied."""
    named: set[PoolId] = set()
    for log in logs:
        pool_of = _POOL_OF.get(log.topics[0]) if log.topics else None
        try:
            named |= {pool_of(log)} if pool_of is not None else set()
        except IndexError:  # the vault's log names its pool in a topic that this one lacks
            continue
    return frozenset(named & pools.keys())


class Market:
    """Pools by id as of `head`. Pools are values, so the values replaced are all it takes to bring a block back."""

    def __init__(self, head: BlockRef, pools: Mapping[PoolId, AnyPool]) -> None:
        self._head = head
        self._pools = dict(pools)
        self._undo: deque[tuple[BlockRef, dict[PoolId, AnyPool | None]]] = deque(maxlen=HISTORY_BLOCKS)

    @property
    def head(self) -> BlockRef:
        return self._head

    @property
    def pools(self) -> Mapping[PoolId, AnyPool]:
        """A view that follows the market; copy it to keep a moment."""
        return MappingProxyType(self._pools)

    def apply(self, event: BlockSeen) -> frozenset[PoolId]:
        """Apply one block's logs and name the pools that changed; raises `ChainError` if the block does not follow."""
        if event.parent_hash != self._head.hash:
            raise ChainError(
                "a block does not follow the market's head",
                measured=f"parent {event.parent_hash[:18]} of block {event.block.number}",
                limit=f"{self._head.hash[:18]} of block {self._head.number}",
            )
        after = pools_after(self._pools, event.logs)
        replaced: dict[PoolId, AnyPool | None] = {pool_id: self._pools[pool_id] for pool_id in after}
        self._pools.update(after)
        self._undo.append((self._head, replaced))
        self._head = event.block
        return frozenset(replaced)

    def add(self, pools: Mapping[PoolId, AnyPool]) -> None:
        """Add pools read at the head. A rollback past this block forgets them: discovery finds them again."""
        new = {pool_id: None for pool_id in pools if pool_id not in self._pools}
        self._pools.update({pool_id: pools[pool_id] for pool_id in new})
        if self._undo:
            self._undo[-1][1].update(new)

    def roll_back(self, event: RolledBack) -> frozenset[PoolId]:
        """Go back to the ancestor and name the pools that changed. Raises `ChainError` past the history kept."""
        changed: set[PoolId] = set()
        while self._head.hash != event.ancestor.hash:
            if not self._undo:
                raise ChainError(
                    "a reorg is deeper than the market's history",
                    limit=f"{HISTORY_BLOCKS} blocks",
                    next_step="restart the engine: it reads the market anew",
                )
            self._head, replaced = self._undo.pop()
            self._restore(replaced.items())
            changed.update(replaced)
        return frozenset(changed)

    def _restore(self, replaced: Iterable[tuple[PoolId, AnyPool | None]]) -> None:
        for pool_id, before in replaced:
            if before is None:
                self._pools.pop(pool_id, None)
            else:
                self._pools[pool_id] = before
