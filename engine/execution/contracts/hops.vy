# pragma version 0.4.3
"""
@title Packed hops
@license MIT
@notice One swap in two words, and what can be read out of them.
@dev The layout is that of engine/domain/hops.py.
"""


# @dev One swap. a: pool 0..159 | fee ppm 160..183 | zero for one 208..215 | least out 216..247 | kind 248..255.
#      least out: how many bits to shift it by 216..223 | 24 bits 224..247.
#      b: token out 0..159 | last 12 bytes of the Balancer pool id 160..255.
struct Hop:
    a: uint256
    b: uint256


# @dev The most hops that a route has.
MAX: constant(uint256) = 8


# @dev Families.
V2: constant(uint256) = 1
V3: constant(uint256) = 2
BALANCER: constant(uint256) = 3


# @dev Fees are parts per million.
PPM: constant(uint256) = 1_000_000


# @dev Masks.
LOW_160: constant(uint256) = 2**160 - 1
LOW_24: constant(uint256) = 2**24 - 1


@internal
@pure
def _kind(hop: Hop) -> uint256:
    """
    @notice The family of a hop.
    @param hop The hop.
    @return V2, V3, BALANCER or something unknown.
    """
    return hop.a >> 248


@internal
@pure
def _zero_for_one(hop: Hop) -> bool:
    """
    @notice Whether a V2 or V3 hop gives token0.
    @param hop The hop.
    @return True for token0 to token1.
    """
    return hop.a >> 208 & 255 != 0


@internal
@pure
def _kept(hop: Hop) -> uint256:
    """
    @notice The part of the input that a V2 pair prices, in ppm.
    @param hop The hop.
    @return One million less the fee.
    """
    return PPM - (hop.a >> 160 & LOW_24)


@internal
@pure
def _least_out(hop: Hop) -> uint256:
    """
    @notice The least that a hop may deliver; zero: anything.
    @param hop The hop.
    @return Raw units, in steps of one part in 2**23 or finer.
    """
    return (hop.a >> 224 & LOW_24) << (hop.a >> 216 & 255)


@internal
@pure
def _pool_id(hop: Hop) -> bytes32:
    """
    @notice The Balancer pool id: the pool's address, then the twelve bytes beside the token.
    @param hop The hop.
    @return The vault's id of the pool.
    """
    return convert((hop.a & LOW_160) << 96 | hop.b >> 160, bytes32)


@internal
@pure
def _address(word: uint256) -> address:
    """
    @notice The address in the low 160 bits: a pool, a token or a lender.
    @param word A packed word.
    @return The address.
    """
    return convert(word & LOW_160, address)
