"""The rules of a nonce that is held: when its bytes are sent again, when its fees are raised, when it is cancelled.

All of it is worked out from the signed bytes and the head, so that a restart comes to the same end.
"""

from dataclasses import dataclass
from typing import Literal

from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from engine.chains.executor_calls import EXECUTE_SELECTOR, decode_execute
from engine.domain.decision import Fees
from engine.execution.wallet import CANCEL_GAS

REPLACED_FROM_PPM = 100_000
"""What nodes ask of a replacement, on both fees: geth's and reth's PriceBump of 10 %, anvil's of anything above."""
BUMP_PPM = 125_000
"""What ours adds, an eighth: above the least, and as much as EIP-1559 can raise the base fee in one block."""
WAIT_BLOCKS = 3
"""How long a transaction that could be mined may wait before its fees are raised."""

Move = Literal["wait", "again", "bump", "cancel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What signed bytes say of their price. `deadline_s` is a trade's, None for all else; `min_profit` is its floor."""

    nonce: int
    gas_limit: int
    fees: Fees
    deadline_s: int | None
    min_profit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One nonce that has not been mined as of a head: `first` was signed first, `newest` last.

    `blocks` is how long the newest bytes have been out; `may_bump` is False when halted, or not worth it any more.
    """

    first: Terms
    newest: Terms
    cancelling: bool
    blocks: int
    now_s: int
    base_fee_wei: int
    may_bump: bool
    cancel_wanted: bool


def terms_of(raw_tx: bytes) -> Terms:
    """Read the terms that were signed."""
    said = TypedTransaction.from_bytes(HexBytes(raw_tx)).as_dict()
    data = bytes(said["data"])
    call = decode_execute(data) if data[:4] == EXECUTE_SELECTOR else None
    return Terms(
        nonce=said["nonce"],
        gas_limit=said["gas"],
        fees=Fees(max_fee_wei=said["maxFeePerGas"], priority_fee_wei=said["maxPriorityFeePerGas"]),
        deadline_s=call.deadline_s if call else None,
        min_profit=call.min_profit if call else 0,
    )


def next_move(given: Waiting) -> Move:
    """Decide what is done about a nonce at a block that did not bring it.

    Stuck is what cannot be mined at the head's base fee, or has waited `WAIT_BLOCKS`. It is raised while that is worth
    it; what cannot be mined or is too late is cancelled, so that nothing behind it waits; all else is sent again, in
    case it was dropped.
    """
    if given.blocks < 1 and not given.cancel_wanted:
        return "wait"
    expired = given.first.deadline_s is not None and given.now_s > given.first.deadline_s
    stuck = given.newest.fees.max_fee_wei < given.base_fee_wei or given.blocks >= WAIT_BLOCKS
    if given.cancelling:
        return "cancel" if stuck else "again"
    if given.cancel_wanted or expired:
        return "cancel"
    if not stuck:
        return "again"
    if given.may_bump:
        return "bump"
    return "again" if given.newest.fees.max_fee_wei >= given.base_fee_wei else "cancel"


def replacement_fees(before: Fees, *, base_fee_wei: int, gas_limit: int, cap_wei: int) -> Fees | None:
    """Raise both fees by `BUMP_PPM` and to what the head needs, within `cap_wei` for the whole gas limit.

    Nearer to the cap the headroom above the base fee goes first, then the margin over the replacement rule; None when
    the cap leaves no fee that a node would take, or none that could be mined.
    """
    tip = _raised(before.priority_fee_wei, BUMP_PPM)
    least_tip = _raised(before.priority_fee_wei, REPLACED_FROM_PPM)
    least = max(_raised(before.max_fee_wei, REPLACED_FROM_PPM), base_fee_wei + -(-base_fee_wei // 8) + least_tip)
    wanted = max(_raised(before.max_fee_wei, BUMP_PPM), 2 * base_fee_wei + tip)
    affordable = cap_wei // gas_limit
    if affordable < least:
        return None
    max_fee = min(wanted, affordable)
    return Fees(max_fee_wei=max_fee, priority_fee_wei=max(min(tip, max_fee - base_fee_wei), least_tip))


def cancel_fees(before: Fees, *, base_fee_wei: int, cap_wei: int) -> Fees | None:
    """Set the fees of a cancel that replaces a transaction of these fees; None where the cap forbids it."""
    return replacement_fees(before, base_fee_wei=base_fee_wei, gas_limit=CANCEL_GAS, cap_wei=cap_wei)


def _raised(fee_wei: int, by_ppm: int) -> int:
    """Raise by a share, rounded up, and by one wei at least: a share of a small fee is nothing."""
    return fee_wei + max(-(-fee_wei * by_ppm // 1_000_000), 1)
