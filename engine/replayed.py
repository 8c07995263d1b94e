"""The composition root of a replay: the same rooms as a running engine's, on a recorded endpoint, clock and signer.

Nothing here opens a connection or reads a key. The state folder is a fresh one, and goes away with the replay.
"""

import sqlite3
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from engine.assembly import Begun, Composition, assembled
from engine.chains.recorded import RecordedEndpoint
from engine.clocks import SystemClock
from engine.config import Settings
from engine.config_sources import Source, settle
from engine.domain.decision import Submission
from engine.domain.errors import CassetteError, KetchError
from engine.domain.units import Address, BlockRef
from engine.execution.monitor import Monitor
from engine.execution.private import PrivateRelays
from engine.execution.submission import Doors
from engine.gas_seen import GasSeen
from engine.initialise import address_book
from engine.journal.canonical import loads
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.operators import operator_now
from engine.market.state import Market
from engine.market.tokens import TokenBook, TokenTerms
from engine.pace import RealTime
from engine.replacing import Replacements
from engine.replay import beginning
from engine.replay.cassette import Cassette
from engine.replay.memory import recall
from engine.replay.play import Step, Wanted, play
from engine.replay.signing import RecordedSigner
from engine.replay.timing import RecordedTime
from engine.risk.halt import signing_halted
from engine.risk.in_force import PolicyInForce
from engine.risk.limits import LimitLedger
from engine.risk.terms import Terms
from engine.scanning.kernel import warm_up
from engine.venues.deployments import deployments_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A cassette's engine, and what it does: `steps` plays the cassette once."""

    composition: Composition
    endpoint: RecordedEndpoint
    steps: AsyncGenerator[Step]


@dataclass(frozen=True, slots=True)
class _NoRelay(PrivateRelays):
    """Takes every offer and passes none on."""

    async def offer(self, submission: Submission, before: object, head: BlockRef) -> str | None:
        """Take it: how it ended is recorded."""
        return None


@asynccontextmanager
async def replayed(cassette: Cassette, over: Sequence[Source] = ()) -> AsyncGenerator[Replay]:
    """Put the cassette's engine together, with the settings of then and `over` them whatever else is to be tried.

    The policy of a changed setting is in force at once, whatever the operator would have to sign. Raises
    `CassetteError` for a cassette that does not fit together, `ConfigError` for settings that cannot be.
    """
    warm_up()
    then = [Source("the cassette", cassette.settings), Source("the cassette", cassette.wanted)]
    settings = settle(Settings, [*then, *over])
    with tempfile.TemporaryDirectory(prefix="ketch-replay-") as folder:
        state = Path(folder)
        beginning.write(state / JOURNAL_FILE, cassette.beginning, cassette.rows)
        with Journal.open(state / JOURNAL_FILE) as journal:
            journal.db.execute("PRAGMA synchronous = OFF")  # it goes away with its folder
            yield _replay(cassette, settings, state=state, journal=journal, same_terms=not over)


def _replay(cassette: Cassette, settings: Settings, *, state: Path, journal: Journal, same_terms: bool) -> Replay:
    genesis, term = journal.genesis, operator_now(journal)
    executor, head = Address(genesis["executor"]), cassette.head
    endpoint, time = RecordedEndpoint(), RecordedTime(SystemClock().monotonic_ns)
    wanted = Wanted(body=settings.terms.body())
    held = PolicyInForce(journal, settings.terms, lambda: Terms.model_validate(wanted.body), block=head)
    if not same_terms:
        held.version = replace(held.version, terms=settings.terms)
    signer = RecordedSigner(
        term.address,
        _signed(cassette),
        chain=settings.chain_id,
        executor=executor,
        max_gas_wei=lambda: held.policy.max_gas_wei,
        halted=partial(signing_halted, journal, state),
    )
    relays = _NoRelay(urls=(), mode=settings.submission.mode, key="") if settings.submission.private else None
    ledger = LimitLedger(journal)
    memory = cassette.memory
    composition = assembled(
        settings,
        Begun(
            head=head,
            market=Market(head, cassette.pools),
            found=(),
            deployments=deployments_in(address_book(settings)),
            lenders=memory["loop"]["_lenders"],
            l1=memory["l1"]["model"],
            open_trades=(),
            next_nonce=0,
            mined=(),
        ),
        state=state,
        endpoint=endpoint,
        doors=Doors(public=endpoint, private=relays, fall_back_to_public=settings.submission.fall_back_to_public),
        journal=journal,
        policy=held,
        signer=signer,
        ledger=ledger,
        monitor=Monitor(endpoint, chain=settings.chain_id, executor=executor, operator=term.address),
        replacements=Replacements(
            endpoint=endpoint, journal=journal, ledger=ledger, policy=held, signer=signer, state_folder=state
        ),
        gas_seen=GasSeen(journal),
        tokens=TokenBook(
            endpoint=endpoint,
            journal=journal,
            executor=executor,
            operator=term.address,
            terms=TokenTerms(
                valid_blocks=settings.tokens.valid_blocks,
                watch_blocks=settings.tokens.watch_blocks,
                trusted=frozenset(settings.base_tokens),
            ),
        ),
        clock=time,
        pace=RealTime(),
        publish=_to_nobody,
        fills_wanted=None,
        holds_next=lambda address: False,
        tip=time.tip,
    )
    recall(composition.loop, memory)
    steps = play(
        cassette,
        loop=composition.loop,
        journal=journal,
        endpoint=endpoint,
        time=time,
        wanted=wanted,
        state=state,
        same_terms=same_terms,
    )
    return Replay(composition=composition, endpoint=endpoint, steps=steps)


def _keep(journal: Journal, path: Path) -> None:
    """Copy the journal as it stands, whole and in one file."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as copy:
        journal.db.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE").fetchone()


def _to_nobody(event: Mapping[str, Any]) -> None:
    """A replay has no followers."""


def _signed(cassette: Cassette) -> list[bytes]:
    """List what was signed then, and what was open when it began."""
    bodies = [
        loads(line.body.encode())
        for line in (*cassette.beginning, *cassette.recorded)
        if line.kind in ("intent", "attempt")
    ]
    return [bytes.fromhex(body["raw_tx"].removeprefix("0x")) for body in bodies]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A cassette played to its end: the steps, and where the journal of the replay ended."""

    steps: tuple[Step, ...]
    seq: int
    hash: str


async def played(cassette: Cassette, over: Sequence[Source] = (), *, keep: Path | None = None) -> Played:
    """Play a cassette to its end, and keep its journal at `keep` if that is wanted.

    Raises `CassetteError` in one line, whatever goes wrong within: the file may be anybody's.
    """
    try:
        async with replayed(cassette, over) as replay:
            steps = tuple([step async for step in replay.steps])
            seq, head = replay.composition.journal.head
            if keep is not None:
                _keep(replay.composition.journal, keep)
            return Played(steps=steps, seq=seq, hash=head)
    except KetchError:
        raise
    except Exception as error:
        cause = str(error).splitlines()[0][:160] if str(error) else ""
        raise CassetteError(
            "the cassette cannot be replayed",
            measured=f"{type(error).__name__} {cause}".strip(),
            next_step="record it again: ketch capture",
        ) from error
