"""What every command shares: --state and --json, results on stdout, failures in one line."""

import functools
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from server.failures import cause_of, failure

PAPER = "PAPER: nothing here was sent, and nobody was paid."


@dataclass(frozen=True, slots=True)
class Session:
    """One invocation: the state folder that it is about, and how its result is wanted."""

    state: Path
    json: bool
    own_folder: bool = False
    """True when the folder was made for this invocation."""

    @property
    def socket(self) -> Path:
        """Where the daemon of this state folder listens."""
        return self.state / "control.sock"

    def result(self, value: dict[str, Any], text: Callable[[], str]) -> None:
        """Print the result: one JSON object, or `text()` for people, who are told first when it is all on paper."""
        if value.get("paper") and not self.json:
            click.echo(PAPER)
        click.echo(json.dumps(value) if self.json else text())


def with_session(run: Callable[..., None]) -> Callable[..., None]:
    """Add --state and --json to a command, and hand it a `Session` on the folder that is meant."""
    return _with_session(run, "the user's data folder", "KETCH_STATE", _users_folder)


def with_fresh_session(run: Callable[..., None]) -> Callable[..., None]:
    """Add --state and --json to a command that begins in a new folder unless one is given."""
    return _with_session(run, "a fresh folder, removed at the end", None, _fresh_folder)


def _with_session(
    run: Callable[..., None], default_text: str, envvar: str | None, default: Callable[[], Path]
) -> Callable[..., None]:
    @click.option(
        "--state",
        type=click.Path(path_type=Path),
        envvar=envvar,
        help=f"Folder of journal, keys and settings.  [default: {default_text}]",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line of stdout.")
    @functools.wraps(run)
    def command(*, state: Path | None, as_json: bool, **given: Any) -> None:
        folder = state or Path(tempfile.gettempdir())
        try:
            folder = (state or default()).absolute()
            run(Session(folder, as_json, own_folder=state is None), **given)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # said already, or the reader of our output is gone: see cli.main
        except Exception as error:
            cause = cause_of(error)
            if isinstance(cause, click.ClickException | click.Abort | BrokenPipeError):
                raise cause from error
            raise failure(error, folder) from error

    return command


def _users_folder() -> Path:
    from engine.config import default_state_dir

    return default_state_dir()


def _fresh_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="ketch-demo-"))
