"""The demo: a local chain and an engine on it as sibling processes, the books checked before the chain goes down."""

import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import click

from engine.config import MANIFEST_NAME
from engine.domain.errors import ConfigError, ControlError, DevnetError
from engine.journal.journal import JOURNAL_FILE
from server.children import Child, child

START_DEADLINE_S = 240.0
"""The first start of a chain deploys every protocol; later ones load what it saved."""
POLL_S = 0.05
CHAIN_WORDS_S = 1.0
SUMMARY_S = 120.0
"""How long an engine that was asked to stop may add its run up; a second Ctrl-C does not wait."""

Watch = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What to run: on which chain, against how many rivals, from which seed, until how many fills (None: Ctrl-C)."""

    state: Path
    chain: str
    rivals: int
    seed: int
    lockstep: bool
    trades: int | None

    @property
    def chain_argv(self) -> list[str]:
        """The command that runs the local chain."""
        numbers = ("--rivals", str(self.rivals), "--seed", str(self.seed))
        argv = [*_python("engine.devnet"), "--state", str(self.state), "--chain", self.chain, *numbers, "--with-parent"]
        return [*argv, "--lockstep"] if self.lockstep else argv

    @property
    def engine_argv(self) -> list[str]:
        """The command that runs the engine on it."""
        argv = [*_python("server.cli"), "up", "--profile", "devnet", "--state", str(self.state)]
        argv += ["--json", "--events", "--with-parent"]
        return argv if self.trades is None else [*argv, "--trades", str(self.trades)]


async def run(demo: Demo, watch: Watch) -> dict[str, Any]:
    """Run both until the engine has its fills or Ctrl-C; returns its summary with `verify` added.

    Raises `KetchError` when either child ends on its own, `click.Abort` when interrupted before there is a result.
    """
    stop = anyio.Event()
    children: list[Child] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_stop_on_signals, stop, children)
        summary = await _run(demo, watch, stop, children)
        tasks.cancel_scope.cancel()
        return summary
    raise click.Abort


async def _run(demo: Demo, watch: Watch, stop: anyio.Event, children: list[Child]) -> dict[str, Any]:
    click.echo(f"starting a local {demo.chain} chain in {demo.state}", err=True)
    async with child("the local chain", demo.chain_argv) as chain:
        children.append(chain)
        rpc = await _manifest_rpc(demo.state, chain, stop)
        click.echo("starting the engine", err=True)
        async with child("the engine", demo.engine_argv) as engine:
            children.append(engine)
            summary, block = await _until_done(engine, chain, watch, stop)
        click.echo("checking the books against the chain", err=True)
        return {**summary, "verify": await _verify(demo.state, rpc, block)}


async def _manifest_rpc(state: Path, chain: Child, stop: anyio.Event) -> str:
    """Wait until the chain has written its manifest; whatever lay there before does not count."""
    path = state / MANIFEST_NAME
    with anyio.move_on_after(START_DEADLINE_S):
        while chain.process.returncode is None:
            if stop.is_set():
                raise click.Abort
            if path.exists() and (manifest := json.loads(path.read_bytes()))["pid"] == chain.process.pid:
                return str(manifest["rpc"])
            await anyio.sleep(POLL_S)
        await chain.ended()
        raise DevnetError(chain.how_it_ended())
    raise DevnetError("the local chain is not ready", limit=f"{START_DEADLINE_S:.0f} s")


async def _until_done(engine: Child, chain: Child, watch: Watch, stop: anyio.Event) -> tuple[dict[str, Any], int]:
    """Show the engine's events until it ends; returns its summary and the last block that it has accounted for."""
    summary: dict[str, Any] = {}
    block = 0
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_fail_with, chain, stop)
        tasks.start_soon(_pass_on, stop, engine)
        async for line in engine.lines():
            said = json.loads(line)
            if "event" in said:
                watch(said)
                block = said.get("settled", block)
            else:
                summary = said
        await engine.ended()
        tasks.cancel_scope.cancel()
    if engine.process.returncode == 0 and summary:
        return summary, block
    if stop.is_set():
        raise click.Abort
    with anyio.move_on_after(CHAIN_WORDS_S):  # an engine whose chain died is a consequence
        await _fail_with(chain, stop)
    raise ControlError(f"the engine ended: {engine.how_it_ended()}")


async def _fail_with(chain: Child, stop: anyio.Event) -> None:
    await chain.ended()
    if not stop.is_set():
        raise DevnetError(f"the local chain ended: {chain.how_it_ended()}")


async def _pass_on(stop: anyio.Event, engine: Child) -> None:
    await stop.wait()
    engine.interrupt()
    await anyio.sleep(SUMMARY_S)
    engine.kill()


async def _stop_on_signals(stop: anyio.Event, children: list[Child]) -> None:
    """The first signal ends the demo in order; the second at once."""
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            if stop.is_set():
                for running in children:
                    running.kill()
            stop.set()


async def _verify(state: Path, rpc: str, block: int) -> dict[str, Any]:
    from engine.verify.verify import verify_state

    return (await anyio.to_thread.run_sync(partial(verify_state, state, rpc, at_block=block))).as_json()


def _python(module: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-m", module)  # -P: a folder named `engine` where we are started is not ours


def check_folder(state: Path) -> None:
    """Make the folder; raises `ConfigError` when it already holds another run's history."""
    if (state / JOURNAL_FILE).exists():
        raise ConfigError(f"{state} holds the journal of another run", next_step="give --state an empty folder")
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
