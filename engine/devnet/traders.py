"""Seeded traders who move prices: retail flow and now and then a whale, each from accounts of their own."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, tanh
from typing import Any

from engine.devnet.deployment import DeployedPool, Deployment
from engine.devnet.fair_prices import FairPrices
from engine.devnet.flow import FLOWS, TIP_SHARE_PPM, TraderFlow
from engine.devnet.mining import Head
from engine.devnet.rpc import NodeRefused, Rpc, hex_of
from engine.devnet.swaps import Swap, quote_call, quoted, swap_call
from engine.domain.units import Address

PROBE_USD = 50.0
SWAP_GAS = 600_000
PPM = 1_000_000
BPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A trade somebody has in mind before looking at the price. `toss` in [0, 1) decides the direction."""

    flow: TraderFlow
    probe: Swap
    usd: float
    toss: float
    account: Address
    tip_wei: int


class Traders:
    """All simulated traders, an `Actor`. The same seed and the same blocks give the same transactions.

    `sent` counts the transactions so far.
    """

    def __init__(
        self,
        rpc: Rpc,
        deployment: Deployment,
        accounts: Sequence[Address],
        *,
        seed: int,
        block_time_ms: int,
        base_fee_wei: int,
        flows: tuple[TraderFlow, ...] = FLOWS,
    ) -> None:
        self.sent = 0
        self._rpc = rpc
        self._deployment = deployment
        self._accounts = accounts
        self._seconds = block_time_ms / 1000
        self._base_fee_wei = base_fee_wei
        self._flows = flows
        self._rng = random.Random(f"traders {seed}")
        self._fair = FairPrices(deployment.tokens, seed)

    def act(self, block: Head) -> None:
        """Let a block's time pass, then send the trades that it brought."""
        self._fair.step(self._seconds)
        wishes = [wish for flow in self._flows for wish in self._wishes(flow)]
        if not wishes:
            return
        swaps = [
            self._decide(wish, out)
            for wish, out in zip(wishes, self._quotes([wish.probe for wish in wishes]), strict=True)
        ]
        trades = [
            (wish, swap, out) for wish, swap, out in zip(wishes, swaps, self._quotes(swaps), strict=True) if out > 0
        ]
        self._send(trades)

    def _wishes(self, flow: TraderFlow) -> list[_Wish]:
        rng = self._rng
        wishes: list[_Wish] = []
        elapsed = rng.expovariate(flow.trades_per_s)
        while elapsed < self._seconds:
            elapsed += rng.expovariate(flow.trades_per_s)
            pools = self._deployment.pools
            pool = rng.choices(pools, [pool.depth_usd**flow.depth_exponent for pool in pools])[0]
            token_in, token_out = rng.sample(pool.tokens, 2)
            usd = min(flow.median_usd * exp(flow.sigma * rng.gauss(0.0, 1.0)), flow.max_depth_share * pool.depth_usd)
            wishes.append(
                _Wish(
                    flow=flow,
                    probe=self._swap(pool, token_in, token_out, PROBE_USD),
                    usd=usd,
                    toss=rng.random(),
                    account=rng.choice(self._accounts),
                    tip_wei=self._base_fee_wei * rng.randint(*TIP_SHARE_PPM) // PPM,
                )
            )
        return wishes

    def _decide(self, wish: _Wish, probed_out: int) -> Swap:
        """Turn a wish into a swap: rather into the direction that the pool overpays."""
        probe = wish.probe
        paid = probe.amount_in * self._fair.usd(probe.token_in) * (1 - probe.pool.fee_ppm / PPM)
        distance = log(max(probed_out * self._fair.usd(probe.token_out), 1e-9) / paid)
        ahead = wish.toss < 0.5 + 0.5 * tanh(distance / wish.flow.pull)
        sides = (probe.token_in, probe.token_out) if ahead else (probe.token_out, probe.token_in)
        return self._swap(probe.pool, *sides, wish.usd)

    def _swap(self, pool: DeployedPool, token_in: Address, token_out: Address, usd: float) -> Swap:
        amount_in = max(1, int(usd / self._fair.usd(token_in)))
        return Swap(pool=pool, token_in=token_in, token_out=token_out, amount_in=amount_in)

    def _quotes(self, swaps: Sequence[Swap]) -> list[int]:
        """Quote at the newest block; 0 where the pool cannot do it."""
        calls = [quote_call(self._deployment.contracts, swap) for swap in swaps]
        answers = self._rpc.try_eth_calls(calls)
        return [
            0 if isinstance(answer, NodeRefused) else quoted(swap, answer)
            for swap, answer in zip(swaps, answers, strict=True)
        ]

    def _send(self, trades: Sequence[tuple[_Wish, Swap, int]]) -> None:
        owners = list(dict.fromkeys(wish.account for wish, _, _ in trades))
        counts = self._rpc.batch([("eth_getTransactionCount", [owner, "pending"]) for owner in owners])
        nonces = {owner: int(count, 16) for owner, count in zip(owners, counts, strict=True)}
        sending: list[tuple[str, list[Any]]] = []
        for wish, swap, out in trades:
            min_out = out * (BPS - wish.flow.slippage_bps) // BPS
            router, data = swap_call(self._deployment.contracts, swap, wish.account, min_out)
            body = {
                "from": wish.account,
                "to": router,
                "data": hex_of(data),
                "gas": hex(SWAP_GAS),
                "nonce": hex(nonces[wish.account]),
                "maxFeePerGas": hex(2 * self._base_fee_wei + wish.tip_wei),
                "maxPriorityFeePerGas": hex(wish.tip_wei),
            }
            nonces[wish.account] += 1
            sending.append(("eth_sendTransaction", [body]))
        self._rpc.batch(sending)
        self.sent += len(sending)
