"""What there is to earn in a market: what stands, and every rise of it from one transaction to the next."""

from collections.abc import Mapping, Sequence

from engine.domain.pools import AnyPool, Log
from engine.domain.units import Address, PoolId
from engine.market.prices import price_tokens
from engine.market.state import pools_after
from engine.scanning.scan import build_universe, greedy_rounds, update_rates

_EXHAUSTED_ROUNDS = 64


class Available:
    """A market followed by its logs. `standing_wei` is what greedy rounds find now, until nothing above the floor is
    left; `risen_wei` adds up its rises: a trade that takes a profit lowers what stands, what the flow opens raises it.

    Gas is charged at `gas_price_wei`, without any bid. What a later transaction closes before anybody could answer to
    it has risen too, so the sum is never too low for what one look a block can see.
    """

    def __init__(
        self,
        pools: Mapping[PoolId, AnyPool],
        *,
        base_tokens: Sequence[Address],
        max_hops: int,
        native: Address,
        gas_price_wei: int,
        floor_wei: int,
    ) -> None:
        self.pools = dict(pools)
        self._universe = build_universe(self.pools, tuple(base_tokens), max_hops)
        self._native = native
        self._gas_price_wei = gas_price_wei
        self._floor_wei = floor_wei
        self.standing_wei = self._look()
        self.risen_wei = 0

    def follow(self, of_transaction: Sequence[Log]) -> bool:
        """Take in one transaction's logs, in order; True when they changed a pool."""
        changed = pools_after(self.pools, of_transaction)
        if not changed:
            return False
        self.pools |= changed
        update_rates(self._universe, self.pools, changed)
        before, self.standing_wei = self.standing_wei, self._look()
        self.risen_wei += max(self.standing_wei - before, 0)
        return True

    def _look(self) -> int:
        cycles = greedy_rounds(
            self._universe,
            self.pools,
            prices=price_tokens(self.pools.values(), self._native),
            gas_price_wei=self._gas_price_wei,
            floor_wei=self._floor_wei,
            max_rounds=_EXHAUSTED_ROUNDS,
        )
        return sum(cycle.net_wei for cycle in cycles)
