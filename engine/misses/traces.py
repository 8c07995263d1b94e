"""Read a block's traces (Parity's `trace_block`): what moved, which pools were called, who was liquidated."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from engine.chains.abi import Function
from engine.domain.units import Address, PoolId
from engine.misses.swaps import Family, Liquidation, Swap, Transaction, Transfer, netted

NATIVE = Address("0x" + "ee" * 20)
"""Stands for the chain's own coin among tokens, as most protocols write it."""

_TRANSFER = Function("transfer(address,uint256)").selector
_TRANSFER_FROM = Function("transferFrom(address,address,uint256)").selector
_ON_LIQUIDATION = Function("transferOnLiquidation(address,address,uint256)").selector
"""Aave V2's claim on a deposit, handed to the liquidator by the lender itself."""
_SEIZE = Function("seize(address,address,uint256)").selector
"""Compound's: (liquidator, borrower, raw), asked of the collateral's own contract."""

_POOL_CALLS: Mapping[bytes, Family] = {
    Function("swap(uint256,uint256,address,bytes)").selector: "uniswap_v2",
    Function("swap(address,bool,int256,uint160,bytes)").selector: "uniswap_v3",
    Function("swapExactAmountIn(address,uint256,address,uint256,uint256)").selector: "balancer_v1",
    Function("swapExactAmountOut(address,uint256,address,uint256,uint256)").selector: "balancer_v1",
    Function("exchange(int128,int128,uint256,uint256)").selector: "curve",
    Function("exchange(uint256,uint256,uint256,uint256)").selector: "curve",
}


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that was not undone. `path` is its trace address."""

    order: int
    path: tuple[int, ...]
    kind: str
    sender: Address
    to: Address
    value: int
    data: bytes
    output: bytes

    def holds(self, other: "_Call") -> bool:
        """Tell whether `other` was made within this call."""
        return other.path[: len(self.path)] == self.path


def read_traces(
    traces: Iterable[Mapping[str, Any]], receipts: Iterable[Mapping[str, Any]], producer: str
) -> list[Transaction]:
    """Read a block, in the order of its transactions; those that failed moved nothing and are left out.

    `receipts` give gas; `producer` is who was paid for the block. Traces of other shapes than calls are passed over.
    """
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for trace in traces:
        if trace.get("transaction_hash") is not None and trace["type"] in ("call", "create"):
            grouped.setdefault(trace["transaction_hash"], []).append(trace)
    gas = {r["transaction_hash"]: int(r["gas_used"]) * int(r["effective_gas_price"]) for r in receipts}
    read = [
        _transaction(tx_hash, found, gas.get(tx_hash), Address(producer.lower())) for tx_hash, found in grouped.items()
    ]
    return sorted((tx for tx in read if tx is not None), key=lambda tx: tx.position)


def _transaction(
    tx_hash: str, traces: Sequence[Mapping[str, Any]], gas_wei: int | None, producer: Address
) -> Transaction | None:
    ordered = sorted(traces, key=lambda t: tuple(t["trace_address"]))
    undone = [tuple(t["trace_address"]) for t in ordered if t.get("error") is not None]
    if () in undone:
        return None
    calls = [
        _call(order, trace)
        for order, trace in enumerate(ordered)
        if trace["type"] == "call" and not any(tuple(trace["trace_address"])[: len(path)] == path for path in undone)
    ]
    if not calls:
        return None
    position = int(ordered[0]["transaction_position"])
    moved = [(call, transfer) for call in calls for transfer in _moved(call)]
    return Transaction(
        tx_hash=tx_hash,
        position=position,
        sender=calls[0].sender,
        to=calls[0].to,
        swaps=tuple(_swaps(tx_hash, position, calls, moved)),
        liquidations=tuple(_liquidations(tx_hash, calls, moved)),
        gas_wei=gas_wei,
        tip_wei=sum(t.raw for _, t in moved if t.token == NATIVE and t.receiver == producer),
    )


def _call(order: int, trace: Mapping[str, Any]) -> _Call:
    action, result = trace["action"], trace.get("result") or {}
    return _Call(
        order=order,
        path=tuple(trace["trace_address"]),
        kind=action["callType"],
        sender=Address(action["from"].lower()),
        to=Address(action["to"].lower()),
        value=int(action["value"], 16),
        data=bytes.fromhex(action["input"][2:]),
        output=bytes.fromhex((result.get("output") or "0x")[2:]),
    )


def _moved(call: _Call) -> Iterator[Transfer]:
    """What one call moved: its value, and the tokens that it tells a token to move."""
    if call.kind != "call":  # a delegatecall moves nothing of its own, a static call nothing at all
        return
    if call.value:
        yield Transfer(order=call.order, token=NATIVE, sender=call.sender, receiver=call.to, raw=call.value)
    selector, words = call.data[:4], call.data[4:]
    if selector == _TRANSFER and len(words) >= 64 and not _false(call.output):
        yield Transfer(
            order=call.order, token=call.to, sender=call.sender, receiver=_address(words, 0), raw=_uint(words, 1)
        )
    if selector in (_TRANSFER_FROM, _ON_LIQUIDATION) and len(words) >= 96 and not _false(call.output):
        yield Transfer(
            order=call.order, token=call.to, sender=_address(words, 0), receiver=_address(words, 1), raw=_uint(words, 2)
        )
    if selector == _SEIZE and len(words) >= 96:
        yield Transfer(
            order=call.order, token=call.to, sender=_address(words, 1), receiver=_address(words, 0), raw=_uint(words, 2)
        )


def _swaps(
    tx_hash: str, position: int, calls: Sequence[_Call], moved: Sequence[tuple[_Call, Transfer]]
) -> Iterator[Swap]:
    taken: set[int] = set()  # transfers that paid for a swap already, by order
    for call in calls:
        family = _POOL_CALLS.get(call.data[:4])
        if family is None or call.kind != "call":
            continue
        pool = PoolId(call.to)
        within = [t for inner, t in moved if call.holds(inner) and inner.order > call.order]
        before = [t for inner, t in moved if inner.order <= call.order and t.order not in taken and not inner.value]
        found = netted(pool, within, before)
        if found is None:
            continue
        into, out = found
        taken.add(into.order)
        yield Swap(
            tx_hash=tx_hash,
            position=position,
            order=call.order,
            family=family,
            pool=pool,
            sender=into.sender,
            receiver=out.receiver,
            token_in=into.token,
            amount_in=into.raw,
            token_out=out.token,
            amount_out=out.raw,
        )


_AAVE = Function("liquidationCall(address,address,address,uint256,bool)")
_COMPOUND = Function("liquidateBorrow(address,uint256,address)")
_COMPOUND_NATIVE = Function("liquidateBorrow(address,address)")


def _aave(call: _Call, inside: Sequence[Transfer]) -> Liquidation | None:
    _, debt, borrower, _, _ = cast("tuple[str, ...]", decode(_AAVE.inputs, call.data[4:]))
    debt_token = Address(debt.lower())
    paid = [t for t in inside if t.sender == call.sender and t.token == debt_token]
    got = [t for t in inside if t.receiver == call.sender and t.token != debt_token]
    if not paid or not got:
        return None
    return Liquidation(
        tx_hash="",
        protocol="aave",
        borrower=Address(borrower.lower()),
        liquidator=call.sender,
        debt_token=debt_token,
        debt=paid[0].raw,
        collateral_token=got[-1].token,
        collateral=got[-1].raw,
    )


def _compound(call: _Call, inside: Sequence[Transfer]) -> Liquidation | None:
    native = call.data[:4] == _COMPOUND_NATIVE.selector
    words = decode((_COMPOUND_NATIVE if native else _COMPOUND).inputs, call.data[4:])
    borrower, collateral = Address(str(words[0]).lower()), Address(str(words[-1]).lower())
    got = [t for t in inside if t.receiver == call.sender and t.token == collateral]
    paid = [t for t in inside if t.sender == call.sender and t.receiver == call.to]
    if not native and not paid:
        return None
    return Liquidation(
        tx_hash="",
        protocol="compound_v2",
        borrower=borrower,
        liquidator=call.sender,
        debt_token=NATIVE if native else paid[0].token,
        debt=call.value if native else paid[0].raw,
        collateral_token=collateral,
        collateral=got[-1].raw if got else 0,
    )


_LENDER_CALLS: Mapping[bytes, Callable[[_Call, Sequence[Transfer]], Liquidation | None]] = {
    _AAVE.selector: _aave,
    _COMPOUND.selector: _compound,
    _COMPOUND_NATIVE.selector: _compound,
}


def _liquidations(
    tx_hash: str, calls: Sequence[_Call], moved: Sequence[tuple[_Call, Transfer]]
) -> Iterator[Liquidation]:
    for call in calls:
        read = _LENDER_CALLS.get(call.data[:4])
        if read is None or call.kind != "call":
            continue
        inside = [t for inner, t in moved if call.holds(inner)]
        try:
            found = read(call, inside)
        except DecodingError:  # a stranger's function that only shares the selector
            continue
        if found is not None:
            yield Liquidation(
                tx_hash=tx_hash,
                protocol=found.protocol,
                borrower=found.borrower,
                liquidator=found.liquidator,
                debt_token=found.debt_token,
                debt=found.debt,
                collateral_token=found.collateral_token,
                collateral=found.collateral,
            )


def _false(output: bytes) -> bool:
    """A token that answers false moved nothing; one that answers nothing is taken at its call."""
    return len(output) == 32 and not any(output)


def _uint(words: bytes, index: int) -> int:
    return int.from_bytes(words[32 * index : 32 * index + 32], "big")


def _address(words: bytes, index: int) -> Address:
    return Address("0x" + words[32 * index + 12 : 32 * index + 32].hex())
