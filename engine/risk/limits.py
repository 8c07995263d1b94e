"""The limit ledger: what is reserved and spent, checked and written in one transaction of the journal's own file.

A reservation counts at its worst against every cap until its outcome is known; then what the trade really cost is
charged to the ledger's day (`chain_time`), never to one that has passed. Two processes on one file cannot both take
the last of a cap: SQLite lets one `BEGIN IMMEDIATE` in at a time. A loss that reaches the policy's halting marks
writes the halt in the same step, by itself.
"""

import json

from engine.domain.commands import Halt
from engine.domain.errors import JournalError
from engine.domain.outcome import Cancelled, Filled, Outcome, Reorged, Replaced, Reverted
from engine.domain.units import BlockRef
from engine.journal.canonical import Body
from engine.journal.faults import damage_named
from engine.journal.journal import Journal
from engine.risk.book import Book, Breach, Claim, Worth
from engine.risk.caps import first_over, halt_at_loss_wei, leap, room_to_burn, tripped
from engine.risk.chain_time import MINUTE_S, ChainTime, advanced
from engine.risk.halt import take_halt
from engine.risk.policy import Policy

LEDGER = "limits"
"""The principal that halts when a loss rule trips."""

_CLAIM = "worst_wei, principal, agent, token, venues, notional_wei, own_wei"


