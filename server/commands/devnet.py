"""`ketch devnet`: a local chain with real protocol bytecode, its traders and rivals."""

from typing import TYPE_CHECKING

import click

from server.options import Session, with_session

if TYPE_CHECKING:
    from engine.devnet.ordering import Ordering


@click.command()
@click.option("--chain", default="arbitrum", show_default=True, help="Which chain to imitate, by name or id.")
@click.option("--rivals", type=click.IntRange(min=0), metavar="N", default=0, show_default=True, help="Competing bots.")
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", default=7, show_default=True, help="Of all randomness."
)
@click.option("--lockstep", is_flag=True, help="Mine a block only when the engine is done with the last.")
@click.option("--block-time-ms", type=click.IntRange(min=1), metavar="MS", help="The pace, where not the chain's own.")
@click.option(
    "--ordering",
    type=click.Choice(["priority_fee", "first_come"]),
    default="priority_fee",
    show_default=True,
    help="What a block's order is by.",
)
@click.option("--rival-latency-ms", type=click.IntRange(min=0), metavar="MS", help="Of every rival, not each its own.")
@click.option("--keen-rivals", is_flag=True, help="Rivals look at every block and borrow what they lack.")
@click.option("--relay", is_flag=True, help="Run a private relay beside it (chain ethereum).")
@click.option("--with-parent", is_flag=True, help="End when standard input closes.")
@with_session
def devnet(
    session: Session,
    *,
    chain: str,
    rivals: int,
    seed: int,
    lockstep: bool,
    block_time_ms: int | None,
    ordering: "Ordering",
    rival_latency_ms: int | None,
    keen_rivals: bool,
    relay: bool,
    with_parent: bool,
) -> None:
    """Run a local chain in STATE until Ctrl-C; `ketch up --profile devnet` trades on it."""
    from engine.config import chain_named

    named = chain_named(chain)
    from engine.devnet.run import DevnetOptions, run_devnet

    run_devnet(
        DevnetOptions(
            state=session.state,
            chain=named.id,
            rivals=rivals,
            seed=seed,
            lockstep=lockstep,
            block_time_ms=block_time_ms,
            with_parent=with_parent,
            relay=relay,
            ordering=ordering,
            rival_latency_ms=rival_latency_ms,
            keen_rivals=keen_rivals,
        )
    )
    session.result(
        {"chain": named.name, "seed": seed, "state": str(session.state)},
        lambda: f"the local {named.name} chain of {session.state} is down",
    )
