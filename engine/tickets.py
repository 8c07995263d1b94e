"""Tickets: what a simulation hands out and an execution spends. Unguessable, for one principal, once, not for long."""

import hashlib
import secrets
from dataclasses import dataclass

from engine.domain.opportunity import Route
from engine.risk.limits import Breach

TICKET_VALID_S = 60
MAX_TICKETS = 1_000
MAX_TICKETS_EACH = 50

_SIMULATE_AGAIN = "call simulate_trade again and spend the ticket that it gives"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The exact trade that was simulated, under which policy, for whom, until when (chain time, seconds)."""

    id: str
    principal: str
    route: Route
    amount_in: int
    min_profit: int
    policy_hash: str
    expires_s: int


class Tickets:
    """The tickets that have not been spent. They live in memory: a restart asks for a new simulation, no more."""

    def __init__(self) -> None:
        self._unspent: dict[str, Ticket] = {}

    def issue(
        self, *, principal: str, route: Route, amount_in: int, min_profit: int, policy_hash: str, now_s: int
    ) -> Ticket:
        """Hand out a ticket. What expired makes room, then the principal's own oldest, then the oldest of all."""
        self._make_room(principal, now_s)
        ticket = Ticket(
            id=secrets.token_urlsafe(24),
            principal=principal,
            route=route,
            amount_in=amount_in,
            min_profit=min_profit,
            policy_hash=policy_hash,
            expires_s=now_s + TICKET_VALID_S,
        )
        self._unspent[ticket.id] = ticket
        return ticket

    def peek(self, ticket_id: str, *, principal: str) -> Ticket | None:
        """Look at an own ticket without spending it; None for every other."""
        ticket = self._unspent.get(ticket_id)
        return ticket if ticket is not None and ticket.principal == principal else None

    def spend(self, ticket_id: str, *, principal: str, policy_hash: str, now_s: int) -> Ticket | Breach:
        """Take a ticket out for good, or say why it is no good. Another principal's ticket stays where it is."""
        ticket = self._unspent.get(ticket_id)
        if ticket is None or ticket.principal != principal:
            # one answer for "unknown", "spent" and "somebody else's": nothing to learn by guessing
            return _breach("unknown or spent", "an unspent ticket of your own")
        del self._unspent[ticket_id]
        if now_s > ticket.expires_s:
            return _breach(f"expired {now_s - ticket.expires_s} s ago", f"{TICKET_VALID_S} s after its simulation")
        if ticket.policy_hash != policy_hash:
            return Breach(
                rule="policy changed",
                measured=f"policy {policy_hash} is in force",
                limit=f"policy {ticket.policy_hash} of the simulation",
                next_step=_SIMULATE_AGAIN,
            )
        return ticket

    def _make_room(self, principal: str, now_s: int) -> None:
        for ticket in [t for t in self._unspent.values() if now_s > t.expires_s]:
            del self._unspent[ticket.id]
        own = [t.id for t in self._unspent.values() if t.principal == principal]
        for ticket_id in own[: max(len(own) - MAX_TICKETS_EACH + 1, 0)]:
            del self._unspent[ticket_id]
        while len(self._unspent) >= MAX_TICKETS:
            del self._unspent[next(iter(self._unspent))]


def fingerprint(ticket_id: str) -> str:
    """Name a ticket where it may be read by others: its hash spends nothing."""
    return "sha256:" + hashlib.sha256(ticket_id.encode()).hexdigest()


def _breach(measured: str, limit: str) -> Breach:
    return Breach(rule="ticket", measured=measured, limit=limit, next_step=_SIMULATE_AGAIN)
