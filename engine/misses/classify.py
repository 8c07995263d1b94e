"""Tell what others' swaps were for: closed cycles, and pairs of swaps around somebody else's.

An arbitrage is a cycle of swaps in one transaction, each fed by the one before, that gives the account that put in the
first token more of it than it put in. After D. Perez et al. and mev-inspect, whose labels the tests hold it to.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.domain.units import Address
from engine.misses.swaps import Swap, Transaction, by_transaction

SAME_AMOUNT_PPM = 10_000
"""How far what one swap paid and what the next was paid may differ: tokens that tax, and rounding."""
MAX_CYCLE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Arbitrage:
    """A closed cycle that somebody landed. Raw units of `token`; gas, tip, gas price in wei, None where not known."""

    tx_hash: str
    position: int
    account: Address
    swaps: tuple[Swap, ...]
    token: Address
    amount_in: int
    amount_out: int
    gas_wei: int | None
    tip_wei: int | None
    gas_price_wei: int | None = None

    @property
    def profit(self) -> int:
        """What the cycle made before gas, raw units of `token`."""
        return self.amount_out - self.amount_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandwich:
    """Two swaps of one account at one pool around others' swaps in the same direction as the first."""

    account: Address
    front: Swap
    back: Swap
    victims: tuple[Swap, ...]

    @property
    def profit(self) -> int:
        """What the pair made before gas, raw units of the front's token in."""
        return self.back.amount_out - self.front.amount_in


def arbitrages(transactions: Iterable[Transaction]) -> list[Arbitrage]:
    """Find every closed cycle; a swap belongs to one of them at most. Shorter cycles are taken first."""
    found: list[Arbitrage] = []
    for tx in transactions:
        used: set[Swap] = set()
        cycles = sorted(_cycles(tx.swaps), key=lambda cycle: (len(cycle), cycle[0].order))
        for cycle in cycles:
            first, last = cycle[0], cycle[-1]
            if used.intersection(cycle) or last.amount_out <= first.amount_in:
                continue
            used.update(cycle)
            found.append(
                Arbitrage(
                    tx_hash=tx.tx_hash,
                    position=tx.position,
                    account=first.sender,
                    swaps=cycle,
                    token=first.token_in,
                    amount_in=first.amount_in,
                    amount_out=last.amount_out,
                    gas_wei=tx.gas_wei,
                    tip_wei=tx.tip_wei,
                    gas_price_wei=tx.gas_price_wei,
                )
            )
    return found


def _cycles(swaps: Sequence[Swap]) -> Iterator[tuple[Swap, ...]]:
    """Every chain of swaps that returns to its first token and its first account."""

    def follow(chain: tuple[Swap, ...]) -> Iterator[tuple[Swap, ...]]:
        last = chain[-1]
        if len(chain) > 1 and last.token_out == chain[0].token_in and _same_account(chain[0], last):
            yield chain
            return
        if len(chain) == MAX_CYCLE:
            return
        for swap in swaps:
            if swap not in chain and _feeds(last, swap) and swap.pool not in {s.pool for s in chain}:
                yield from follow((*chain, swap))

    for swap in swaps:
        yield from follow((swap,))


def _same_account(first: Swap, last: Swap) -> bool:
    """The end comes back to where the beginning came from: one account, or one pool that paid first."""
    return last.receiver == first.sender


def _feeds(one: Swap, following: Swap) -> bool:
    """What one swap paid is what the next was paid, by the same hand or straight into the pool."""
    if one.token_out != following.token_in:
        return False
    handed = one.receiver in (following.pool, following.sender) or following.sender == one.pool
    apart = abs(one.amount_out - following.amount_in)
    return handed and apart * 1_000_000 <= SAME_AMOUNT_PPM * max(one.amount_out, following.amount_in)


def sandwiches(transactions: Iterable[Transaction]) -> list[Sandwich]:
    """Find pairs of swaps around others' at the same pool: the same account, the first direction and back."""
    swaps = [s for found in by_transaction(s for tx in transactions for s in tx.swaps).values() for s in found]
    pools = {swap.pool for swap in swaps}
    taken: set[Swap] = set()
    found: list[Sandwich] = []
    for index, front in enumerate(swaps):
        if front in taken:
            continue
        victims: list[Swap] = []
        hands = {front.sender, front.receiver} - pools  # a pool that is paid directly is nobody's hand
        for other in swaps[index + 1 :]:
            if other.pool != front.pool or other.tx_hash == front.tx_hash:
                continue
            theirs = bool(hands & {other.sender, other.receiver})
            if other.token_in == front.token_in and not theirs:
                victims.append(other)
            elif other.token_in == front.token_out and theirs:
                if victims:
                    found.append(Sandwich(account=front.receiver, front=front, back=other, victims=tuple(victims)))
                    taken.update((front, other))
                break
    return found
