"""How a command fails: one line on stderr that says what to do, an exit code, never a traceback."""

import contextlib
import errno
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import click

CRASH_LOG = "crash.log"

_DISK = {
    errno.EROFS: "the disk is read-only: choose another --state",
    errno.ENOSPC: "the disk is full: free some space on it",
    errno.EDQUOT: "the disk quota is used up: free some space on it",
    errno.EACCES: "it is not yours to use: correct its permissions, or choose another --state",
    errno.EPERM: "it is not yours to use: correct its permissions, or choose another --state",
    errno.ENOTDIR: "a file is in the way of a folder: choose another --state",
    errno.EISDIR: "a folder is in the way of a file: choose another --state",
    errno.ENAMETOOLONG: "the name is too long: choose another --state",
    errno.EADDRINUSE: "the port is taken: stop what listens there, or choose another",
    errno.EMFILE: "too many open files: raise the limit with ulimit -n",
}


class Failed(click.ClickException):
    """A failure that has been put into one line; `exit_code` 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line to stderr."""
        click.echo(f"ketch: {self.message}", err=True, file=file)


def cause_of(error: BaseException) -> BaseException:
    """Find what a group of errors is about: an expected one, else an interruption, else the first of them."""
    from engine.domain.errors import KetchError

    leaves = list(_leaves(error))
    for kind in (KetchError, click.Abort):
        for leaf in leaves:
            if isinstance(leaf, kind):
                return leaf
    return leaves[0]


def failure(error: BaseException, state: Path) -> Failed:
    """Put any error into one line; what nobody expected is written to STATE/crash.log."""
    from engine.domain.errors import KetchError

    cause = cause_of(error)
    if isinstance(cause, KetchError):
        return Failed(_one_line(cause.line()))
    if isinstance(cause, OSError) and cause.errno in _DISK:
        return Failed(_one_line(f"cannot use {cause.filename or state}: {_DISK[cause.errno]}"))
    saved = _save(error, state)
    where = f"details in {saved}" if saved else "and its details could not be saved"
    return Failed(_one_line(f"this is a bug: {type(cause).__name__}: {cause}") + f" ({where})")


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _save(error: BaseException, state: Path) -> Path | None:
    text = "".join(traceback.format_exception(error)) + "\n"
    for folder in (state, Path(tempfile.gettempdir())):
        path = folder / CRASH_LOG if folder == state else folder / f"ketch-{CRASH_LOG}"
        with contextlib.suppress(OSError), path.open("a", encoding="utf-8") as file:
            file.write(text)
            return path
    return None


def _one_line(text: str) -> str:
    return " ".join(text.split())
