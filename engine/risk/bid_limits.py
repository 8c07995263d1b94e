"""How high each limit would have let a trade's bid be: what a miss is explained by. No bid is set by this."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from engine.domain.decision import BidLimit
from engine.domain.hops import PPM
from engine.domain.opportunity import Proof
from engine.risk.book import Book, claim_of
from engine.risk.caps import CAPS
from engine.risk.policy import Policy
from engine.risk.rules import l1_worst_wei, least_fee_wei

SETTING_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "gas budget a day": "risk.gas_budget_per_day_wei",
        "loss a day": "risk.max_loss_per_day_wei",
        "an agent's gas a day": "risk.agent_gas_per_day_wei",
        "all agents' gas a day": "risk.agents_gas_per_day_wei",
    }
)
"""Each cap on what is burnt -> the setting that it is held to."""


def bid_limits(proof: Proof, policy: Policy, book: Book) -> tuple[BidLimit, ...]:
    """List what limits a proof's bid: its share, what must be left of the profit, and the room under each cap.

    `book` is the ledger's before the proof's own reservation.
    """
    costs, gas_limit = proof.costs, proof.plan.gas_limit
    net_wei = (proof.gross_wei or 0) - costs.gas_units * costs.base_fee_wei - costs.apart_wei
    if net_wei <= 0:
        return ()
    below_bid_wei = least_fee_wei(proof) - costs.least_priority_wei
    rooms = [("risk.max_gas_wei", policy.max_gas_wei, policy.max_gas_wei)]
    for cap in CAPS:
        if cap.burns:
            limit = cap.limit(policy)
            measured = cap.measure(book, claim_of(proof, 0)).values()
            rooms += [(SETTING_OF[cap.rule], limit, limit - spent) for spent in measured]
    return (
        BidLimit(
            setting="risk.bid_share_ppm",
            value=policy.bid_share_ppm,
            most_wei=net_wei * policy.bid_share_ppm // PPM // costs.gas_units,
            more=(PPM * costs.gas_units, net_wei),
        ),
        BidLimit(
            setting="risk.min_net_profit_wei",
            value=policy.min_net_profit_wei,
            most_wei=(net_wei - policy.min_net_profit_wei) // costs.gas_units,
            more=(-costs.gas_units, 1),
        ),
        *(
            BidLimit(
                setting=setting,
                value=value,
                most_wei=(room - l1_worst_wei(proof)) // gas_limit - below_bid_wei,
                more=(gas_limit, 1),
            )
            for setting, value, room in rooms
        ),
    )
