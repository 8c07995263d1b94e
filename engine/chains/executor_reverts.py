"""Why a trade reverted, in plain words: the executor's own reasons, and what pools and tokens say.

A test holds `REASONS` against the contract's source: none missing, none that it cannot give.
"""

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

ERROR_SELECTOR = bytes.fromhex("08c379a0")  # Error(string)
PANIC_SELECTOR = bytes.fromhex("4e487b71")  # Panic(uint256)

REASONS = {
    "allowance": "a lender did not take back all that it lent",
    "approve": "a token refused an allowance to a lender or to the Balancer vault",
    "asks more": "a pool's callback asked for more than the hop's input",
    "balance fell": "a token of the route would have ended below where it began",
    "below floor": "the profit left after every repayment was under the floor",
    "below minimum": "a hop gave less than its own minimum",
    "caller": "a callback came from a contract, or for a purpose, that was not expected",
    "kind": "a hop or the capital source is of a kind that the contract does not know",
    "late": "the block came after the deadline",
    "lender": "the lender is not the one fixed at deployment, or there is none",
    "no callback": "a pool or lender that had to call back did not",
    "no floor": "the profit floor was zero",
    "no route": "fewer than two hops",
    "no treasury": "the treasury is the zero address",
    "not allowed": "only the operator or the treasury may sweep",
    "not listed": "the treasury has not listed the token that profit is taken in",
    "not operator": "the sender is not the operator",
    "not treasury": "the sender is not the treasury",
    "open cycle": "the last hop does not give the token that the first one takes",
    "short output": "a hop delivered less than it said: a lying pool or a token that taxes transfers",
    "transfer": "a token refused a transfer",
}

FOREIGN_REASONS = {
    "allowance": "a lender did not take back all that it lent",
    "UniswapV2: K": "a pair got less than its price: another trade came first, or a token taxes transfers",
    "UniswapV2: INSUFFICIENT_INPUT_AMOUNT": "a pair did not get its input",
    "UniswapV2: INSUFFICIENT_LIQUIDITY": "a pair cannot pay the output",
    "UniswapV2: INSUFFICIENT_OUTPUT_AMOUNT": "the amount is too small to give an output",
    "UniswapV2: TRANSFER_FAILED": "a pair could not send its output token",
    "LOK": "a V3 pool is locked: the route uses it while it is being used",
    "AS": "a V3 pool was given nothing to swap",
    "IIA": "a V3 pool did not get its input",
    "BAL#400": "the Balancer vault does not swap while it lends: the route cannot use both",
    "BAL#528": "the Balancer vault has less of the token than was asked for",
    "BAL#304": "a weighted Balancer pool takes at most 30 % of its balance in one swap",
}

NO_REASON = (
    "reverted without a reason: re-entered, an amount that overflows, a missing contract, or a pool that refuses"
)


def reason_of(data: bytes) -> str:
    """Read the short reason out of revert data: the text of Error(string), "panic 0x11", else hex, or "" for none."""
    try:
        if data[:4] == ERROR_SELECTOR:
            return str(decode(["string"], data[4:])[0])
        if data[:4] == PANIC_SELECTOR:
            return f"panic {decode(['uint256'], data[4:])[0]:#x}"
    except DecodingError:
        return "0x" + data.hex()
    return "0x" + data.hex() if data else ""


def explain_revert(data: bytes) -> str:
    """Explain revert data in one line; what is not in the tables is repeated as it came."""
    reason = reason_of(data)
    if not reason:
        return NO_REASON
    meaning = REASONS.get(reason) or FOREIGN_REASONS.get(reason)
    return f"{reason}: {meaning}" if meaning else f"a pool or token reverted: {reason}"
