"""The checker holds a journal against the chain, to the wei, and says where they part."""

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.domain.outcome import Reorged, Replaced
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.records import read_outcome
from engine.risk.limits import LimitLedger
from engine.verify.report import Report
from engine.verify.verify import verify_state
from tests.unit import journal_stubs as stub
from tests.unit import verify_stubs as truth
from tests.unit.verify_stubs import START_NONCE, Chain, served


def checked(state: Path, chain: Chain, at_block: int | None = None) -> Report:
    with served(chain) as url:
        return verify_state(state, url, at_block=at_block)


def test_a_true_state_is_true_to_the_wei(tmp_path: Path) -> None:
    report = checked(tmp_path, truth.true_state(tmp_path))
    assert report.findings == []
    assert report.ok
    said = report.as_json()
    assert said["realised"] == {stub.WETH: str(4 * 10**16)}
    assert said["onchain_delta"] == {stub.WETH: str(4 * 10**16), stub.USDC: "0"}
    assert said["gas_paid_wei"] == str((150_000 * 2 + 60_000 + 50_000) * 10**8 + 4 * 77)
    assert said["checked"] == {
        "anchors": 4,
        "balances": 2,
        "entries": 30,
        "intents": 5,
        "nonces": 4,
        "receipts": 4,
        "reservations": 4,
        "settlements": 2,
    }
    with Journal.read(tmp_path / JOURNAL_FILE) as journal:
        third = list(journal.entries("intent"))[2]
        (anchor,) = [e.seq for e in journal.entries() if e.hash == third.body["calldata_anchor"]]
    assert said["anchored"] == anchor


def test_what_strangers_sent_is_noted_and_makes_nothing_untrue(tmp_path: Path) -> None:
    chain = truth.true_state(tmp_path)
    moved(chain, 7)
    report = checked(tmp_path, chain)
    assert report.ok
    assert [(f.level, f.measured) for f in report.findings] == [("note", "7")]
    moved(chain, -1)
    assert not checked(tmp_path, chain).ok


def test_a_node_that_gives_few_blocks_at_a_time_is_asked_more_often(tmp_path: Path) -> None:
    chain = truth.true_state(tmp_path)
    chain.number, chain.most_blocks_a_question = 100_000, 1_500
    assert checked(tmp_path, chain).findings == []


def test_a_node_that_forgets_old_state_is_enough_for_the_tokens_of_the_genesis(tmp_path: Path) -> None:
    chain = truth.true_state(tmp_path)
    chain.keeps_old_state = False
    assert checked(tmp_path, chain).ok


def test_what_the_chain_did_after_the_block_asked_about_does_not_count(tmp_path: Path) -> None:
    chain = truth.true_state(tmp_path)
    with Journal.open(tmp_path / JOURNAL_FILE) as journal:
        *_, last = journal.entries("intent")
    chain.receipts[last.body["tx_hash"]] = truth.receipt(180, [], status=0)
    assert checked(tmp_path, chain, at_block=179).ok
    assert "say different ends" in checked(tmp_path, chain).findings[0].what


def test_a_node_that_answers_with_the_block_it_is_making_is_asked_again(tmp_path: Path) -> None:
    chain = truth.true_state(tmp_path)
    chain.makes_a_block = True
    report = checked(tmp_path, chain)
    assert report.findings == []
    assert report.checked["nonces"] == 4


def test_what_is_wrong_at_the_newest_block_stays_wrong_when_it_is_asked_again(tmp_path: Path) -> None:
    chain = truth.true_state(tmp_path)
    chain.makes_a_block, chain.nonces = True, chain.nonces + 1
    (found,) = checked(tmp_path, chain).findings
    assert "used by a transaction that the journal does not hold" in found.what


