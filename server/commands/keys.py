"""The hot key's life: the next one, and what the one in use needs for gas."""

import os
from functools import partial

import click

from server.commands.daemon import settings_options
from server.options import Session, with_session
from server.secret import hot_key_passphrase
from server.show import facts


@click.command("rotate-key")
@settings_options
@with_session
def rotate_key(session: Session, *, profile: str | None, chain: str | None, rpc: str | None) -> None:
    """Make the next hot key and print what the treasury must sign; the running engine goes over to it."""
    from engine.app import make_next_key
    from engine.config import load

    settings = load(session.state, environ=os.environ, given={"profile": profile, "chain": chain, "rpc": rpc})
    made = make_next_key(settings, state=session.state, passphrase=hot_key_passphrase)
    session.result(made, lambda: facts(made))


@click.command("top-up")
@settings_options
@click.option("--target", type=click.IntRange(min=1), metavar="WEI", help="Bring the gas float to so much.")
@with_session
def top_up(session: Session, *, profile: str | None, chain: str | None, rpc: str | None, target: int | None) -> None:
    """Say what to send to the hot key for gas; a local chain's faucet sends it."""
    import anyio

    from engine.app import top_up_float
    from engine.config import load

    settings = load(session.state, environ=os.environ, given={"profile": profile, "chain": chain, "rpc": rpc})
    told = anyio.run(partial(top_up_float, settings, state=session.state, target_wei=target))
    session.result(told, lambda: facts(told))
