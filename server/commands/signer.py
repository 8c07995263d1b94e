"""`ketch signer`: the hot key in a process of its own."""

import os
import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from server.commands.daemon import settings_options
from server.options import Session, with_session
from server.secret import hot_key_passphrase

if TYPE_CHECKING:
    import anyio

    from engine.config import Settings
    from engine.domain.units import Address


@click.command()
@settings_options
@with_session
def signer(session: Session, *, profile: str | None, chain: str | None, rpc: str | None) -> None:
    """Hold the hot key and sign for this folder's engine until Ctrl-C."""
    import anyio

    from engine.config import load

    settings = load(session.state, environ=os.environ, given={"profile": profile, "chain": chain, "rpc": rpc})
    address = anyio.run(partial(_run, settings, session.state))
    session.result({"address": address}, lambda: f"the signer of {address} has ended")


async def _run(settings: "Settings", state: Path) -> "Address":
    import anyio

    from engine.signer_process import run_signer

    stop = anyio.Event()
    held: list[Address] = []

    def ready(address: "Address") -> None:
        held.append(address)
        click.echo(f"signing for {address}", err=True)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_stop_on_signals, stop)
        await run_signer(settings, state=state, passphrase=hot_key_passphrase, ready=ready, stop=stop)
        tasks.cancel_scope.cancel()
    return held[0]


async def _stop_on_signals(stop: "anyio.Event") -> None:
    import anyio

    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            stop.set()