def test_what_the_journal_says_of_later_blocks_does_not_count(tmp_path: Path) -> None:
    chain = truth.true_state(tmp_path)
    fills = [r for r in chain.receipts.values() if int(r["blockNumber"], 16) > 102]
    chain.balances[stub.WETH, stub.EXECUTOR] = 600 + 10**16
    chain.balances[stub.WETH, stub.TREASURY] = 400
    chain.nonces -= len(fills)
    report = checked(tmp_path, chain, at_block=102)
    assert report.findings == []
    assert report.checked["receipts"] == 2


Lie = Callable[[Chain], object]


def first(chain: Chain, nth: int = 0) -> dict[str, object]:
    return list(chain.receipts.values())[nth]


def moved(chain: Chain, raw: int) -> None:
    chain.balances[stub.WETH, stub.TREASURY] += raw
    pair = (stub.USDC, stub.TREASURY) if raw > 0 else (stub.TREASURY, stub.USDC)
    log = truth.transfer(stub.WETH, *pair, abs(raw))
    chain.logs.append(log | {"transactionHash": "0xdead", "blockNumber": "0x70", "logIndex": hex(len(chain.logs))})


LIES: dict[str, tuple[Lie, str, str | None]] = {
    "a receipt that is gone": (
        lambda c: c.receipts.pop(next(iter(c.receipts))),
        "knows no such transaction",
        "outcome",
    ),
    "a fill that reverted": (lambda c: first(c).update(status="0x0", logs=[]), "say different ends", "outcome"),
    "another block": (lambda c: first(c).update(blockNumber="0x5"), "is in another block", "outcome"),
    "another branch": (lambda c: first(c).update(blockHash="0x5"), "is in another block", "outcome"),
    "a wei more gas": (lambda c: first(c).update(l1Fee=hex(78)), "gas paid is not the receipt's", "outcome"),
    "less gas": (lambda c: first(c).update(gasUsed="0x1"), "gas paid is not the receipt's", "outcome"),
    "a log less": (lambda c: first(c)["logs"].pop(), "is not what moved", "outcome"),  # type: ignore[attr-defined]
    "a token that nobody wrote down": (
        lambda c: first(c)["logs"].append(truth.transfer(stub.USDC, stub.EXECUTOR, "0x" + "99" * 20, 5)),  # type: ignore[attr-defined]
        f"realised {stub.USDC} is not what moved",
        "outcome",
    ),
    "a transaction of the hot key that nobody wrote down": (
        lambda c: setattr(c, "nonces", c.nonces + 1),
        f"nonce {START_NONCE + 4} was used by a transaction that the journal does not hold",
        None,
    ),
    "a wei less in the treasury": (lambda c: moved(c, -1), "moved outside the journal, by 0xdead", None),
    "a wei more that no transfer brought": (
        lambda c: c.balances.update({(stub.WETH, stub.TREASURY): c.balances[stub.WETH, stub.TREASURY] + 1}),
        "moved outside the journal",
        None,
    ),
    "a gift that was taken back": (lambda c: (moved(c, 1), moved(c, -1), moved(c, -1)), "moved outside", None),
    "a gift larger than what arrived": (
        lambda c: (moved(c, 5), c.balances.update({(stub.WETH, stub.EXECUTOR): 0})),
        "moved outside the journal",
        None,
    ),
    "a trade of the executor that nobody wrote down": (
        lambda c: c.executed.append({"transactionHash": "0xdead", "blockNumber": "0x10"}),
        "the executor settled a trade in block 16 that the journal does not hold",
        None,
    ),
    "an executor whose logs are not given": (
        lambda c: setattr(c, "most_blocks_a_question", 0),
        "the executor's history was not read",
        None,
    ),
    "another balance at the start": (
        lambda c: c.balances_then.update({(stub.WETH, stub.EXECUTOR): 601}),
        "the genesis says another start balance",
        "genesis",
    ),
    "another chain": (lambda c: setattr(c, "chain_id", 1), "the node is on another chain", "genesis"),
    "another treasury": (lambda c: setattr(c, "treasury", stub.USDC), "pays another treasury", "genesis"),
    "a receipt without gas": (lambda c: first(c).pop("gasUsed"), "cannot be read", "outcome"),
}


