"""Balancer V2's fixed-point arithmetic, to the last digit: 18 decimals, powers by logarithm and exponential.

Sources: FixedPoint (rounding, error margin of powers) and LogExpMath (series, decomposition) of the deployed
pools. Solidity truncates towards zero; here magnitudes and signs are kept apart, so that floor division agrees.
"""

from typing import Final

from engine.domain.errors import QuoteError

ONE: Final = 10**18
UINT256_MAX: Final = 2**256 - 1

_ONE_20: Final = 10**20
_ONE_36: Final = 10**36
_TWO: Final = 2 * ONE
_FOUR: Final = 4 * ONE
_POW_RELATIVE_ERROR: Final = 10_000  # in 1e18: the margin that powers are rounded by
LN_36_LOWER: Final = ONE - 10**17
LN_36_UPPER: Final = ONE + 10**17
_MIN_EXPONENT: Final = 41 * ONE  # magnitude of the most negative exponent
_MAX_EXPONENT: Final = 130 * ONE
_MAX_POWER: Final = 2**254 // _ONE_20

# e^128 and e^64 as whole numbers; the others e^(2^k) with 20 decimals, beside 2^k with 20 decimals
_E_128: Final = 38877084059945950922200000000000000000000000000000000000
_E_64: Final = 6235149080811616882910000000
_STEPS: Final = (
    (3200000000000000000000, 7896296018268069516100000000000000),
    (1600000000000000000000, 888611052050787263676000000),
    (800000000000000000000, 298095798704172827474000),
    (400000000000000000000, 5459815003314423907810),
    (200000000000000000000, 738905609893065022723),
    (100000000000000000000, 271828182845904523536),
    (50000000000000000000, 164872127070012814685),
    (25000000000000000000, 128402541668774148407),
    (12500000000000000000, 113314845306682631683),
    (6250000000000000000, 106449445891785942956),
)
_EXP_STEPS: Final = _STEPS[:8]
_EXP_TERMS: Final = tuple(n * _ONE_20 for n in range(2, 13))


def mul_down(a: int, b: int) -> int:
    """Multiply two 1e18 numbers, rounding down; raises `QuoteError` past 256 bits."""
    return _fits(a * b) // ONE


def mul_up(a: int, b: int) -> int:
    """Multiply two 1e18 numbers, rounding up; raises `QuoteError` past 256 bits."""
    return -(-_fits(a * b) // ONE)


def div_down(a: int, b: int) -> int:
    """Divide two 1e18 numbers, rounding down; raises `QuoteError` past 256 bits."""
    return _fits(a * ONE) // b


def div_up(a: int, b: int) -> int:
    """Divide two 1e18 numbers, rounding up; raises `QuoteError` past 256 bits."""
    return -(-_fits(a * ONE) // b)


def complement(x: int) -> int:
    """Return 1 − x, or 0 above 1."""
    return ONE - x if x < ONE else 0


def pow_up(base: int, exponent: int, version: int) -> int:
    """Return base^exponent rounded up by the contract's margin (FixedPoint.powUp).

    Raises:
        QuoteError: out of the range that the contract can raise.
    """
    if version >= 2:
        if exponent == ONE:
            return base
        if exponent == _TWO:
            return mul_up(base, base)
        if exponent == _FOUR:
            square = mul_up(base, base)
            return mul_up(square, square)
    raw = power(base, exponent)
    return raw + mul_up(raw, _POW_RELATIVE_ERROR) + 1


def power(base: int, exponent: int) -> int:
    """Return base^exponent by exp(exponent·ln(base)) (LogExpMath.pow).

    Raises:
        QuoteError: out of the range that the contract can raise.
    """
    if exponent == 0:
        return ONE
    if base == 0:
        return 0
    if base >> 255 or exponent >= _MAX_POWER:
        raise QuoteError("the power is out of bounds", measured=(base, exponent))
    if LN_36_LOWER < base < LN_36_UPPER:
        log = ln_36(base)
        magnitude = abs(log)
        product = (magnitude // ONE * exponent + magnitude % ONE * exponent // ONE) // ONE
    else:
        log = ln(base)
        product = abs(log) * exponent // ONE
    if log < 0:
        if product > _MIN_EXPONENT:
            raise QuoteError("the power is out of bounds", measured=-product, limit=-_MIN_EXPONENT)
        return _ONE_36 // exp(product)
    if product > _MAX_EXPONENT:
        raise QuoteError("the power is out of bounds", measured=product, limit=_MAX_EXPONENT)
    return exp(product)


def exp(x: int) -> int:
    """Return e^x for an exponent of 0 to 130 (LogExpMath.exp; it takes e^−x as 1/e^x)."""
    whole = 1
    if x >= 128 * ONE:
        x -= 128 * ONE
        whole = _E_128
    elif x >= 64 * ONE:
        x -= 64 * ONE
        whole = _E_64
    x *= 100
    product = _ONE_20
    for step, factor in _EXP_STEPS:
        if x >= step:
            x -= step
            product = product * factor // _ONE_20
    series = _ONE_20 + x
    term = x
    for divisor in _EXP_TERMS:
        term = term * x // divisor
        if not term:
            break
        series += term
    return product * series // _ONE_20 * whole // 100


def ln(a: int) -> int:
    """Return the logarithm of a positive 1e18 number, 18 decimals (LogExpMath._ln)."""
    if a < ONE:
        return -ln(_ONE_36 // a)
    total = 0
    if a >= _E_128 * ONE:
        a //= _E_128
        total += 128 * ONE
    if a >= _E_64 * ONE:
        a //= _E_64
        total += 64 * ONE
    total *= 100
    a *= 100
    for step, factor in _STEPS:
        if a >= factor:
            a = a * _ONE_20 // factor
            total += step
    z = (a - _ONE_20) * _ONE_20 // (a + _ONE_20)
    z_squared = z * z // _ONE_20
    series = numerator = z
    for divisor in (3, 5, 7, 9, 11):
        numerator = numerator * z_squared // _ONE_20
        series += numerator // divisor
    return (total + 2 * series) // 100


def ln_36(x: int) -> int:
    """Return the logarithm of a 1e18 number between 0.9 and 1.1, 36 decimals (LogExpMath._ln_36)."""
    # the series is odd in z: work on |z| and put the sign back, as truncation towards zero does
    x *= ONE
    z = abs(x - _ONE_36) * _ONE_36 // (x + _ONE_36)
    z_squared = z * z // _ONE_36
    series = numerator = z
    for divisor in (3, 5, 7, 9, 11, 13, 15):
        numerator = numerator * z_squared // _ONE_36
        series += numerator // divisor
    return 2 * series if x >= _ONE_36 else -2 * series


def _fits(product: int) -> int:
    if product > UINT256_MAX:
        raise QuoteError("the pool's arithmetic overflows 256 bits", measured=product)
    return product
