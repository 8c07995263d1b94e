"""The signer: takes an approved plan, decodes what it is about to sign, and signs only if both say the same."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes

from engine.chains.abi import hex_data
from engine.chains.executor_calls import decode_execute, encode_sweep
from engine.domain.decision import Approved, Submission
from engine.domain.errors import SigningRefused
from engine.domain.units import Address, ChainId

SWEEP_GAS = 120_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """Wei per gas, at most and to the block's producer."""

    max_fee_wei: int
    priority_fee_wei: int


class Signer:
    """Holds the hot key. It can sign two things: an approved `execute`, and a sweep to the treasury.

    `halted` is asked before each signature: a halt written by another process counts at once.
    """

    def __init__(self, key: str, *, chain: ChainId, executor: Address, halted: Callable[[], str | None]) -> None:
        self._account: LocalAccount = Account.from_key(key)
        self._chain = chain
        self._executor = executor
        self._halted = halted

    @property
    def address(self) -> Address:
        return Address(self._account.address.lower())

    def sign_trade(self, approved: Approved, *, intent_id: str, nonce: int) -> Submission:
        """Sign what was approved. Raises `SigningRefused` when halted or when anything differs from the approval."""
        if (why := self._halted()) is not None:
            raise SigningRefused("trading is halted", measured=why, next_step="the operator resumes: ketch resume")
        plan = approved.proof.plan
        request = plan.request
        call = decode_execute(plan.calldata)
        route = request.route
        said = (
            call.token,
            call.amount,
            call.min_profit,
            call.deadline_s,
            "0x" + call.anchor.hex(),
            tuple((h.pool, h.token_out) for h in call.hops),
        )
        approved_terms = (
            route.token,
            request.amount_in,
            request.min_profit,
            plan.deadline_s,
            plan.anchor,
            tuple((Address(h.pool), h.token_out) for h in route.hops),
        )
        if said != approved_terms:
            raise SigningRefused(measured=said, limit=approved_terms)
        if plan.to != self._executor or plan.value != 0 or not route.closed or call.min_profit < 1:
            raise SigningRefused(measured=(plan.to, plan.value, call.min_profit), limit=(self._executor, 0, "≥ 1"))
        if plan.gas_limit * approved.max_fee_wei > approved.worst_loss_wei:
            raise SigningRefused(
                "gas could cost more than was reserved",
                measured=plan.gas_limit * approved.max_fee_wei,
                limit=approved.worst_loss_wei,
            )
        return self._sign(
            plan.calldata,
            gas_limit=plan.gas_limit,
            fees=Fees(max_fee_wei=approved.max_fee_wei, priority_fee_wei=approved.priority_fee_wei),
            nonce=nonce,
            ids=(intent_id, approved.stamp.id, approved.proof.block.number),
        )

    def sign_sweep(
        self, token: Address, amount: int, *, fees: Fees, intent_id: str, command_id: str, nonce: int, block_number: int
    ) -> Submission:
        """Sign a sweep of `amount` raw units: it can pay the treasury only, so it is signed even when halted."""
        return self._sign(
            encode_sweep(token, amount),
            gas_limit=SWEEP_GAS,
            fees=fees,
            nonce=nonce,
            ids=(intent_id, command_id, block_number),
        )

    def _sign(self, data: bytes, *, gas_limit: int, fees: Fees, nonce: int, ids: tuple[str, str, int]) -> Submission:
        wanted: dict[str, Any] = {
            "type": 2,
            "chainId": self._chain,
            "nonce": nonce,
            "to": to_checksum_address(self._executor),
            "value": 0,
            "data": hex_data(data),
            "gas": gas_limit,
            "maxFeePerGas": fees.max_fee_wei,
            "maxPriorityFeePerGas": fees.priority_fee_wei,
        }
        signed = self._account.sign_transaction(wanted)
        raw = bytes(signed.raw_transaction)
        _compare(raw, wanted)
        intent_id, decision_id, block_number = ids
        return Submission(
            intent_id=intent_id,
            decision_id=decision_id,
            nonce=nonce,
            raw_tx=raw,
            tx_hash="0x" + bytes(signed.hash).hex(),
            submitted_block=block_number,
        )


def _compare(raw: bytes, wanted: dict[str, Any]) -> None:
    """Decode the signed bytes again: what leaves is what was meant. Raises `SigningRefused` naming the field."""
    decoded = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    for name, value in wanted.items():
        found = decoded.get(name)
        if isinstance(found, bytes):
            found = "0x" + found.hex()
        if isinstance(found, str):
            found = found.lower()
        if found != (value.lower() if isinstance(value, str) else value):
            raise SigningRefused(f"the signed bytes say another {name}", measured=found, limit=value)
    if decoded.get("accessList"):
        raise SigningRefused("the signed bytes carry an access list that nobody asked for")

