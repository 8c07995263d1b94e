"""Answers of Balancer's querySwap at a block, against the pools' states at that block, to the wei."""

from fractions import Fraction
from typing import Any

import pytest

from engine.domain.errors import QuoteError
from engine.domain.pools import StablePool, WeightedPool
from engine.domain.units import Address, PoolId
from engine.venues.table import venue_of
from tests.parity.shared_data import cases, load, why_missing

STATES = "vectors/onchain_pool_states.json.gz"
GROUPS = "balancer"
ROUNDS_DOWN, ROUNDS_UP = 2, 1  # our versions of the stable invariant
INVARIANT_VERSIONS = {1: ROUNDS_DOWN, 2: ROUNDS_UP}  # the data numbers them by the formula, we by their age
POW_VERSIONS = {"v1": 1, "v2": 2}


def pool_of_state(state: Any) -> WeightedPool | StablePool:
    fee = Fraction(state["fee"]) * 10**18
    assert fee.denominator == 1
    shared: dict[str, Any] = {
        "id": PoolId(state["address"].lower()),
        "deployment": "balancer_v2",
        "tokens": tuple(Address(token["address"].lower()) for token in state["tokens"]),
        "balancer_id": state["pool_id"].lower(),
        "balances": tuple(int(balance) for balance in state["balances"]),
        "scaling": tuple(10 ** (18 - token["decimals"]) for token in state["tokens"]),
        "fee": int(fee),
        "vault": Address(state["vault"].lower()),
    }
    if "weights" in state:
        weights = tuple(int(weight) for weight in state["weights"])
        return WeightedPool(**shared, weights=weights, version=POW_VERSIONS[state["pow_version"]])
    return StablePool(
        **shared,
        amp=int(state["amp"]),
        version=INVARIANT_VERSIONS[state["invariant_version"]],
        rates=tuple(int(rate) for rate in state["resolved_rates"]),
        bpt_index=state["bpt_idx"],
    )


def places(state: Any, arguments: list[str]) -> tuple[int, int]:
    """The places of token in and token out: the data names them by place or by symbol."""
    if "->" in arguments[1]:
        symbols = [token["symbol"] for token in state["tokens"]]
        token_in, token_out = arguments[1].split("->")
        return symbols.index(token_in), symbols.index(token_out)
    return int(arguments[1].removeprefix("i=")), int(arguments[2].removeprefix("j="))


def why_not_ours(state: Any, arguments: list[str]) -> str | None:
    """The reason why a case is outside both families, or None."""
    if "weights" not in state and "amp" not in state:
        return f"{state['name']}: neither a weighted nor a stable pool"
    if state.get("bpt_idx") in places(state, arguments):
        return f"{state['name']}: a swap with the pool's own token is a join or an exit, not built"
    return None


def entries(content: Any) -> list[Any]:
    states = [] if why_missing(STATES) else list(load(STATES).values())
    found: list[Any] = []
    for group, quotes in content.items():
        if not group.startswith(GROUPS):
            continue
        for number, entry in enumerate(quotes["entries"]):
            case_id = f"{group}-{number}"
            state = next(
                (s for s in states if s.get("address") == entry["pool"] and s.get("block") == quotes["block"]), None
            )
            reason = why_not_ours(state, entry["args"]) if state else None
            marks = [pytest.mark.skip(reason=reason)] if reason else []
            found.append(pytest.param((state, entry), id=case_id, marks=marks))
    return found


@pytest.mark.parametrize("case", cases("vectors/onchain_quotes.json.gz", entries))
def test_quotes_what_the_deployed_balancer_pool_answered(case: tuple[Any, Any]) -> None:
    state, entry = case
    assert state is not None, f"no state of pool {entry['pool']} at this block"
    pool = pool_of_state(state)
    index_in, index_out = places(state, entry["args"])
    venue = venue_of(pool)
    quote = {"GIVEN_IN": venue.quote_out, "GIVEN_OUT": venue.quote_in}[entry["args"][0]]
    asked = (pool, pool.tokens[index_in], pool.tokens[index_out], int(entry["args"][-1]))
    if entry.get("reverted"):
        with pytest.raises(QuoteError):
            quote(*asked)
        return
    assert quote(*asked) == int(entry["value"])
