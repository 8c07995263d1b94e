"""Commands that change what the engine may do with money: halt, resume, sweep."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from server.options import Session, with_session
from server.show import facts

HALT_ANSWER_S = 5.0


@click.command()
@click.option("--reducing", is_flag=True, help="Only stop risking own capital.")
@click.option("--cancel", is_flag=True, help="Replace every open trade by a transfer of nothing to the hot key itself.")
@click.option("--reason", default="asked at the command line", show_default=True, help="Written into the journal.")
@with_session
def halt(session: Session, *, reducing: bool, cancel: bool, reason: str) -> None:
    """Stop signing trades. Needs no secret; only `ketch resume` undoes it."""
    from engine.control_client import call
    from engine.domain.errors import ControlError

    asked = {"reason": reason, "reducing": reducing, "cancel_open": cancel}
    try:
        value = call(session.socket, "halt", asked, HALT_ANSWER_S)
    except ControlError:
        if reducing:
            raise  # only the engine can reduce
        if cancel:
            _halt_by_file(session.state, reason)
            raise  # halted, and only the engine can cancel
        value = _halt_by_file(session.state, reason)
    session.result(value, lambda: facts(value))


def _halt_by_file(state: Path, reason: str) -> dict[str, Any]:
    """Halt an engine that does not run or does not answer: the file is obeyed before every signature."""
    from engine.risk.halt import HALT_FILE, write_halt

    write_halt(state, principal=f"uid:{os.getuid()} pid:{os.getpid()}", reason=reason)
    return {"state": "HALTED", "by": str(state / HALT_FILE)}


@click.command()
@click.option("--secret-file", type=click.Path(path_type=Path), help="Read the secret from a file's first line.")
@with_session
def resume(session: Session, *, secret_file: Path | None) -> None:
    """Trade again: the operator's secret signs the policy in force; only the signature leaves this process."""
    from engine.control_client import call

    asked = call(session.socket, "resume_challenge")
    from engine.journal.journal import JOURNAL_FILE, Journal
    from engine.risk.operator import sign_resume
    from server.secret import read_secret

    until = datetime.fromtimestamp(asked["expires_s"], UTC).strftime("%H:%M:%S UTC")
    click.echo(f"to be signed: resume under policy {asked['policy_hash']}, until {until}", err=True)
    history = Journal.read(session.state / JOURNAL_FILE).entry(1)
    signed = sign_resume(
        session.state,
        read_secret("the operator's secret", secret_file),
        principal="",  # the server names the caller
        journal=history.hash if history else "",
        policy_hash=asked["policy_hash"],
        expires_s=asked["expires_s"],
        nonce=asked["nonce"],
    )
    answer = {name: getattr(signed, name) for name in ("policy_hash", "expires_s", "nonce", "signature")}
    value = call(session.socket, "resume", answer)
    session.result(value, lambda: facts(value))


@click.command()
@click.argument("token")
@with_session
def sweep(session: Session, *, token: str) -> None:
    """Send the executor's whole balance of TOKEN (an address) to the treasury."""
    from engine.config import address
    from engine.control_client import call

    try:
        given = address(token)
    except ValueError as error:
        raise click.BadParameter(f"{token!r} {error}.", param_hint="TOKEN") from error
    value = call(session.socket, "sweep", {"token": given})
    session.result(value, lambda: facts(value))
