"""The signer: takes an approved plan, decodes what it is about to sign, and signs only if both say the same."""

from collections.abc import Callable, Iterator
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from engine.chains.abi import hex_data
from engine.chains.executor_calls import SWEEP, decode_execute, encode_sweep
from engine.domain.decision import Approved, Fees, Submission
from engine.domain.errors import SigningRefused
from engine.domain.hops import Flash, HopKind
from engine.domain.units import ZERO_ADDRESS, Address, ChainId
from engine.planning.capital import FLASH_KINDS

SWEEP_GAS = 120_000
CANCEL_GAS = 21_000
"""What a transfer of nothing takes: all that a cancel can burn, times its fee."""

_Breach = tuple[str, object, object]
"""What is wrong, what was measured, the limit."""


class Signer:
    """Holds the hot key. It can sign an approved `execute`, a sweep to the treasury, what replaces either of them at
    higher fees, and a cancel: nothing, sent to itself.

    `halted` is asked before each signature: a halt written by another process counts at once. `max_gas_wei` is
    asked then too: the most that a trade's gas may cost, whatever was approved.
    """

    def __init__(
        self,
        key: str,
        *,
        chain: ChainId,
        executor: Address,
        max_gas_wei: Callable[[], int],
        halted: Callable[[], str | None],
    ) -> None:
        self._account: LocalAccount = Account.from_key(key)
        self._chain = chain
        self._executor = executor
        self._max_gas_in_force = max_gas_wei
        self._halted = halted

    @property
    def _max_gas_wei(self) -> int:
        return self._max_gas_in_force()

    @property
    def address(self) -> Address:
        return Address(self._account.address.lower())

    def sign_trade(self, approved: Approved, *, intent_id: str, nonce: int) -> Submission:
        """Sign what was approved. Raises `SigningRefused` when halted or when anything differs from the approval."""
        if (why := self._halted()) is not None:
            raise SigningRefused("trading is halted", measured=why, next_step="the operator resumes: ketch resume")
        plan = approved.proof.plan
        for what, measured, limit in (*self._differences(approved), *self._excesses(approved)):
            raise SigningRefused(what, measured=measured, limit=limit)
        return self._sign(
            plan.calldata,
            gas_limit=plan.gas_limit,
            fees=Fees(max_fee_wei=approved.max_fee_wei, priority_fee_wei=approved.priority_fee_wei),
            nonce=nonce,
            ids=(intent_id, approved.stamp.id, approved.proof.block.number),
        )

    def _differences(self, approved: Approved) -> Iterator[_Breach]:
        """Compare what the calldata says, read back, with what was approved."""
        plan = approved.proof.plan
        request, route, call = plan.request, plan.request.route, decode_execute(plan.calldata)
        hops = zip(call.hops, route.hops, strict=False)  # their number is compared with the pools
        ordered = [(h, r) for h, r in hops if h.kind is not HopKind.BALANCER]  # these pools order tokens by address
        said_and_approved: tuple[tuple[str, object, object], ...] = (
            ("capital", call.flash, Flash(kind=FLASH_KINDS[plan.capital], lender=plan.lender or ZERO_ADDRESS)),
            ("token", call.token, route.token),
            ("amount", call.amount, request.amount_in),
            ("floor", call.min_profit, request.min_profit),
            ("deadline", call.deadline_s, plan.deadline_s),
            ("anchor", "0x" + call.anchor.hex(), plan.anchor),
            ("pools", [h.pool for h in call.hops], [h.pool for h in route.hops]),
            ("tokens", [h.token_out for h in call.hops], [h.token_out for h in route.hops]),
            ("direction", [h.zero_for_one for h, _ in ordered], [r.token_in < r.token_out for _, r in ordered]),
            ("minimum of a hop", tuple(h.least_out for h in call.hops), plan.least_outs),
            ("receiver", plan.to, self._executor),
            ("value", plan.value, 0),
            ("chain", approved.proof.block.chain, self._chain),
        )
        for name, said, meant in said_and_approved:
            if said != meant:
                yield f"the call says another {name} than was approved", said, meant
        if not all(h.least_out for h in call.hops):
            yield "a hop has no minimum", [h.least_out for h in call.hops], "at least 1 each"
        if not route.closed or call.min_profit < 1:
            yield "the call is not a closed cycle with a floor", (route.closed, call.min_profit), (True, "at least 1")

    def _excesses(self, approved: Approved) -> Iterator[_Breach]:
        gas_wei = approved.proof.plan.gas_limit * approved.max_fee_wei
        if gas_wei > approved.worst_loss_wei:
            yield "gas could cost more than was reserved", gas_wei, approved.worst_loss_wei
        if gas_wei > self._max_gas_wei:
            yield "gas could cost more than one trade may", gas_wei, self._max_gas_wei
        if approved.priority_fee_wei > approved.max_fee_wei:
            yield "no chain takes a bid above the most that is paid", approved.priority_fee_wei, approved.max_fee_wei

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

    def sign_bump(self, raw_tx: bytes, *, max_fee_wei: int, priority_fee_wei: int, worst_wei: int) -> bytes:
        """Sign a call of its own once more, everything but the fees as it was; return the signed bytes.

        Its own signature under `raw_tx` is the approval. `worst_wei` is what is reserved for it by now. Raises
        `SigningRefused` for another's bytes, for gas above the reservation or the cap, and for a trade when halted.
        """
        earlier = TypedTransaction.from_bytes(HexBytes(raw_tx)).as_dict()
        sender = str(Account.recover_transaction(HexBytes(raw_tx))).lower()
        data, to = bytes(earlier["data"]), "0x" + bytes(earlier["to"]).hex()
        if (sender, to) != (self.address, self._executor):
            raise SigningRefused(
                "what is to be replaced is no call of ours", measured=(sender, to), limit=(self.address, self._executor)
            )
        if data[:4] != SWEEP.selector and (why := self._halted()) is not None:
            raise SigningRefused("trading is halted", measured=why, next_step="the operator resumes: ketch resume")
        fees = Fees(max_fee_wei=max_fee_wei, priority_fee_wei=priority_fee_wei)
        self._check_gas(earlier["gas"], fees, worst_wei)
        return self._signed(self._executor, data, gas_limit=earlier["gas"], fees=fees, nonce=earlier["nonce"])

    def sign_cancel(self, nonce: int, *, max_fee_wei: int, priority_fee_wei: int) -> bytes:
        """Sign a transfer of nothing to itself, which takes `nonce` from whatever else was signed for it.

        It can only burn capped gas, so it is signed even when halted. Raises `SigningRefused` for gas above the cap.
        """
        fees = Fees(max_fee_wei=max_fee_wei, priority_fee_wei=priority_fee_wei)
        self._check_gas(CANCEL_GAS, fees, self._max_gas_wei)
        return self._signed(self.address, b"", gas_limit=CANCEL_GAS, fees=fees, nonce=nonce)

    def _check_gas(self, gas_limit: int, fees: Fees, worst_wei: int) -> None:
        if (gas_wei := gas_limit * fees.max_fee_wei) > min(worst_wei, self._max_gas_wei):
            raise SigningRefused(
                "gas could cost more than was reserved, or than one transaction may",
                measured=gas_wei,
                limit=min(worst_wei, self._max_gas_wei),
            )

    def _sign(self, data: bytes, *, gas_limit: int, fees: Fees, nonce: int, ids: tuple[str, str, int]) -> Submission:
        raw = self._signed(self._executor, data, gas_limit=gas_limit, fees=fees, nonce=nonce)
        intent_id, decision_id, block_number = ids
        return Submission(
            intent_id=intent_id,
            decision_id=decision_id,
            nonce=nonce,
            raw_tx=raw,
            tx_hash="0x" + keccak(raw).hex(),
            submitted_block=block_number,
        )

    def _signed(self, to: Address, data: bytes, *, gas_limit: int, fees: Fees, nonce: int) -> bytes:
        wanted: dict[str, Any] = {
            "type": 2,
            "chainId": self._chain,
            "nonce": nonce,
            "to": to_checksum_address(to),
            "value": 0,
            "data": hex_data(data),
            "gas": gas_limit,
            "maxFeePerGas": fees.max_fee_wei,
            "maxPriorityFeePerGas": fees.priority_fee_wei,
        }
        raw = bytes(self._account.sign_transaction(wanted).raw_transaction)
        _compare(raw, wanted)
        return raw


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
