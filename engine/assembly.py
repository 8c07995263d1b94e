"""The rooms of an engine put together: whoever starts one brings what it found out first, and where time comes from."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from engine.agent_trades import AgentTrades
from engine.chains.endpoints import Endpoint
from engine.chains.executor_calls import OPERATOR_SET_TOPIC
from engine.chains.fee_forecast import FeeForecast
from engine.chains.feeds.feed import Feed
from engine.chains.feeds.stream import follow
from engine.chains.heads import HeadFollower
from engine.chains.ordering import ChainOrdering
from engine.config import Settings
from engine.desk import Desk, OpenTrade
from engine.domain.ordering import ASSUMED, Ordering
from engine.domain.pools import Log
from engine.domain.ports import Clock, Pace, Prior, Signs
from engine.domain.units import Address, BlockRef
from engine.execution.monitor import Monitor
from engine.execution.submission import Doors
from engine.gas_float import GasFloat
from engine.gas_seen import GasSeen
from engine.journal.calls import CallLog
from engine.journal.journal import Journal
from engine.loop import Event, Loop
from engine.market.discovery import TOPICS as FACTORY_TOPICS
from engine.market.discovery import Found
from engine.market.prices import price_tokens
from engine.market.state import TOPICS as POOL_TOPICS
from engine.market.state import Market
from engine.market.tokens import TokenBook
from engine.miss_watch import MissWatch
from engine.miss_watch import Terms as MissTerms
from engine.operator_commands import OperatorCommands
from engine.planning.capital import Lenders
from engine.planning.costs import L1Model
from engine.planning.simulate import Simulator
from engine.replacing import Replacements
from engine.replay.recorder import Recorder, TapedClock
from engine.revocation import OperatorWatch
from engine.risk.in_force import PolicyInForce
from engine.risk.limits import LimitLedger
from engine.scan_terms import ScanTerms
from engine.settling import Mined, Settlement
from engine.venues.deployments import Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """An engine put together, its first market read and its journal reconciled, ready to run."""

    endpoint: Endpoint
    journal: Journal
    calls: CallLog
    policy: PolicyInForce
    ledger: LimitLedger
    follower: HeadFollower
    desk: Desk
    tokens: TokenBook
    agents: AgentTrades
    loop: Loop
    operator_watch: OperatorWatch
    commands: OperatorCommands
    start: BlockRef
    gas_float: GasFloat
    publish: Callable[[Event], None]
    ordering: ChainOrdering
    recorder: Recorder | None
    settings: Settings
    follow_feed: Callable[[], Coroutine[Any, Any, None]] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What a start found out: the market as of `head`, what is open and which nonce is next, what a reorg may undo."""

    head: BlockRef
    market: Market
    found: Sequence[Found]
    deployments: Sequence[Deployment]
    lenders: Lenders
    l1: L1Model
    open_trades: Sequence[OpenTrade]
    next_nonce: int
    mined: Sequence[Mined]
    ordering: Ordering = ASSUMED


