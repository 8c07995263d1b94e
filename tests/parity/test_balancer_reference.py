"""A second opinion on Balancer's arithmetic: outputs of another implementation, not of a chain.

Each case is a line "name arguments = answer". Functions that no swap uses are skipped by name.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from engine.domain.errors import QuoteError
from engine.domain.pools import StablePool, WeightedPool
from engine.domain.units import Address, PoolId
from engine.venues import balancer_math as fixed
from engine.venues import balancer_vault, stable, stable_math, weighted
from tests.parity.shared_data import cases

TOKENS = tuple(Address("0x" + f"{n}b" * 20) for n in range(1, 9))
POOL = {"id": PoolId("0x" + "cd" * 20), "deployment": "balancer_v2", "balancer_id": "0x" + "cd" * 32, "fee": 0}
VERSIONS = {"V1": 1, "V2": 2}
NO_SWAP_USES = {
    "fp_add": "Python's own +",
    "fp_sub": "Python's own −",
    "fp_pow_down": "joins and exits only",
    "lm_log": "a logarithm to any base: nothing in the pools uses it",
    "wm_invariant": "joins and exits only",
    "sm_invariant_p_d_down": "joins and exits only",
}


def logarithm(x: int) -> int:
    """LogExpMath.ln, which picks the series and drops to 18 decimals towards zero."""
    if fixed.LN_36_LOWER < x < fixed.LN_36_UPPER:
        log = fixed.ln_36(x)
        return abs(log) // fixed.ONE * (1 if log > 0 else -1)
    return fixed.ln(x)


def weighted_quote(quote: Callable[..., int], numbers: list[int], version: str) -> int:
    balance_in, weight_in, balance_out, weight_out, amount = numbers
    pool = WeightedPool(
        **POOL,
        tokens=TOKENS[:2],
        balances=(balance_in, balance_out),
        weights=(weight_in, weight_out),
        scaling=(1, 1),
        version=VERSIONS[version],
    )
    return quote(pool, *TOKENS[:2], amount)


def stable_quote(quote: Callable[..., int], arguments: tuple[Any, ...]) -> int:
    amp, balances, index_in, index_out, amount, _ = arguments  # the invariant, which version 1 computes itself
    pool = StablePool(
        **POOL,
        tokens=TOKENS[: len(balances)],
        balances=tuple(balances),
        scaling=(1,) * len(balances),
        amp=amp,
    )
    return quote(pool, TOKENS[index_in], TOKENS[index_out], amount)


OURS: dict[str, Callable[..., int]] = {
    "fp_mul_down": fixed.mul_down,
    "fp_mul_up": fixed.mul_up,
    "fp_div_down": fixed.div_down,
    "fp_div_up": fixed.div_up,
    "fp_complement": fixed.complement,
    "fp_pow_up": lambda base, exponent, version: fixed.pow_up(base, exponent, VERSIONS[version]),
    "lm_pow": fixed.power,
    "lm_ln": logarithm,
    "lm_exp": fixed.exp,
    "wm_out_given_in": lambda *a: weighted_quote(weighted.quote_out, list(a[:-1]), a[-1]),
    "wm_in_given_out": lambda *a: weighted_quote(weighted.quote_in, list(a[:-1]), a[-1]),
    "wm_sub_fee": balancer_vault.without_fee,
    "wm_add_fee": balancer_vault.with_fee,
    "sm_invariant_d_p": lambda amp, balances: stable_math.invariant(amp, tuple(balances), 2),
    "sm_invariant_p_d_up": lambda amp, balances: stable_math.invariant(amp, tuple(balances), 1),
    "sm_out_given_in": lambda *a: stable_quote(stable.quote_out, a),
    "sm_in_given_out": lambda *a: stable_quote(stable.quote_in, a),
}


def lines(content: list[str]) -> list[Any]:
    found: list[Any] = []
    for number, line in enumerate(content):
        question, _, answer = line.partition(" = ")
        name, *words = question.split()
        arguments = [word if word in VERSIONS else json.loads(word) for word in words]
        reason = NO_SWAP_USES.get(name)
        if name == "lm_pow" and min(arguments) < 0:
            reason = "a negative exponent does not fit the contract's unsigned argument"
        if name == "fp_mul_down" and arguments[0] * arguments[1] > fixed.UINT256_MAX and not answer.startswith("ERROR"):
            reason = "the contract reverts past 256 bits, the other implementation does not"
        marks = [pytest.mark.skip(reason=f"{name}: {reason}")] if reason else []
        found.append(pytest.param((name, arguments, answer), id=f"{name}-{number}", marks=marks))
    return found


@pytest.mark.parametrize("case", cases("vectors/reference_impl_balancer.json.gz", lines))
def test_agrees_with_the_other_implementation(case: tuple[str, list[Any], str]) -> None:
    name, arguments, answer = case
    if answer.startswith("ERROR"):
        with pytest.raises((QuoteError, ZeroDivisionError)):
            OURS[name](*arguments)
        return
    assert OURS[name](*arguments) == int(answer)
