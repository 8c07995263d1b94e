"""What the prior changes: the same seeds on local chains in lockstep, with rivals, once without it and once with it.

Blocks are ordered by priority fee: where the first to come is the first, the engine loses nothing in lockstep, and
nothing lost is nothing learned.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.devnet.takings import capture_ratio
from engine.domain.errors import ConfigError
from server.capture import RIVALS_COUNT, RIVALS_LATENCY_MS, USUAL_BID, Cell, run_cell

SEEDS = 3
"""How many seeds are run, from the first one on: a single opportunity may hold most of a run's money."""
SUMMED = ("available_wei", "taken_wei", "kept_wei", "missed_wei", "submissions", "fills")


async def measure(state: Path, *, blocks: int, seed: int, keen: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Run every seed both ways, each in a folder of its own under `state`; raises `ControlError`."""
    rows: list[dict[str, Any]] = []
    for one in range(seed, seed + SEEDS):
        for prior in (False, True):
            folder = state / str(len(rows) + 1)
            if folder.exists():
                raise ConfigError(f"{state} holds another measurement", next_step="give --state an empty folder")
            folder.mkdir(mode=0o700, parents=True)
            cell = Cell(who="engine", ordering="priority_fee", added_ms=0, bid=USUAL_BID, prior=prior, paired=True)
            row = {"seed": one} | asdict(cell) | await run_cell(folder, cell, blocks=blocks, seed=one, keen=keen)
            rows.append(row)
            say(f"seed {one}, prior {'on' if prior else 'off'}: {row['fills']} of {row['submissions']} filled")
    return {
        "blocks": blocks,
        "rivals": RIVALS_COUNT,
        "rivals_latency_ms": RIVALS_LATENCY_MS,
        "keen": keen,
        "runs": rows,
        "sums": [summed(rows, prior=prior) for prior in (False, True)],
    }


def summed(rows: Sequence[dict[str, Any]], *, prior: bool) -> dict[str, Any]:
    """Add up the seeds, with the prior or without."""
    ours = [row for row in rows if row["prior"] == prior]
    sums = {name: sum(int(row[name]) for row in ours) for name in SUMMED}
    return {
        "prior": prior,
        "capture_ratio": capture_ratio(sums["taken_wei"], sums["available_wei"]),
        "kept_ratio": capture_ratio(sums["kept_wei"], sums["available_wei"]),
        **{name: str(value) if name.endswith("_wei") else value for name, value in sums.items()},
    }
