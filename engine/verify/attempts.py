"""Hold what was signed for a nonce a second time against what was signed first: the same call, or nothing at all."""

from engine.verify.lineage import Lineage, Trade
from engine.verify.report import Report
from engine.verify.signed import Signed, read_signed

TRANSFER_GAS = 21_000
REPLACED_FROM_PPM = 100_000
"""Least that both fees rise by from one attempt to the next, or no node would take it."""


def check_attempts(trade: Trade, first: Signed, lineage: Lineage, report: Report) -> None:
    """Check each attempt's bytes against its row, the first bytes, the fees before it, and what was reserved.

    Raises what decoding a row of the wrong shape raises.
    """
    before = first
    for row, worst in trade.attempts:
        report.checked["attempts"] += 1
        body, genesis, operator = row.body, lineage.genesis, lineage.operator_at(row.seq)
        signed = read_signed(bytes.fromhex(body["raw_tx"].removeprefix("0x")))
        cancels = body["kind"] == "cancel"
        terms = {
            "hash": (signed.tx_hash, body["tx_hash"]),
            "sender": (signed.sender, operator),
            "chain": (signed.chain_id, int(genesis["chain_id"])),
            "nonce": (signed.nonce, first.nonce),
            "nonce as written down": (int(body["nonce"]), first.nonce),
            "receiver": (signed.to, operator if cancels else genesis["executor"]),
            "value": (signed.value, 0),
            "calldata": (signed.data, b"" if cancels else first.data),
            "gas limit": (signed.gas_limit, TRANSFER_GAS if cancels else first.gas_limit),
            "gas limit as written down": (int(body["gas_limit"]), signed.gas_limit),
            "max fee": (signed.max_fee_wei, int(body["max_fee_wei"])),
            "priority fee": (signed.priority_fee_wei, int(body["priority_fee_wei"])),
        }
        for name, (measured, expected) in terms.items():
            if measured != expected:
                report.found(row.seq, f"the attempt's bytes say another {name}", measured, expected)
        if not cancels and trade.attempts[0][0].body["kind"] == "cancel":
            report.found(row.seq, "a cancelled call was signed again", body["kind"], "cancel")
        if not (
            _risen(before.max_fee_wei, signed.max_fee_wei) and _risen(before.priority_fee_wei, signed.priority_fee_wei)
        ):
            fees = (signed.max_fee_wei, signed.priority_fee_wei)
            least = (before.max_fee_wei, before.priority_fee_wei)
            report.found(row.seq, "no node replaces a transaction for these fees", fees, f"a tenth above {least}")
        if worst is not None and signed.gas_limit * signed.max_fee_wei > worst:
            gas = signed.gas_limit * signed.max_fee_wei
            report.found(row.seq, "the attempt's gas could cost more than was reserved", gas, f"at most {worst}")
        before = signed


def _risen(before: int, after: int) -> bool:
    return after * 1_000_000 >= before * (1_000_000 + REPLACED_FROM_PPM)
