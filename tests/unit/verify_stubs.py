"""A true state: a journal written by the engine's own parts, and a node on loopback that remembers the same story."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_utils.crypto import keccak

from engine.chains.executor_calls import ExecuteCall, encode_execute, encode_sweep
from engine.domain.decision import Approved, Submission
from engine.domain.hops import EncodedHop, Flash, FlashKind, HopKind
from engine.domain.opportunity import Proof
from engine.domain.outcome import Filled, Outcome, Reverted
from engine.domain.units import ZERO_ADDRESS, Address, BlockHash
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.records import (
    record_decision,
    record_intent,
    record_outcome,
    record_proof,
    record_request,
    record_state,
)
from engine.risk.limits import LimitLedger
from engine.risk.policy import Policy
from engine.risk.review import review
from tests.unit import journal_stubs as stub

KEY = "0x" + "42" * 32
HOT = Address(Account.from_key(KEY).address.lower())
POLICY = Policy()
START_NONCE = 3
TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
GENESIS: dict[str, Any] = stub.GENESIS | {
    "operator": HOT,
    "policy": POLICY.model_dump(),
    "policy_hash": POLICY.digest(),
    "agents": {"trading": False, "live_trading": False},
    "native_wrapped": stub.WETH,
    "balances_at_start": {stub.WETH: "1000", stub.USDC: "0"},
}


@dataclass
class Chain:
    """What the node on loopback answers: receipts by hash, balances by (token, holder), tokens' and the
    executor's logs, and the key's nonces."""

    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    balances: dict[tuple[str, str], int] = field(default_factory=dict)
    balances_then: dict[tuple[str, str], int] = field(default_factory=dict)
    logs: list[dict[str, Any]] = field(default_factory=list)
    executed: list[dict[str, Any]] = field(default_factory=list)
    most_blocks_a_question: int = 10**9
    nonces: int = START_NONCE
    number: int = 200
    chain_id: int = 42161
    treasury: str = stub.TREASURY
    keeps_old_state: bool = True
    makes_a_block: bool = False
    """It makes one when the key's nonces are asked for, and answers with that one's: a transaction is in it."""

    def answer(self, method: str, params: list[Any]) -> Any:
        match method:
            case "eth_chainId":
                return hex(self.chain_id)
            case "eth_blockNumber":
                return hex(self.number)
            case "eth_getTransactionReceipt":
                return self.receipts.get(params[0])
            case "eth_getTransactionCount":
                then = self.is_then(params[1])
                if self.makes_a_block and not then:
                    self.makes_a_block, self.number = False, self.number + 1
                    return hex(self.nonces + 1)
                return hex(START_NONCE if then else self.nonces)
            case "eth_getLogs" if params[0]["address"] == stub.EXECUTOR:
                first, last = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
                if last - first >= self.most_blocks_a_question:
                    raise ValueError("too many blocks")
                return [log for log in self.executed if first <= int(log["blockNumber"], 16) <= last]
            case "eth_getLogs":
                return self.logs
            case "eth_call" if len(params[0]["data"]) == 10:
                return "0x" + self.treasury[2:].rjust(64, "0")
            case "eth_call":
                key = (params[0]["to"], "0x" + params[0]["data"][-40:])
                book = self.balances_then if self.is_then(params[1]) else self.balances
                return f"0x{book.get(key, 0):064x}"
            case _:
                raise ValueError(method)

    def is_then(self, tag: str) -> bool:
        if int(tag, 16) == GENESIS["start_block"]:
            if not self.keeps_old_state:
                raise ValueError("missing trie node")
            return True
        return False


@contextmanager
def served(chain: Chain) -> Generator[str]:
    """Serve the chain on loopback while inside; yields its URL."""

    class Node(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            body = json.dumps([self.reply(call) for call in asked]).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def reply(self, call: dict[str, Any]) -> dict[str, Any]:
            try:
                return {"id": call["id"], "result": chain.answer(call["method"], call["params"])}
            except ValueError as fault:
                return {"id": call["id"], "error": {"code": -32000, "message": str(fault)}}

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Node) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def signed(data: bytes, nonce: int, gas_limit: int, max_fee: int, priority: int) -> tuple[bytes, str]:
    done = Account.sign_transaction(
        {
            "type": 2,
            "chainId": 42161,
            "nonce": nonce,
            "to": bytes.fromhex(stub.EXECUTOR[2:]),
            "value": 0,
            "data": data,
            "gas": gas_limit,
            "maxFeePerGas": max_fee,
            "maxPriorityFeePerGas": priority,
        },
        KEY,
    )
    return bytes(done.raw_transaction), "0x" + bytes(done.hash).hex()


def proved(journal: Journal, number: int) -> Proof:
    """A proof whose calldata is a real call of the executor, anchored in the journal's head."""
    base = stub.proof(number)
    request, anchor = base.plan.request, journal.head[1]
    kinds = (HopKind.CONSTANT_PRODUCT, HopKind.CONCENTRATED)
    call = ExecuteCall(
        flash=Flash(kind=FlashKind.BALANCER, lender=Address("0x" + "0b" * 20)),
        token=request.route.token,
        amount=request.amount_in,
        min_profit=request.min_profit,
        deadline_s=base.plan.deadline_s,
        anchor=bytes.fromhex(anchor[2:]),
        hops=tuple(
            EncodedHop(kind=kind, pool=Address(hop.pool), token_out=hop.token_out)
            for kind, hop in zip(kinds, request.route.hops, strict=True)
        ),
    )
    return replace(base, plan=replace(base.plan, anchor=anchor, calldata=encode_execute(call)))


