"""`ketch mcp`: the MCP server on standard input and output, attached to the engine of a state folder."""

import click

from server.options import Session, with_session


@click.command()
@click.option("--toolsets", default="", metavar="A,B", help='Serve these toolsets only; "all" serves every one.')
@with_session
def mcp(session: Session, *, toolsets: str) -> None:
    """Serve agents on standard input and output; an engine is started when none runs and the folder is set up."""
    import anyio

    from server.mcp.stdio import serve

    named = [name.strip() for name in toolsets.split(",") if name.strip()]
    anyio.run(serve, session.state, named)
