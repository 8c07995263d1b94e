"""What a replay came to, beside what was recorded: a result for programs, block by block and in total."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from engine.replay.cassette import Cassette
from engine.replay.decided import Decided, Ended
from engine.replay.play import Step


def summary(cassette: Cassette, steps: Sequence[Step], *, changed: Mapping[str, Any]) -> dict[str, Any]:
    """Say what was decided then and now. `same` is about decisions, `identical` about every line of the journal."""
    blocks = [step for step in steps if step.what == "BlockSeen"]
    quoted = Counter(line for step in steps for line in step.quoted)
    return {
        "recorded_by": cassette.made_by,
        "replayed_by": version("ketch"),
        "changed": dict(changed),
        "blocks": len(blocks),
        "from_block": blocks[0].block.number if blocks else None,
        "to_block": blocks[-1].block.number if blocks else None,
        "same": all(step.agrees for step in steps),
        "identical": all(step.identical for step in steps),
        "then": _totals([step.then for step in steps], [step.ended_then for step in steps]),
        "now": _totals([step.now for step in steps], [step.ended_now for step in steps]),
        "differences": [row for step in steps if not step.agrees for row in _differences(step)],
        "quoted": dict(quoted),
        "steps": [_step(step) for step in steps],
    }


def _totals(decisions: Sequence[Sequence[Decided]], ends: Sequence[Sequence[Ended]]) -> dict[str, Any]:
    ended = [end for of_step in ends for end in of_step]
    realised: Counter[str] = Counter()
    for end in ended:
        if end.how == "filled":
            realised[end.token] += end.realised
    return {
        "decisions": dict(Counter(one.said for of_step in decisions for one in of_step)),
        "ended": dict(Counter(end.how for end in ended)),
        "realised": {token: str(raw) for token, raw in realised.items()},
        "gas_paid_wei": str(sum(end.gas_paid_wei for end in ended)),
    }


def _differences(step: Step) -> list[dict[str, Any]]:
    """Pair what was decided then and now by route, in order; None where the other decided nothing on it."""
    then, now = _by_route(step.then), _by_route(step.now)
    return [
        {
            "block": step.block.number,
            "pools": list(pools),
            "then": None if a is None else said(a),
            "now": None if b is None else said(b),
        }
        for pools in dict.fromkeys((*then, *now))
        if (a := then.get(pools)) != (b := now.get(pools))
    ]


def _by_route(decisions: Iterable[Decided]) -> dict[tuple[str, ...], Decided]:
    return {one.pools: one for one in decisions}


def said(one: Decided) -> str:
    """Say a decision in a few words."""
    if one.said != "approved":
        return f"refused by {one.said} ({one.measured})"
    net = "" if one.net_wei is None else f", nets {one.net_wei} wei"
    return f"{one.amount_in} raw in {len(one.pools)} hops by {one.capital}{net}, bids {one.priority_fee_wei} wei"


def _step(step: Step) -> dict[str, Any]:
    return {
        "what": step.what,
        "block": step.block.number,
        "same": step.agrees,
        "identical": step.identical,
        "then": [said(one) for one in step.then],
        "now": [said(one) for one in step.now],
        "ended_then": [_end(one) for one in step.ended_then],
        "ended_now": [_end(one) for one in step.ended_now],
        "quoted": list(step.quoted),
    }


def _end(end: Ended) -> dict[str, Any]:
    return {"how": end.how, "token": end.token, "realised": str(end.realised), "gas_paid_wei": str(end.gas_paid_wei)}
