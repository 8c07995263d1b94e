"""Balancer V2's StableSwap arithmetic over balances scaled to 18 decimals, rounded as the deployed pools round.

Sources: StableMath._calculateInvariant (of 2021, which rounds up, and of 2022 on, which is Curve's) and
_getTokenBalanceGivenInvariantAndAllOtherBalances. `amp` is A·n^(n−1)·1e3. Newton's method stops at a step of 1.
"""

from functools import lru_cache
from typing import Final

from engine.domain.errors import QuoteError
from engine.venues.balancer_math import UINT256_MAX

AMP_PRECISION: Final = 1000

_MAX_STEPS: Final = 255


@lru_cache(maxsize=8192)
def invariant(amp: int, balances: tuple[int, ...], version: int) -> int:
    """Return the invariant D as pools of this version compute it for a swap; 0 for empty balances.

    Raises:
        QuoteError: a balance of nothing, an overflow, or no convergence.
    """
    total = sum(balances)
    if total == 0:
        return 0
    if min(balances) == 0 and version >= 2:
        raise QuoteError("a balance of the pool is empty", measured=balances)
    try:
        return _invariant_up(amp, balances) if version == 1 else _invariant_down(amp, balances)
    except ZeroDivisionError:
        raise QuoteError("the pool's invariant divides by zero", measured=balances) from None


def balance_given_others(amp: int, balances: list[int], d: int, index: int) -> int:
    """Return the balance at `index` that keeps the invariant `d` beside the other balances, rounded up.

    Raises:
        QuoteError: an overflow, no convergence, or nothing to divide by.
    """
    if d == 0:
        raise QuoteError("the pool is empty", measured=balances)
    n = len(balances)
    amp_n = amp * n
    product = balances[0] * n
    total = balances[0]
    for balance in balances[1:]:
        product = product * balance * n
        if product > UINT256_MAX:
            _fits(product)
        product //= d
        total += balance
    d_squared = d * d
    divisor = amp_n * product
    if divisor == 0:
        raise QuoteError("a balance of the pool is empty", measured=balances)
    c = -(-d_squared // divisor) * AMP_PRECISION * balances[index]
    b = total - balances[index] + d // amp_n * AMP_PRECISION
    _fits(d_squared + c)
    y = -(-(d_squared + c) // (d + b))
    for _ in range(_MAX_STEPS):
        previous = y
        numerator = y * y + c
        denominator = 2 * y + b - d
        if denominator <= 0 or numerator > UINT256_MAX:
            raise QuoteError("the pool's arithmetic leaves its range", measured=balances)
        y = -(-numerator // denominator)
        if -1 <= y - previous <= 1:
            return y
    raise QuoteError("the pool's balance does not converge", measured=balances)


def _invariant_up(amp: int, balances: tuple[int, ...]) -> int:
    n = len(balances)
    total = sum(balances)
    amp_n = amp * n
    d = total
    for _ in range(_MAX_STEPS):
        product = balances[0] * n
        for balance in balances[1:]:
            scaled = product * balance * n
            _fits(scaled)
            product = -(-scaled // d)
        weighted = amp_n * total * product
        _fits(weighted)
        numerator = n * d * d - (-weighted // AMP_PRECISION)
        _fits(numerator)
        previous = d
        # the denominator rounds the other way
        d = -(-numerator // ((n + 1) * d + (amp_n - AMP_PRECISION) * product // AMP_PRECISION))
        if -1 <= d - previous <= 1:
            return d
    raise QuoteError("the pool's invariant does not converge", measured=balances)


def _invariant_down(amp: int, balances: tuple[int, ...]) -> int:
    n = len(balances)
    total = sum(balances)
    amp_n = amp * n
    amp_sum = amp_n * total // AMP_PRECISION
    d = total
    for _ in range(_MAX_STEPS):
        product = d
        for balance in balances:
            scaled = product * d
            _fits(scaled)
            product = scaled // (balance * n)
        numerator = (amp_sum + product * n) * d
        _fits(numerator)
        previous = d
        d = numerator // ((amp_n - AMP_PRECISION) * d // AMP_PRECISION + (n + 1) * product)
        if -1 <= d - previous <= 1:
            return d
    raise QuoteError("the pool's invariant does not converge", measured=balances)


def _fits(value: int) -> None:
    if value > UINT256_MAX:
        raise QuoteError("the pool's arithmetic overflows 256 bits", measured=value)
