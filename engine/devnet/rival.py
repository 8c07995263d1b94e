"""One rival: its view of the market, what it makes of a block, and the log of what came of that."""

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.chains.executor_calls import ExecuteCall, encode_execute, profit_of
from engine.chains.heads import decode_logs
from engine.devnet.mining import Head
from engine.devnet.outfits import Outfit
from engine.devnet.rival_feed import RivalFeed
from engine.devnet.rival_policies import RivalPolicy
from engine.devnet.rpc import Rpc, hex_of
from engine.domain.hops import PPM, unpack_hop
from engine.domain.opportunity import Price, Route, SizedCycle
from engine.domain.units import Address, PoolId
from engine.market.prices import price_tokens
from engine.planning.capital import EXTRA_GAS, Funds, Lenders, Source, sources
from engine.planning.costs import bid_wei, floor_raw
from engine.scanning.scan import build_universe, find_cycles, update_rates
from engine.venues.table import venue_of

GAS_MARGIN_PPM = 300_000
DEADLINE_S = 30
_NO_ANCHOR = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offer:
    """A trade about to be sent. `tip_wei` a unit of gas, `floor` in raw units of the route's token."""

    cycle: SizedCycle
    source: Source
    price: Price
    gas_units: int
    tip_wei: int
    floor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """A transaction that has no receipt yet, and the price that its profit is valued at."""

    tx_hash: str
    route: Route
    price: Price
    seen_block: int


