"""`ketch bench`: figures of this machine, beside a peer in the same run."""

import shutil
from functools import partial
from typing import Any

import click

from server.options import Session, with_fresh_session

OF = {
    "patterns": ("memory",),
    **dict.fromkeys(("quick", "added_ms"), ("capture",)),
    **dict.fromkeys(("keen", "blocks", "seed"), ("capture", "prior")),
}
"""Which measurements an option belongs to."""


@click.command()
@click.argument("what", type=click.Choice(["mcp", "capture", "memory", "prior"]))
@click.option(
    "--calls", type=click.IntRange(min=32), default=480, show_default=True, help="mcp, memory: for each figure."
)
@click.option("--patterns", type=click.IntRange(min=100), default=100_000, show_default=True, help="memory: how many.")
@click.option("--quick", is_flag=True, help="capture: one ordering, no added latency.")
@click.option("--keen", is_flag=True, help="capture, prior: rivals look at every block and borrow what they lack.")
@click.option(
    "--added-ms", type=click.IntRange(0, 5_000), multiple=True, help="capture: only these latencies.  [default: all]"
)
@click.option(
    "--blocks", type=click.IntRange(8, 400), default=60, show_default=True, help="capture, prior: for each run."
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=7,
    show_default=True,
    help="capture, prior: of all that is random; prior takes the two after it as well.",
)
@with_fresh_session
@click.pass_context
def bench(
    context: click.Context,
    session: Session,
    *,
    what: str,
    calls: int,
    patterns: int,
    quick: bool,
    keen: bool,
    added_ms: tuple[int, ...],
    blocks: int,
    seed: int,
) -> None:
    """Measure on this machine: an agent's calls, the share of the profit taken, the memory, or the prior."""
    import anyio

    for option, of in OF.items():
        if what not in of and context.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{option.replace('_', '-')} is an option of ketch bench {of[0]}.")
    try:
        if what == "mcp":
            from server.bench import measure

            figures = anyio.run(measure, session.state, calls)
            session.result(figures, lambda: _calls_table(figures))
        elif what == "memory":
            from server.bench_graph import graph_figures
            from server.bench_memory import measure as remembered

            say_so = partial(click.echo, err=True)
            known = remembered(session.state, patterns, calls, say_so)
            known["graph"] = graph_figures(session.state, entities=patterns, relations=5 * patterns)
            session.result(known, lambda: _memory_table(known))
        elif what == "prior":
            from server.bench_prior import measure as both_ways

            go = partial(
                both_ways, session.state, blocks=blocks, seed=seed, keen=keen, say=partial(click.echo, err=True)
            )
            compared = anyio.run(go)
            session.result(compared, lambda: _prior_table(compared))
        else:
            from server.capture import LATENCIES_MS, matrix
            from server.capture import measure as captured

            say = partial(click.echo, err=True)
            cells = matrix(quick=quick, latencies_ms=added_ms or LATENCIES_MS)
            run = partial(captured, session.state, cells, blocks=blocks, seed=seed, keen=keen, say=say)
            taken = anyio.run(run)
            session.result(taken, lambda: _capture_table(taken))
    finally:
        if session.own_folder:
            shutil.rmtree(session.state, ignore_errors=True)


def _calls_table(figures: dict[str, Any]) -> str:
    rows = [f"{'door':8}{'call':16}{'callers':>8}{'p50 ms':>10}{'p99 ms':>10}{'calls/s':>10}"]
    for door, calls in figures["doors"].items():
        for call, by_callers in calls.items():
            for callers, row in by_callers.items():
                head = f"{door:8}{call:16}{callers:>8}"
                rows.append(f"{head}{row['p50_ms']:>10.2f}{row['p99_ms']:>10.2f}{row['calls_per_s']:>10}")
    return "\n".join(rows)


def _memory_table(figures: dict[str, Any]) -> str:
    head = (
        f"{figures['patterns']} patterns, {figures['ingest_patterns_per_s']} a second in, open in {figures['open_s']} s"
    )
    rows = [head, f"{'what':18}{'filter':28}{'p50 ms':>10}{'p99 ms':>10}"]
    timed = [("recall", name, row) for name, row in figures["recall"].items()] + [("similar", "", figures["similar"])]
    timed += [("Chroma's query", name, row) for name, row in figures["chroma_own_query"].items()]
    rows += [f"{what:18}{name:28}{row['p50_ms']:>10.2f}{row['p99_ms']:>10.2f}" for what, name, row in timed]
    graph = figures["graph"]
    for what in ("neighbours", "search", "paths"):
        rows.append(f"{'graph':18}{what:28}{graph[f'{what}_p50_ms']:>10.2f}{graph[f'{what}_p99_ms']:>10.2f}")
    return "\n".join(rows)


def _prior_table(figures: dict[str, Any]) -> str:
    rows = [f"{'seed':6}{'prior':6}{'taken':>7}{'kept':>7}{'fills':>9}{'lost ETH':>10}{'ETH there was':>15}"]
    for row in [*figures["runs"], *figures["sums"]]:
        head = f"{row.get('seed', 'all')!s:6}{'on' if row['prior'] else 'off':6}"
        shares = f"{row['capture_ratio'] or 0:>7.3f}{row['kept_ratio'] or 0:>7.3f}"
        fills = f"{row['fills']}/{row['submissions']}"
        lost, available = int(row["missed_wei"]) / 10**18, int(row["available_wei"]) / 10**18
        rows.append(f"{head}{shares}{fills:>9}{lost:>10.4f}{available:>15.4f}")
    return "\n".join(rows)


def _capture_table(figures: dict[str, Any]) -> str:
    head = f"{'bot':8}{'ordering':14}{'+ms':>5}  {'bid':7}"
    rows = [f"{head}{'taken':>7}{'kept':>7}{'fills':>9}{'missed ETH':>12}{'ETH there was':>15}"]

    def share(of: float | None) -> str:
        return "–" if of is None else f"{of:.2f}"

    for row in figures["runs"]:
        head = f"{row['who']:8}{row['ordering']:14}{row['added_ms']:>5}  {row['bid'] or 'fixed':7}"
        shares = f"{share(row['capture_ratio']):>7}{share(row['kept_ratio']):>7}"
        fills = f"{row['fills']}/{row['submissions']}"
        missed, available = int(row["missed_wei"]) / 10**18, int(row["available_wei"]) / 10**18
        rows.append(f"{head}{shares}{fills:>9}{missed:>12.5f}{available:>15.5f}")
    return "\n".join(rows)
