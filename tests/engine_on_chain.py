"""An engine on a test's local chain, taken from block to block by hand: what it does, it does between two lines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.chains.endpoints import open_endpoint
from engine.compose import Composition, composed
from engine.config import Settings, load
from engine.desk import Ask, Desk, MarketView
from engine.devnet.calldata import call
from engine.devnet.deployment import DeployedPool
from engine.devnet.manifest import write_manifest
from engine.devnet.swaps import Swap, swap_call
from engine.domain.events import ChainEvent
from engine.domain.opportunity import Capital, SizedCycle, TradeRequest
from engine.domain.units import Address, BlockRef, ChainId
from engine.initialise import LOCAL_PASSPHRASE, initialise_local
from engine.journal.journal import Journal
from engine.journal.trades import Trade, trades
from engine.loop import Event
from engine.market.prices import price_tokens
from engine.planning.capital import EXTRA_GAS, Lenders, Source, read_funds, sources
from engine.proposing import make_ask
from engine.risk.policy import Policy
from engine.scanning.scan import build_universe, find_cycles
from engine.scanning.sizing import legs_of, profit
from tests.conftest import SEED, LocalChain
from tests.market_moves import swap
from tests.policy_signing import apply_waiting

GENEROUS = Policy(
    max_gas_wei=10**17,
    gas_budget_per_day_wei=10**18,
    max_loss_per_day_wei=10**18,
    max_open_intents=50,
    max_notional_per_day_wei=10**24,
    max_notional_per_token_per_day_wei=10**24,
    max_notional_per_venue_per_day_wei=10**24,
    max_exposure_wei=10**21,
    halt_at_losses_in_a_row=1_000,
    max_trades_per_minute=10_000,
    agent_trades_per_minute=100,
    agent_notional_per_day_wei=10**24,
    agent_gas_per_day_wei=10**18,
    agents_gas_per_day_wei=10**18,
)
"""Limits that are in no test's way unless it is about them."""


class Mines:
    """A pace that mines: set-up transactions wait for blocks that nobody else makes here."""

    def __init__(self, chain: LocalChain) -> None:
        self._chain = chain

    async def done(self, block: BlockRef) -> None:
        """Mine the next block."""
        self._chain.mine()


