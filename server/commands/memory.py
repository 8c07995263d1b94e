"""`ketch memory`: what the engine lived through, asked in words; and making it again from the journal."""

import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import click

from server.failures import Failed
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
    if what == "rebuild":
        value = _rebuilt(session)
        session.result(value, lambda: facts(value))
    elif what == "stats":
        value = _asked(session, "memory_statistics", "statistics", {"by": by})
        session.result(value, lambda: _groups(value))
    elif words:
        given = {"question": " ".join(words), "limit": limit}
        value = _asked(session, "recall_patterns", "recall", given)
        session.result(value, lambda: _recalled(value))
    else:
        raise click.UsageError("ketch memory recall takes the words to recall by.")


def _asked(session: Session, method: str, question: str, given: dict[str, Any]) -> dict[str, Any]:
    """Ask the running engine, else the folder, brought up to the journal first."""
    from engine.control_client import NoDaemon, call

    try:
        return call(session.socket, method, given)
    except NoDaemon:
        with _opened(session) as (store, shelf):
            row = shelf.questions[question]
            return row.answer(store, row.params.model_validate(given))


def _rebuilt(session: Session) -> dict[str, Any]:
    """Delete the folder and read the journal from its beginning."""
    with _opened(session, anew=True) as (store, _):
        cursor = store.cursor()
        return {"patterns": len(store.columns), "insights": len(store.insights.known), "journal_seq": cursor.seq}


@contextmanager
def _opened(session: Session, *, anew: bool = False) -> Generator[tuple[Any, Any]]:
    """Hold the archive's folder, as its process would, and bring the memory up to the journal."""
    from engine.archive.__main__ import ARCHIVE_FOLDER_NAME
    from engine.archive.projecting import Projected
    from engine.config import MANIFEST_NAME, load
    from engine.journal.journal import JOURNAL_FILE
    from engine.journal.lock import hold_state
    from engine.memory.answers import SHELF

    if not (session.state / JOURNAL_FILE).is_file():
        raise Failed(f"there is no journal in {session.state}: run ketch up, or give its folder with --state")
    archive = session.state / ARCHIVE_FOLDER_NAME
    archive.mkdir(mode=0o700, exist_ok=True)
    profile = "devnet" if (session.state / MANIFEST_NAME).exists() else None
    terms = load(session.state, environ=os.environ, given={"profile": profile}).archive
    with hold_state(archive, who="archive"):
        folder = archive / "memory"
        if anew and folder.exists():
            shutil.rmtree(folder)
        projected = Projected("memory", SHELF, folder=folder, journal=session.state / JOURNAL_FILE, terms=terms)
        store = projected.catch_up()
        try:
            yield store, SHELF
        finally:
            store.close()


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
    text = row["untrusted"]["text"]
    return "".join(c if c.isprintable() else "?" for c in text)


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
