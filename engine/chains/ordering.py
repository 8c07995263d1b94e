"""Ask how a chain orders transactions.

Nothing is assumed for good. Ethereum's builders and the OP Stack's sequencers order by priority fee; Arbitrum is asked
at connect and again at every round, for its policy has changed before (first come, then Timeboost's express lane, then
an auction by priority fee) and a vote may change it while an engine runs.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from eth_abi.exceptions import DecodingError

from engine.chains.abi import Function, hex_data
from engine.chains.endpoints import Endpoint, RpcError
from engine.domain.errors import ChainError
from engine.domain.ordering import ASSUMED, Lane, Ordering, OrderingKind
from engine.domain.units import ZERO_ADDRESS, Address, BlockRef, ChainId

ROUND_S = 60
"""A Timeboost round; Arbitrum's policy is read anew as often."""
_LANE_ASLEEP_ROUNDS = 60
"""An auction that settled nothing for so many rounds is no longer held."""

_ARB_OWNER_PUBLIC = Address("0x000000000000000000000000000000000000006b")
_COLLECTS_TIPS = Function("getCollectTips()", ("bool",))
LANE_AUCTIONS: Mapping[ChainId, Address] = {ChainId(42161): Address("0x5fcb496a31b7ae91e7c9078ec662bd7a55cd3079")}
"""Timeboost's ExpressLaneAuction, by chain."""
_ROUND_TIMING = Function("roundTimingInfo()", ("int64", "uint64", "uint64", "uint64"))
_RESOLVED_ROUNDS = Function("resolvedRounds()", ("(address,uint64)", "(address,uint64)"))

DECLARED = "declared in the settings"
_BY_BUILDERS = Ordering(kind="priority_fee", said_by="known of Ethereum: builders take who pays most")
_BY_OP_STACK = Ordering(kind="priority_fee", said_by="known of the OP Stack: by priority fee in each (flash)block")


async def read_ordering(
    endpoint: Endpoint, chain: ChainId, declared: OrderingKind | Literal["auto"], head: BlockRef
) -> Ordering:
    """Say how the block after `head` is ordered: as the settings declare, else as is known of the chain or it says.

    Raises `ChainError` when the endpoint does not answer.
    """
    if declared == "auto":
        return await ADAPTERS[chain](endpoint, head) if chain in ADAPTERS else ASSUMED
    auction = LANE_AUCTIONS.get(chain) if declared == "express_lane" else None
    lane = None if auction is None else await _lane(endpoint, auction, head)
    return Ordering(kind=declared, said_by=DECLARED, lane=lane)


class ChainOrdering:
    """The policy in force, read anew where a chain answers for itself; `publish` is told when it changes."""

    def __init__(
        self,
        endpoint: Endpoint,
        chain: ChainId,
        declared: OrderingKind | Literal["auto"],
        publish: Callable[[dict[str, Any]], None],
        *,
        begins: Ordering,
        head: BlockRef,
    ) -> None:
        self._endpoint = endpoint
        self._chain = chain
        self._declared: OrderingKind | Literal["auto"] = declared
        self._publish = publish
        self._asks = chain in LANE_AUCTIONS and declared in ("auto", "express_lane")
        self.now = begins
        self._until_s = _until_s(begins, head)

    async def at(self, head: BlockRef) -> Ordering:
        """Say how the block after `head` is ordered. An endpoint that does not answer leaves what was read last."""
        if self._asks and head.timestamp_s >= self._until_s:
            try:
                found = await read_ordering(self._endpoint, self._chain, self._declared, head)
            except ChainError:
                return self.now
            if found is ASSUMED:  # it did say once, or never: this endpoint only does not tell
                found = self.now
            if found.kind != self.now.kind:
                self._publish({"event": "ordering", **found.shown()})
            self.now, self._until_s = found, _until_s(found, head)
        return self.now


def _until_s(read: Ordering, head: BlockRef) -> int:
    """Say when what was read at `head` is asked again, in the chain's time: a round later, or when the lane's ends."""
    ends_s = head.timestamp_s + ROUND_S if read.lane is None else read.lane.ends_s
    return max(ends_s, head.timestamp_s + 1)


async def _builders(endpoint: Endpoint, head: BlockRef) -> Ordering:
    return _BY_BUILDERS


async def _op_stack(endpoint: Endpoint, head: BlockRef) -> Ordering:
    return _BY_OP_STACK


async def _arbitrum(endpoint: Endpoint, head: BlockRef) -> Ordering:
    """Ask ArbOS whether tips are collected: then the sequencer orders by them. Else whether the express lane is sold.

    Raises `ChainError` when the endpoint does not answer; a refusal is an older ArbOS, or no Arbitrum at all.
    """
    tips = await _ask(endpoint, _ARB_OWNER_PUBLIC, _COLLECTS_TIPS)
    if tips is not None and tips[0]:
        return Ordering(kind="priority_fee", said_by="ArbOwnerPublic.getCollectTips")
    lane = await _lane(endpoint, LANE_AUCTIONS[ChainId(42161)], head)
    if lane is not None:
        return Ordering(kind="express_lane", said_by="ExpressLaneAuction.resolvedRounds", lane=lane)
    return ASSUMED if tips is None else Ordering(kind="first_come", said_by="ArbOwnerPublic.getCollectTips")


async def _lane(endpoint: Endpoint, auction: Address, head: BlockRef) -> Lane | None:
    """Read who holds the lane in the round of `head`; None when no auction stands, or none was settled for an hour."""
    timing = await _ask(endpoint, auction, _ROUND_TIMING)
    resolved = await _ask(endpoint, auction, _RESOLVED_ROUNDS)
    if timing is None or resolved is None or timing[1] <= 0:
        return None
    offset_s, round_s = int(timing[0]), int(timing[1])
    now = (head.timestamp_s - offset_s) // round_s
    if max(number for _, number in resolved) + _LANE_ASLEEP_ROUNDS < now:
        return None
    holders = {int(number): Address(holder.lower()) for holder, number in resolved}
    holder = holders.get(now, ZERO_ADDRESS)
    return Lane(round=now, holder=None if holder == ZERO_ADDRESS else holder, ends_s=offset_s + (now + 1) * round_s)


async def _ask(endpoint: Endpoint, contract: Address, function: Function) -> tuple[Any, ...] | None:
    """Ask a contract; None when it refuses, or when nothing stands there."""
    try:
        raw = str(await endpoint.call("eth_call", {"to": contract, "data": hex_data(function.encode())}, "latest"))
        return function.decode(bytes.fromhex(raw.removeprefix("0x")))
    except (RpcError, DecodingError):
        return None


ADAPTERS: Mapping[ChainId, Callable[[Endpoint, BlockRef], Awaitable[Ordering]]] = {
    ChainId(1): _builders,
    ChainId(10): _op_stack,
    ChainId(8453): _op_stack,
    ChainId(42161): _arbitrum,
}
"""How each chain is asked. Flashblocks are 200 ms on Base, 200 to 250 ms on Optimism, Arbitrum's rounds 125 ms."""
