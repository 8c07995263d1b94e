"""The composition root: picks clock, pace and keys for the profile, and puts the rooms together. Nobody else knows."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from engine.assembly import Begun, Composition, assembled
from engine.chain_actions import head_of
from engine.chains.endpoints import Endpoint, open_endpoint
from engine.chains.ordering import read_ordering
from engine.chains.overlay import Overlay
from engine.clocks import BlockClock, SystemClock
from engine.config import MANIFEST_NAME, Settings
from engine.connecting import check_chain, check_identity, standing
from engine.domain.errors import ConfigError
from engine.domain.ports import Clock, Pace
from engine.domain.units import Address
from engine.execution.keys import local_keys
from engine.execution.monitor import Monitor
from engine.execution.private import PrivateRelays, relay_key
from engine.execution.reconcile import count_at, left_chain, reconcile
from engine.execution.simulated import PaperMonitor
from engine.execution.submission import Doors
from engine.gas_seen import GasSeen
from engine.initialise import address_book, initialise_live, initialise_local, lenders_in
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.operators import operator_terms
from engine.knowledge.prior import Experience
from engine.loop import Event
from engine.market.discovery import discover
from engine.market.pools_in_use import in_use
from engine.market.snapshot import Snapshot, save
from engine.market.state import Market
from engine.market.sync import read_pools
from engine.market.tokens import TokenBook, TokenTerms
from engine.next_key import holds_next
from engine.pace import Lockstep, RealTime
from engine.paper import check_paper, initialise_paper, open_paper
from engine.planning.costs import choose_l1_model
from engine.replacing import Replacements
from engine.replay.recorder import Recorder
from engine.risk.in_force import PolicyInForce, in_words
from engine.risk.limits import LimitLedger
from engine.scanning.kernel import warm_up
from engine.settling import Settled, left_open, mined_in, mined_lately, write_end, write_reorged
from engine.signing import engine_signer
from engine.venues.deployments import deployments_in

MARKET_START_FILE = "market-start.json"


@asynccontextmanager
async def composed(
    settings: Settings,
    *,
    state: Path,
    passphrase: Callable[[], str],
    publish: Callable[[Event], None],
    fills_wanted: int | None,
    read_settings: Callable[[], Settings] | None = None,
) -> AsyncGenerator[Composition]:
    """Put an engine together on the chain that the settings name; start-up is recovery.

    `passphrase` is asked only where a keystore must be opened. `read_settings` reads the settings' sources again for
    `ketch policy`; without it they are as given. Raises `ChainError`, `ConfigError`, `JournalError`.
    """
    warm_up()
    clock: Clock = BlockClock() if settings.lockstep_socket else SystemClock()
    pace: Pace = Lockstep(Path(settings.lockstep_socket)) if settings.lockstep_socket else RealTime()
    opening = open_paper(settings) if settings.profile == "paper" else open_endpoint(settings.ws)
    async with opening as endpoint:
        await check_chain(endpoint, settings)
        await _initialised(settings, state=state, endpoint=endpoint, pace=pace)
        with Journal.open(state / JOURNAL_FILE) as journal:
            check_paper(journal, settings)
            composition = await _assemble(
                settings,
                state=state,
                endpoint=endpoint,
                journal=journal,
                passphrase=passphrase,
                clock=clock,
                pace=pace,
                publish=publish,
                fills_wanted=fills_wanted,
                read_settings=read_settings or (lambda: settings),
            )
            try:
                yield composition
            finally:
                composition.calls.write()


async def initialise(
    settings: Settings, *, state: Path, secret: str, key_passphrase: Callable[[], str]
) -> dict[str, Any]:
    """Set a live profile's state folder up, as far as it can go; returns what was made and what to do next."""
    async with open_endpoint(settings.ws) as endpoint:
        await check_chain(endpoint, settings)
        return await initialise_live(
            settings, state=state, secret=secret, key_passphrase=key_passphrase, endpoint=endpoint, pace=RealTime()
        )


