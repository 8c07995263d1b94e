"""`ketch up`: the engine in the foreground."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from server.archive import keep_archive
from server.options import Session, with_session
from server.secret import hot_key_passphrase
from server.show import summary_text

if TYPE_CHECKING:
    import anyio

    from engine.config import Settings

PARENT_GONE_GRACE_S = 5.0
AGENTS_WAIT_S = 3.0


def settings_options(run: Callable[..., None]) -> Callable[..., None]:
    """Add the settings that the command line may give: --profile, --chain, --rpc."""
    run = click.option("--rpc", help="The chain's endpoint (setting rpc).")(run)
    run = click.option("--chain", help="The chain's name or id (setting chain).")(run)
    return click.option(
        "--profile",
        type=click.Choice(["devnet", "paper", "live"]),
        help="devnet trades on STATE's local chain, paper on a real one without sending anything.",
    )(run)


@click.command()
@click.option("--trades", type=click.IntRange(min=1), metavar="N", help="End after N fills and print the summary.")
@settings_options
@click.option("--events", is_flag=True, help="Print each event as a line of JSON on stdout, before the summary.")
@click.option("--with-parent", is_flag=True, help="End when standard input closes.")
@click.option("--mcp/--no-mcp", default=True, help="Serve agents over HTTP on loopback (default), or not.")
@click.option("--mcp-port", type=click.IntRange(1, 65535), metavar="PORT", help="Serve agents there; else a free port.")
@with_session
def up(
    session: Session,
    *,
    trades: int | None,
    profile: str | None,
    chain: str | None,
    rpc: str | None,
    events: bool,
    with_parent: bool,
    mcp: bool,
    mcp_port: int | None,
) -> None:
    """Run the engine until Ctrl-C: scan, decide, execute and account."""
    import anyio

    from engine.config import load

    given = {"profile": profile, "chain": chain, "rpc": rpc}
    read_settings = partial(load, session.state, environ=os.environ, given=given)
    settings = read_settings()
    session.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _watching(session, events=events) as on_event:
        doors = partial(_serve_agents, session.state, mcp_port) if mcp else None
        run = partial(_run, session.state, settings, trades, on_event, doors)
        summary = anyio.run(partial(run, read_settings=read_settings, with_parent=with_parent))
    session.result(summary, lambda: told(session.state, summary))


def told(state: Path, summary: dict[str, Any]) -> str:
    """Put a run's summary into words, with the names of the journal's tokens."""
    from engine.app import offline_status

    return summary_text(summary, offline_status(state)["tokens"])


async def _run(
    state: Path,
    settings: "Settings",
    trades: int | None,
    on_event: Callable[[dict[str, Any]], None],
    serve_agents: "Callable[[anyio.Event], Awaitable[None]] | None",
    *,
    read_settings: "Callable[[], Settings]",
    with_parent: bool,
) -> dict[str, Any]:
    """Run the engine until it has its fills, is signalled, or its parent is gone; a second signal ends it at once."""
    import anyio

    from engine.app import run_engine

    stop, trading = anyio.Event(), anyio.Event()

    def seen(event: dict[str, Any]) -> None:
        if event["event"] == "block":
            trading.set()
        on_event(event)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_stop_on_signals, stop, tasks.cancel_scope)
        if with_parent:
            _stop_with_parent(stop, asyncio.get_running_loop())
        if serve_agents is not None:
            tasks.start_soon(serve_agents, trading)
        if settings.archive.run:
            tasks.start_soon(keep_archive, state, settings.archive, trading)
        summary = await run_engine(
            settings,
            state=state,
            trades=trades,
            on_event=seen,
            stop=stop,
            passphrase=hot_key_passphrase,
            read_settings=read_settings,
        )
        tasks.cancel_scope.cancel()
        return summary
    raise click.Abort


async def _serve_agents(state: Path, port: int | None, trading: "anyio.Event") -> None:
    """Serve agents over HTTP once the engine has taken in a block, or soon; that they cannot be served ends no engine.

    The server's import takes half a second of a processor, which a start that recovers open trades needs first.
    """
    import importlib

    import anyio

    from engine.domain.errors import KetchError

    with anyio.move_on_after(AGENTS_WAIT_S):
        await trading.wait()
    http = await anyio.to_thread.run_sync(importlib.import_module, "server.mcp.http")
    try:
        async with http.serving(state, port=port):
            await anyio.sleep_forever()
    except (KetchError, OSError) as error:
        click.echo(f"ketch: agents are not served over HTTP: {error}", err=True)


async def _stop_on_signals(stop: "anyio.Event", scope: "anyio.CancelScope") -> None:
    import anyio

    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            if stop.is_set():
                scope.cancel()
                return
            stop.set()


def _stop_with_parent(stop: "anyio.Event", loop: asyncio.AbstractEventLoop) -> None:
    """Watch standard input from a thread of its own: an engine too busy to notice is ended after a while all the same.

    Ending at any point is safe: every start is a recovery.
    """

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(stop.set)
        time.sleep(PARENT_GONE_GRACE_S)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


@contextlib.contextmanager
def _watching(session: Session, *, events: bool) -> Generator[Callable[[dict[str, Any]], None]]:
    """Choose who sees events: a program (a line of JSON each), nobody but the final result, or people."""
    if events:
        yield _print_event
    elif session.json:
        yield lambda _event: None
    else:
        from server.live import watching

        with watching() as watch:
            yield watch


def _print_event(event: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # whoever listened is gone; the end of our input tells us to stop
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()
