"""How much a file matters to the others: PageRank over imports and links."""

from collections.abc import Mapping, Sequence
from typing import Final

DAMPING: Final = 0.85
ROUNDS: Final = 100
CLOSE: Final = 1e-9


def importance(leads_to: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Rank files by what leads to them, and by how much that matters itself; the ranks add up to one.

    A file that leads nowhere shares its rank with all. Source: Page, Brin, Motwani, Winograd, "The PageRank Citation
    Ranking: Bringing Order to the Web" (1998).
    """
    names = sorted(leads_to)
    if not names:
        return {}
    even = 1 / len(names)
    rank = dict.fromkeys(names, even)
    for _ in range(ROUNDS):
        idle = sum(rank[name] for name in names if not leads_to[name])
        after = dict.fromkeys(names, (1 - DAMPING + DAMPING * idle) * even)
        for name in names:
            for target in leads_to[name]:
                after[target] += DAMPING * rank[name] / len(leads_to[name])
        moved = sum(abs(after[name] - rank[name]) for name in names)
        rank = after
        if moved < CLOSE:
            break
    return rank
