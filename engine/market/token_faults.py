"""What a token's rounds say of it: sound, what is wrong, or why nothing can be said."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from engine.domain.token_verdicts import Standing
from engine.market import token_probe as probe
from engine.market.token_probe import Asked, Item, Measured

MOST_GAS = 400_000
"""Gas of one transfer, at most: real tokens take 25,000 to 100,000, and rarely 300,000."""

MAX_DECIMALS = 36

Round = tuple[Asked, Measured | None]

STEPS = (
    "",
    "as the pool pays us",
    "as we pass it on",
    "as we get it back",
    "as we allow a pull",
    "as a lender pulls it",
    "as the lender sends it back",
    "as we pay the pool",
)
_REASONS = {
    probe.REVERTS: "the token reverts",
    probe.ANSWERS_FALSE: "the token answers false",
    probe.SENT_DIFFERS: "the sender's balance does not fall by what is sent",
    probe.RECEIVED_DIFFERS: "the receiver's balance does not rise by what is sent",
    probe.CALLS_BACK: "the token calls those it moves between",
    probe.NO_BALANCE: "the token does not tell a balance",
    probe.ALLOWANCE: "an allowance is left after the pull",
    probe.HOOKS: "the token is an ERC-777: it calls those it moves between",
}
_NO_UNITS = frozenset((probe.REVERTS, probe.NO_BALANCE, probe.CALLS_BACK, probe.HOOKS, probe.ANSWERS_FALSE))


class Finding(NamedTuple):
    """What was found; `measured` and `limit` are empty for a sound token."""

    standing: Standing
    reason: str = ""
    measured: str = ""
    limit: str = ""


def judge(items: Sequence[Item], rounds: Sequence[Sequence[Round]]) -> Finding:
    """Judge a token by the rounds of its items: one fault under one condition sets it aside."""
    for item, of_item in zip(items, rounds, strict=True):
        if not all(_as_asked(*one) for one in of_item):
            return Finding("unknown", "the endpoint does not take block overrides")
        found = next(_faults(item, of_item), None)
        if found is not None:
            return found
    if any(m is not None and m.fault == probe.SOUND for of_item in rounds for _, m in of_item):
        return Finding("sound")
    return Finding("unknown", "no pool pays it before it is paid, so nothing can be measured", _why(rounds), "one pool")


def _faults(item: Item, rounds: Sequence[Round]) -> Iterator[Finding]:
    """List what is wrong in one pool, the plainest first."""
    first = rounds[0][1]
    lent = any(measured is not None and measured.fault == probe.SOUND for _, measured in rounds)
    for asked, measured in rounds:
        when = f" ({asked.condition.name})" if asked.condition.name else ""
        if measured is None:
            yield Finding("set_aside", f"a round trip does not end{when}", f"over {5_000_000} gas", f"{MOST_GAS} gas")
        elif first is not None and measured.held != first.held and measured.fault != probe.NO_BALANCE:
            yield Finding("set_aside", f"balances change by themselves{when}", str(measured.held), str(first.held))
        elif measured.fault in _REASONS:
            yield _fault(measured, when)
        elif measured.fault == probe.POOL_REFUSES and (lent or _is_tokens(_text(measured))):
            yield _refusal(measured, when)
        elif measured.fault in (probe.POOL_REFUSES, probe.POOL_EMPTY):
            continue
        elif measured.gas > MOST_GAS:
            yield Finding("set_aside", f"a transfer burns gas{when}", f"{measured.gas} gas", f"{MOST_GAS} gas")
        elif not measured.decimals <= MAX_DECIMALS:
            yield Finding("set_aside", f"the token does not tell its decimals{when}", "nothing", f"0 to {MAX_DECIMALS}")
        elif first is not None and measured.decimals != first.decimals:
            yield Finding("set_aside", f"its decimals change{when}", str(measured.decimals), str(first.decimals))
    if first is not None and item.says_held is not None and first.held < item.says_held:
        reason = f"the pool {item.pool} holds less than it says"
        yield Finding("set_aside", reason, str(first.held), f"at least {item.says_held}")


def _as_asked(asked: Asked, measured: Measured | None) -> bool:
    """Say whether the probe saw the block that it was to see."""
    seen = None if measured is None else (measured.timestamp_s, measured.gas_price_wei)
    return seen is None or seen == (asked.timestamp_s, asked.gas_price_wei)


def _fault(measured: Measured, when: str) -> Finding:
    reason = f"{_REASONS[measured.fault]} {STEPS[measured.step]}{when}"
    if measured.fault == probe.HOOKS:
        reason = f"{_REASONS[measured.fault]}{when}"
    if measured.fault == probe.REVERTS and measured.gas > MOST_GAS:
        reason = f"a transfer burns gas {STEPS[measured.step]}{when}"
        return Finding("set_aside", reason, f"{measured.gas} gas", f"{MOST_GAS} gas")
    if measured.fault in _NO_UNITS:
        return Finding("set_aside", reason)
    return Finding("set_aside", reason, str(measured.measured), str(measured.wanted))


def _refusal(measured: Measured, when: str) -> Finding:
    return Finding("set_aside", f"the token does not leave its pool{when}", _text(measured) or "a revert", "a transfer")


def _is_tokens(text: str) -> bool:
    """Say whether a pair or a pool says that the token would not leave it, as Uniswap V2's and V3's forks do."""
    return "TRANSFER_FAILED" in text or text == "TF"


def _text(measured: Measured) -> str:
    """Read the pool's own words: the first 32 bytes, made harmless to show."""
    raw = measured.measured.to_bytes(32, "big").rstrip(b"\0")
    return "".join(chr(c) for c in raw if 32 <= c < 127)


def _why(rounds: Sequence[Sequence[Round]]) -> str:
    refusals = (m for of_item in rounds for _, m in of_item if m is not None and m.fault == probe.POOL_REFUSES)
    return ", ".join(sorted({_text(refusal) or "a revert" for refusal in refusals})) or "no pool that holds some"
