"""What an engine decided, as its journal's lines say it: one value a decision, without the names that lines carry."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.journal.canonical import Body, loads
from engine.replay.beginning import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision: the pools in order, the token and the raw amount put in, and what was said of it.

    `said` is "approved" or the rule that refused; fees in wei a gas and `capital` only where it was approved, `net_wei`
    where it was proved.
    """

    pools: tuple[str, ...]
    token: str
    amount_in: int
    said: str
    measured: str = ""
    capital: str = ""
    max_fee_wei: int = 0
    priority_fee_wei: int = 0
    net_wei: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How one submission ended: `pools` of its route where it was decided on this cassette, profit in raw units."""

    intent: str
    how: str
    token: str
    realised: int
    gas_paid_wei: int


def decided(lines: Sequence[Line]) -> list[Decided]:
    """Read the decisions out of lines that hold their requests and proofs too."""
    bodies = [(line.kind, loads(line.body.encode())) for line in lines]
    requests = {body["stamp"]["id"]: body for kind, body in bodies if kind == "request"}
    proofs = {body["plan"]["request"]: body for kind, body in bodies if kind == "proof"}
    made: list[Decided] = []
    for kind, body in bodies:
        if kind == "decision" and (request := requests.get(body["request"])) is not None:
            made.append(_decided(body, request, proofs.get(body["request"])))
    return made


def ended(lines: Sequence[Line]) -> list[Ended]:
    """Read how submissions ended."""
    found = [loads(line.body.encode()) for line in lines if line.kind == "outcome"]
    return [
        Ended(
            intent=body["intent_id"],
            how=body["type"].lower(),
            token=body.get("token", ""),
            realised=int(body.get("realised", 0)),
            gas_paid_wei=int(body.get("gas_paid_wei", 0)),
        )
        for body in found
    ]


def _decided(body: Body, request: Body, proof: Body | None) -> Decided:
    hops = request["route"]["hops"]
    approved = body["verdict"] == "approved"
    net = None if proof is None or proof["net_wei"] is None else int(proof["net_wei"])
    return Decided(
        pools=tuple(hop["pool"] for hop in hops),
        token=hops[0]["token_in"],
        amount_in=int(request["amount_in"]),
        said="approved" if approved else body["rule"],
        measured="" if approved else body["measured"],
        capital=proof["plan"]["capital"] if approved and proof is not None else "",
        max_fee_wei=int(body["max_fee_wei"]) if approved else 0,
        priority_fee_wei=int(body["priority_fee_wei"]) if approved else 0,
        net_wei=net,
    )