class Rival:
    """A competing bot, an `Actor`. The same seed and the same blocks give the same transactions."""

    def __init__(
        self,
        rpc: Rpc,
        feed: RivalFeed,
        policy: RivalPolicy,
        outfit: Outfit,
        *,
        native: Address,
        seen: int,
        seed: int,
        block_time_ms: int,
        base_fee_wei: int,
        log: Path,
    ) -> None:
        self._rpc = rpc
        self._feed = feed
        self._policy = policy
        self._account, self._executor, self._nonce = outfit.account, outfit.executor, outfit.nonce
        self._holdings = dict(outfit.holdings)
        self._native = native
        self._seen = seen
        self._behind = policy.blocks_behind(block_time_ms)
        self._base_fee_wei = base_fee_wei
        self._log = log
        self._rng = random.Random(f"rival {policy.name} {seed}")
        self._pools = {i: pool for i, pool in feed.start.items() if pool.family in policy.families}
        self._universe = build_universe(self._pools, tuple(outfit.holdings), policy.hops[1])
        self._sent: _Sent | None = None
        self._mined = seen  # the block of its last transaction: until that is seen, the market looks as before it

    def act(self, block: Head) -> None:
        """Write down what became of the last transaction, look at the block that it is at by now, and send one more."""
        self.settle()
        self._look(block.number - self._behind)
        noticed = self._rng.randrange(PPM) < self._policy.notice_ppm
        if not noticed or self._sent is not None or self._seen < self._mined:
            return
        offer = self._offer()
        if offer is not None:
            self._send(offer, block)

    def settle(self) -> None:
        """Log the transaction that is out, once it is mined."""
        if self._sent is None:
            return
        receipt: dict[str, Any] | None = self._rpc.call("eth_getTransactionReceipt", self._sent.tx_hash)
        if receipt is None:
            return
        sent, self._sent = self._sent, None
        self._mined = int(receipt["blockNumber"], 16)
        filled = receipt["status"] == "0x1"
        token, realised = sent.route.token, 0
        if filled and (found := profit_of(decode_logs(receipt["logs"]), self._executor)):
            token, realised = found
        self._holdings[token] += realised
        gas_paid_wei = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        entry = {
            "rival": self._policy.name,
            "block": str(self._mined),
            "tx_hash": sent.tx_hash,
            "status": "filled" if filled else "reverted",
            "token": token,
            "realised": str(realised),
            "gas_paid_wei": str(gas_paid_wei),
            "net_wei": str(sent.price.wei(realised) - gas_paid_wei),
            "route": [[hop.pool, hop.token_in, hop.token_out] for hop in sent.route.hops],
            "seen_block": str(sent.seen_block),
        }
        with self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")

    def _look(self, number: int) -> None:
        """Bring the view up to block `number`."""
        changed = self._feed.changed(self._seen, number)
        mine = {i: pool for i, pool in changed.items() if i in self._pools}
        self._pools |= mine
        update_rates(self._universe, self._pools, mine)
        self._seen = max(self._seen, number)

    def _offer(self) -> _Offer | None:
        """Make the best cycle that can be funded an offer; None when nothing pays what the policy wants."""
        prices = price_tokens(self._pools.values(), self._native)
        cycles = find_cycles(
            self._universe,
            self._pools,
            prices=prices,
            gas_price_wei=self._base_fee_wei,
            floor_wei=self._policy.min_net_wei,
        )
        left: set[PoolId] = set()  # pools of what it leaves to others, who will move them in the same block
        for cycle in cycles:
            price = prices[cycle.route.token]
            source = self._source(cycle, price)
            its_kind = len(cycle.route.hops) >= self._policy.hops[0] and left.isdisjoint(cycle.route.pools)
            if source is not None and its_kind:
                return self._priced(cycle, source, price)
            left |= cycle.route.pools
        return None

    def _source(self, cycle: SizedCycle, price: Price) -> Source | None:
        """Fund a cycle as the policy allows; None when it cannot be."""
        funded = sources(
            cycle.route,
            cycle.amount_in,
            pools=self._pools,
            funds=Funds(available={"own": self._holdings}),
            lenders=Lenders(),
            price=price,
            gas_price_wei=self._base_fee_wei,
        )
        return next((source for source in funded if source.capital == "own" or self._policy.borrows), None)

    def _priced(self, cycle: SizedCycle, source: Source, price: Price) -> _Offer | None:
        units = cycle.gas_units + EXTRA_GAS[source.capital]
        before_bid = price.wei(cycle.profit) - units * self._base_fee_wei
        tip_wei = bid_wei(before_bid, units, self._policy.bid_share_ppm)
        gas_wei = units * (self._base_fee_wei + tip_wei)
        if price.wei(cycle.profit) - gas_wei < self._policy.min_net_wei:
            return None
        floor = floor_raw(expected_profit=cycle.profit, gas_wei=gas_wei, min_net_wei=0, price=price, floor_share_ppm=0)
        return _Offer(cycle=cycle, source=source, price=price, gas_units=units, tip_wei=tip_wei, floor=floor)

    def _send(self, offer: _Offer, head: Head) -> None:
        route = offer.cycle.route
        hops = tuple(
            unpack_hop(venue_of(pool).encode(pool, hop.token_in, hop.token_out))
            for hop in route.hops
            for pool in (self._pools[hop.pool],)
        )
        data = encode_execute(
            ExecuteCall(
                flash=offer.source.flash,
                token=route.token,
                amount=offer.cycle.amount_in,
                min_profit=offer.floor,
                deadline_s=head.timestamp_s + DEADLINE_S,
                anchor=_NO_ANCHOR,
                hops=hops,
            )
        )
        body = {
            "from": self._account,
            "to": self._executor,
            "data": hex_of(data),
            "gas": hex(offer.gas_units + offer.gas_units * GAS_MARGIN_PPM // PPM),
            "nonce": hex(self._nonce),
            "maxFeePerGas": hex(2 * self._base_fee_wei + offer.tip_wei),
            "maxPriorityFeePerGas": hex(offer.tip_wei),
        }
        tx_hash: str = self._rpc.call("eth_sendTransaction", body)
        self._nonce += 1
        self._sent = _Sent(tx_hash=tx_hash, route=route, price=offer.price, seen_block=self._seen)
