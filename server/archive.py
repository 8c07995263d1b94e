"""The archive's process beside `ketch up`: started once the engine trades, and again whenever it dies."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import anyio

    from engine.config import Archive

WAIT_S = 3.0
"""For the engine's first block: a start that recovers open trades needs the processor first."""
DELAYS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Before it is started again; the last repeats."""


async def keep_archive(state: Path, terms: "Archive", trading: "anyio.Event") -> None:
    """Keep the archive running until cancelled; however it ends, the engine goes on."""
    import anyio

    from server.children import child

    with anyio.move_on_after(WAIT_S):
        await trading.wait()
    argv = [sys.executable, "-P", "-m", "engine.archive", str(state), terms.model_dump_json()]
    deaths = 0
    while True:
        began_s = anyio.current_time()
        try:
            async with child("archive", argv) as archive:
                await archive.ended()
                how = archive.how_it_ended()
        except OSError as error:
            how = str(error)
        deaths = 0 if anyio.current_time() - began_s > DELAYS_S[-1] else deaths
        delay_s = DELAYS_S[min(deaths, len(DELAYS_S) - 1)]
        deaths += 1
        click.echo(f"the archive ended ({how}); it is started again in {delay_s:g} s", err=True)
        await anyio.sleep(delay_s)
