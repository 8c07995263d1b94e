"""What the chain says on stderr: lines when it is a file or a pipe, one moving line on a terminal."""

import sys
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

from engine.devnet.mining import Head

LINE_EVERY_BLOCKS = 100


class Progress:
    """The chain's progress. Nothing goes to stdout."""

    __slots__ = ("_status",)

    def __init__(self, status: Status | None) -> None:
        self._status = status

    def say(self, line: str) -> None:
        """Say one line."""
        if self._status:
            self._status.console.print(line)
        else:
            sys.stderr.write(f"devnet: {line}\n")
            sys.stderr.flush()

    def block(self, head: Head, trades: int) -> None:
        """Show a new block: each on a terminal, every hundredth elsewhere."""
        line = f"block {head.number}, {trades} trades sent"
        if self._status:
            self._status.update(line)
        elif head.number % LINE_EVERY_BLOCKS == 0:
            self.say(line)


@contextmanager
def progress() -> Generator[Progress]:
    """Show progress for as long as the context lasts."""
    if not sys.stderr.isatty():
        yield Progress(None)
        return
    with Console(stderr=True, highlight=False).status("starting") as status:
        yield Progress(status)