def assembled(
    settings: Settings,
    begun: Begun,
    *,
    state: Path,
    endpoint: Endpoint,
    doors: Doors,
    journal: Journal,
    policy: PolicyInForce,
    signer: Signs,
    ledger: LimitLedger,
    monitor: Monitor,
    replacements: Replacements,
    gas_seen: GasSeen,
    prior: Prior,
    tokens: TokenBook,
    clock: Clock,
    pace: Pace,
    publish: Callable[[Event], None],
    fills_wanted: int | None,
    holds_next: Callable[[Address], bool],
    tip: Callable[[], int] | None = None,
    pending: Callable[[BlockRef], Sequence[Log]] | None = None,
    recorder: Recorder | None = None,
) -> Composition:
    """Put the rooms together. Asks nobody anything, and writes nothing.

    `tip` names the newest block known where that is not the follower's, `pending` the logs of the block being built
    where they are not the feed's; `recorder` is given the loop to listen to.
    """
    genesis, head = journal.genesis, begun.head
    if recorder is not None:
        clock, endpoint.heard = TapedClock(clock, recorder), recorder.hear
    executor = Address(genesis["executor"])
    ordering = ChainOrdering(endpoint, settings.chain_id, settings.ordering, publish, begins=begun.ordering, head=head)
    forecast = FeeForecast(endpoint, settings.chain_id, publish, ordering)
    feed = Feed(settings.feed.kind, settings.chain_id, {*POOL_TOPICS}, hold_back=settings.feed.hold_back)
    desk = Desk(
        gas_seen=gas_seen,
        forecast=forecast,
        endpoint=endpoint,
        journal=journal,
        ledger=ledger,
        policy=policy,
        signer=signer,
        simulator=Simulator(endpoint, signer.address),
        l1=begun.l1,
        clock=clock,
        doors=doors,
        executor=executor,
        open_trades=begun.open_trades,
        next_nonce=begun.next_nonce,
    )
    follower = HeadFollower(endpoint, clock, head, (*POOL_TOPICS, *FACTORY_TOPICS, OPERATOR_SET_TOPIC))
    agents = AgentTrades(journal=journal, desk=desk, policy=policy, lenders=begun.lenders)
    commands = OperatorCommands(
        endpoint=endpoint,
        journal=journal,
        state_folder=state,
        policy=policy,
        executor=executor,
        agents=agents,
        replacements=replacements,
        operator=signer.address,
        tokens=tokens,
    )
    calls = CallLog(journal, head)
    operator_watch = OperatorWatch(
        endpoint=endpoint,
        journal=journal,
        state_folder=state,
        executor=executor,
        operator=signer.address,
        holds_next=holds_next,
        publish=publish,
    )
    newest, moving = tip or (lambda: follower.tip.number), pending or feed.pending_logs
    warn_below_wei = settings.wallet.warn_below_trades * settings.risk.max_gas_wei
    gas_float = GasFloat(signer.address, warn_below_wei=warn_below_wei)
    loop = Loop(
        gas_float=gas_float,
        gas_seen=gas_seen,
        prior=prior,
        forecast=forecast,
        feed=feed,
        pending=moving if recorder is None else recorder.pending(moving),
        endpoint=endpoint,
        journal=journal,
        calls=calls,
        operator_watch=operator_watch,
        policy=policy,
        market=begun.market,
        found=begun.found,
        deployments=begun.deployments,
        desk=desk,
        settlement=Settlement(journal=journal, ledger=ledger, monitor=monitor, mined=begun.mined),
        replacements=replacements,
        tokens=tokens,
        commands=commands,
        clock=clock,
        pace=pace,
        lenders=begun.lenders,
        executor=executor,
        operator=signer.address,
        native=Address(genesis["native_wrapped"]),
        terms=ScanTerms(
            base_tokens=settings.base_tokens,
            max_hops=settings.scan.max_hops,
            max_rounds=settings.scan.max_rounds,
            floor_wei=settings.scan.floor_wei,
            prior=settings.scan.prior,
        ),
        publish=publish,
        tip=newest if recorder is None else recorder.tip(newest),
        tape=recorder,
        fills_wanted=fills_wanted,
        misses=_miss_watch(settings, endpoint, journal, begun.deployments, tokens),
    )
    if recorder is not None:
        recorder.follow(loop, journal, wanted=lambda: policy.wanted.body(), clock=clock)
    return Composition(
        endpoint=endpoint,
        journal=journal,
        calls=calls,
        policy=policy,
        ledger=ledger,
        follower=follower,
        desk=desk,
        tokens=tokens,
        agents=agents,
        loop=loop,
        operator_watch=operator_watch,
        commands=commands,
        start=head,
        gas_float=gas_float,
        publish=publish,
        ordering=ordering,
        recorder=recorder,
        settings=settings,
        follow_feed=_following(settings, feed, clock, publish),
    )


def _following(
    settings: Settings, feed: Feed, clock: Clock, publish: Callable[[Event], None]
) -> Callable[[], Coroutine[Any, Any, None]] | None:
    """Say what reads the feed for as long as the engine runs; None where the heads are all that is heard."""
    if settings.feed.url is None:
        return None
    return partial(follow, settings.feed.url, feed, clock, POOL_TOPICS, publish)


def _miss_watch(
    settings: Settings, endpoint: Endpoint, journal: Journal, deployments: Sequence[Deployment], tokens: TokenBook
) -> MissWatch:
    native = Address(journal.genesis["native_wrapped"])
    makers = {address for d in deployments for address in (d.factory, d.vault) if address is not None}
    terms = MissTerms(base_tokens=settings.base_tokens, max_hops=settings.scan.max_hops, venues=frozenset(makers))
    return MissWatch(
        endpoint=endpoint,
        journal=journal,
        terms=terms if settings.misses.watch else None,
        prices_of=lambda pools: price_tokens(pools.values(), native),
        set_aside=tokens.faults,
    )
