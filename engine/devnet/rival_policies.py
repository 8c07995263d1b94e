"""How the rivals compete: one literal table, from which `--rivals N` takes the first N, and the first ones again.

Each is a bot as they are met in the wild: quick or slow, with a few families and short cycles, with little money of
its own, generous or mean with its bid. None looks at the mempool, and none simulates: who is beaten pays for a revert.
"""

from dataclasses import dataclass, replace

from engine.domain.hops import PPM
from engine.domain.pools import Family

_FINNEY = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class RivalPolicy:
    """One rival's ways. Shares and chances in millionths, amounts in wei of the native coin.

    A block is looked at with a chance of `notice_ppm`, and that `latency_ms` after it was mined. The best cycle of
    `hops` (least, most) through `families` that it can fund, and that nets `min_net_wei` after gas and bid, is sent
    with `bid_share_ppm` of its expected net profit as the priority fee. Funds are `own_usd` of each of its tokens and
    what it has won since; with `borrows` also what the route's first pool pays before it is paid.
    """

    name: str
    latency_ms: int
    hops: tuple[int, int]
    families: tuple[Family, ...]
    bid_share_ppm: int
    min_net_wei: int
    notice_ppm: int
    own_usd: int
    borrows: bool

    def blocks_behind(self, block_time_ms: int) -> int:
        """Count the whole blocks that are mined while it still thinks about one: it always decides on that old state.

        The rule is the same in lockstep: a latency within one block changes nothing there but whose turn is first.
        """
        return self.latency_ms // block_time_ms

    def turn_ms(self, block_time_ms: int) -> int:
        """Say when within a block it acts, in milliseconds after the block began."""
        return self.latency_ms % block_time_ms


RIVALS = (
    RivalPolicy(
        name="pairs",
        latency_ms=40,
        hops=(2, 2),
        families=("constant_product", "concentrated"),
        bid_share_ppm=550_000,
        min_net_wei=_FINNEY // 4,
        notice_ppm=400_000,
        own_usd=3_000,
        borrows=False,
    ),
    RivalPolicy(
        name="triangles",
        latency_ms=120,
        hops=(3, 3),
        families=("constant_product", "concentrated", "weighted"),
        bid_share_ppm=600_000,
        min_net_wei=_FINNEY // 4,
        notice_ppm=500_000,
        own_usd=5_000,
        borrows=False,
    ),
    RivalPolicy(
        name="pegs",
        latency_ms=90,
        hops=(2, 3),
        families=("concentrated", "stable"),
        bid_share_ppm=520_000,
        min_net_wei=_FINNEY // 20,
        notice_ppm=500_000,
        own_usd=8_000,
        borrows=True,
    ),
    RivalPolicy(
        name="latecomer",
        latency_ms=300,
        hops=(2, 2),
        families=("constant_product",),
        bid_share_ppm=100_000,
        min_net_wei=2 * _FINNEY,
        notice_ppm=300_000,
        own_usd=6_000,
        borrows=False,
    ),
)


def policies(count: int, latency_ms: int | None = None, *, keen: bool = False) -> list[RivalPolicy]:
    """Take `count` rivals from the table; past its end the same ways come again under a numbered name.

    `latency_ms` makes all of them so quick, None leaves each its own. Keen ones look at every block and borrow.
    """
    rounds = [divmod(i, len(RIVALS)) for i in range(count)]
    named = [
        RIVALS[at] if again == 0 else replace(RIVALS[at], name=f"{RIVALS[at].name}-{again + 1}") for again, at in rounds
    ]
    if latency_ms is not None:
        named = [replace(policy, latency_ms=latency_ms) for policy in named]
    return [replace(policy, notice_ppm=PPM, borrows=True) for policy in named] if keen else named
