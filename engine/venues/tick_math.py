"""Ticks and square-root prices, exactly as Uniswap V3's TickMath library gives them. Prices are Q64.96."""

import math
from functools import lru_cache
from typing import Final

from engine.domain.errors import QuoteError

MIN_TICK: Final = -887272
MAX_TICK: Final = 887272
MIN_SQRT_RATIO: Final = 4295128739
MAX_SQRT_RATIO: Final = 1461446703485210103287273052203988822378723970342

_UINT256_MAX = 2**256 - 1

# 1.0001^(-2^i / 2) in Q128.128, for i = 0 to 19: the constants of TickMath.getSqrtRatioAtTick
_POWERS: Final = (
    0xFFFCB933BD6FAD37AA2D162D1A594001,
    0xFFF97272373D413259A46990580E213A,
    0xFFF2E50F5F656932EF12357CF3C7FDCC,
    0xFFE5CACA7E10E4E61C3624EAA0941CD0,
    0xFFCB9843D60F6159C9DB58835C926644,
    0xFF973B41FA98C081472E6896DFB254C0,
    0xFF2EA16466C96A3843EC78B326B52861,
    0xFE5DEE046A99A2A811C461F1969C3053,
    0xFCBE86C7900A88AEDCFFC83B479AA3A4,
    0xF987A7253AC413176F2B074CF7815E54,
    0xF3392B0822B70005940C7A398E4B70F3,
    0xE7159475A2C29B7443B29C7FA6E889D9,
    0xD097F3BDFD2022B8845AD8F792AA5825,
    0xA9F746462D870FDF8A65DC1F90E061E5,
    0x70D869A156D2A1B890BB3DF62BAF32F7,
    0x31BE135F97D08FD981231505542FCFA6,
    0x9AA508B5B7A84E1C677DE54F3E99BC9,
    0x5D6AF8DEDB81196699C329225EE604,
    0x2216E584F5FA1EA926041BEDFE98,
    0x48A170391F7DC42444E8FA2,
)

_LOG_SQRT_BASE = math.log(1.0001) / 2
_LOG_Q96 = 96 * math.log(2)


@lru_cache(maxsize=1 << 17)
def sqrt_ratio_at(tick: int) -> int:
    """Return √(1.0001^tick) in Q64.96, rounded up (TickMath.getSqrtRatioAtTick).

    Raises:
        QuoteError: a tick out of the range that a price can have.
    """
    if not MIN_TICK <= tick <= MAX_TICK:
        raise QuoteError("the tick is out of range", measured=tick, limit=(MIN_TICK, MAX_TICK))
    magnitude = abs(tick)
    ratio = 1 << 128
    for bit, power in enumerate(_POWERS):
        if magnitude >> bit & 1:
            ratio = ratio * power >> 128
    if tick > 0:
        ratio = _UINT256_MAX // ratio
    return (ratio + (1 << 32) - 1) >> 32


def tick_at(sqrt_price_x96: int) -> int:
    """Return the greatest tick whose ratio is not above the price (TickMath.getTickAtSqrtRatio).

    The logarithm is a float; the answer is not: exact ratios settle it.

    Raises:
        QuoteError: a price out of range.
    """
    if not MIN_SQRT_RATIO <= sqrt_price_x96 < MAX_SQRT_RATIO:
        raise QuoteError("the price is out of range", measured=sqrt_price_x96, limit=(MIN_SQRT_RATIO, MAX_SQRT_RATIO))
    tick = math.floor((math.log(sqrt_price_x96) - _LOG_Q96) / _LOG_SQRT_BASE)
    tick = max(MIN_TICK, min(MAX_TICK - 1, tick))
    while sqrt_ratio_at(tick) > sqrt_price_x96:
        tick -= 1
    while tick < MAX_TICK and sqrt_ratio_at(tick + 1) <= sqrt_price_x96:
        tick += 1
    return tick
