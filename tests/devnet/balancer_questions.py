"""What the Balancer venues and the deployed vault are both asked."""

from collections.abc import Sequence
from itertools import permutations
from random import Random

from engine.domain.pools import WeightedPool
from engine.venues.weighted import MAX_RATIO
from tests.devnet.balancer_chain import E18, Asked, Pool


def random_amounts(pools: Sequence[Pool], random: Random, a_pool: int) -> list[Asked]:
    """Amounts of every size, up to past what the pool takes or pays, in all directions."""
    asked: list[Asked] = []
    for pool in pools:
        for _ in range(a_pool):
            index_in, index_out = random.sample(range(len(pool.tokens)), 2)
            exact_in = random.random() < 0.5
            most = pool.balances[index_in if exact_in else index_out]
            most = most * 32 // 100 + 2 if isinstance(pool, WeightedPool) else most * 3 // 2
            amount = int(most ** random.random()) if random.random() < 0.6 else random.randrange(1, most)
            asked.append((pool, pool.tokens[index_in], pool.tokens[index_out], amount, exact_in))
    return asked


def edge_amounts(pools: Sequence[Pool]) -> list[Asked]:
    """One unit, the limits and one unit to either side of them, the whole balance, in every direction."""
    asked: list[Asked] = []
    for pool in pools:
        for index_in, index_out in permutations(range(len(pool.tokens)), 2):
            for exact_in in (True, False):
                balance = pool.balances[index_in if exact_in else index_out]
                limit = balance * MAX_RATIO // E18
                with_fee = limit * E18 // (E18 - pool.fee)
                around = [edge + step for edge in (limit, with_fee, balance, 2**112 - balance) for step in (-1, 0, 1)]
                asked += [
                    (pool, pool.tokens[index_in], pool.tokens[index_out], amount, exact_in)
                    for amount in (0, 1, 2, 3, *around)
                ]
    return asked
