"""The ends of each trade on paper, and what they add up to: how often it fills, and what the misses cost."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from engine.domain.units import Address, BlockRef
from engine.journal.canonical import Body, decode, plain
from engine.journal.journal import Entry, Journal

End = Literal["optimistic", "pessimistic", "placed"]
ENDS: tuple[End, ...] = get_args(End)
PPM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperEnd:
    """How a trade would have ended in one place of its block; gas is wei as the chain would have charged it."""

    ok: bool
    realised: int
    reason: str
    gas_used: int
    gas_paid_wei: int
    l1_fee_wei: int
    l1_gas: int
    operator_fee_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fills:
    """One end of all trades: fills of what was decided, in ppm too, None of nothing; what the misses cost in wei.

    `realised` is raw by token.
    """

    filled: int
    missed: int
    ratio_ppm: int | None
    cost_of_misses_wei: int
    gas_paid_wei: int
    realised: dict[str, int]


def record_paper(
    journal: Journal,
    intent_id: str,
    block: BlockRef,
    *,
    token: Address | None,
    counts: End,
    undecided: str,
    ends: Mapping[End, PaperEnd],
) -> Entry:
    """Write the ends of a trade against the block that it was decided on; `counts` names the one of the outcome.

    `token` is what its profit is in, None for a sweep or a cancel.
    """
    written = {end: plain(ends[end]) if end in ends else None for end in ENDS}
    said = {"intent_id": intent_id, "block": plain(block), "token": token, "counts": counts, "undecided": undecided}
    return journal.append("paper", said | written)


def is_paper(journal: Journal) -> bool:
    """Say whether a journal is one of trades that were never sent."""
    return bool(journal.genesis.get("paper"))


def paper_totals(journal: Journal) -> dict[str, Any]:
    """Add up a paper journal by ends; a trade decided again counts once, sweeps and cancels not at all.

    What could not be decided counts as a miss in neither; `undecided` says how many.
    """
    newest = {entry.body["intent_id"]: entry.body for entry in journal.entries("paper")}
    traded = [body for body in newest.values() if body["token"] is not None]
    decided = [body for body in traded if not body["undecided"]]
    return {
        "undecided": len(traded) - len(decided),
        **{end: asdict(_fills(decided, end)) for end in ENDS},
    }


def said_of_paper(journal: Journal) -> dict[str, Any]:
    """Say of a paper journal that it is one, and what it adds up to; nothing of any other."""
    return {"paper": True, "on_paper": paper_texts(journal)} if is_paper(journal) else {}


def paper_texts(journal: Journal) -> dict[str, Any]:
    """Give the totals as clients read them: money as decimal strings, ratios as a share of 1."""
    totals = paper_totals(journal)
    return {
        "undecided": totals["undecided"],
        **{end: _texts(totals[end]) for end in ENDS},
    }


def _texts(fills: Body) -> Body:
    ratio = fills["ratio_ppm"]
    return {
        "filled": fills["filled"],
        "missed": fills["missed"],
        "fill_ratio": None if ratio is None else ratio / PPM,
        "cost_of_misses_wei": str(fills["cost_of_misses_wei"]),
        "gas_paid_wei": str(fills["gas_paid_wei"]),
        "realised": {token: str(raw) for token, raw in fills["realised"].items()},
    }


def _fills(decided: Sequence[Body], end: End) -> Fills:
    ends = [(str(body["token"]), decode(PaperEnd, body[end])) for body in decided if body[end] is not None]
    filled = [(token, one) for token, one in ends if one.ok]
    realised: Counter[str] = Counter()
    for token, one in filled:
        realised[token] += one.realised
    return Fills(
        filled=len(filled),
        missed=len(ends) - len(filled),
        ratio_ppm=len(filled) * PPM // len(ends) if ends else None,
        cost_of_misses_wei=sum(one.gas_paid_wei for _, one in ends if not one.ok),
        gas_paid_wei=sum(one.gas_paid_wei for _, one in ends),
        realised=dict(sorted(realised.items())),
    )
