"""Pools are immutable values: static facts and state together, no I/O. A change makes a new value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol

from engine.domain.units import ZERO_ADDRESS, Address, PoolId

Family = Literal["constant_product", "concentrated", "weighted", "stable"]


class Pool(Protocol):
    """What every family's pool has. `deployment` names the protocol instance, e.g. "uniswap_v2" or "sushi_v2"."""

    @property
    def id(self) -> PoolId: ...
    @property
    def deployment(self) -> str: ...
    @property
    def family(self) -> Family: ...
    @property
    def tokens(self) -> tuple[Address, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantProductPool:
    """x·y = k (Uniswap V2 and its forks). Reserves in raw units; `fee` of `fee_denominator` is kept from the input."""

    id: PoolId
    deployment: str
    tokens: tuple[Address, ...]
    fee: int  # 3 of 1000 for Uniswap V2
    fee_denominator: int
    reserve0: int
    reserve1: int
    family: Family = "constant_product"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcentratedPool:
    """Uniswap V3. `ticks` maps every initialised tick to its liquidity net and gross: complete, never a window."""

    id: PoolId
    deployment: str
    tokens: tuple[Address, ...]
    fee_ppm: int
    tick_spacing: int
    sqrt_price_x96: int
    tick: int
    liquidity: int
    # tick -> (liquidity_net, liquidity_gross)
    ticks: Mapping[int, tuple[int, int]] = field(default_factory=lambda: MappingProxyType({}))
    tick_index: tuple[int, ...] = ()  # sorted keys of `ticks`
    family: Family = "concentrated"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedPool:
    """Balancer V2 weighted pool. Raw balances; weights, fee in 1e18 fixed point; scaling 10^(18-decimals)."""

    id: PoolId
    deployment: str
    tokens: tuple[Address, ...]
    balancer_id: str  # the vault's 32-byte pool id, 0x hex
    balances: tuple[int, ...]
    weights: tuple[int, ...]
    scaling: tuple[int, ...]
    fee: int
    version: int = 1  # of the pool's fixed-point mathematics: rounding differs between deployments
    vault: Address = ZERO_ADDRESS  # the only emitter whose balance logs count: anyone can emit a look-alike
    family: Family = "weighted"


@dataclass(frozen=True, slots=True, kw_only=True)
class StablePool:
    """Balancer V2 stable pool. `amp` includes the contract's precision of 1e3; other units as in `WeightedPool`.

    `version` 1 rounds the invariant up (factories of 2021), 2 down. A composable pool lists its own token (BPT) among
    `tokens`, which `bpt_index` names; `rates` (1e18) scale tokens that grow against the others, () when none does.
    """

    id: PoolId
    deployment: str
    tokens: tuple[Address, ...]
    balancer_id: str
    balances: tuple[int, ...]
    amp: int
    scaling: tuple[int, ...]
    fee: int
    version: int = 1
    vault: Address = ZERO_ADDRESS
    rates: tuple[int, ...] = ()
    bpt_index: int | None = None
    amp_updating: bool = False  # amp then depends on the clock: no quote until it is read again
    family: Family = "stable"


AnyPool = ConstantProductPool | ConcentratedPool | WeightedPool | StablePool


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One EVM log. `topics` and `data` are raw bytes; `address` is the emitter in lower case."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    tx_hash: str
    log_index: int


class Venue(Protocol):
    """One AMM family: pure functions over its pools. All amounts are raw units; all results round as the contract does.

    A conformance suite runs over all venues: parity with the chain to the wei, monotonic, a round trip never
    profits, zero liquidity handled.
    """

    @property
    def families(self) -> tuple[Family, ...]: ...
    @property
    def topics(self) -> tuple[bytes, ...]:
        """Topic-0 values of every log that `apply` understands."""
        ...

    def pool_of(self, log: Log) -> PoolId:
        """Name the pool that a log of this venue's topics is about (its emitter, or for a vault the pool inside)."""
        ...

    def apply(self, pool: AnyPool, log: Log) -> AnyPool:
        """Return the pool after `log`. Logs it does not know leave the pool as it is."""
        ...

    def quote_out(self, pool: AnyPool, token_in: Address, token_out: Address, amount_in: int) -> int:
        """Quote exact-in output; raises `QuoteError` where the contract reverts."""
        ...

    def quote_in(self, pool: AnyPool, token_in: Address, token_out: Address, amount_out: int) -> int:
        """Quote the input that exact-out takes; raises `QuoteError` where the contract reverts."""
        ...

    def swap(self, pool: AnyPool, token_in: Address, token_out: Address, amount_in: int) -> tuple[int, AnyPool]:
        """Quote exact-in and return the pool after it too."""
        ...

    def marginal_rate(self, pool: AnyPool, token_in: Address, token_out: Address) -> float:
        """Rate the screen uses: raw token_out per raw token_in for an infinitesimal swap, fee included; 0.0 if none."""
        ...

    def encode(self, pool: AnyPool, token_in: Address, token_out: Address) -> tuple[int, int]:
        """Encode the hop as the two words that the executor contract unpacks."""
        ...
