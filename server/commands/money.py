"""Commands that change what the engine may do with money: halt, resume, sweep."""

from pathlib import Path

import click

from server.options import Session, with_session
from server.show import facts


@click.command()
@click.option("--reducing", is_flag=True, help="Only stop risking own capital.")
@click.option("--reason", default="asked at the command line", show_default=True, help="Written into the journal.")
@with_session
def halt(session: Session, *, reducing: bool, reason: str) -> None:
    """Stop signing trades. Needs no secret; only `ketch resume` undoes it."""
    from engine.control_client import call

    value = call(session.socket, "halt", {"reason": reason, "reducing": reducing})
    session.result(value, lambda: facts(value))


@click.command()
@click.option(
    "--secret-file", type=click.Path(path_type=Path), help="Read the operator's secret from a file's first line."
)
@with_session
def resume(session: Session, *, secret_file: Path | None) -> None:
    """Trade again: the operator's secret signs the policy in force; only the signature leaves this process."""
    from engine.control_client import call
    from server.secret import read_secret

    challenge = call(session.socket, "resume_challenge")
    secret = read_secret("Operator's secret", secret_file)
    raise NotImplementedError(challenge, secret)


@click.command()
@click.argument("token")
@with_session
def sweep(session: Session, *, token: str) -> None:
    """Send the executor's whole balance of TOKEN (an address) to the treasury."""
    from engine.control_client import call

    value = call(session.socket, "sweep", {"token": token})
    session.result(value, lambda: facts(value))