async def _assemble(
    settings: Settings,
    *,
    state: Path,
    endpoint: Endpoint,
    journal: Journal,
    passphrase: Callable[[], str],
    clock: Clock,
    pace: Pace,
    publish: Callable[[Event], None],
    fills_wanted: int | None,
    read_settings: Callable[[], Settings],
) -> Composition:
    genesis, terms = journal.genesis, operator_terms(journal)
    executor = Address(genesis["executor"])
    head = await head_of(endpoint, settings.chain_id)
    policy = PolicyInForce(journal, settings.terms, lambda: read_settings().terms, block=head)
    signer = engine_signer(
        settings, journal=journal, state=state, passphrase=passphrase, max_gas_wei=lambda: policy.policy.max_gas_wei
    )
    await check_identity(endpoint, executor, terms[-1], signer.address)
    book = address_book(settings)
    lenders = await standing(endpoint, lenders_in(book))
    deployments = deployments_in(book)
    clock.observe(head)
    ledger = LimitLedger(journal)
    l1 = await choose_l1_model(endpoint, settings.chain_id, local=settings.profile == "devnet")
    ordering = await read_ordering(endpoint, settings.chain_id, settings.ordering, head)
    parties: dict[str, Any] = {"chain": settings.chain_id, "executor": executor, "operator": signer.address}
    monitor = (
        PaperMonitor(
            endpoint,
            **parties,
            journal=journal,
            l1=l1,
            counts=settings.paper.counts,
            places_sold=ordering.kind == "priority_fee",
        )
        if isinstance(endpoint, Overlay)
        else Monitor(endpoint, **parties)
    )
    mined = mined_lately(journal, head)
    gone = await left_chain(endpoint, [one.block for one in mined])
    for one in mined:
        if one.block.hash in gone:
            write_reorged(journal, ledger, one)
    still_open = {trade.submission.intent_id: trade for trade in left_open(journal)}
    doors = _doors(settings, state=state, endpoint=endpoint)
    recovered = await reconcile(doors, monitor, signer.address, [t.outstanding for t in still_open.values()], head)
    mined = [one for one in mined if one.block.hash not in gone]
    ended = [Settled(still_open[outcome.intent_id], outcome) for outcome in recovered.ended]
    for trade, outcome in ended:
        write_end(journal, ledger, trade, outcome)
        if (one := mined_in(trade, outcome)) is not None:
            mined.append(one)
    replacements = Replacements(
        endpoint=endpoint, journal=journal, ledger=ledger, policy=policy, signer=signer, state_folder=state
    )
    replacements.halt_for(ended, head)
    began = await count_at(endpoint, signer.address, terms[-1].from_block)
    replacements.check_start(recovered.count, began, head)
    if settings.start_block == 0:
        found = await in_use(
            endpoint,
            deployments,
            head,
            window_blocks=settings.pools.window_blocks,
            max_pools=settings.pools.max_pools,
        )
    else:
        found = await discover(endpoint, deployments, settings.start_block, head.number)
    pools = await read_pools(endpoint, found, head.hash)
    if not pools:
        raise ConfigError(
            "no pool was found",
            measured=f"blocks {settings.start_block} to {head.number}",
            next_step="set start_block to a block before the pools you want were made, or to 0 to follow those in use",
        )
    market = Market(head, pools)
    save(Snapshot(head, pools), state / MARKET_START_FILE)
    gas_seen = GasSeen(journal)
    gas_seen.read(market.pools)
    prior = Experience(journal)
    prior.learn(market.pools)
    tokens = TokenBook(
        endpoint=endpoint,
        journal=journal,
        executor=executor,
        operator=signer.address,
        terms=TokenTerms(
            valid_blocks=settings.tokens.valid_blocks,
            watch_blocks=settings.tokens.watch_blocks,
            trusted=frozenset(settings.base_tokens),
        ),
    )
    await tokens.begin(market.pools, head)
    composition = assembled(
        settings,
        Begun(
            head=head,
            market=market,
            found=found,
            deployments=deployments,
            lenders=lenders,
            l1=l1,
            open_trades=[still_open[one.submission.intent_id] for one in recovered.open],
            next_nonce=recovered.next_nonce,
            mined=mined,
            ordering=ordering,
        ),
        state=state,
        endpoint=endpoint,
        doors=doors,
        journal=journal,
        policy=policy,
        signer=signer,
        ledger=ledger,
        monitor=monitor,
        replacements=replacements,
        gas_seen=gas_seen,
        prior=prior,
        tokens=tokens,
        clock=clock,
        pace=pace,
        publish=publish,
        fills_wanted=fills_wanted,
        holds_next=lambda address: holds_next(settings, state=state, terms=terms, address=address),
        recorder=_recorder(settings, state),
    )
    await composition.operator_watch.ask(head)
    if policy.at_start or policy.waiting:
        taken = [in_words(change) for change in policy.at_start]
        publish({"event": "policy", "taken": taken, **policy.standing()})
    return composition


def _recorder(settings: Settings, state: Path) -> Recorder | None:
    """Record what is wanted; a trade on paper is decided by a monitor that no replay has."""
    kept = 0 if settings.profile == "paper" else settings.recording.max_bytes
    return Recorder(max_bytes=kept, state=state) if kept else None


def _doors(settings: Settings, *, state: Path, endpoint: Endpoint) -> Doors:
    """Open the ways out; relays know us by a key of its own, on a local chain one that its seed makes."""
    terms = settings.submission
    if not terms.private:
        return Doors(public=endpoint)
    local = settings.profile == "devnet"
    key = local_keys(int(json.loads((state / MANIFEST_NAME).read_bytes())["seed"])).relay if local else relay_key(state)
    relays = PrivateRelays(urls=terms.private, mode=terms.mode, key=key)
    return Doors(public=endpoint, private=relays, fall_back_to_public=terms.fall_back_to_public)


async def _initialised(settings: Settings, *, state: Path, endpoint: Endpoint, pace: Pace) -> None:
    """Set a local chain's engine up on the spot if need be; raises `ConfigError` for a live one that is not."""
    if (state / JOURNAL_FILE).exists():
        return
    if settings.profile == "live":
        raise ConfigError(f"{state} is not initialised", next_step="run ketch init")
    if settings.profile == "paper":
        await initialise_paper(settings, state=state, endpoint=endpoint)
        return
    manifest = json.loads((state / MANIFEST_NAME).read_bytes())
    await initialise_local(
        settings,
        state=state,
        seed=int(manifest["seed"]),
        faucet_key=manifest["faucet_key"],
        endpoint=endpoint,
        pace=pace,
    )
