"""One hot key on a bad chain, drawn from a seed: the engine's own desk, monitor, settlement and replacements, block by
block, against an executor that only counts how often each trade ran; and what must hold when it is over.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from eth_account import Account
from eth_utils.crypto import keccak

from engine.chains.endpoints import Endpoint, RpcError, open_endpoint
from engine.chains.executor_calls import ExecuteCall, decode_execute, encode_execute
from engine.chains.fee_forecast import FeeForecast
from engine.chains.heads import HeadFollower, block_ref
from engine.clocks import BlockClock
from engine.desk import Desk
from engine.devnet.node import Anvil, anvil
from engine.devnet.rpc import NodeRefused, Rpc
from engine.domain.commands import Halt
from engine.domain.decision import Approved, Submission
from engine.domain.errors import ChainError
from engine.domain.events import BlockSeen, RolledBack
from engine.domain.hops import EncodedHop, Flash, FlashKind, HopKind, packable
from engine.domain.units import Address, BlockRef, ChainId
from engine.execution.monitor import Monitor
from engine.execution.reconcile import left_chain, reconcile
from engine.execution.submission import Doors
from engine.execution.wallet import Signer
from engine.gas_seen import GasSeen
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.records import record_proof, record_request, record_state
from engine.journal.trades import trades
from engine.planning.costs import NoL1Fee
from engine.planning.simulate import Simulator
from engine.replacing import Replacements
from engine.risk.halt import halt_reason, lift_halt, take_halt
from engine.risk.in_force import PolicyInForce
from engine.risk.limits import LimitLedger
from engine.risk.policy import Policy
from engine.risk.review import review
from engine.risk.terms import Terms
from engine.settling import Settled, Settlement, left_open, mined_in, mined_lately, write_end, write_reorged
from engine.verify.history import read_history
from engine.verify.intents import check_intents, check_tables
from engine.verify.lineage import trace
from engine.verify.receipts import View, check_receipts, read_receipts
from engine.verify.report import Report
from engine.verify.rpc import node_at
from tests.unit import journal_stubs as stub
from tests.unit.verify_stubs import GENESIS

CHAIN = ChainId(42161)
BASE_FEE_WEI = 10**8
BLOCKS = 12
QUIET_BLOCKS = 45
GAP_BLOCKS = 3
COUNTS_RUNS = "0x608435421160135760a43580546001019055005b600080fd"
"""An executor that reverts after the deadline and else adds one to the slot that the trade's anchor names."""
CAP_WEI = 2 * 10**14
"""Room for a trade's gas at 6 times the usual base fee, and for a cancel's at 90 times."""
POLICY = Policy(
    max_gas_wei=CAP_WEI,
    gas_budget_per_day_wei=10**18,
    max_loss_per_day_wei=10**18,
    max_open_intents=4,
    halt_at_losses_in_a_row=1_000,
    max_trades_per_minute=1_000,
)


class Liar(Endpoint):
    """An endpoint that can hide receipts and refuse to take transactions for a while."""

    def __init__(self, real: Endpoint) -> None:
        self._real = real
        self.hides_receipts = False
        self.refuses = False

    async def call(self, method: str, *params: Any) -> Any:
        if method == "eth_sendRawTransaction" and self.refuses:
            raise RpcError(method, -32000, "the node is busy", None)
        return None if self._hidden(method) else await self._real.call(method, *params)

    async def batch(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        answers = await self._real.batch(requests)
        return [None if self._hidden(method) else found for (method, _), found in zip(requests, answers, strict=True)]

    def _hidden(self, method: str) -> bool:
        return self.hides_receipts and method == "eth_getTransactionReceipt"


@dataclass
class Chain:
    """A node that mines on demand. `bad_until` is the block until which the base fee is raised."""

    node: Anvil
    rpc: Rpc
    base_fee_wei: int = BASE_FEE_WEI

    def mine(self) -> None:
        self.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(self.base_fee_wei))
        self.rpc.call("evm_mine")


