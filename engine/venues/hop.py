"""The two words of a hop that every venue encodes and `executor.vy` unpacks.

word a: bits 0..159 pool address | 160..183 fee in ppm (constant product only) | 208..215 zero_for_one | 248..255 kind
word b: bits 0..159 token out    | 160..255 the last 12 bytes of a Balancer pool id (else 0)
"""

from engine.domain.units import Address, PoolId

KIND_CONSTANT_PRODUCT = 1
KIND_CONCENTRATED = 2
KIND_BALANCER = 3

FEE_SHIFT = 160
ZERO_FOR_ONE_SHIFT = 208
KIND_SHIFT = 248
BALANCER_ID_TAIL_SHIFT = 160


def pack_hop(
    kind: int,
    pool: PoolId,
    token_out: Address,
    *,
    fee_ppm: int = 0,
    zero_for_one: bool = False,
    balancer_id_tail: int = 0,
) -> tuple[int, int]:
    """Pack one hop. `balancer_id_tail` is the pool id's last 12 bytes as a number."""
    a = int(pool, 16) | fee_ppm << FEE_SHIFT | zero_for_one << ZERO_FOR_ONE_SHIFT | kind << KIND_SHIFT
    return a, int(token_out, 16) | balancer_id_tail << BALANCER_ID_TAIL_SHIFT
