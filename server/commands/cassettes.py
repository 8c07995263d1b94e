"""`ketch capture` and `ketch replay`: what an engine took in and decided, kept as a file and gone through again."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from server.failures import Failed
from server.options import Session, with_session
from server.show import facts

if TYPE_CHECKING:
    from engine.config_sources import Source
    from engine.replay.cassette import Cassette

CAPTURE_S = 120.0


@click.command()
@click.option("--blocks", type=click.IntRange(1, 10_000), help="How many; around --trade or --block on either side.")
@click.option("--trade", metavar="ID", help="The blocks around a trade, by its id in ketch trades.")
@click.option("--block", type=click.IntRange(0), help="The blocks around this one.")
@click.option("--out", type=click.Path(path_type=Path), help="Write to this file.  [default: by the blocks' numbers]")
@with_session
def capture(session: Session, *, blocks: int | None, trade: str | None, block: int | None, out: Path | None) -> None:
    """Write what the running engine took in and decided of late into one file, for ketch replay."""
    import base64

    from engine.control_client import call

    around = trade is not None or block is not None
    asked = {"blocks": blocks or (20 if around else 200), "trade": trade, "block": block}
    answer = call(session.socket, "capture", {n: v for n, v in asked.items() if v is not None}, CAPTURE_S)
    data = base64.b64decode(answer.pop("cassette"))
    path = out or Path(f"{answer['from_block']}-{answer['to_block']}.cassette")
    path.write_bytes(data)
    value: dict[str, Any] = {"file": str(path), **answer}
    session.result(value, lambda: facts(value))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--set", "assigned", multiple=True, metavar="NAME=VALUE", help="Play it with another setting beside.")
@click.option("--policy", type=click.Path(path_type=Path, exists=True), help="Play it with a file's settings beside.")
@click.option("--journal", type=click.Path(path_type=Path), help="Keep the replay's journal in this file.")
@with_session
def replay(
    session: Session, *, file: Path, assigned: tuple[str, ...], policy: Path | None, journal: Path | None
) -> None:
    """Play a cassette: what was decided then beside what this code, or another configuration, decides."""
    import anyio

    from engine.replay.cassette import read
    from engine.replay.compared import summary
    from engine.replayed import played
    from server.replay_view import text

    cassette = read(file)
    over = _over(assigned, policy)
    result = anyio.run(lambda: played(cassette, over, keep=journal))
    value = {"file": str(file), **summary(cassette, result.steps, changed=_said(over)), "journal": result.hash}
    session.result(value, lambda: text(value))
    if not over and not value["same"]:
        raise Failed(_first_difference(cassette, value))


def _over(assigned: tuple[str, ...], policy: Path | None) -> "list[Source]":
    from engine.config import Settings
    from engine.config_sources import from_assignments, from_file

    sources = [from_file(policy, Settings)] if policy is not None else []
    return [*sources, *([from_assignments(assigned, Settings, "--set")] if assigned else [])]


def _said(over: "list[Source]") -> dict[str, Any]:
    return {source.label: source.values for source in over}


def _first_difference(cassette: "Cassette", value: dict[str, Any]) -> str:
    first = value["differences"][0]
    return (
        f"this code decides otherwise than ketch {cassette.made_by} did: block {first['block']},"
        f" then {first['then'] or 'nothing'}, now {first['now'] or 'nothing'}"
    )
