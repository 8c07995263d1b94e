"""`ketch init`: a state folder that can trade."""

import os
from functools import partial
from pathlib import Path

import click

from server.commands.daemon import settings_options
from server.options import Session, with_session
from server.show import facts


@click.command()
@settings_options
@click.option(
    "--secret-file", type=click.Path(path_type=Path), help="Read the operator's secret from a file's first line."
)
@with_session
def init(
    session: Session, *, profile: str | None, chain: str | None, rpc: str | None, secret_file: Path | None
) -> None:
    """Make the state folder, the operator's secret and the keystore, and deploy the executor."""
    from engine.config import load
    from server.secret import choose_secret, hot_key_passphrase

    settings = load(session.state, environ=os.environ, given={"profile": profile, "chain": chain, "rpc": rpc})
    secret = choose_secret("the operator's secret", secret_file)
    import anyio

    from engine.app import initialise

    made = anyio.run(
        partial(initialise, settings, state=session.state, secret=secret, key_passphrase=hot_key_passphrase)
    )
    session.result(made, lambda: facts(made))
