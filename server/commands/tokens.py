"""The tokens that are traded and those that are set aside, with the reason; and checking one again."""

import click

from server.options import Session, with_session
from server.show import facts, table


@click.command()
@click.option("--recheck", metavar="ADDRESS", help="Check this token again now; what is measured decides.")
@with_session
def tokens(session: Session, *, recheck: str | None) -> None:
    """List every token with what its check said, those that are not traded first."""
    from engine.config import address
    from engine.control_client import call

    if recheck is None:
        value = call(session.socket, "tokens")
        rows = [(row["token"], row["standing"], row["block"], row["why"]) for row in value["tokens"]]
        session.result(value, lambda: table(("token", "standing", "block", "why"), rows))
        return
    try:
        given = address(recheck)
    except ValueError as error:
        raise click.BadParameter(f"{recheck!r} {error}.", param_hint="--recheck") from error
    value = call(session.socket, "token_recheck", {"token": given})
    session.result(value, lambda: facts(value))
