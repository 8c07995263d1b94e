"""The composition root of a replay: the same rooms as a running engine's, on a recorded endpoint, clock and signer.

Nothing here opens a connection or reads a key. The state folder is a fresh one, and goes away with the replay.
"""

import sqlite3
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from engine.assembly import Begun, Composition, assembled
from engine.chains.abi import hex_data
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
from engine.knowledge.prior import Experience
from engine.market.state import Market
from engine.market.tokens import TokenTerms
from engine.pace import RealTime
from engine.planning.capital import Funds
from engine.replacing import Replacements
from engine.replay import beginning
from engine.replay.account import Account
from engine.replay.beyond import Beyond
from engine.replay.cassette import Cassette
from engine.replay.memory import recall
from engine.replay.play import Step, Wanted, play
from engine.replay.signing import RecordedSigner
from engine.replay.timing import RecordedTime
from engine.replay.tokens import RecordedTokens
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
    """Takes every offer and passes it to the replay's own ledger alone."""

    endpoint: RecordedEndpoint

    async def offer(self, submission: Submission, before: object, head: BlockRef) -> str | None:
        """Take it: how it ends is recorded, or worked out."""
        self.endpoint.aside("eth_sendRawTransaction", (hex_data(submission.raw_tx),))
        return None


@asynccontextmanager
async def replayed(cassette: Cassette, over: Sequence[Source] = ()) -> AsyncGenerator[Replay]:
    """Put the cassette's engine together, with the settings of then and `over` them whatever else is to be tried.

    The policy of a changed setting is in force at once, whatever the operator would have to sign. Raises
    `CassetteError` for a cassette that does not fit together, `ConfigError` for settings that cannot be.
    """
    warm_up()
    then = [Source("the cassette", deepcopy(one)) for one in (cassette.settings, cassette.wanted)]
    settings = settle(Settings, [*then, *over])
    with tempfile.TemporaryDirectory(prefix="ketch-replay-") as folder:
        state = Path(folder)
        beginning.write(state / JOURNAL_FILE, cassette.beginning, cassette.rows)
        with Journal.open(state / JOURNAL_FILE) as journal:
            journal.db.execute("PRAGMA synchronous = OFF")  # it goes away with its folder
            yield _replay(cassette, settings, over, state=state, journal=journal)


def _replay(cassette: Cassette, settings: Settings, over: Sequence[Source], *, state: Path, journal: Journal) -> Replay:
    genesis, term = journal.genesis, operator_now(journal)
    executor, head = Address(genesis["executor"]), cassette.head
    endpoint, time = RecordedEndpoint(), RecordedTime(SystemClock().monotonic_ns)
    wanted = Wanted(body=settings.terms.body())
    held = PolicyInForce(journal, settings.terms, lambda: Terms.model_validate(wanted.body), block=head)
    if over:
        in_force = Source("the policy in force", held.version.terms.body())
        held.version = replace(held.version, terms=settle(Settings, [_endpoint(settings), in_force, *over]).terms)
    signer = RecordedSigner(
        term.address,
        _signed(cassette),
        chain=settings.chain_id,
        executor=executor,
        max_gas_wei=lambda: held.policy.max_gas_wei,
        halted=partial(signing_halted, journal, state),
    )
    asked = settings.submission
    relays = _NoRelay(urls=(), mode=asked.mode, key="", endpoint=endpoint) if asked.private else None
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
        doors=Doors(public=endpoint, private=relays, fall_back_to_public=asked.fall_back_to_public),
        journal=journal,
        policy=held,
        signer=signer,
        ledger=ledger,
        monitor=Monitor(endpoint, chain=settings.chain_id, executor=executor, operator=term.address),
        replacements=Replacements(
            endpoint=endpoint, journal=journal, ledger=ledger, policy=held, signer=signer, state_folder=state
        ),
        gas_seen=GasSeen(journal),
        prior=Experience(journal),
        tokens=RecordedTokens(
            endpoint,
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
        pending=time.pending,
    )
    loop = composition.loop
    recall(loop, memory)
    account = _account(cassette, composition, executor=executor, operator=term.address)
    premium_bps = _premium_bps(cassette)
    beyond = Beyond(cassette, market=loop.market, gas_seen=loop.gas_seen, account=account, premium_bps=premium_bps)
    endpoint.beyond, endpoint.aside = beyond.answer, account.aside
    steps = play(
        cassette,
        loop=loop,
        journal=journal,
        endpoint=endpoint,
        beyond=beyond,
        account=account,
        time=time,
        wanted=wanted,
        state=state,
        same_terms=not over,
    )
    return Replay(composition=composition, endpoint=endpoint, steps=steps)


def _endpoint(settings: Settings) -> Source:
    """Name what no settings are without."""
    return Source("the cassette", {"rpc": settings.rpc, "chain": settings.chain})


def _account(cassette: Cassette, composition: Composition, *, executor: Address, operator: Address) -> Account:
    """Begin the ledger of our own transactions with what was open then."""
    desk, loop = composition.desk, composition.loop
    account = Account(
        cassette,
        market=loop.market,
        gas_seen=loop.gas_seen,
        executor=executor,
        operator=operator,
        premium_bps=_premium_bps(cassette),
        count=min((trade.submission.nonce for trade in desk.open.values()), default=desk.next_nonce),
    )
    for trade in desk.open.values():
        account.send(trade.submission.raw_tx, trade.submission.submitted_block)
        for attempt in trade.attempts:
            account.send(attempt.raw_tx, attempt.submitted_block)
    return account


def _premium_bps(cassette: Cassette) -> int:
    """Read what Aave asked for a loan, as the engine last knew it."""
    funds = cassette.memory["loop"]["_funds"]
    return funds.aave_premium_bps if isinstance(funds, Funds) else 0


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