@dataclass(slots=True)
class EngineOnChain:
    """One start of an engine. `events` is what it published."""

    chain: LocalChain
    state: Path
    settings: Settings
    parts: Composition
    events: list[Event] = field(default_factory=list)

    @property
    def journal(self) -> Journal:
        return self.parts.journal

    @property
    def desk(self) -> Desk:
        return self.parts.loop._desk

    @property
    def lenders(self) -> Lenders:
        return self.parts.loop._lenders

    @property
    def executor(self) -> Address:
        return Address(self.journal.genesis["executor"])

    @property
    def operator(self) -> Address:
        return Address(self.journal.genesis["operator"])

    @property
    def treasury(self) -> Address:
        return Address(self.journal.genesis["treasury"])

    async def catch_up(self) -> list[ChainEvent]:
        """Let the loop take everything that the chain has mined since."""
        header = await self.parts.endpoint.call("eth_getBlockByNumber", "latest", False)
        events = await self.parts.follower.advance(header)
        for event in events:
            await self.parts.loop.take(event)
        return events

    async def block(self, count: int = 1) -> None:
        """Mine, and let the loop take each block."""
        for _ in range(count):
            self.chain.mine()
            await self.catch_up()

    async def view(self, *, only: Capital | None = None) -> MarketView:
        """Look at the market as a decision would; `only` leaves one source of capital its funds."""
        loop = self.parts.loop
        head = loop.market.head
        funds = await read_funds(
            self.parts.endpoint,
            self.settings.base_tokens,
            executor=self.executor,
            operator=self.operator,
            lenders=self.lenders,
            at=head.hash,
        )
        if only is not None:
            funds = replace(funds, available={c: held for c, held in funds.available.items() if c == only})
        native = Address(self.journal.genesis["native_wrapped"])
        return MarketView(
            block=head,
            pools=dict(loop.market.pools),
            prices=price_tokens(loop.market.pools.values(), native),
            base_fee_wei=self.chain.profile.base_fee_wei,
            funds=funds,
        )

    def cycles(self, view: MarketView) -> list[SizedCycle]:
        """Find what there is to earn, the best first, each for itself."""
        universe = build_universe(view.pools, self.settings.base_tokens, 4)
        return find_cycles(universe, view.pools, prices=view.prices, gas_price_wei=view.base_fee_wei, floor_wei=10**13)

    def ask(self, cycle: SizedCycle, view: MarketView, *, amount: int | None = None, min_profit: int = 0) -> Ask:
        """Ask for a cycle as the engine does, by the cheapest source; of another size when `amount` says so."""
        made = make_ask(
            cycle.route,
            amount or cycle.amount_in,
            profit(legs_of(cycle.route, view.pools), amount or cycle.amount_in),
            cycle.gas_units,
            view,
            policy=self.settings.risk,
            lenders=self.lenders,
            state="ACTIVE",
            principal="test",
            origin="engine",
            request_stamp=lambda: self.desk.stamp("request", view.block, "test"),
            min_profit=min_profit,
        )
        assert made is not None
        return made

    def funded_by(self, ask: Ask, capital: Capital, view: MarketView) -> Ask:
        """Take the ask's capital from this source instead."""
        (source,) = [s for s in self.usable(ask.request, view) if s.capital == capital]
        gas_units = ask.gas_units - EXTRA_GAS[ask.source.capital] + EXTRA_GAS[capital]
        return replace(ask, source=source, gas_units=gas_units)

    def usable(self, request: TradeRequest, view: MarketView) -> list[Source]:
        """List the sources that can fund a request, the cheapest first."""
        return sources(
            request.route,
            request.amount_in,
            pools=view.pools,
            funds=view.funds,
            lenders=self.lenders,
            price=view.prices[request.route.token],
            gas_price_wei=view.base_fee_wei,
        )

    def trades(self) -> list[Trade]:
        """List the journal's submissions."""
        return trades(self.journal)

    def balance(self, token: str, holder: str | None = None) -> int:
        """Read a raw balance at the chain's head, the executor's unless somebody else is named."""
        return balance_of(self.chain, token, holder or self.executor)

    def published(self, kind: str) -> list[Event]:
        """List the events of one kind."""
        return [event for event in self.events if event["event"] == kind]


def balance_of(chain: LocalChain, token: str, holder: str) -> int:
    """Read a raw balance at the chain's head."""
    return int.from_bytes(chain.rpc.eth_call(Address(token), call("balanceOf(address)", holder)))


def settings_of(chain: LocalChain, state: Path, **given: object) -> Settings:
    """Load the settings as `ketch up --profile devnet` would, with generous limits."""
    write_manifest(state, chain.manifest)
    settings = load(state, environ={}, given={"profile": "devnet"} | given)
    return settings.model_copy(update={"risk": GENEROUS})


async def prepare(chain: LocalChain, state: Path, settings: Settings) -> None:
    """Initialise the state folder, mining what that takes."""
    async with open_endpoint(settings.ws) as endpoint:
        await initialise_local(
            settings,
            state=state,
            seed=SEED,
            faucet_key=chain.manifest.faucet_key,
            endpoint=endpoint,
            pace=Mines(chain),
        )


@asynccontextmanager
async def engine_on(
    chain: LocalChain, state: Path, *, risk: Policy = GENEROUS, fills: int | None = None, **changed: object
) -> AsyncIterator[EngineOnChain]:
    """Start an engine in the state folder, initialised first when it is new; leaving ends it without a word.

    `changed` are settings by name that differ from those of the chain.
    """
    settings = settings_of(chain, state).model_copy(update={"risk": risk, **changed})
    if not (state / "journal.sqlite").exists():
        await prepare(chain, state, settings)
    events: list[Event] = []
    async with composed(
        settings, state=state, passphrase=lambda: LOCAL_PASSPHRASE, publish=events.append, fills_wanted=fills
    ) as parts:
        loosening = apply_waiting(parts.policy, state, parts.start.timestamp_s)
        if loosening is not None:
            parts.policy.apply(loosening, parts.start)
        parts.loop._funds = await parts.loop._read_funds()
        yield EngineOnChain(chain=chain, state=state, settings=settings, parts=parts, events=events)