def sent(journal: Journal, number: int, nonce: int) -> tuple[Approved, Submission]:
    """Take a request all the way to a journaled intent, as the desk does."""
    with journal.transaction():
        proof = proved(journal, number)
        record_request(journal, proof.plan.request)
        record_proof(journal, proof)
        ledger = LimitLedger(journal)
        stamp = stub.stamp(f"d{number}", f"p{number}")
        decision = review(proof, policy=POLICY, ledger=ledger, state="ACTIVE", head=stub.block(), stamp=stamp)
        assert isinstance(decision, Approved), decision
        record_decision(journal, decision)
        fees = (decision.max_fee_wei, decision.priority_fee_wei)
        raw, tx_hash = signed(proof.plan.calldata, nonce, proof.plan.gas_limit, *fees)
        submission = Submission(
            intent_id=f"i{number}",
            decision_id=f"d{number}",
            nonce=nonce,
            raw_tx=raw,
            tx_hash=tx_hash,
            submitted_block=100,
        )
        record_intent(
            journal,
            submission,
            calldata_anchor=proof.plan.anchor,
            to=stub.EXECUTOR,
            gas_limit=proof.plan.gas_limit,
            max_fee_wei=fees[0],
            priority_fee_wei=fees[1],
        )
    return decision, submission


def topic(address: str) -> str:
    return "0x" + address[2:].rjust(64, "0")


def transfer(token: str, giver: str, taker: str, raw: int) -> dict[str, Any]:
    return {"address": token, "topics": [TRANSFER, topic(giver), topic(taker)], "data": f"0x{raw:064x}"}


def receipt(block: int, logs: list[dict[str, Any]], *, status: int = 1, gas: int = 150_000) -> dict[str, Any]:
    return {
        "status": hex(status),
        "blockNumber": hex(block),
        "blockHash": f"0x{block:064x}",
        "gasUsed": hex(gas),
        "effectiveGasPrice": hex(10**8),
        "l1Fee": hex(77),
        "logs": logs,
    }


def ended(journal: Journal, outcome: Outcome, reservation: str | None) -> None:
    with journal.transaction():
        record_outcome(journal, outcome)
        if reservation is not None:
            LimitLedger(journal).release(reservation, outcome)


