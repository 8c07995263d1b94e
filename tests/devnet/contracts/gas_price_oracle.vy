# pragma version 0.4.3
"""
@title Stand-in for the OP Stack's GasPriceOracle
@dev Answers `getL1Fee(bytes)` with the form of Fjord's fee, on the length of the data: it does not compress, which
     the real predeploy does (fastlz) before it multiplies. Scalars and L1 prices are constants here.
"""

INTERCEPT: constant(int256) = -42_585_600
COEFFICIENT: constant(int256) = 836_500
SIGNATURE: constant(int256) = 68
FEE_SCALED: constant(int256) = 16 * 5227 * 10_000_000_000 + 1014213 * 1_000_000


@external
@view
def getL1Fee(data: Bytes[8192]) -> uint256:
    size: int256 = convert(len(data), int256) + SIGNATURE
    scaled: int256 = max(100_000_000, INTERCEPT + COEFFICIENT * size)
    return convert(scaled * FEE_SCALED // 10**12, uint256)
