"""The tokens and pools of the local chain, as tables. One price table, so that all pools agree at the start.

The pools are so connected that cycles of two, three and four hops through WETH or USDC exist within every family and
across them. USDT has no pool with WETH, and LINK none with USDC: those two make four hops worth while.
"""

from dataclasses import dataclass
from typing import Literal

V2Deployment = Literal["uniswap_v2", "sushi_v2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSpec:
    """A token to deploy; WETH is WETH9, the others mintable ERC-20s. `usd_cents` is the price of one whole token."""

    symbol: str
    name: str
    decimals: int
    usd_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSpec:
    """A constant-product pool. `depth_usd` is the value of both sides together, here and below."""

    deployment: V2Deployment
    tokens: tuple[str, str]
    depth_usd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcentratedSpec:
    """A Uniswap V3 pool with several positions, each (ticks below, ticks above, share of the depth in percent)."""

    tokens: tuple[str, str]
    fee_ppm: int
    depth_usd: int
    positions: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedSpec:
    """A Balancer weighted pool. Weights in percent; `fee_bps` in hundredths of a percent."""

    name: str
    tokens: tuple[str, ...]
    weights: tuple[int, ...]
    fee_bps: int
    depth_usd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StableSpec:
    """A Balancer stable pool, equal in value at the start."""

    name: str
    tokens: tuple[str, ...]
    amplification: int
    fee_bps: int
    depth_usd: int


TOKENS = (
    TokenSpec(symbol="WETH", name="Wrapped Ether", decimals=18, usd_cents=300_000),
    TokenSpec(symbol="USDC", name="USD Coin", decimals=6, usd_cents=100),
    TokenSpec(symbol="USDT", name="Tether USD", decimals=6, usd_cents=100),
    TokenSpec(symbol="DAI", name="Dai Stablecoin", decimals=18, usd_cents=100),
    TokenSpec(symbol="WBTC", name="Wrapped BTC", decimals=8, usd_cents=6_000_000),
    TokenSpec(symbol="LINK", name="ChainLink Token", decimals=18, usd_cents=1_500),
)

PAIRS = (
    PairSpec(deployment="uniswap_v2", tokens=("WETH", "USDC"), depth_usd=4_000_000),
    PairSpec(deployment="uniswap_v2", tokens=("WETH", "DAI"), depth_usd=1_500_000),
    PairSpec(deployment="uniswap_v2", tokens=("WETH", "WBTC"), depth_usd=2_000_000),
    PairSpec(deployment="uniswap_v2", tokens=("WETH", "LINK"), depth_usd=800_000),
    PairSpec(deployment="uniswap_v2", tokens=("USDC", "USDT"), depth_usd=1_000_000),
    PairSpec(deployment="uniswap_v2", tokens=("USDC", "DAI"), depth_usd=600_000),
    PairSpec(deployment="uniswap_v2", tokens=("USDT", "WBTC"), depth_usd=400_000),
    PairSpec(deployment="uniswap_v2", tokens=("DAI", "LINK"), depth_usd=120_000),
    PairSpec(deployment="sushi_v2", tokens=("WETH", "USDC"), depth_usd=1_500_000),
    PairSpec(deployment="sushi_v2", tokens=("WETH", "WBTC"), depth_usd=700_000),
    PairSpec(deployment="sushi_v2", tokens=("WETH", "DAI"), depth_usd=500_000),
    PairSpec(deployment="sushi_v2", tokens=("WETH", "LINK"), depth_usd=250_000),
    PairSpec(deployment="sushi_v2", tokens=("USDC", "WBTC"), depth_usd=350_000),
    PairSpec(deployment="sushi_v2", tokens=("USDT", "LINK"), depth_usd=80_000),
)

_NARROW = ((300, 300, 25), (1_200, 1_200, 35), (2_000, 500, 15), (13_800, 13_800, 25))
_USUAL = ((600, 600, 20), (1_800, 3_000, 35), (6_000, 1_200, 15), (18_000, 18_000, 30))
_WIDE = ((1_200, 1_200, 20), (4_000, 6_000, 40), (20_000, 20_000, 40))
_PEGGED = ((10, 10, 25), (50, 50, 45), (1_000, 1_000, 30))

CONCENTRATED = (
    ConcentratedSpec(tokens=("WETH", "USDC"), fee_ppm=500, depth_usd=5_000_000, positions=_NARROW),
    ConcentratedSpec(tokens=("WETH", "USDC"), fee_ppm=3_000, depth_usd=3_000_000, positions=_USUAL),
    ConcentratedSpec(tokens=("WETH", "USDC"), fee_ppm=10_000, depth_usd=100_000, positions=_WIDE),
    ConcentratedSpec(tokens=("WETH", "DAI"), fee_ppm=3_000, depth_usd=900_000, positions=_USUAL),
    ConcentratedSpec(tokens=("WETH", "WBTC"), fee_ppm=500, depth_usd=1_200_000, positions=_NARROW),
    ConcentratedSpec(tokens=("WETH", "WBTC"), fee_ppm=3_000, depth_usd=2_000_000, positions=_USUAL),
    ConcentratedSpec(tokens=("WETH", "LINK"), fee_ppm=3_000, depth_usd=600_000, positions=_USUAL),
    ConcentratedSpec(tokens=("WETH", "LINK"), fee_ppm=10_000, depth_usd=60_000, positions=_WIDE),
    ConcentratedSpec(tokens=("USDC", "WBTC"), fee_ppm=3_000, depth_usd=800_000, positions=_USUAL),
    ConcentratedSpec(tokens=("USDC", "USDT"), fee_ppm=500, depth_usd=2_000_000, positions=_PEGGED),
    ConcentratedSpec(tokens=("USDC", "DAI"), fee_ppm=500, depth_usd=1_000_000, positions=_PEGGED),
    ConcentratedSpec(tokens=("USDT", "LINK"), fee_ppm=10_000, depth_usd=50_000, positions=_WIDE),
)

WEIGHTED = (
    WeightedSpec(name="50WBTC-50WETH", tokens=("WBTC", "WETH"), weights=(50, 50), fee_bps=25, depth_usd=1_000_000),
    WeightedSpec(
        name="34WETH-33USDC-33WBTC",
        tokens=("WETH", "USDC", "WBTC"),
        weights=(34, 33, 33),
        fee_bps=30,
        depth_usd=600_000,
    ),
    WeightedSpec(name="80WETH-20DAI", tokens=("WETH", "DAI"), weights=(80, 20), fee_bps=30, depth_usd=500_000),
    WeightedSpec(name="60LINK-40WETH", tokens=("LINK", "WETH"), weights=(60, 40), fee_bps=30, depth_usd=200_000),
)

STABLE = (
    StableSpec(name="USDC-USDT-DAI", tokens=("USDC", "USDT", "DAI"), amplification=200, fee_bps=4, depth_usd=1_500_000),
    StableSpec(name="USDC-DAI", tokens=("USDC", "DAI"), amplification=50, fee_bps=2, depth_usd=300_000),
)

LENDING_USD = 30_000_000
"""What Aave and Morpho Blue each hold to lend, per token."""
AAVE_TOKENS = ("WETH", "USDC", "USDT", "DAI", "WBTC")
MORPHO_TOKENS = ("WETH", "USDC")


def token_spec(symbol: str) -> TokenSpec:
    """Return the token called `symbol`."""
    return next(token for token in TOKENS if token.symbol == symbol)


def raw_amount(symbol: str, usd: int) -> int:
    """Convert a value in whole dollars to raw units of a token at the table's price, rounded down."""
    token = token_spec(symbol)
    return usd * 100 * 10**token.decimals // token.usd_cents
