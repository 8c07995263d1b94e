"""The operator's word on agents' trades that wait: list, approve by signature, deny."""

from pathlib import Path

import click

from server.options import Session, with_session
from server.show import facts


@click.command()
@with_session
def approvals(session: Session) -> None:
    """List the agents' trades that wait for the operator."""
    from engine.control_client import call

    value = call(session.socket, "approvals")
    session.result(value, lambda: facts(value))


@click.command()
@click.argument("approval")
@click.option("--secret-file", type=click.Path(path_type=Path), help="Read the secret from a file's first line.")
@with_session
def approve(session: Session, *, approval: str, secret_file: Path | None) -> None:
    """Let one waiting trade through: shows what will be done, then the operator's secret signs exactly that."""
    from engine.control_client import call

    asked = call(session.socket, "approve_challenge", {"approval": approval})
    from engine.domain.decision import Waiting
    from engine.journal.canonical import decode
    from engine.risk.approval import in_words, sign_approval
    from server.secret import read_secret

    waiting = decode(Waiting, asked["waiting"])
    click.echo(f"to be signed: {in_words(waiting.request)}", err=True)  # our own words for what our signature covers
    signed = sign_approval(
        session.state,
        read_secret("the operator's secret", secret_file),
        waiting,
        principal="",  # the server names the caller
        journal=asked["journal"],
        expires_s=asked["expires_s"],
        nonce=asked["nonce"],
    )
    answer = {name: getattr(signed, name) for name in ("approval", "expires_s", "nonce", "signature")}
    value = call(session.socket, "approve", answer)
    session.result(value, lambda: facts(value))


@click.command()
@click.argument("approval")
@click.option("--reason", default="denied at the command line", show_default=True, help="Written into the journal.")
@with_session
def deny(session: Session, *, approval: str, reason: str) -> None:
    """Turn one waiting trade down. Needs no secret."""
    from engine.control_client import call

    value = call(session.socket, "deny", {"approval": approval, "reason": reason})
    session.result(value, lambda: facts(value))
