"""What profile paper sets unless told otherwise: a public endpoint, a chain's coins, and room to measure misses."""

from collections.abc import Mapping

from engine.config_sources import Source, Tree
from engine.domain.units import ChainId

PUBLIC_ENDPOINTS: Mapping[ChainId, str] = {
    ChainId(1): "https://ethereum-rpc.publicnode.com",
    ChainId(10): "https://mainnet.optimism.io",
    ChainId(8453): "https://mainnet.base.org",
    ChainId(42161): "https://arb1.arbitrum.io/rpc",
}
"""The chains' own public endpoints as their documents name them, Ethereum's a well-known one: to try, not to race."""

COINS: Mapping[ChainId, tuple[str, ...]] = {
    ChainId(1): (
        "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",  # WETH
        "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",  # USDC
        "0xdac17f958d2ee523a2206206994597c13d831ec7",  # USDT
    ),
    ChainId(10): (
        "0x4200000000000000000000000000000000000006",  # WETH
        "0x0b2c639c533813f4aa9d7837caf62653d097ff85",  # USDC
        "0x94b008aa00579c1307b0ef2c499ad98a8ce58e58",  # USDT
    ),
    ChainId(8453): (
        "0x4200000000000000000000000000000000000006",  # WETH
        "0x833589fcd6edb6e08f4c7c32d4f71b54bda02913",  # USDC
    ),
    ChainId(42161): (
        "0x82af49447d8a07e3bd95bd0d56f35241523fbab1",  # WETH
        "0xaf88d065e77c8cc2239327c5edb3a432268e5831",  # USDC
        "0xfd086bc7cd5c481dcc9c85ebe478a1c0b69fcbb9",  # USDT
    ),
}
"""The wrapped native coin first, then the dollars that most pools hold (the shared data's registry of tokens)."""

PAPER_LIMITS: Tree = {
    "gas_budget_per_day_wei": str(10**18),
    "max_loss_per_day_wei": str(10**18),
    "halt_at_losses_in_a_row": 10_000,
}
"""Misses are what paper measures: a budget of real money would end the measurement at the fifth."""


def endpoint_variable(chain: str) -> str:
    """Name the variable of an endpoint of one's own for a chain: KETCH_RPC_ARBITRUM."""
    return f"KETCH_RPC_{chain.upper()}"


def paper_defaults(chain: ChainId, name: str, environ: Mapping[str, str]) -> Source:
    """Give the settings of profile paper on a chain, the lowest of all sources."""
    rpc = environ.get(endpoint_variable(name)) or PUBLIC_ENDPOINTS[chain]
    native, *_ = COINS[chain]
    values: Tree = {
        "rpc": rpc,
        "native_wrapped": native,
        "base_tokens": list(COINS[chain]),
        "risk": dict(PAPER_LIMITS),
    }
    return Source("profile paper", values)
