"""The limit ledger: what is reserved and spent, checked and written in one transaction of the journal's own file.

A reservation counts at its worst (all its gas) against the day's gas and the day's loss until its outcome is known.
Two processes on one file cannot both take the last of a cap: SQLite lets one `BEGIN IMMEDIATE` in at a time.
"""

from dataclasses import dataclass

from engine.domain.errors import JournalError
from engine.domain.outcome import Filled, Outcome, Reorged, Replaced, Reverted
from engine.domain.units import BlockRef
from engine.journal.faults import damage_named
from engine.journal.journal import Journal
from engine.risk.policy import Policy

DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A rule that stops a trade: what was measured, the limit, and what would change the answer."""

    rule: str
    measured: str
    limit: str
    next_step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What counts against the caps on one day, in wei. `held_wei` is the worst of all open reservations together."""

    day: int
    gas_wei: int
    loss_wei: int
    held_wei: int
    open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """The proof's own price of its profit: `wei` of the native coin for `raw` of the token. Values the outcome too."""

    wei: int
    raw: int

    def of(self, realised: int) -> int:
        """Value a realised profit in wei, rounded down."""
        return realised * self.wei // self.raw if self.raw else 0


class LimitLedger:
    """Reserves before a signature, releases on the outcome; each step is an entry of the journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def book(self, day: int) -> Book:
        """Read what counts against the caps on `day`."""
        spent = self.journal.rows("SELECT gas_wei, loss_wei FROM spent WHERE day = ?", day) or [("0", "0")]
        held = self.journal.rows("SELECT worst_wei FROM reservations WHERE held = 1")
        with damage_named(self.journal.path):
            return Book(
                day=day,
                gas_wei=int(spent[0][0]),
                loss_wei=int(spent[0][1]),
                held_wei=sum(int(worst) for (worst,) in held),
                open=len(held),
            )

    def held(self) -> list[str]:
        """List the reservations that no outcome has released."""
        return [name for (name,) in self.journal.rows("SELECT id FROM reservations WHERE held = 1 ORDER BY seq")]

    def reserve(self, worst_wei: int, *, block: BlockRef, policy: Policy, worth: Worth | None = None) -> str | Breach:
        """Hold `worst_wei` of the day's gas and loss, and one open intent, or say which cap is in the way.

        Returns the reservation's name. `worth` is kept with it and values a profit when the outcome comes.
        """
        if worst_wei < 0:
            raise ValueError(f"a reservation of {worst_wei} wei")
        with self.journal.transaction():
            book = self.book(day_of(block))
            breach = over_open_intents(book, policy) or over_gas_budget(book, worst_wei, policy)
            breach = breach or over_daily_loss(book, worst_wei, policy)
            if breach is not None:
                return breach
            name = f"reservation-{self.journal.head[0] + 1}"
            body = {
                "reservation": name,
                "worst_wei": worst_wei,
                "day": book.day,
                "worth": worth,
                "policy_hash": policy.digest(),
            }
            self.journal.append("reservation", body)
        return name

    def release(self, reservation: str, outcome: Outcome) -> None:
        """Replace a reservation by what its outcome cost, on the day of the outcome's block.

        `Reorged` takes an earlier outcome back and holds the worst again, even where that is above a cap by now: the
        transaction is out there. Raises `JournalError` for an unknown reservation, or one released already.
        """
        with self.journal.transaction():
            held, worth = self._reserved(reservation)
            if held is isinstance(outcome, Reorged):
                raise JournalError(
                    "the reservation is not in that state",
                    measured=f"{reservation} is {'held' if held else 'released'}, outcome {type(outcome).__name__}",
                    next_step="run ketch verify",
                )
            match outcome:
                case Filled():
                    profit = worth.of(outcome.realised) if worth else 0
                    self._append(reservation, "filled", outcome.block, gas=outcome.gas_paid_wei, profit=profit)
                case Reverted():
                    self._append(reservation, "reverted", outcome.block, gas=outcome.gas_paid_wei)
                case Replaced():
                    self._append(reservation, "replaced", None)
                case Reorged():
                    self._append(reservation, "reorged", outcome.block)

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

    def _reserved(self, reservation: str) -> tuple[bool, Worth | None]:
        rows = self.journal.rows("SELECT seq, held FROM reservations WHERE id = ?", reservation)
        entry = self.journal.entry(rows[0][0]) if rows else None
        if entry is None:
            raise JournalError("there is no such reservation", measured=reservation, next_step="run ketch verify")
        worth = entry.body["worth"]
        return bool(rows[0][1]), Worth(wei=int(worth["wei"]), raw=int(worth["raw"])) if worth else None

    def _append(self, reservation: str, how: str, block: BlockRef | None, *, gas: int = 0, profit: int = 0) -> None:
        (row,) = self.journal.rows("SELECT day FROM reservations WHERE id = ?", reservation)
        body = {
            "reservation": reservation,
            "how": how,
            "day": day_of(block) if block else row[0],
            "gas_wei": gas,
            "profit_wei": profit,
            "loss_wei": max(gas - profit, 0),
        }
        self.journal.append("release", body)


def day_of(block: BlockRef) -> int:
    """Number the chain's day that a block is in: days since the epoch. The machine's clock has no say."""
    return block.timestamp_s // DAY_S


def over_open_intents(book: Book, policy: Policy) -> Breach | None:
    """Refuse one more open intent than allowed."""
    if book.open < policy.max_open_intents:
        return None
    return Breach(
        rule="open intents",
        measured=str(book.open + 1),
        limit=str(policy.max_open_intents),
        next_step="wait until one of the open transactions has ended",
    )


def over_gas_budget(book: Book, worst_wei: int, policy: Policy) -> Breach | None:
    """Refuse gas that could take the day past its budget."""
    measured = book.gas_wei + book.held_wei + worst_wei
    if measured <= policy.gas_budget_per_day_wei:
        return None
    return Breach(
        rule="gas budget a day",
        measured=f"{measured} wei",
        limit=f"{policy.gas_budget_per_day_wei} wei",
        next_step="wait for open transactions to end, or for the chain's next day",
    )


def over_daily_loss(book: Book, worst_wei: int, policy: Policy) -> Breach | None:
    """Refuse a worst case that could take the day past its loss."""
    measured = book.loss_wei + book.held_wei + worst_wei
    if measured <= policy.max_loss_per_day_wei:
        return None
    return Breach(
        rule="loss a day",
        measured=f"{measured} wei",
        limit=f"{policy.max_loss_per_day_wei} wei",
        next_step="wait for open transactions to end, or for the chain's next day",
    )
