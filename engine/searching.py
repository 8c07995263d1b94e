"""The search for cycles as a running engine does it: which tokens, what is in flight, what was decided already."""

from collections.abc import Mapping, Sequence, Set

from engine.desk import MarketView
from engine.domain.chance import shape_of
from engine.domain.opportunity import Route, SizedCycle
from engine.domain.pools import AnyPool
from engine.domain.ports import Prior
from engine.domain.units import PoolId
from engine.gas_seen import GasSeen
from engine.market.state import Market
from engine.market.tokens import TokenBook
from engine.scan_terms import ScanTerms
from engine.scanning.ranking import expected_wei
from engine.scanning.scan import Judge, Scan, Universe, build_universe, greedy_rounds, scan, update_rates


class Search:
    """The universe of pools whose every token is sound, kept in step with the market."""

    def __init__(self, *, market: Market, tokens: TokenBook, terms: ScanTerms, gas_seen: GasSeen, prior: Prior) -> None:
        self._market = market
        self._tokens = tokens
        self._terms = terms
        self._gas_seen = gas_seen
        self._prior = prior
        self._looked: tuple[str, Scan] | None = None
        self._decided: dict[Route, tuple[AnyPool, ...]] = {}
        self._tokens_known = -1
        self.held_back = 0
        self.left_alone = 0
        self._universe: Universe
        self.lay_out()

    def lay_out(self) -> None:
        """Lay out the pools anew: some came, or left, or their tokens' standing changed."""
        self._tokens_known = self._tokens.version
        pools = self._tokens.tradable(self._market.pools)
        self._universe = build_universe(pools, self._terms.base_tokens, self._terms.max_hops)

    def follow_tokens(self) -> None:
        """Lay out anew if a token's standing has changed."""
        if self._tokens_known != self._tokens.version:
            self.lay_out()
            self._looked = None

    def changed(self, pools: Set[PoolId]) -> None:
        """Take in the new state of these pools."""
        update_rates(self._universe, self._market.pools, pools & self._universe.edges_of.keys())

    def news(
        self,
        view: MarketView,
        *,
        floor_wei: int,
        bid_share_ppm: int,
        rounds: int,
        in_flight: Set[PoolId],
        moving: Set[PoolId],
    ) -> list[SizedCycle]:
        """List at most `rounds` cycles that net `floor_wei` one after the other, less those that touch `in_flight` or
        `moving`, the pools that the block being built has touched, and those already decided on pools that have not
        changed since: the answer would be the same. `bid_share_ppm` of a net is bid."""
        cycles = greedy_rounds(
            self._universe,
            view.pools,
            prices=view.prices,
            gas_price_wei=view.base_fee_wei,
            floor_wei=floor_wei,
            max_rounds=min(self._terms.max_rounds, rounds),
            worth_sending=self._judge(view, bid_share_ppm),
        )
        still = [cycle for cycle in cycles if not cycle.route.pools & moving]
        self.held_back += len(cycles) - len(still)
        free = [cycle for cycle in still if not cycle.route.pools & in_flight]
        priced = [self._gas_seen.repriced(one, view.pools, view.prices, view.base_fee_wei) for one in free]
        return [cycle for cycle in priced if self._is_news(cycle, view.pools)]

    def _judge(self, view: MarketView, bid_share_ppm: int) -> Judge | None:
        """Judge cycles by what trades like them came to; None where nothing is known or asked."""
        chances = self._prior.chances(view.block, view.base_fee_wei) if self._terms.prior else None
        if chances is None:
            return None

        def worth_sending(cycle: SizedCycle) -> bool:
            chance = chances(shape_of(cycle.route, view.pools), cycle.net_wei)
            gas_wei = cycle.gas_units * view.base_fee_wei
            if chance is None or expected_wei(cycle.net_wei, gas_wei, bid_share_ppm, chance) > 0:
                return True
            self.left_alone += 1
            return False

        return worth_sending

    def decide_again(self, routes: Sequence[Route]) -> None:
        """Forget that these were decided: the next block looks at them again, changed or not."""
        for route in routes:
            self._decided.pop(route, None)

    def look(self, view: MarketView, *, floor_wei: int) -> Scan:
        """List every cycle that nets `floor_wei` now, pools in flight included; worked out once a block."""
        self.follow_tokens()
        if self._looked is None or self._looked[0] != view.block.hash:
            found = scan(
                self._universe,
                view.pools,
                prices=view.prices,
                gas_price_wei=view.base_fee_wei,
                floor_wei=floor_wei,
            )
            self._looked = (view.block.hash, found)
        return self._looked[1]

    def _is_news(self, cycle: SizedCycle, market: Mapping[PoolId, AnyPool]) -> bool:
        pools = tuple(market[hop.pool] for hop in cycle.route.hops)
        before = self._decided.get(cycle.route)
        self._decided[cycle.route] = pools
        return before is None or any(a is not b for a, b in zip(before, pools, strict=True))
