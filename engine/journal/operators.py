"""Whose key this journal signs with: the genesis names the first, each entry of kind "operator" the one after it."""

from dataclasses import dataclass

from engine.domain.units import Address, BlockRef
from engine.journal.canonical import plain
from engine.journal.journal import Entry, Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTerm:
    """The time in which one hot key was the operator: entries after `since_seq`, nonces counted from `from_block` on.

    `number` is 0 for the genesis' key. A key that was replaced is never taken again, so each has one term.
    """

    number: int
    address: Address
    since_seq: int
    from_block: int


def operator_terms(journal: Journal) -> tuple[OperatorTerm, ...]:
    """List the hot keys in the order in which they were the operator; the last one is."""
    genesis = journal.genesis
    first = OperatorTerm(
        number=0, address=Address(genesis["operator"]), since_seq=1, from_block=int(genesis["start_block"])
    )
    later = (
        OperatorTerm(
            number=number,
            address=Address(entry.body["new"]),
            since_seq=entry.seq,
            from_block=int(entry.body["set_block"]),
        )
        for number, entry in enumerate(journal.entries("operator"), start=1)
    )
    return (first, *later)


def operator_now(journal: Journal) -> OperatorTerm:
    """Name the hot key that the journal signs with now."""
    return operator_terms(journal)[-1]


def record_operator(
    journal: Journal, *, old: Address, new: Address, set_block: int, tx_hash: str, block: BlockRef
) -> Entry:
    """Write that `new` signs from here on: the treasury set it in `set_block` by `tx_hash`, and what `old` had open
    had ended by `block`.
    """
    body = {"old": old, "new": new, "set_block": set_block, "tx_hash": tx_hash, "block": block}
    return journal.append("operator", plain(body))
