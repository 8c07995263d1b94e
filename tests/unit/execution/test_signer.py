"""The signer signs what was approved and nothing else: every field that could differ is made to."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from engine.chains.executor_calls import ExecuteCall, decode_execute, encode_execute, encode_sweep
from engine.domain.decision import Approved
from engine.domain.errors import SigningRefused
from engine.domain.hops import EncodedHop, Flash, FlashKind, HopKind
from engine.domain.opportunity import Hop, Plan, Route
from engine.domain.units import Address, BlockHash, BlockRef, ChainId, PoolId
from engine.execution.wallet import Fees, Signer
from engine.risk.halt import halt_reason, write_halt
from tests.unit import journal_stubs as stub

KEY = "0x" + "42" * 32
CHAIN = ChainId(42161)
EXECUTOR = stub.EXECUTOR
LENDER = Address("0x" + "0b" * 20)
STRANGER = Address("0x" + "66" * 20)
POOLS = tuple(PoolId("0x" + digit * 40) for digit in "123")
TOKENS = tuple(Address("0x" + pair * 20) for pair in ("aa", "bb", "cc"))
CALL = ExecuteCall(
    flash=Flash(kind=FlashKind.MORPHO, lender=LENDER),
    token=TOKENS[0],
    amount=10**18,
    min_profit=10**15,
    deadline_s=1_800_000_060,
    anchor=bytes.fromhex("77" * 32),
    hops=(
        EncodedHop(
            kind=HopKind.CONSTANT_PRODUCT,
            pool=POOLS[0],
            token_out=TOKENS[1],
            zero_for_one=True,
            fee_ppm=3000,
            least_out=7,
        ),
        EncodedHop(kind=HopKind.CONCENTRATED, pool=POOLS[1], token_out=TOKENS[2], zero_for_one=True, least_out=8),
        EncodedHop(
            kind=HopKind.BALANCER,
            pool=POOLS[2],
            token_out=TOKENS[0],
            balancer_id=POOLS[2] + "0001" + "00" * 10,
            least_out=9,
        ),
    ),
)
ROUTE = Route(
    hops=tuple(Hop(pool=pool, token_in=TOKENS[at], token_out=TOKENS[(at + 1) % 3]) for at, pool in enumerate(POOLS))
)
GAS_LIMIT, MAX_FEE_WEI, TIP_WEI = 300_000, 10**9, 10**7


def approved(call: ExecuteCall = CALL) -> Approved:
    """Approve CALL; `call` is what the calldata says, whatever was approved."""
    base = stub.approved()
    request = replace(base.proof.plan.request, route=ROUTE, amount_in=CALL.amount, min_profit=CALL.min_profit)
    plan = replace(
        base.proof.plan,
        request=request,
        capital="morpho",
        lender=LENDER,
        calldata=encode_execute(call),
        gas_limit=GAS_LIMIT,
        deadline_s=CALL.deadline_s,
        anchor="0x" + CALL.anchor.hex(),
        least_outs=(7, 8, 9),
    )
    return replace(
        base,
        proof=replace(base.proof, plan=plan),
        max_fee_wei=MAX_FEE_WEI,
        priority_fee_wei=TIP_WEI,
        worst_loss_wei=GAS_LIMIT * MAX_FEE_WEI,
    )


def signer(halted: Callable[[], str | None] = lambda: None, *, max_gas_wei: int = 10**16) -> Signer:
    return Signer(KEY, chain=CHAIN, executor=EXECUTOR, max_gas_wei=lambda: max_gas_wei, halted=halted)


def planned(**changes: object) -> Approved:
    whole = approved()
    return replace(whole, proof=replace(whole.proof, plan=replace(whole.proof.plan, **changes)))  # type: ignore[arg-type]


def test_the_signed_bytes_say_what_was_approved() -> None:
    given = approved()
    made = signer().sign_trade(given, intent_id="intent-9", nonce=5)
    signed = TypedTransaction.from_bytes(HexBytes(made.raw_tx)).as_dict()
    assert (signed["chainId"], signed["nonce"], signed["value"], signed["gas"]) == (CHAIN, 5, 0, GAS_LIMIT)
    assert (signed["maxFeePerGas"], signed["maxPriorityFeePerGas"]) == (MAX_FEE_WEI, TIP_WEI)
    assert bytes(signed["to"]).hex() == EXECUTOR[2:]
    assert decode_execute(bytes(signed["data"])) == CALL
    assert not signed["accessList"]
    assert str(Account.recover_transaction(made.raw_tx)).lower() == signer().address
    assert made.tx_hash == "0x" + keccak(made.raw_tx).hex()
    assert (made.intent_id, made.decision_id, made.nonce) == ("intent-9", given.stamp.id, 5)


def test_the_same_approval_and_nonce_give_the_same_bytes() -> None:
    assert signer().sign_trade(approved(), intent_id="a", nonce=1) == signer().sign_trade(
        approved(), intent_id="a", nonce=1
    )


HOPS = CALL.hops
CALLS = {
    "capital": replace(CALL, flash=Flash(kind=FlashKind.OWN)),
    "another kind of lender": replace(CALL, flash=Flash(kind=FlashKind.AAVE, lender=LENDER)),
    "lender": replace(CALL, flash=Flash(kind=FlashKind.MORPHO, lender=STRANGER)),
    "token": replace(CALL, token=TOKENS[1]),
    "amount": replace(CALL, amount=CALL.amount + 1),
    "floor": replace(CALL, min_profit=CALL.min_profit - 1),
    "deadline": replace(CALL, deadline_s=CALL.deadline_s + 1),
    "anchor": replace(CALL, anchor=bytes(32)),
    "pool": replace(CALL, hops=(replace(HOPS[0], pool=STRANGER), *HOPS[1:])),
    "token out": replace(CALL, hops=(replace(HOPS[0], token_out=TOKENS[2]), *HOPS[1:])),
    "direction": replace(CALL, hops=(HOPS[0], replace(HOPS[1], zero_for_one=False), HOPS[2])),
    "a hop's minimum": replace(CALL, hops=(HOPS[0], replace(HOPS[1], least_out=7), HOPS[2])),
    "order of hops": replace(CALL, hops=(HOPS[1], HOPS[0], HOPS[2])),
    "a hop less": replace(CALL, hops=HOPS[:2]),
    "a hop more": replace(CALL, hops=(*HOPS, HOPS[0])),
}


@pytest.mark.parametrize("field", CALLS)
def test_refuses_calldata_that_says_another(field: str) -> None:
    with pytest.raises(SigningRefused):
        signer().sign_trade(approved(CALLS[field]), intent_id="i", nonce=0)


BARE = replace(CALL, hops=(HOPS[0], replace(HOPS[1], least_out=0), HOPS[2]))
PLANS: dict[str, Approved] = {
    "receiver": planned(to=STRANGER),
    "value": planned(value=1),
    "deadline": planned(deadline_s=CALL.deadline_s - 1),
    "anchor": planned(anchor="0x" + "00" * 32),
    "capital": planned(capital="own", lender=None),
    "minimums": planned(least_outs=(7, 8, 8)),
    "a hop without a minimum": planned(calldata=encode_execute(BARE), least_outs=(7, 0, 9)),
    "bytes after the call": planned(calldata=encode_execute(CALL) + bytes(32)),
    "half a call": planned(calldata=encode_execute(CALL)[:-32]),
    "another function": planned(calldata=encode_sweep(TOKENS[0], 1)),
    "no calldata": planned(calldata=b""),
    "gas beyond the reservation": planned(gas_limit=GAS_LIMIT + 1),
}


@pytest.mark.parametrize("field", PLANS)
def test_refuses_a_plan_with_another(field: str) -> None:
    with pytest.raises(SigningRefused):
        signer().sign_trade(PLANS[field], intent_id="i", nonce=0)


def test_refuses_a_proof_of_another_chain() -> None:
    whole = approved()
    elsewhere = BlockRef(chain=ChainId(1), number=1, hash=BlockHash("0x" + "00" * 32), timestamp_s=1)
    with pytest.raises(SigningRefused, match="another chain"):
        signer().sign_trade(replace(whole, proof=replace(whole.proof, block=elsewhere)), intent_id="i", nonce=0)


def test_refuses_what_is_no_closed_cycle_even_when_it_was_approved() -> None:
    whole = approved(CALLS["a hop less"])
    request = replace(whole.proof.plan.request, route=Route(hops=ROUTE.hops[:2]))
    plan = replace(whole.proof.plan, request=request, least_outs=(7, 8))
    with pytest.raises(SigningRefused, match="closed cycle"):
        signer().sign_trade(replace(whole, proof=replace(whole.proof, plan=plan)), intent_id="i", nonce=0)


@pytest.mark.parametrize(
    "given",
    [
        replace(approved(), worst_loss_wei=GAS_LIMIT * MAX_FEE_WEI - 1),
        replace(approved(), max_fee_wei=MAX_FEE_WEI + 1),
        replace(approved(), priority_fee_wei=MAX_FEE_WEI + 1),
    ],
    ids=["a wei less reserved", "a wei more bid", "a tip above the most paid"],
)
def test_refuses_gas_that_was_not_reserved_or_that_no_chain_takes(given: Approved) -> None:
    with pytest.raises(SigningRefused):
        signer().sign_trade(given, intent_id="i", nonce=0)


def test_holds_the_cap_on_gas_itself_whatever_was_approved_and_reserved() -> None:
    cap = GAS_LIMIT * MAX_FEE_WEI
    signer(max_gas_wei=cap).sign_trade(approved(), intent_id="i", nonce=0)
    with pytest.raises(SigningRefused, match="one trade may"):
        signer(max_gas_wei=cap - 1).sign_trade(approved(), intent_id="i", nonce=0)


def test_signs_no_trade_from_the_moment_the_halt_file_stands(tmp_path: Path) -> None:
    key = signer(lambda: halt_reason(tmp_path))
    key.sign_trade(approved(), intent_id="i", nonce=0)
    write_halt(tmp_path, principal="somebody", reason="smoke")
    with pytest.raises(SigningRefused, match="halted"):
        key.sign_trade(approved(), intent_id="i", nonce=0)


def test_a_sweep_can_be_signed_when_halted_and_names_no_receiver_but_the_contract() -> None:
    made = signer(lambda: "halted").sign_sweep(
        TOKENS[0],
        123,
        fees=Fees(max_fee_wei=MAX_FEE_WEI, priority_fee_wei=1),
        intent_id="intent-3",
        command_id="command-2",
        nonce=7,
        block_number=9,
    )
    signed = TypedTransaction.from_bytes(HexBytes(made.raw_tx)).as_dict()
    assert bytes(signed["to"]).hex() == EXECUTOR[2:]
    assert bytes(signed["data"]) == encode_sweep(TOKENS[0], 123)  # token and amount: the treasury is the contract's own
    assert (signed["value"], signed["nonce"], made.decision_id) == (0, 7, "command-2")


def test_a_refusal_says_what_was_found_and_what_was_approved() -> None:
    with pytest.raises(SigningRefused) as refused:
        signer().sign_trade(approved(CALLS["amount"]), intent_id="i", nonce=0)
    assert "amount" in refused.value.what
    assert (refused.value.measured, refused.value.limit) == (CALL.amount + 1, CALL.amount)


def test_every_field_of_a_plan_that_reaches_the_chain_is_made_to_differ_here() -> None:
    reaches = {"to", "calldata", "value", "gas_limit", "deadline_s", "anchor", "capital", "lender", "request"}
    reaches |= {"least_outs"}
    assert reaches | {"families", "deployments"} == set(Plan.__dataclass_fields__)
    assert set(ExecuteCall.__dataclass_fields__) == {
        "flash", "token", "amount", "min_profit", "deadline_s", "anchor", "hops"
    }  # fmt: skip


@pytest.mark.parametrize(("name", "other"), [("nonce", 6), ("value", 1), ("gas", GAS_LIMIT + 1), ("chainId", 1)])
def test_bytes_that_say_another_than_was_meant_are_not_handed_out(name: str, other: int) -> None:
    holder = signer()
    account = holder._account

    class SignsAnother:
        """A library that signs something else."""

        address = account.address

        def sign_transaction(self, wanted: dict[str, object]) -> object:
            return account.sign_transaction(wanted | {name: other})

    holder._account = SignsAnother()  # type: ignore[assignment]
    with pytest.raises(SigningRefused, match=f"the signed bytes say another {name}"):
        holder.sign_trade(approved(), intent_id="i", nonce=5)
    with pytest.raises(SigningRefused, match="the signed bytes say another"):
        holder.sign_cancel(5, max_fee_wei=2, priority_fee_wei=1)
