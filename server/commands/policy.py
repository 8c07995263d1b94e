"""`ketch policy`: the limits in force, what the settings would change, and the two ways to change them."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from server.options import Session, with_session
from server.show import facts


@click.command()
@click.argument("what", type=click.Choice(["show", "diff", "reload", "apply"]))
@click.option("--secret-file", type=click.Path(path_type=Path), help="Read the secret from a file's first line.")
@with_session
def policy(session: Session, *, what: str, secret_file: Path | None) -> None:
    """Show the limits in force, say what ketch.toml would change, take what tightens, or sign what loosens."""
    from engine.control_client import call

    match what:
        case "show":
            value = _read(session, "policy")
        case "diff":
            value = _read(session, "policy_diff")
        case "reload":
            value = call(session.socket, "policy_reload")
        case _:
            value = _applied(session, secret_file)
    session.result(value, lambda: facts(value))


def _read(session: Session, method: str) -> dict[str, Any]:
    """Ask the engine; when none runs, read the journal, and the settings as this process sees them."""
    from engine.control_client import NoDaemon, call

    try:
        return call(session.socket, method)
    except NoDaemon:
        from engine.app import offline_policy, offline_policy_diff
        from engine.config import MANIFEST_NAME, load

        if method == "policy":
            return offline_policy(session.state)
        profile = "devnet" if (session.state / MANIFEST_NAME).exists() else None
        settings = load(session.state, environ=os.environ, given={"profile": profile})
        return offline_policy_diff(session.state, settings)


def _applied(session: Session, secret_file: Path | None) -> dict[str, Any]:
    """Take what tightens, show the rest in our own words, sign exactly that here, and send only the signature."""
    from engine.control_client import call

    reloaded = call(session.socket, "policy_reload")
    if not reloaded["waiting"]:
        return reloaded
    asked = call(session.socket, "policy_challenge")
    from engine.journal.journal import JOURNAL_FILE, Journal
    from engine.risk.in_force import in_words
    from engine.risk.loosening import changes
    from engine.risk.terms import Terms
    from engine.risk.versions import sign_policy, version_in_force
    from server.secret import read_secret

    wanted = Terms.model_validate(asked["wanted"])
    with Journal.read(session.state / JOURNAL_FILE) as journal:
        held, history = version_in_force(journal), next(journal.entries(limit=1)).hash
    until = datetime.fromtimestamp(asked["expires_s"], UTC).strftime("%H:%M:%S UTC")
    click.echo(f"to be signed, until {until}:", err=True)
    for change in changes(held.terms, wanted):
        click.echo(f"  {in_words(change)}", err=True)
    signed = sign_policy(
        session.state,
        read_secret("the operator's secret", secret_file),
        held,
        wanted,
        principal="",  # the server names the caller
        journal=history,
        expires_s=asked["expires_s"],
        nonce=asked["nonce"],
    )
    given = {name: getattr(signed, name) for name in ("previous", "hash", "expires_s", "nonce", "signature")}
    return call(session.socket, "policy_apply", given)
