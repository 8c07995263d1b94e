"""From a closed cycle of swaps to a plan with its proof."""

from dataclasses import dataclass
from typing import Literal

from engine.domain.pools import Family
from engine.domain.units import Address, BlockRef, PoolId, Stamp

Capital = Literal["own", "balancer", "aave", "first_pool", "morpho"]
Origin = Literal["engine", "agent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One swap: give `token_in` to `pool`, receive `token_out`."""

    pool: PoolId
    token_in: Address
    token_out: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Swaps in order. A closed cycle ends in the token that it began with."""

    hops: tuple[Hop, ...]

    @property
    def token(self) -> Address:
        """The token that the cycle begins and ends in, and that profit is counted in."""
        return self.hops[0].token_in

    @property
    def closed(self) -> bool:
        """True when each hop takes what the one before gave, and the last gives what the first took."""
        follows = all(a.token_out == b.token_in for a, b in zip(self.hops, self.hops[1:], strict=False))
        return len(self.hops) > 1 and follows and self.hops[-1].token_out == self.hops[0].token_in

    @property
    def pools(self) -> frozenset[PoolId]:
        return frozenset(h.pool for h in self.hops)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Wei of the native coin for `den` raw units of a token, as the ratio num/den of integers."""

    num: int
    den: int

    def wei(self, raw: int) -> int:
        """Value `raw` units in wei, rounded down."""
        return raw * self.num // self.den

    def raw(self, wei: int) -> int:
        """Convert `wei` into raw units of the token, rounded up."""
        return -(-wei * self.den // self.num)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizedCycle:
    """A closed cycle with its exact best size. `net_wei` is profit after estimated gas, in wei of the native coin."""

    route: Route
    amount_in: int
    amount_out: int
    gas_units: int
    net_wei: int

    @property
    def profit(self) -> int:
        """Gross profit in raw units of the route's token."""
        return self.amount_out - self.amount_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Opportunity:
    """A sized cycle as observed on a block; stale once the chain is past `valid_until_block`."""

    stamp: Stamp
    strategy: str
    route: Route
    amount_in: int
    expected_out: int
    net_wei: int
    valid_until_block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeRequest:
    """An ask to trade a closed cycle: the engine's own opportunity or an agent's, the same from here on.

    `min_profit` is in raw units of the route's token: the floor that the contract will hold.
    """

    stamp: Stamp
    principal: str
    origin: Origin
    route: Route
    amount_in: int
    min_profit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Everything between gross and net. Gas in wei at the fees bid; the flash fee in raw units of the route's token.

    `l1_quoted_wei` is what the oracle asked for the L1 data where `l1_fee_wei` is more, by what receipts taught.
    `next_base_fee_wei` is the next block's, None where only its bound is known; `least_priority_wei` what blocks ask.
    """

    gas_units: int
    base_fee_wei: int
    priority_fee_wei: int
    l1_fee_wei: int
    l1_model: str
    flash_fee: int
    l1_quoted_wei: int | None = None
    operator_fee_wei: int = 0
    next_base_fee_wei: int | None = None
    least_priority_wei: int = 1

    @property
    def apart_wei(self) -> int:
        """What is charged apart from gas: the L1 data fee and the operator's."""
        return self.l1_fee_wei + self.operator_fee_wei

    @property
    def gas_wei(self) -> int:
        """Execution gas at base plus priority fee, and what is charged apart from it."""
        return self.gas_units * (self.base_fee_wei + self.priority_fee_wei) + self.apart_wei


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A request made into one call of the executor. `anchor` is the journal's head, carried in the calldata.

    `least_outs` is the least that each hop may deliver, raw units of what it delivers; 0 is no minimum.
    """

    request: TradeRequest
    capital: Capital
    lender: Address | None
    to: Address
    calldata: bytes
    value: int
    gas_limit: int
    deadline_s: int
    anchor: str
    least_outs: tuple[int, ...]
    families: tuple[Family, ...]
    deployments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a simulation of exactly this plan returned.

    `realised` is the profit in raw units of the route's token, flash fee paid. `notional_wei`, `gross_wei` and
    `net_wei` value the input, the profit and the profit after `costs`; None where the token's price is unknown.
    """

    plan: Plan
    stamp: Stamp
    block: BlockRef
    realised: int
    gas_used: int
    costs: Costs
    trace_hash: str
    notional_wei: int | None
    gross_wei: int | None
    net_wei: int | None
