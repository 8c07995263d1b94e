"""Record what deployed contracts answer, for tests that replay it without a node: `python -m tests.golden.record`.

A family is one row of `RECORDINGS`. A file holds the pools as the venues take them and the answers of the contracts:
[pool, token in, token out, exact in, amount, answer], the first three by place, null for a revert.
"""

import gzip
import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from engine.domain.pools import AnyPool, ConstantProductPool, Family
from tests.devnet.balancer_chain import ask_vault, balancer_chain
from tests.devnet.balancer_questions import edge_amounts, random_amounts
from tests.devnet.uniswap_chain import Asked, UniswapChain, ask_quoter, ask_routers, uniswap_chain
from tests.devnet.uniswap_questions import questions

FOLDER = Path(__file__).parent
SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Questions and what the contracts answered, None for a revert."""

    asked: Sequence[Asked]
    answers: Sequence[int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A golden file to make. `record` starts what it needs and ends it."""

    name: str
    source: str
    record: Callable[[], Recorded]


def constant_product() -> Recorded:
    """Ask the Uniswap V2 and Sushi routers getAmountsOut and getAmountsIn."""
    rng = random.Random(SEED)
    with uniswap_chain() as chain:
        asked = [question for pool in chain.pairs for question in questions(pool, rng, 150)]
        return Recorded(asked=asked, answers=ask_routers(chain, asked))


def concentrated() -> Recorded:
    """Ask QuoterV2 quoteExactInputSingle and quoteExactOutputSingle; a partial fill counts as a revert."""
    rng = random.Random(SEED)
    with uniswap_chain() as chain:
        asked = [question for pool in chain.concentrated for question in questions(pool, rng, 130)]
        return Recorded(asked=asked, answers=_whole_fills(chain, asked))


def balancer(family: Family) -> Recorded:
    """Ask the vault queryBatchSwap, exact in and exact out, of pools of each version."""
    with balancer_chain() as chain:
        pools = chain.of_family(family)
        edges = edge_amounts(pools)
        asked = [*edges[:: len(edges) // 300], *random_amounts(pools, random.Random(SEED), 120)]
        return Recorded(asked=asked, answers=ask_vault(chain, asked))


RECORDINGS = (
    Recording(name="constant_product", source="UniswapV2Router02, Uniswap's and Sushi's", record=constant_product),
    Recording(name="concentrated", source="Uniswap QuoterV2", record=concentrated),
    Recording(name="weighted", source="Balancer V2 queryBatchSwap", record=lambda: balancer("weighted")),
    Recording(name="stable", source="Balancer V2 queryBatchSwap", record=lambda: balancer("stable")),
)


def write(recording: Recording, recorded: Recorded) -> Path:
    """Write one golden file: compact, and the same bytes for the same answers."""
    pools: list[AnyPool] = list({question[0].id: question[0] for question in recorded.asked}.values())
    places = {pool.id: place for place, pool in enumerate(pools)}
    rows = [
        [places[pool.id], pool.tokens.index(token_in), pool.tokens.index(token_out), int(exact_in), amount, answer]
        for (pool, token_in, token_out, amount, exact_in), answer in zip(recorded.asked, recorded.answers, strict=True)
    ]
    content = {"source": recording.source, "pools": [_plain(pool) for pool in pools], "answers": rows}
    path = FOLDER / f"{recording.name}.json.gz"
    path.write_bytes(gzip.compress(json.dumps(content, separators=(",", ":")).encode(), 9, mtime=0))
    return path


def main() -> None:
    """Record every family, or those named on the command line."""
    for recording in RECORDINGS:
        if sys.argv[1:] and recording.name not in sys.argv[1:]:
            continue
        recorded = recording.record()
        path = write(recording, recorded)
        print(f"{path.name}: {len(recorded.answers)} answers of {recording.source}, {path.stat().st_size} bytes")


def _whole_fills(chain: UniswapChain, asked: Sequence[Asked]) -> list[int | None]:
    answers: list[int | None] = []
    for (pool, token_in, *_, exact_in), answer in zip(asked, ask_quoter(chain, asked), strict=True):
        assert not isinstance(pool, ConstantProductPool)
        if answer is None or (exact_in and answer.at_the_end_of_prices(token_in == pool.tokens[0])):
            answers.append(None)
        else:
            answers.append(answer.amount)
    return answers


def _plain(pool: AnyPool) -> dict[str, Any]:
    """Spell a pool's fields for JSON; mappings become lists of pairs."""
    values = {field.name: getattr(pool, field.name) for field in fields(pool)}
    return {name: list(value.items()) if isinstance(value, Mapping) else value for name, value in values.items()}


if __name__ == "__main__":
    main()
