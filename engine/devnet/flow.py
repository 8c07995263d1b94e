"""How much is traded, by whom, and how prices wander: every figure of the simulated market in one place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TraderFlow:
    """One kind of trader. Trades arrive as a Poisson process, sizes are log-normal in dollars.

    A trade takes at most `max_depth_share` of its pool's depth at the start. `pull` is the log distance from the fair
    price at which a trade brings the pool back with a probability of 88 %; at distance 0 it is a coin's toss.
    A pool is picked with a weight of its depth to the power of `depth_exponent`.
    """

    name: str
    trades_per_s: float
    median_usd: float
    sigma: float
    max_depth_share: float
    pull: float
    depth_exponent: float
    slippage_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FairPriceFlow:
    """The walk of a fair price: Ornstein-Uhlenbeck in logarithms around the price table."""

    volatility_per_sqrt_s: float
    reversion_per_s: float


RETAIL = TraderFlow(
    name="retail",
    trades_per_s=4.0,
    median_usd=2_500.0,
    sigma=1.1,
    max_depth_share=0.012,
    pull=0.012,
    depth_exponent=0.35,
    slippage_bps=100,
)
WHALE = TraderFlow(
    name="whale",
    trades_per_s=0.06,
    median_usd=60_000.0,
    sigma=0.7,
    max_depth_share=0.025,
    pull=0.03,
    depth_exponent=0.7,
    slippage_bps=300,
)
FLOWS = (RETAIL, WHALE)

VOLATILE = FairPriceFlow(volatility_per_sqrt_s=0.0006, reversion_per_s=0.001)  # ± 1.3 % in the long run
PEGGED = FairPriceFlow(volatility_per_sqrt_s=0.00002, reversion_per_s=0.002)
PEGGED_SYMBOLS = frozenset({"USDC", "USDT", "DAI"})

TIP_SHARE_PPM = (1_000, 50_000)
"""A trader's priority fee as a share of the base fee, drawn evenly between the two."""
