"""What stands on a deployed chain: the part of it that outlives the process which deployed it."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from engine.domain.units import Address

PoolKind = Literal["constant_product", "concentrated", "weighted", "stable"]


class DeployedToken(msgspec.Struct, frozen=True, kw_only=True):
    """One ERC-20. `usd_cents` is the price of a whole token at the start."""

    address: Address
    symbol: str
    decimals: int
    usd_cents: int


class DeployedPool(msgspec.Struct, frozen=True, kw_only=True):
    """One pool, tokens in the pool's own order. `weights` in percent and `balancer_id` in 0x hex, empty where none."""

    address: Address
    deployment: str
    kind: PoolKind
    tokens: tuple[Address, ...]
    fee_ppm: int
    depth_usd: int
    weights: tuple[int, ...] = ()
    balancer_id: str = ""


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A deployed chain. `contracts` maps each protocol to its contracts' addresses by role."""

    chain_id: int
    start_block: int
    head_timestamp_s: int
    native_wrapped: Address
    faucet: Address
    tokens: tuple[DeployedToken, ...]
    contracts: Mapping[str, Mapping[str, Address]]
    pools: tuple[DeployedPool, ...]
