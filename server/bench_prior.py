"""What the prior changes: the same seeds on local chains in lockstep, with rivals, once without it and once with it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.devnet.takings import capture_ratio
from engine.domain.errors import ConfigError
from server.capture import RIVALS_COUNT, RIVALS_LATENCY_MS, USUAL_BID, Cell, run_cell

SEEDS = 3
"""How many seeds are run, from the first one on: a single opportunity may hold most of a run's money."""
ORDERINGS = ("priority_fee", "first_come")
SUMMED = ("available_wei", "taken_wei", "kept_wei", "missed_wei", "submissions", "fills")


async def measure(state: Path, *, blocks: int, seed: int, keen: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Run every seed both ways, each in a folder of its own under `state`; raises `ControlError`."""
    rows: list[dict[str, Any]] = []
    for ordering in ORDERINGS:
        for one in range(seed, seed + SEEDS):
            for prior in (False, True):
                folder = state / f"{ordering}-{one}-{prior}"
                if folder.exists():
                    raise ConfigError(f"{state} holds another measurement", next_step="give --state an empty folder")
                folder.mkdir(mode=0o700, parents=True)
                cell = Cell(who="engine", ordering=ordering, added_ms=0, bid=USUAL_BID, prior=prior, paired=True)
                row = {"seed": one} | asdict(cell) | await run_cell(folder, cell, blocks=blocks, seed=one, keen=keen)
                rows.append(row)
                say(f"{ordering}, seed {one}, prior {'on' if prior else 'off'}: {row['fills']}/{row['submissions']}")
    sums = [summed(rows, ordering, prior=prior) for ordering in ORDERINGS for prior in (False, True)]
    return {
        "blocks": blocks,
        "rivals": RIVALS_COUNT,
        "rivals_latency_ms": RIVALS_LATENCY_MS,
        "keen": keen,
        "runs": rows,
        "sums": sums,
    }


def summed(rows: Sequence[dict[str, Any]], ordering: str, *, prior: bool) -> dict[str, Any]:
    """Add up the seeds of one ordering, with the prior or without."""
    ours = [row for row in rows if row["ordering"] == ordering and row["prior"] == prior]
    sums = {name: sum(int(row[name]) for row in ours) for name in SUMMED}
    return {
        "ordering": ordering,
        "prior": prior,
        "capture_ratio": capture_ratio(sums["taken_wei"], sums["available_wei"]),
        "kept_ratio": capture_ratio(sums["kept_wei"], sums["available_wei"]),
        **{name: str(value) if name.endswith("_wei") else value for name, value in sums.items()},
    }