@contextmanager
def counting_chain() -> Generator[Chain]:
    """Run a node with the counting executor in the place of the real one."""
    flags = (
        *("--chain-id", str(CHAIN), "--timestamp", "1800000000", "--gas-limit", "30000000"),
        *("--block-base-fee-per-gas", str(BASE_FEE_WEI), "--prune-history", "500"),
    )
    with anvil(flags) as node, Rpc(node.rpc_url) as rpc:
        rpc.call("anvil_setBlockTimestampInterval", 1)
        rpc.call("anvil_setCode", stub.EXECUTOR, COUNTS_RUNS)
        chain = Chain(node=node, rpc=rpc)
        for _ in range(8):
            chain.mine()
        yield chain


@dataclass
class Life:
    """One start of the engine's money parts over one state folder."""

    journal: Journal
    desk: Desk
    settlement: Settlement
    replacements: Replacements
    follower: HeadFollower
    ledger: LimitLedger
    head: BlockRef


@dataclass
class Scenario:
    """Everything of one seed. `happened` counts what did; `wrong` lists what must not."""

    seed: int
    chain: Chain
    real: Endpoint
    state: Path
    rng: Random
    key: str
    hot: Address
    begun: int
    happened: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    quiet: int = 0
    waits: tuple[int, int] = (-1, 0)
    reset: bool = False
    life: Life | None = None

    def __post_init__(self) -> None:
        self.liar = Liar(self.real)

    async def run(self) -> None:
        """Live through it, and then until all is over on a good chain."""
        genesis = GENESIS | {
            "operator": self.hot,
            "policy": POLICY.model_dump(),
            "policy_hash": POLICY.digest(),
            "start_block": self.begun,
        }
        with Journal.open(self.state / JOURNAL_FILE, genesis=genesis) as journal:
            record_state(journal, "ACTIVE", principal="local", reason="scenario", block=await self._head())
        await self._start()
        for _ in range(BLOCKS):
            await self._something()
            await self._block()
        await self._resume()
        self._calm()
        for _ in range(QUIET_BLOCKS):
            await self._block()
            if not self._life.desk.open:
                break
        self._check()
        self._life.journal.close()

    @property
    def _life(self) -> Life:
        assert self.life is not None
        return self.life

    async def _head(self) -> BlockRef:
        return block_ref(CHAIN, await self.real.call("eth_getBlockByNumber", "latest", False))

    async def _start(self) -> None:
        """Put the money parts together as compose.py does."""
        journal, head = Journal.open(self.state / JOURNAL_FILE), await self._head()
        clock = BlockClock()
        clock.observe(head)
        terms = Terms(risk=POLICY)
        policy = PolicyInForce(journal, terms, lambda: terms, block=head)
        ledger = LimitLedger(journal)
        signer = Signer(
            self.key,
            chain=CHAIN,
            executor=stub.EXECUTOR,
            max_gas_wei=lambda: CAP_WEI,
            halted=lambda: halt_reason(self.state),
        )
        monitor = Monitor(self.liar, chain=CHAIN, executor=stub.EXECUTOR, operator=self.hot)
        mined = mined_lately(journal, head)
        gone = await left_chain(self.liar, [one.block for one in mined])
        for one in mined:
            if one.block.hash in gone:
                write_reorged(journal, ledger, one)
        still_open = {trade.submission.intent_id: trade for trade in left_open(journal)}
        doors = Doors(public=self.liar)
        found = await reconcile(doors, monitor, self.hot, [t.outstanding for t in still_open.values()], head)
        ended = [Settled(still_open[outcome.intent_id], outcome) for outcome in found.ended]
        mined = [one for one in mined if one.block.hash not in gone]
        for trade, outcome in ended:
            write_end(journal, ledger, trade, outcome)
            if (one := mined_in(trade, outcome)) is not None:
                mined.append(one)
        replacements = Replacements(
            endpoint=self.liar, journal=journal, ledger=ledger, policy=policy, signer=signer, state_folder=self.state
        )
        replacements.halt_for(ended, head)
        replacements.check_start(found.count, 0, head)
        desk = Desk(
            endpoint=self.liar,
            journal=journal,
            ledger=ledger,
            policy=policy,
            signer=signer,
            simulator=Simulator(self.liar, self.hot),
            l1=NoL1Fee("none"),
            clock=clock,
            doors=doors,
            executor=stub.EXECUTOR,
            open_trades=[still_open[one.submission.intent_id] for one in found.open],
            next_nonce=found.next_nonce,
            gas_seen=GasSeen(journal),
            forecast=FeeForecast(self.liar, CHAIN, lambda event: None),
        )
        self.life = Life(
            journal=journal,
            desk=desk,
            settlement=Settlement(journal=journal, ledger=ledger, monitor=monitor, mined=mined),
            replacements=replacements,
            follower=HeadFollower(self.liar, clock, head, ()),
            ledger=ledger,
            head=head,
        )

    async def _restart(self) -> None:
        self._life.journal.close()
        await self._start()
        self.reset = True

    async def _block(self) -> None:
        """Mine one, and take what it means in the loop's order: ends, trades, replacements."""
        self.chain.mine()
        life = self._life
        header = await self.real.call("eth_getBlockByNumber", "latest", False)
        try:
            events = await life.follower.advance(header)
        except ChainError:  # a reorg past this start's first block: the daemon starts anew
            await self._restart()
            return
        for event in events:
            if isinstance(event, RolledBack):
                life.settlement.reopen(life.desk, {block.hash for block in event.dropped})
                await life.replacements.rolled_back(life.desk, event.ancestor)
                self.reset = True
                continue
            life.head = event.block
            ended = await life.settlement.settle(life.desk, event.block)
            self.happened.update(type(outcome).__name__ for _, outcome in ended)
            life.replacements.halt_for(ended, event.block)
            if event.block.number == int(header["number"], 16):
                await self._trade(event)
            await life.replacements.tend(life.desk, event.block, event.base_fee_wei)
        self._watch_gap()

    async def _trade(self, event: BlockSeen) -> None:
        life = self._life
        wanted = self.quiet == 0 and self.rng.random() < 0.5 and len(life.desk.open) < POLICY.max_open_intents
        if not wanted or halt_reason(self.state) is not None:
            return
        with life.journal.transaction():
            number = life.journal.head[0]
            proof = _proof(life.journal, number, event)
            record_request(life.journal, proof.plan.request)
            record_proof(life.journal, proof)
            stamp = life.desk.stamp("decision", event.block, proof.stamp.id)
            decision = review(proof, policy=POLICY, ledger=life.ledger, state="ACTIVE", head=event.block, stamp=stamp)
            if not isinstance(decision, Approved):
                self.happened[f"refused: {decision.rule}"] += 1
                return
            made = life.desk._sign(decision, 10**20)
        assert isinstance(made, Submission), made
        self.happened["signed"] += 1
        if self.rng.random() > 0.1:  # else a crash, or a lost message, before it left
            await life.desk.send_again(event.block, [made.intent_id])

    def _watch_gap(self) -> None:
        """Count the blocks for which the lowest open nonce has been open on a node that does what it should."""
        number = self._life.head.number
        count = int(self.chain.rpc.call("eth_getTransactionCount", self.hot, "latest"), 16)
        waiting = [t for t in self._life.desk.open.values() if t.submission.nonce >= count]
        known = [t for t in waiting if t.submission.submitted_block < number]
        nonce, blocks = self.waits
        if not known:
            self.waits = (-1, 0)
        elif self.reset or nonce != count:
            self.waits = (count, 0)
        else:
            self.waits = (count, blocks + 1)
        self.reset = False
        if self.waits[1] > GAP_BLOCKS and not self.liar.refuses:
            self.wrong.append(f"block {number}: nonce {count} has waited {self.waits[1]} blocks: {known}"[:400])

    async def _something(self) -> None:
        choices = (
            *("nothing",) * 4,
            *("drop", "drop", "reorg", "reorg", "dear", "dear", "outside", "underpriced", "hide", "refuse"),
            *("restart", "restart", "cancel", "resume", "resume"),
        )
        what = self.rng.choice(choices)
        self.happened[what] += 1
        match what:
            case "drop":
                self.chain.rpc.call("anvil_dropAllTransactions")
                self.reset = True
            case "reorg":
                depth = min(self.rng.randint(1, 5), self._life.head.number - self.begun)
                if depth > 0:
                    self.chain.rpc.call("anvil_reorg", depth, [])
                self.reset = True
            case "dear":
                self.chain.base_fee_wei = BASE_FEE_WEI * self.rng.choice((1, 2, 3, 5, 8, 20, 40))
                self.reset = True
            case "outside" | "underpriced":
                self._outside(low=what == "underpriced")
                self.reset = True
            case "hide":
                self.liar.hides_receipts = not self.liar.hides_receipts
            case "refuse":
                self.liar.refuses = not self.liar.refuses
                self.reset = True
            case "restart":
                await self._restart()
            case "cancel" if halt_reason(self.state) is None:
                halt = Halt(principal="scenario", reason="cancel", cancel_open=True)
                life = self._life
                take_halt(halt, journal=life.journal, state=self.state, block=life.head)
                await life.replacements.cancel_open(life.desk, life.head, self.chain.base_fee_wei)
            case "resume":
                await self._resume()
            case _:
                pass

    async def _resume(self) -> None:
        if halt_reason(self.state) is not None:
            life = self._life
            record_state(life.journal, "ACTIVE", principal="scenario", reason="resumed", block=life.head)
            lift_halt(self.state)
            life.replacements.cancel_wanted = False

    def _outside(self, *, low: bool) -> None:
        """Send with the same key from elsewhere: ahead of ours, in our place, or (low) in our place for too little."""
        desk, count = self._life.desk, int(self.chain.rpc.call("eth_getTransactionCount", self.hot, "latest"), 16)
        nonce = self.rng.choice((count, desk.next_nonce))
        tip = 1 if low else self.rng.choice((10**6, 10**9))
        foreign = {
            "type": 2,
            "chainId": CHAIN,
            "nonce": nonce,
            "to": "0x" + "99" * 20,
            "value": self.rng.randint(1, 9),
            "data": "0x",
            "gas": 30_000,
            "maxFeePerGas": self.chain.base_fee_wei * (1 if low else 50) + tip,
            "maxPriorityFeePerGas": tip,
        }
        raw = Account.from_key(self.key).sign_transaction(foreign).raw_transaction
        try:
            self.chain.rpc.call("eth_sendRawTransaction", "0x" + bytes(raw).hex())
            self.happened["outside taken"] += 1
        except NodeRefused:
            self.happened["outside refused"] += 1

    def _calm(self) -> None:
        self.quiet = 1
        self.chain.base_fee_wei = BASE_FEE_WEI
        self.liar.hides_receipts = self.liar.refuses = False
        self.reset = True

    def _check(self) -> None:
        """Hold the journal against the chain: executions, fees, ends."""
        life, rpc = self._life, self.chain.rpc
        if life.desk.open:
            self.wrong.append(f"still open: {[t.submission.nonce for t in life.desk.open.values()]}")
        if held := life.ledger.held():
            self.wrong.append(f"still held: {held}")
        listed = {trade.id: trade for trade in trades(life.journal)}
        for entry in life.journal.entries("intent"):
            trade = listed[entry.body["intent_id"]]
            anchor = entry.body["calldata_anchor"]
            ran = int(rpc.call("eth_getStorageAt", stub.EXECUTOR, anchor, "latest"), 16) if anchor else 0
            if ran != (trade.status == "filled"):
                self.wrong.append(f"{trade.id} is {trade.status} and ran {ran} times")
            if trade.gas_paid_wei > CAP_WEI:
                self.wrong.append(f"{trade.id} paid {trade.gas_paid_wei} wei of gas, limit {CAP_WEI}")
        for entry in (*life.journal.entries("intent"), *life.journal.entries("attempt")):
            if int(entry.body["gas_limit"]) * int(entry.body["max_fee_wei"]) > CAP_WEI:
                self.wrong.append(f"entry {entry.seq} could pay above {CAP_WEI} wei")
        self.happened.update(e.body["kind"] for e in life.journal.entries("attempt"))
        self.happened["filled up"] += sum(
            str(e.body["decision_id"]).startswith("outside-") for e in life.journal.entries("intent")
        )
        self._verify()

    def _verify(self) -> None:
        """Have the independent checker read the journal's own account and every receipt."""
        report = Report()
        history = read_history(self.state / JOURNAL_FILE, report)
        lineage = trace(history, report)
        check_intents(lineage, report)
        check_tables(history, lineage, report)
        with node_at(self.chain.node.rpc_url) as node:
            view = View(number=self._life.head.number, holders=(), start_block=self.begun)
            check_receipts(lineage, read_receipts(node, lineage, view), view, report)
        self.wrong += [f"verify: {finding}" for finding in report.findings]


