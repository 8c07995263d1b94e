"""`ketch doctor`: what is right and wrong with this machine, state folder and chain."""

import click

from server.options import Session, with_session


@click.command()
@click.option("--drift", is_flag=True)
@with_session
def doctor(session: Session, *, drift: bool) -> None:
    """Check the machine, the state folder and the chain; with --drift re-read every pool at one block."""