@pytest.mark.parametrize("lie", LIES)
def test_finds(tmp_path: Path, lie: str) -> None:
    chain = truth.true_state(tmp_path)
    tell, what, kind = LIES[lie]
    tell(chain)
    found = [finding for finding in checked(tmp_path, chain).findings if what in finding.what]
    assert found
    assert found[0].measured != found[0].expected
    if kind is not None:
        with Journal.read(tmp_path / JOURNAL_FILE) as journal:
            named = next(journal.entries(kind))  # type: ignore[arg-type]
        assert found[0].seq == named.seq


def test_finds_a_trade_left_open_that_the_chain_has_ended(tmp_path: Path) -> None:
    chain = truth.true_state(tmp_path)
    with Journal.open(tmp_path / JOURNAL_FILE) as journal:
        *_, last = journal.entries("intent")
    chain.receipts[last.body["tx_hash"]] = truth.receipt(180, [])
    chain.nonces += 1
    found = checked(tmp_path, chain).findings
    assert [(f.seq, f.measured, f.expected) for f in found] == [(last.seq, "open", "Filled")]


def test_a_trade_whose_nonce_another_of_ours_took_is_true(tmp_path: Path) -> None:
    chain = Chain()
    chain.balances[stub.WETH, stub.EXECUTOR] = chain.balances_then[stub.WETH, stub.EXECUTOR] = 1000
    with Journal.open(tmp_path / JOURNAL_FILE, genesis=truth.GENESIS) as journal:
        approved, _ = truth.sent(journal, 1, START_NONCE)
        truth.ended(journal, Replaced(intent_id="i1", by=None), approved.reservation)
        truth.fill(journal, chain, 2, START_NONCE)
    assert checked(tmp_path, chain).findings == []


def test_a_trade_whose_nonce_a_stranger_took_is_found(tmp_path: Path) -> None:
    chain = truth.true_state(tmp_path)
    with Journal.open(tmp_path / JOURNAL_FILE) as journal:
        (name,) = LimitLedger(journal).held()
        truth.ended(journal, Replaced(intent_id="i5", by=None), name)
        *_, last = journal.entries("intent")
    assert checked(tmp_path, chain).ok
    chain.nonces += 1
    (found,) = checked(tmp_path, chain).findings
    assert (found.seq, "was used by a transaction" in found.what) == (last.seq, True)


def test_a_trade_that_a_reorg_took_back_and_mined_again_is_true(tmp_path: Path) -> None:
    chain = truth.true_state(tmp_path)
    with Journal.open(tmp_path / JOURNAL_FILE) as journal:
        outcome = next(journal.entries("outcome"))
        name = next(journal.entries("reservation")).body["reservation"]
        truth.ended(journal, Reorged(intent_id="i1", block=stub.block(101)), name)
    found = checked(tmp_path, chain).findings
    assert [(f.measured, f.expected) for f in found] == [("open", "Filled")]
    with Journal.open(tmp_path / JOURNAL_FILE) as journal:
        again = read_outcome(outcome)
        truth.ended(journal, replace(again, block=stub.block(103)), name)  # type: ignore[arg-type]
    first(chain).update(blockNumber=hex(103), blockHash=f"0x{103:064x}")
    assert checked(tmp_path, chain).findings == []


def test_a_nonce_gap_of_open_trades_is_found(tmp_path: Path) -> None:
    chain = truth.true_state(tmp_path)
    with Journal.open(tmp_path / JOURNAL_FILE) as journal:
        truth.sent(journal, 6, START_NONCE + 6)
        *_, last = journal.entries("intent")
    found = checked(tmp_path, chain).findings
    assert [(f.seq, f.what) for f in found] == [(last.seq, "the nonces have a gap or repeat")]


def test_a_chain_that_is_not_reached_is_a_finding(tmp_path: Path) -> None:
    truth.true_state(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", "nonsense", "http://"):
        report = verify_state(tmp_path, url)
        assert not report.ok
        assert [finding.what for finding in report.findings] == ["chain not reached"]
