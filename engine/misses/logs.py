"""Read receipts' logs into transactions: what an L2's endpoint can always give, without traces.

A swap's event says how much; which token, from whom and to whom is in the tokens' own Transfer events beside it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from engine.chains.abi import address_of, event_topic, words
from engine.chains.heads import decode_logs
from engine.domain.pools import Log
from engine.domain.units import Address, PoolId
from engine.misses.swaps import Family, Swap, Transaction, Transfer

TRANSFER = event_topic("Transfer(address,address,uint256)")
_V2_SWAP = event_topic("Swap(address,uint256,uint256,uint256,uint256,address)")
_V3_SWAP = event_topic("Swap(address,address,int256,int256,uint160,uint128,int24)")
_BALANCER_SWAP = event_topic("Swap(bytes32,address,address,uint256,uint256)")
_SYNC = event_topic("Sync(uint112,uint112)")
SWAPS = frozenset({_SYNC, _V3_SWAP, _BALANCER_SWAP})
"""What a swap leaves among the logs that the market follows: of a V2 pair that is its Sync."""
_SIGN = 1 << 255


def read_receipts(receipts: Iterable[Mapping[str, Any]]) -> list[Transaction]:
    """Read a block's JSON-RPC receipts, in order; failed transactions moved nothing and are left out.

    What was paid to the block's producer beside gas is not in a receipt: `tip_wei` is None.
    """
    read: list[Transaction] = []
    for receipt in receipts:
        if int(receipt["status"], 16) != 1:
            continue
        logs = decode_logs(receipt["logs"])
        tx_hash, position = receipt["transactionHash"], int(receipt["transactionIndex"], 16)
        gas_price_wei = int(receipt["effectiveGasPrice"], 16)
        read.append(
            Transaction(
                tx_hash=tx_hash,
                position=position,
                sender=Address(receipt["from"].lower()),
                to=Address(receipt["to"].lower()) if receipt.get("to") else None,
                swaps=tuple(_swaps(tx_hash, position, logs)),
                liquidations=(),
                gas_wei=int(receipt["gasUsed"], 16) * gas_price_wei + int(receipt.get("l1Fee") or "0x0", 16),
                tip_wei=None,
                gas_price_wei=gas_price_wei,
            )
        )
    return sorted(read, key=lambda tx: tx.position)


def _swaps(tx_hash: str, position: int, logs: Sequence[Log]) -> Iterator[Swap]:
    moved = [transfer for log in logs if (transfer := _moved(log)) is not None]
    paid_in: set[int] = set()  # one transfer may be what one pool paid out and what the next was paid
    paid_out: set[int] = set()
    for log in logs:
        said = _said(log)
        if said is None:
            continue
        family, pool, holder, paid, out = said
        into = _find(moved, paid_in, log.log_index, receiver=holder, raw=paid)
        back = _find(moved, paid_out, log.log_index, sender=holder, raw=out)
        tokens = (address_of(log.topics[2]), address_of(log.topics[3])) if family == "balancer_v2" else None
        if tokens is None and (into is None or back is None):
            continue  # a token that taxes or writes no Transfer: which one it was cannot be told
        paid_in |= {into.order} if into else set()
        paid_out |= {back.order} if back else set()
        yield Swap(
            tx_hash=tx_hash,
            position=position,
            order=log.log_index,
            family=family,
            pool=pool,
            sender=into.sender if into else holder,
            receiver=back.receiver if back else holder,
            token_in=tokens[0] if tokens else into.token if into else holder,
            amount_in=paid,
            token_out=tokens[1] if tokens else back.token if back else holder,
            amount_out=out,
        )


def _said(log: Log) -> tuple[Family, PoolId, Address, int, int] | None:
    """What a swap's event says: family, pool, who holds its tokens, raw paid in, raw paid out."""
    data = words(log.data)
    match log.topics[0] if log.topics else b"", len(log.topics), len(data):
        case topic, 3, 4 if topic == _V2_SWAP:
            in0, in1, out0, out1 = data
            # a pair may be paid in both tokens; what it paid out of one is the swap
            paid, out = (in1, out0) if out0 > in0 else (in0, out1)
            return "uniswap_v2", PoolId(log.address), log.address, paid, out
        case topic, 3, 5 if topic == _V3_SWAP:
            amount0, amount1 = (word - 2 * _SIGN if word >= _SIGN else word for word in data[:2])
            return "uniswap_v3", PoolId(log.address), log.address, max(amount0, amount1), -min(amount0, amount1)
        case topic, 4, 2 if topic == _BALANCER_SWAP:
            return "balancer_v2", PoolId("0x" + log.topics[1][:20].hex()), log.address, data[0], data[1]
        case _:
            return None


def _moved(log: Log) -> Transfer | None:
    if len(log.topics) != 3 or log.topics[0] != TRANSFER or len(log.data) != 32:
        return None
    return Transfer(
        order=log.log_index,
        token=log.address,
        sender=address_of(log.topics[1]),
        receiver=address_of(log.topics[2]),
        raw=int.from_bytes(log.data, "big"),
    )


def _find(
    moved: Sequence[Transfer],
    taken: set[int],
    index: int,
    *,
    raw: int,
    sender: Address | None = None,
    receiver: Address | None = None,
) -> Transfer | None:
    """Find the transfer that an event speaks of: the nearest one of that amount, before the event first."""
    fitting = [
        t
        for t in moved
        if t.raw == raw
        and t.order not in taken
        and (sender is None or t.sender == sender)
        and (receiver is None or t.receiver == receiver)
    ]
    return min(fitting, key=lambda t: (t.order > index, abs(index - t.order)), default=None)