def pool_between(chain: LocalChain, deployment: str, one: str, other: str, fee_ppm: int | None = None) -> DeployedPool:
    """Find a deployed pool by its deployment and two of its tokens' symbols."""
    symbols = {token.address: token.symbol for token in chain.deployment.tokens}
    found = [
        pool
        for pool in chain.deployment.pools
        if pool.deployment == deployment
        and {one, other} <= {symbols[token] for token in pool.tokens}
        and fee_ppm in (None, pool.fee_ppm)
    ]
    return found[0]


def token_of(chain: LocalChain, symbol: str) -> Address:
    """Name a token's contract."""
    return next(token.address for token in chain.deployment.tokens if token.symbol == symbol)


def whole(chain: LocalChain, symbol: str, amount: float) -> int:
    """Convert whole tokens to raw units."""
    return int(amount * 10 ** next(token.decimals for token in chain.deployment.tokens if token.symbol == symbol))


def open_gap(chain: LocalChain, *, deployment: str = "uniswap_v2", usd: int = 60_000, trader: int = 1) -> None:
    """Buy WETH with dollars in one pool, so that it is dear there; mines nothing."""
    pool = pool_between(chain, deployment, "WETH", "USDC")
    usdc = token_of(chain, "USDC")
    swap(chain, pool, amount_in=usd * 10**6, forward=pool.tokens[0] == usdc, trader=trader)


def head_ref(chain: LocalChain) -> BlockRef:
    """Read the head's reference without an engine."""
    block: dict[str, Any] = chain.rpc.call("eth_getBlockByNumber", "latest", False)
    return BlockRef(
        chain=ChainId(chain.manifest.chain_id),
        number=int(block["number"], 16),
        hash=block["hash"],
        timestamp_s=int(block["timestamp"], 16),
    )


def rival_swap(chain: LocalChain, pool: DeployedPool, token_in: str, amount_in: int, tip_wei: int) -> None:
    """Swap ahead of whoever bids less; mines nothing."""
    token_out = next(token for token in pool.tokens if token != token_in)
    sender = Address(chain.rpc.call("eth_accounts")[5])
    asked = Swap(pool=pool, token_in=Address(token_in), token_out=token_out, amount_in=amount_in)
    to, data = swap_call(chain.deployment.contracts, asked, sender, 0)
    fees = {"maxFeePerGas": hex(10**12 + tip_wei), "maxPriorityFeePerGas": hex(tip_wei), "gas": hex(900_000)}
    chain.rpc.call("eth_sendTransaction", {"from": sender, "to": to, "data": "0x" + data.hex(), **fees})


def close_gap(chain: LocalChain, *, usd: int = 60_000) -> None:
    """Take the gap of `open_gap` ahead of everybody: sell the WETH where it is dear."""
    pool, weth = pool_between(chain, "uniswap_v2", "WETH", "USDC"), token_of(chain, "WETH")
    rival_swap(chain, pool, weth, usd * 10**18 // 3_000, tip_wei=10**12)


def as_operator(engine: EngineOnChain, nonce: int) -> str:
    """Send a transaction with the hot key's address that the engine knows nothing of; mines nothing."""
    rpc = engine.chain.rpc
    rpc.call("anvil_impersonateAccount", engine.operator)
    fees = {"maxFeePerGas": hex(10**13), "maxPriorityFeePerGas": hex(10**12), "gas": hex(21_000)}
    body = {"from": engine.operator, "to": engine.operator, "value": "0x0", "nonce": hex(nonce), **fees}
    return rpc.call("eth_sendTransaction", body)