def fill(journal: Journal, chain: Chain, number: int, nonce: int, *, realised: int = 10**16) -> None:
    """A trade that was mined in block 100 + number and earned `realised`."""
    approved, submission = sent(journal, number, nonce)
    pool = "0x" + "01" * 20
    borrowed = [transfer(stub.WETH, pool, stub.EXECUTOR, 10**18), transfer(stub.WETH, stub.EXECUTOR, pool, 10**18)]
    chain.receipts[submission.tx_hash] = receipt(
        100 + number, [*borrowed, transfer(stub.WETH, pool, stub.EXECUTOR, realised)]
    )
    chain.executed.append({"transactionHash": submission.tx_hash, "blockNumber": hex(100 + number)})
    chain.nonces = max(chain.nonces, nonce + 1)
    _move(chain, stub.WETH, stub.EXECUTOR, realised)
    at = replace(stub.block(100 + number), hash=BlockHash(f"0x{100 + number:064x}"))
    gas = 150_000 * 10**8 + 77
    outcome = Filled(
        intent_id=f"i{number}", block=at, token=stub.WETH, realised=realised, gas_used=150_000, gas_paid_wei=gas
    )
    ended(journal, outcome, approved.reservation)


def revert(journal: Journal, chain: Chain, number: int, nonce: int) -> None:
    """A trade that was mined and reverted: gas only."""
    approved, submission = sent(journal, number, nonce)
    chain.receipts[submission.tx_hash] = receipt(100 + number, [], status=0, gas=60_000)
    chain.nonces = max(chain.nonces, nonce + 1)
    outcome = Reverted(
        intent_id=f"i{number}",
        block=stub.block(100 + number),
        reason="below floor",
        gas_used=60_000,
        gas_paid_wei=60_000 * 10**8 + 77,
    )
    ended(journal, outcome, approved.reservation)


def sweep(journal: Journal, chain: Chain, number: int, nonce: int, raw: int) -> None:
    """A sweep of `raw` WETH to the treasury."""
    data = encode_sweep(stub.WETH, raw)
    signed_tx, tx_hash = signed(data, nonce, 120_000, 10**9, 1)
    submission = Submission(
        intent_id=f"i{number}",
        decision_id=f"command-{number}",
        nonce=nonce,
        raw_tx=signed_tx,
        tx_hash=tx_hash,
        submitted_block=100,
    )
    record_intent(
        journal,
        submission,
        calldata_anchor=None,
        to=stub.EXECUTOR,
        gas_limit=120_000,
        max_fee_wei=10**9,
        priority_fee_wei=1,
    )
    chain.receipts[tx_hash] = receipt(
        100 + number, [transfer(stub.WETH, stub.EXECUTOR, stub.TREASURY, raw)], gas=50_000
    )
    chain.nonces = max(chain.nonces, nonce + 1)
    _move(chain, stub.WETH, stub.EXECUTOR, -raw)
    _move(chain, stub.WETH, stub.TREASURY, raw)
    outcome = Filled(
        intent_id=f"i{number}",
        block=stub.block(100 + number),
        token=ZERO_ADDRESS,
        realised=0,
        gas_used=50_000,
        gas_paid_wei=50_000 * 10**8 + 77,
    )
    ended(journal, outcome, None)


def _move(chain: Chain, token: str, holder: str, raw: int) -> None:
    chain.balances[token, holder] = chain.balances.get((token, holder), 0) + raw


def true_state(folder: Path) -> Chain:
    """Write a journal with two fills, a revert, a sweep and one open trade; return the chain that agrees with it."""
    chain = Chain()
    for book in (chain.balances, chain.balances_then):
        book[stub.WETH, stub.EXECUTOR] = 600
        book[stub.WETH, stub.TREASURY] = 400
    with Journal.open(folder / JOURNAL_FILE, genesis=GENESIS) as journal:
        record_state(journal, "ACTIVE", principal="local", reason="test", block=stub.block())
        fill(journal, chain, 1, START_NONCE)
        revert(journal, chain, 2, START_NONCE + 1)
        fill(journal, chain, 3, START_NONCE + 2, realised=3 * 10**16)
        sweep(journal, chain, 4, START_NONCE + 3, 5 * 10**15)
        sent(journal, 5, START_NONCE + 4)
    return chain