def _proof(journal: Journal, number: int, event: BlockSeen) -> Any:
    """Prove a made-up trade on this block: its calldata is a real call, with an anchor of its own."""
    base, anchor, at = stub.proof(number), journal.head[1], event.block
    request = replace(base.plan.request, stamp=stub.stamp(f"q{number}", at=at))
    call = ExecuteCall(
        flash=Flash(kind=FlashKind.BALANCER, lender=Address("0x" + "0b" * 20)),
        token=request.route.token,
        amount=request.amount_in,
        min_profit=request.min_profit,
        deadline_s=at.timestamp_s + 30,
        anchor=bytes.fromhex(anchor[2:]),
        hops=tuple(
            EncodedHop(
                kind=kind,
                pool=Address(hop.pool),
                token_out=hop.token_out,
                zero_for_one=hop.token_in < hop.token_out,
                least_out=packable(least),
            )
            for kind, hop, least in zip(
                (HopKind.CONSTANT_PRODUCT, HopKind.CONCENTRATED), request.route.hops, base.plan.least_outs, strict=True
            )
        ),
    )
    calldata = encode_execute(call)
    assert decode_execute(calldata) == call
    plan = replace(base.plan, request=request, anchor=anchor, calldata=calldata, deadline_s=call.deadline_s)
    plan = replace(plan, least_outs=tuple(hop.least_out for hop in call.hops))
    costs = replace(base.costs, base_fee_wei=event.base_fee_wei, priority_fee_wei=10**6)
    return replace(base, plan=plan, block=at, stamp=stub.stamp(f"p{number}", f"q{number}", at=at), costs=costs)


async def run_scenarios(chain: Chain, seeds: Sequence[int]) -> tuple[Counter[str], dict[int, list[str]]]:
    """Run each seed with a key and a state folder of its own; return what happened, and what was wrong by seed."""
    happened: Counter[str] = Counter()
    wrong: dict[int, list[str]] = {}
    async with open_endpoint(chain.node.ws_url) as real:
        for seed in seeds:
            key = "0x" + keccak(text=f"ketch nonce scenario {seed}").hex()
            hot = Address(Account.from_key(key).address.lower())
            chain.rpc.call("anvil_dropAllTransactions")
            chain.base_fee_wei = BASE_FEE_WEI
            chain.rpc.call("anvil_setBalance", hot, hex(10**20))
            chain.mine()
            with tempfile.TemporaryDirectory(prefix="ketch-nonces-") as state:
                scenario = Scenario(
                    seed=seed,
                    chain=chain,
                    real=real,
                    state=Path(state),
                    rng=Random(f"nonces {seed}"),
                    key=key,
                    hot=hot,
                    begun=chain.rpc.block_number(),
                )
                await scenario.run()
            happened.update(scenario.happened)
            if scenario.wrong:
                wrong[seed] = [str(scenario.happened), *scenario.wrong]
    return happened, wrong
