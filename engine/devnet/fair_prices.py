"""Fair prices that wander: what traders believe a token is worth."""

import random
from math import exp, sqrt

from engine.devnet.deployment import DeployedToken
from engine.devnet.flow import PEGGED, PEGGED_SYMBOLS, VOLATILE
from engine.domain.units import Address


class FairPrices:
    """The fair price of every token, in dollars per raw unit. `step` lets time pass."""

    __slots__ = ("_logs", "_rng", "_start", "_walks")

    def __init__(self, tokens: tuple[DeployedToken, ...], seed: int) -> None:
        self._rng = random.Random(f"fair prices {seed}")
        self._start = {token.address: token.usd_cents / 100 / 10**token.decimals for token in tokens}
        self._walks = {token.address: PEGGED if token.symbol in PEGGED_SYMBOLS else VOLATILE for token in tokens}
        self._logs = dict.fromkeys(self._start, 0.0)

    def usd(self, token: Address) -> float:
        """Return the dollars that one raw unit of `token` is worth now."""
        return self._start[token] * exp(self._logs[token])

    def step(self, seconds: float) -> None:
        """Move every price on by `seconds` (Euler's step of the Ornstein-Uhlenbeck process)."""
        for token, walk in self._walks.items():
            pulled = self._logs[token] * (1.0 - walk.reversion_per_s * seconds)
            self._logs[token] = pulled + walk.volatility_per_sqrt_s * sqrt(seconds) * self._rng.gauss(0.0, 1.0)
