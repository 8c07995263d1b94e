"""Quotes and swaps as traders make them: through each protocol's own router."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.devnet.calldata import call, returned
from engine.devnet.deployment import DeployedPool
from engine.devnet.protocols.uniswap_v2 import FOREVER_S
from engine.domain.units import ZERO_ADDRESS, Address

Contracts = Mapping[str, Mapping[str, Address]]

_V2_QUOTE = "getAmountsOut(uint256,address[])"
_V2_SWAP = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
_V3_QUOTE = "quoteExactInputSingle((address,address,uint256,uint24,uint160))"
_V3_SWAP = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
_VAULT_FUNDS = "(address,bool,address,bool)"
_VAULT_QUOTE = f"queryBatchSwap(uint8,(bytes32,uint256,uint256,uint256,bytes)[],address[],{_VAULT_FUNDS})"
_VAULT_SWAP = f"swap((bytes32,uint8,address,address,uint256,bytes),{_VAULT_FUNDS},uint256,uint256)"
_GIVEN_IN = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """An exact-in swap in one pool; `amount_in` in raw units of `token_in`."""

    pool: DeployedPool
    token_in: Address
    token_out: Address
    amount_in: int


def quote_call(contracts: Contracts, swap: Swap) -> tuple[Address, bytes]:
    """Return the contract and calldata that quote `swap`."""
    path = [swap.token_in, swap.token_out]
    if swap.pool.kind == "constant_product":
        return contracts[swap.pool.deployment]["router"], call(_V2_QUOTE, swap.amount_in, path)
    if swap.pool.kind == "concentrated":
        asked = (*path, swap.amount_in, swap.pool.fee_ppm, 0)
        return contracts["uniswap_v3"]["quoter"], call(_V3_QUOTE, asked)
    step = (bytes.fromhex(swap.pool.balancer_id[2:]), 0, 1, swap.amount_in, b"")
    funds = (ZERO_ADDRESS, False, ZERO_ADDRESS, False)
    return contracts["balancer_v2"]["vault"], call(_VAULT_QUOTE, _GIVEN_IN, [step], path, funds)


def quoted(swap: Swap, answer: bytes) -> int:
    """Decode the amount of `token_out` from what the quote returned."""
    if swap.pool.kind == "constant_product":
        amounts: tuple[int, ...] = returned(["uint256[]"], answer)[0]
        return amounts[-1]
    if swap.pool.kind == "concentrated":
        return int(returned(["uint256"], answer[:32])[0])
    deltas: tuple[int, ...] = returned(["int256[]"], answer)[0]
    return -deltas[1]


def swap_call(contracts: Contracts, swap: Swap, trader: Address, min_out: int) -> tuple[Address, bytes]:
    """Return the contract and calldata that make `swap` for `trader`, who has approved it."""
    pool = swap.pool
    path: list[Any] = [swap.token_in, swap.token_out]
    if pool.kind == "constant_product":
        data = call(_V2_SWAP, swap.amount_in, min_out, path, trader, FOREVER_S)
        return contracts[pool.deployment]["router"], data
    if pool.kind == "concentrated":
        asked = (*path, pool.fee_ppm, trader, FOREVER_S, swap.amount_in, min_out, 0)
        return contracts["uniswap_v3"]["router"], call(_V3_SWAP, asked)
    single = (bytes.fromhex(pool.balancer_id[2:]), _GIVEN_IN, *path, swap.amount_in, b"")
    funds = (trader, False, trader, False)
    return contracts["balancer_v2"]["vault"], call(_VAULT_SWAP, single, funds, min_out, FOREVER_S)
