"""`ketch knowledge`: what agents wrote, in and out of the reference memory server's file; the graph made again."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click

from server.options import Session, with_session
from server.show import facts

Ask = Callable[..., dict[str, Any]]
ANSWER_S = 60.0


@click.command()
@click.argument("what", type=click.Choice(["import", "export", "rebuild"]))
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@with_session
def knowledge(session: Session, *, what: str, file: Path | None) -> None:
    """Add the reference memory server's JSONL file to the engine's graph, write what agents wrote into one, or make
    the whole graph again from the journal."""
    from server.at_rest import rebuilt

    if (what == "rebuild") is not (file is None):
        raise click.UsageError("ketch knowledge import and export take a FILE, rebuild takes none.")
    if file is None:
        value = rebuilt(session.state, "knowledge")
    else:
        value = _imported(session, file) if what == "import" else _exported(session, file)
    session.result(value, lambda: facts(value))


def _imported(session: Session, file: Path) -> dict[str, Any]:
    """Add a file's entities, observations and relations to the running engine's graph; torn lines are reported."""
    from engine.control_client import call
    from engine.knowledge import jsonl

    try:
        lines = jsonl.read(file.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read ({error.strerror})") from error
    ask = partial(call, session.socket, timeout_s=ANSWER_S)
    added = {"entities": 0, "observations": 0, "relations": 0}
    for part in jsonl.parts(lines.entities):
        answer = ask("create_entities", {"entities": part})
        added["entities"] += len(answer["entities"])
        if answer["skipped"]:
            added["observations"] += _merge(ask, part, answer)
    for part in jsonl.parts(lines.relations):
        added["relations"] += len(ask("create_relations", {"relations": part})["relations"])
    return {
        "read": {"entities": len(lines.entities), "relations": len(lines.relations)},
        "added": added,
        "faults": [{"line": number, "why": why} for number, why in lines.faults],
    }


def _exported(session: Session, file: Path) -> dict[str, Any]:
    """Write the graph that agents wrote into a file, whether or not the engine runs."""
    from engine.control_client import NoDaemon, call
    from engine.knowledge import jsonl
    from server.at_rest import asked

    try:
        pages = list(_pages(partial(call, session.socket, timeout_s=ANSWER_S)))
    except NoDaemon:
        pages = list(_pages(partial(asked, session.state)))
    entities = [row for page in pages for row in page["entities"]]
    relations = [row for page in pages for row in page["relations"]]
    draft = file.with_name(f".{file.name}.new")
    draft.write_text(jsonl.write(entities, relations), encoding="utf-8")
    draft.replace(file)
    return {"file": str(file), "entities": len(entities), "relations": len(relations)}


def _merge(ask: Ask, part: list[dict[str, Any]], answer: dict[str, Any]) -> int:
    """Add what entities that exist already do not say yet."""
    skipped = set(answer["skipped"])
    more = [{"entityName": row["name"], "contents": row["observations"]} for row in part if row["name"] in skipped]
    results = ask("add_observations", {"observations": more})["results"]
    return sum(len(result["addedObservations"]) for result in results)


def _pages(ask: Ask) -> Iterator[dict[str, Any]]:
    cursor: dict[str, Any] = {}
    while True:
        page = ask("read_graph", cursor)
        yield page
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}
