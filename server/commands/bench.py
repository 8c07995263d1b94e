"""`ketch bench`: figures of this machine, beside a peer in the same run."""

import shutil
from typing import Any

import click

from server.options import Session, with_fresh_session


@click.command()
@click.argument("what", type=click.Choice(["mcp"]))
@click.option("--calls", type=click.IntRange(min=32), default=480, show_default=True, help="For each figure.")
@with_fresh_session
def bench(session: Session, *, what: str, calls: int) -> None:
    """Measure on this machine: an agent's calls through each door, beside a bare server and the facade alone."""
    import anyio

    from server.bench import measure

    try:
        figures = anyio.run(measure, session.state, calls)
    finally:
        if session.own_folder:
            shutil.rmtree(session.state, ignore_errors=True)
    session.result(figures, lambda: _table(figures))


def _table(figures: dict[str, Any]) -> str:
    rows = [f"{'door':8}{'call':16}{'callers':>8}{'p50 ms':>10}{'p99 ms':>10}{'calls/s':>10}"]
    for door, calls in figures["doors"].items():
        for call, by_callers in calls.items():
            for callers, row in by_callers.items():
                head = f"{door:8}{call:16}{callers:>8}"
                rows.append(f"{head}{row['p50_ms']:>10.2f}{row['p99_ms']:>10.2f}{row['calls_per_s']:>10}")
    return "\n".join(rows)