class LimitLedger:
    """Reserves before a signature, releases on the outcome; each step is an entry of the journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def book(self, block: BlockRef) -> Book:
        """Read what counts against the caps at a block."""
        rows = self.journal.rows
        with damage_named(self.journal.path):
            last = self._time()
            now = advanced(last, block)
            spent = rows("SELECT what, name, wei FROM spent WHERE day = ?", now.day)
            held = rows(f"SELECT {_CLAIM} FROM reservations WHERE held = 1 ORDER BY seq")
            lately = rows(
                "SELECT principal, COUNT(*) FROM reservations WHERE time_s > ? AND how IS NOT 'unused'"
                " GROUP BY principal",
                now.time_s - MINUTE_S,
            )
            return Book(
                last=last,
                day=now.day,
                spent={(what, name): int(wei) for what, name, wei in spent},
                held=tuple(_claim(row) for row in held),
                open=len(held),
                lately=dict(lately),
                losses_in_a_row=self._losses_in_a_row(),
            )

    def held(self) -> list[str]:
        """List the reservations that no outcome has released."""
        return [name for (name,) in self.journal.rows("SELECT id FROM reservations WHERE held = 1 ORDER BY seq")]

    def reserve(self, claim: Claim, *, block: BlockRef, policy: Policy, worth: Worth | None = None) -> str | Breach:
        """Hold what a trade claims until its outcome, or say which rule is in the way.

        Returns the reservation's name. `worth` is kept with it and values a profit when the outcome comes; so are the
        losses that would halt, as the policy that lets the trade through has them.
        """
        with self.journal.transaction():
            book = self.book(block)
            breach = leap(book.last, block) or first_over(book, claim, policy)
            if breach is not None:
                return breach
            name = f"reservation-{self.journal.head[0] + 1}"
            terms = {
                "reservation": name,
                "day": book.day,
                "time": advanced(book.last, block),
                "worth": worth,
                "policy_hash": policy.digest(),
                "halt_at_loss_wei": halt_at_loss_wei(policy),
                "halt_at_losses": policy.halt_at_losses_in_a_row,
            }
            claimed = {field: getattr(claim, field) for field in Claim.__dataclass_fields__}
            self.journal.append("reservation", terms | claimed)
        return name

    def raise_worst(self, reservation: str, worst_wei: int, *, block: BlockRef, policy: Policy) -> Breach | None:
        """Hold `worst_wei` for a reservation that holds less, before a replacement is signed; or say which cap forbids.

        Raises `JournalError` when the reservation is unknown or was released.
        """
        with self.journal.transaction():
            held = self.worst_of(reservation)
            if worst_wei <= held:
                return None
            (row,) = self.journal.rows(f"SELECT {_CLAIM} FROM reservations WHERE id = ?", reservation)
            more, room = worst_wei - held, room_to_burn(self.book(block), _claim(row), policy)
            if more > room:
                return Breach(
                    rule="gas or loss a day",
                    measured=f"{more} wei more for a replacement",
                    limit=f"{max(room, 0)} wei",
                    next_step="wait for open transactions to end, or for the chain's next day",
                )
            self.journal.append("raise", {"reservation": reservation, "worst_wei": worst_wei})
            return None

    def worst_of(self, reservation: str) -> int:
        """Read the worst that a reservation holds, in wei. Raises `JournalError` when it is not held."""
        rows = self.journal.rows("SELECT worst_wei FROM reservations WHERE id = ? AND held = 1", reservation)
        if not rows:
            raise JournalError("the reservation is not held", measured=reservation, next_step="run ketch verify")
        return int(rows[0][0])

    def worth_of(self, reservation: str) -> Worth:
        """Read how a reservation values its trade's profit."""
        return _worth(self._reserved(reservation)[1])

    def release(self, reservation: str, outcome: Outcome) -> None:
        """Replace a reservation by what its outcome cost, on the ledger's day; halt where that trips a loss rule.

        `Reorged` takes an earlier outcome back and holds the worst again, even where that is above a cap by now: the
        transaction is out there, and nothing more is reserved until it fits. Raises `JournalError` for an unknown
        reservation, or one released already.
        """
        with self.journal.transaction():
            held, terms = self._reserved(reservation)
            if held is isinstance(outcome, Reorged):
                raise JournalError(
                    "the reservation is not in that state",
                    measured=f"{reservation} is {'held' if held else 'released'}, outcome {type(outcome).__name__}",
                    next_step="run ketch verify",
                )
            match outcome:
                case Filled():
                    profit = _worth(terms).of(outcome.realised)
                    lost = self._append(reservation, "filled", outcome.block, outcome.gas_paid_wei, profit)
                    self._halt_if_tripped(lost, terms, outcome.block)
                case Reverted():
                    self._append(reservation, "reverted", outcome.block, outcome.gas_paid_wei)
                    self._halt_if_tripped(True, terms, outcome.block)
                case Cancelled():
                    self._append(reservation, "cancelled", outcome.block, outcome.gas_paid_wei)
                    self._halt_if_tripped(True, terms, outcome.block)
                case Replaced():
                    self._append(reservation, "replaced", None)
                case Reorged():
                    self._append(reservation, "reorged", None)

    def release_unused(self, reservation: str, *, block: BlockRef) -> None:
        """Give back a reservation whose trade was never signed. Raises `JournalError` when it is not held."""
        with self.journal.transaction():
            held, _ = self._reserved(reservation)
            if not held:
                raise JournalError("the reservation was released already", measured=reservation)
            self._append(reservation, "unused", block)

    def rebuild(self) -> None:
        """Fill the ledger's tables again from the journal's entries."""
        self.journal.rebuild()

    def _time(self) -> ChainTime | None:
        rows = dict(self.journal.rows("SELECT name, value FROM ledger WHERE name IN ('time_s', 'block')"))
        return ChainTime(time_s=rows["time_s"], number=rows["block"]) if rows else None

    def _losses_in_a_row(self) -> int:
        ((count,),) = self.journal.rows(
            "SELECT COUNT(*) FROM reservations WHERE ended_seq >"
            " MAX(COALESCE((SELECT ended_seq FROM reservations WHERE how = 'filled' AND loss_wei = '0'"
            " ORDER BY ended_seq DESC LIMIT 1), 0), COALESCE((SELECT value FROM ledger WHERE name = 'resumed'), 0))"
            " AND (how = 'reverted' OR loss_wei <> '0')"
        )
        return count

    def _reserved(self, reservation: str) -> tuple[bool, Body]:
        rows = self.journal.rows("SELECT seq, held FROM reservations WHERE id = ?", reservation)
        entry = self.journal.entry(rows[0][0]) if rows else None
        if entry is None:
            raise JournalError("there is no such reservation", measured=reservation, next_step="run ketch verify")
        return bool(rows[0][1]), entry.body

    def _append(self, reservation: str, how: str, block: BlockRef | None, gas: int = 0, profit: int = 0) -> bool:
        """Write how a reservation ended; True when that is a loss."""
        last = self._time()
        now = advanced(last, block) if block is not None else last
        assert now is not None  # the reservation set it
        loss = max(gas - profit, 0)
        body = {
            "reservation": reservation,
            "how": how,
            "day": now.day,
            "time": now,
            "gas_wei": gas,
            "profit_wei": profit,
            "loss_wei": loss,
        }
        self.journal.append("release", body)
        return loss > 0

    def _halt_if_tripped(self, lost: bool, terms: Body, block: BlockRef) -> None:
        """Write the halt, file and row, unless the row stands already. Only a loss trips anything."""
        last = self.journal.last("state")
        halted = last is not None and last.body["state"] == "HALTED"
        if not lost or halted or "halt_at_losses" not in terms:  # reservations of format 1 hold no marks
            return
        reason = tripped(
            self.book(block),
            halt_at_loss_wei=int(terms["halt_at_loss_wei"]),
            halt_at_losses=int(terms["halt_at_losses"]),
        )
        if reason is not None:
            folder = self.journal.path.parent
            take_halt(Halt(principal=LEDGER, reason=reason), journal=self.journal, state=folder, block=block)


def _claim(row: tuple[str, str, int, str, str, str, str]) -> Claim:
    worst, principal, agent, token, venues, notional, own = row
    return Claim(
        worst_wei=int(worst),
        principal=principal,
        agent=bool(agent),
        token=token,
        venues=tuple(json.loads(venues)),
        notional_wei=int(notional),
        own_wei=int(own),
    )


def _worth(terms: Body) -> Worth:
    worth = terms["worth"] or {"wei": 0, "raw": 0}
    return Worth(wei=int(worth["wei"]), raw=int(worth["raw"]))
