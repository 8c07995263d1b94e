"""`ketch devnet`: a local chain with real protocol bytecode, its traders and rivals."""

import click

from server.options import Session, with_session


@click.command()
@with_session
def devnet(session: Session) -> None:
    """Run a local chain in STATE until Ctrl-C; `ketch up --profile devnet` trades on it."""
