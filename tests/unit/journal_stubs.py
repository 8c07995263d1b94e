"""Hand-written domain values for the tests of journal, risk and verify."""

from dataclasses import replace
from typing import Any

from engine.domain.decision import Approved, Refused, Submission
from engine.domain.opportunity import Costs, Hop, Opportunity, Plan, Proof, Route, TradeRequest
from engine.domain.units import Address, BlockHash, BlockRef, ChainId, PoolId, Stamp

WETH = Address("0x" + "aa" * 20)
USDC = Address("0x" + "bb" * 20)
EXECUTOR = Address("0x" + "ee" * 20)
TREASURY = Address("0x" + "dd" * 20)
OPERATOR = Address("0x" + "cc" * 20)
GWEI = 10**9
GENESIS: dict[str, Any] = {
    "format": 1,
    "chain_id": 42161,
    "executor": EXECUTOR,
    "treasury": TREASURY,
    "operator": OPERATOR,
    "operator_secret": "0x" + "11" * 20,
    "start_block": 7,
    "balances_at_start": {WETH: "0"},
}


def block(number: int = 100, timestamp_s: int = 1_800_000_000) -> BlockRef:
    return BlockRef(chain=ChainId(42161), number=number, hash=BlockHash(f"0x{number:064x}"), timestamp_s=timestamp_s)


def stamp(name: str, *parents: str, at: BlockRef | None = None) -> Stamp:
    return Stamp(id=name, parents=parents, observed_ns=1_800_000_000 * 10**9, block=at or block())


ROUTE = Route(
    hops=(
        Hop(pool=PoolId("0x" + "01" * 20), token_in=WETH, token_out=USDC),
        Hop(pool=PoolId("0x" + "02" * 20), token_in=USDC, token_out=WETH),
    )
)


def opportunity(number: int = 1) -> Opportunity:
    return Opportunity(
        stamp=stamp(f"o{number}"),
        strategy="cycles",
        route=ROUTE,
        amount_in=10**18,
        expected_out=10**18 + 10**16,
        net_wei=9 * 10**15,
        valid_until_block=101,
    )


def request(number: int = 1) -> TradeRequest:
    return TradeRequest(
        stamp=stamp(f"q{number}", f"o{number}"),
        principal="engine",
        origin="engine",
        route=ROUTE,
        amount_in=10**18,
        min_profit=9 * 10**15,
    )


def proof(number: int = 1, **changes: Any) -> Proof:
    plan = Plan(
        request=request(number),
        capital="balancer",
        lender=Address("0x" + "0b" * 20),
        to=EXECUTOR,
        calldata=bytes.fromhex("deadbeef") + number.to_bytes(32, "big"),
        value=0,
        gas_limit=300_000,
        deadline_s=1_800_000_060,
        anchor="0x" + "00" * 32,
        least_outs=(2 * 10**9, 10**18),
        families=("constant_product", "concentrated"),
        deployments=("uniswap_v2", "uniswap_v3"),
    )
    costs = Costs(
        gas_units=200_000,
        base_fee_wei=GWEI // 10,
        priority_fee_wei=0,
        l1_fee_wei=0,
        l1_model="none",
        flash_fee=0,
    )
    whole = Proof(
        plan=plan,
        stamp=stamp(f"p{number}", f"q{number}"),
        block=block(),
        realised=10**16,
        gas_used=200_000,
        costs=costs,
        trace_hash="0x" + "77" * 32,
        notional_wei=10**18,
        gross_wei=10**16,
        net_wei=10**16 - costs.gas_wei,
    )
    return replace(whole, **changes)


def approved(number: int = 1) -> Approved:
    return Approved(
        stamp=stamp(f"d{number}", f"p{number}"),
        proof=proof(number),
        reservation=f"reservation-{number}",
        policy_hash="0x" + "99" * 32,
        max_fee_wei=GWEI,
        priority_fee_wei=GWEI // 10,
        worst_loss_wei=300_000 * GWEI,
    )


def refused(number: int = 1) -> Refused:
    return Refused(
        stamp=stamp(f"d{number}", f"q{number}"),
        request=request(number),
        rule="notional",
        measured="2",
        limit="1",
        next_step="ask for less",
    )


def submission(number: int = 1) -> Submission:
    return Submission(
        intent_id=f"i{number}",
        decision_id=f"d{number}",
        nonce=number - 1,
        raw_tx=b"\x02" + number.to_bytes(32, "big"),
        tx_hash=f"0x{number:064x}",
        submitted_block=100,
    )


TERMS: dict[str, Any] = {
    "calldata_anchor": "0x" + "00" * 32,
    "to": EXECUTOR,
    "gas_limit": 300_000,
    "max_fee_wei": GWEI,
    "priority_fee_wei": GWEI // 10,
}
