"""A ticket is good for whom it was given, under the policy of its simulation, once, and not for long."""

from __future__ import annotations

from engine.risk.limits import Breach
from engine.tickets import TICKET_VALID_S, Ticket, Tickets
from tests.unit import journal_stubs as stub

NOW_S = stub.block().timestamp_s
HIS, OTHERS = "mcp-1", "mcp-2"
POLICY, ANOTHER = "0x" + "11" * 32, "0x" + "22" * 32


def given(tickets: Tickets) -> Ticket:
    return tickets.issue(
        principal=HIS, route=stub.ROUTE, amount_in=10**18, min_profit=1, policy_hash=POLICY, now_s=NOW_S
    )


def spent(tickets: Tickets, ticket: Ticket, by: str = HIS, policy_hash: str = POLICY, now_s: int = NOW_S) -> object:
    """Spend a ticket: the very ticket, or the rule that refused."""
    answer = tickets.spend(ticket.id, principal=by, policy_hash=policy_hash, now_s=now_s)
    return answer.rule if isinstance(answer, Breach) else answer


def test_a_ticket_is_spent_once() -> None:
    tickets = Tickets()
    ticket = given(tickets)
    assert spent(tickets, ticket) == ticket
    assert spent(tickets, ticket) == "ticket"


def test_a_ticket_of_another_principal_is_refused_and_stays_his() -> None:
    tickets = Tickets()
    ticket = given(tickets)
    assert tickets.peek(ticket.id, principal=OTHERS) is None
    assert spent(tickets, ticket, by=OTHERS) == "ticket"
    assert spent(tickets, ticket) == ticket


def test_a_ticket_of_another_policy_is_refused() -> None:
    tickets = Tickets()
    assert spent(tickets, given(tickets), policy_hash=ANOTHER) == "policy changed"


def test_a_ticket_is_good_to_its_last_second() -> None:
    tickets = Tickets()
    first, second = given(tickets), given(tickets)
    assert spent(tickets, first, now_s=NOW_S + TICKET_VALID_S) == first
    assert spent(tickets, second, now_s=NOW_S + TICKET_VALID_S + 1) == "ticket"
