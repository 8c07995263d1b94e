"""`ketch memory`: what the engine lived through, asked in words; and making it again from the journal."""

from collections.abc import Callable
from typing import Any

import click

from engine.domain.printable import printable
from server.options import Session, with_session
from server.show import facts, table


@click.command()
@click.argument("what", type=click.Choice(["recall", "stats", "rebuild"]))
@click.argument("words", nargs=-1)
@click.option("--by", default="reason", show_default=True, help="stats: what to add up by.")
@click.option("--limit", type=click.IntRange(1, 50), default=5, show_default=True, help="recall: how many to show.")
@with_session
def memory(session: Session, *, what: str, words: tuple[str, ...], by: str, limit: int) -> None:
    """Recall what was like some words and how it ended, add it up, or make the memory again from the journal."""
    from server import at_rest

    if what == "rebuild":
        value = at_rest.rebuilt(session.state, "memory")
        session.result(value, lambda: facts(value))
    elif what == "stats":
        value = _asked(session, "memory_statistics", {"by": by})
        session.result(value, lambda: _groups(value))
    elif words:
        value = _asked(session, "recall_patterns", {"question": " ".join(words), "limit": limit})
        session.result(value, lambda: _recalled(value))
    else:
        raise click.UsageError("ketch memory recall takes the words to recall by.")


def _asked(session: Session, question: str, given: dict[str, Any]) -> dict[str, Any]:
    """Ask the running engine, else the folder, brought up to the journal first."""
    from engine.control_client import NoDaemon, call
    from server import at_rest

    try:
        return call(session.socket, question, given)
    except NoDaemon:
        return at_rest.asked(session.state, question, given)


def _recalled(value: dict[str, Any]) -> str:
    lines = [value["like_this"]["said"], ""]
    lines += [f"{row['id']}  {_of_strangers(row)}" for row in value["found"]]
    if value["insights"]:
        lines += ["", "concluded:"]
        lines += [
            f"{row['id']}  {row['author']}, {row['confidence']} %: {_of_strangers(row)}" for row in value["insights"]
        ]
    return "\n".join(lines)


def _of_strangers(row: dict[str, Any]) -> str:
    return printable(row["untrusted"]["text"], instead="?")


def _groups(value: dict[str, Any]) -> str:
    if value["by"] == "market":
        names = ("from_block", "regime", "seen", "missed", "spread_bps", "base_fee_wei", "volatility_bps")
        return table(names, [tuple(row[name] for name in names) for row in value["rows"]])
    cell: Callable[[Any], Any] = lambda found: "" if found is None else found  # noqa: E731
    rows = [
        (
            row["untrusted"]["name"],
            row["patterns"],
            row["filled"],
            cell(row["median_bps"]),
            row["net_wei"],
            row["gas_wei"],
        )
        for row in value["rows"]
    ]
    return table((value["by"], "patterns", "filled", "median bps", "net wei", "gas wei"), rows)
