"""`ketch access`: named bearer tokens of the HTTP door, each a principal and a role of its own."""

from typing import Any

import click

from server.options import Session, with_session
from server.show import facts


@click.command()
@click.argument("name", default="")
@click.option(
    "--role",
    type=click.Choice(["observer", "trader"]),
    default="observer",
    show_default=True,
    help="The most that its holder may do.",
)
@click.option("--revoke", is_flag=True, help="Take the token back.")
@with_session
def access(session: Session, *, name: str, role: Any, revoke: bool) -> None:
    """Make a named token for an agent over HTTP and show it once; without a name, list those given."""
    from server.mcp import tokens

    if not name:
        rows = [{"name": known, "role": held} for known, (held, _) in tokens.read(session.state).digests.items()]
        value: dict[str, Any] = {"tokens": rows}
    elif revoke:
        tokens.revoke(session.state, name)
        value = {"revoked": name}
    else:
        value = {"name": name, "role": role, "token": tokens.add(session.state, name, role)}
    session.result(value, lambda: facts(value))
