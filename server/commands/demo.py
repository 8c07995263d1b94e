"""`ketch demo`: everything on one machine, no key, no account."""

import contextlib
import shutil
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import click

from server.commands.daemon import told
from server.commands.reads import worst
from server.failures import Failed, cause_of
from server.options import Session, with_fresh_session


@click.command()
@click.option("--trades", type=click.IntRange(min=1), metavar="N", help="End after N fills.  [default: until Ctrl-C]")
@click.option("--rivals", type=click.IntRange(min=0), metavar="N", default=2, show_default=True, help="Competing bots.")
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", default=7, show_default=True, help="Of all that is random."
)
@click.option("--chain", default="arbitrum", show_default=True, help="Which chain to imitate, by name or id.")
@click.option("--lockstep", is_flag=True, help="Mine a block only when the engine is done with the last.")
@click.option("--keep", is_flag=True, help="Keep the state folder that the demo made.")
@with_fresh_session
def demo(
    session: Session, *, trades: int | None, rivals: int, seed: int, chain: str, lockstep: bool, keep: bool
) -> None:
    """Trade on a local chain with real protocol bytecode, simulated traders and rivals; check the books at the end."""
    import anyio

    from engine.config import chain_named
    from server import demo as supervisor

    name = chain_named(chain).name
    with _folder(session, keep=keep), _watching(session) as watch:
        supervisor.check_folder(session.state)
        plan = supervisor.Demo(
            state=session.state, chain=name, rivals=rivals, seed=seed, lockstep=lockstep, trades=trades
        )
        summary = anyio.run(partial(supervisor.run, plan, watch))
        text = "" if session.json else told(session.state, summary)
    session.result(summary, lambda: text)
    if not summary["verify"]["ok"]:
        raise Failed(f"the books do not verify: {worst(summary['verify'])}")


@contextlib.contextmanager
def _folder(session: Session, *, keep: bool) -> Generator[None]:
    """Remove a folder that was made for this demo, unless it holds what somebody may want to look at."""
    try:
        yield
    except BaseException as error:
        interrupted = isinstance(cause_of(error), click.Abort)
        if session.own_folder and not interrupted and any(session.state.iterdir()):
            click.echo(f"the state is kept in {session.state}", err=True)
        else:
            _remove(session)
        raise
    if keep:
        click.echo(f"the state is kept in {session.state}", err=True)
    else:
        _remove(session)


def _remove(session: Session) -> None:
    if session.own_folder:
        shutil.rmtree(session.state, ignore_errors=True)


@contextlib.contextmanager
def _watching(session: Session) -> Generator[Callable[[dict[str, Any]], None]]:
    if session.json:
        yield lambda _event: None
        return
    from server.live import watching

    with watching() as watch:
        yield watch
