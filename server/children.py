"""Child processes that end with their supervisor: each has its own session, and a pipe for standard input that closes
when the supervisor is gone, however it went."""

import signal
import subprocess
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import anyio
import click
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

GRACE_S = 15.0
FAILURE_PREFIX = "ketch: "
"""How a command of ours begins the line that says why it failed; the supervisor says it once, in its own line."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running child: what people call it, and the last lines that it wrote to stderr."""

    name: str
    process: Process
    words: deque[str] = field(default_factory=lambda: deque[str](maxlen=5))
    read: anyio.Event = field(default_factory=anyio.Event)

    def lines(self) -> AsyncIterator[str]:
        """Yield what it writes to stdout until it closes it."""
        assert self.process.stdout is not None
        return split_lines(TextReceiveStream(self.process.stdout, errors="replace"))

    async def ended(self) -> None:
        """Wait until it has ended and all that it wrote to stderr was read."""
        await self.process.wait()
        await self.read.wait()

    def interrupt(self) -> None:
        """Ask it to end."""
        with suppress(ProcessLookupError):
            self.process.terminate()

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            self.process.kill()

    def how_it_ended(self) -> str:
        """Say how: the line that it failed with, else its signal, else its last words, else its exit code."""
        failed = [line for line in self.words if line.startswith(FAILURE_PREFIX)]
        if failed:
            return failed[-1].removeprefix(FAILURE_PREFIX)
        code = self.process.returncode
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return self.words[-1] if self.words and code else f"exit code {code}"


@asynccontextmanager
async def child(name: str, argv: Sequence[str], *, quiet: bool = False) -> AsyncGenerator[Child]:
    """Run a child as long as the context lasts. At the end it is asked, then made.

    Its log lines go to our stderr; with `quiet` they are kept for saying how it ended, and not shown.
    """
    process = await anyio.open_process(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    running = Child(name, process)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_relay, running, quiet)
        try:
            yield running
        finally:
            with anyio.CancelScope(shield=True):
                await _end(running)
            tasks.cancel_scope.cancel()


async def _end(running: Child) -> None:
    process = running.process
    assert process.stdin is not None
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        await process.stdin.aclose()
    running.interrupt()
    with anyio.move_on_after(GRACE_S):
        await process.wait()
    if process.returncode is None:
        running.kill()
        await process.wait()
    await process.aclose()


async def _relay(running: Child, quiet: bool) -> None:
    assert running.process.stderr is not None
    try:
        async for line in split_lines(TextReceiveStream(running.process.stderr, errors="replace")):
            if line.strip():
                running.words.append(line.strip())
                if not quiet and not line.startswith(FAILURE_PREFIX):
                    click.echo(line, err=True)
    except (anyio.ClosedResourceError, anyio.BrokenResourceError):
        pass  # it was ended while we read
    finally:
        running.read.set()


async def split_lines(chunks: AsyncIterator[str]) -> AsyncIterator[str]:
    """Cut text into lines, without their ends."""
    held: list[str] = []
    async for chunk in chunks:
        *whole, rest = chunk.split("\n")
        for end in whole:
            yield "".join([*held, end])
            held = []
        if rest:
            held.append(rest)
    if held:
        yield "".join(held)
