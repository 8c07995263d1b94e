"""`ketch workspace`: the roots' files, the settings explained, proposals applied and taken back, documents checked."""

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.domain.printable import printable
from server.failures import Failed
from server.options import Session, with_session
from server.show import facts, table

if TYPE_CHECKING:
    from engine.workspace.roots import Roots

ABOUT_ONE = ("apply", "file")
WHATS = ("settings", "files", "file", "keep", "check", "proposals", "apply", "rollback")


@click.command()
@click.argument("what", type=click.Choice(WHATS))
@click.argument("name", required=False)
@click.option("--since", metavar="COMMIT", help="For files: those that changed since a commit, or since `keep`: kept.")
@click.option("--yes", is_flag=True, help="For apply and rollback: do not ask whether to go on.")
@with_session
def workspace(session: Session, *, what: str, name: str | None, since: str | None, yes: bool) -> None:
    """Explain the settings, list files by importance, apply a proposal or take it back, check documents."""
    if (what in ABOUT_ONE) != (name is not None) and what != "settings":
        raise click.UsageError(f"{what} takes {'a name' if what in ABOUT_ONE else 'no name'}")
    answer, text = _RUN[what](session, name or "", since, yes)
    session.result(answer, lambda: text(answer))
    if what == "check" and answer["findings"]:
        raise Failed(f"{len(answer['findings'])} names in documents lead nowhere")


Ran = tuple[dict[str, Any], Callable[[dict[str, Any]], str]]


def _settings(session: Session, name: str, _since: str | None, _yes: bool) -> Ran:
    from engine.control_client import call

    return call(session.socket, "workspace_settings", {"about": name}), _settings_text


def _settings_text(value: dict[str, Any]) -> str:
    head = ("setting", "value", "from", "default", "meaning")
    rows = [[row[key] for key in ("setting", "value", "source", "default", "meaning")] for row in value["settings"]]
    return table(head, rows)


def _files(session: Session, _name: str, since: str | None, _yes: bool) -> Ran:
    params = {"contains": "", "changed_since": since, "first": 0, "limit": 50}
    return _asked(session, "files", params), _files_text


def _files_text(value: dict[str, Any]) -> str:
    keys = ("importance_ppm", "dependents_count", "bytes", "file")
    rows = [[*(row[key] for key in keys), printable(row["untrusted"]["text"])] for row in value["files"]]
    return table(("importance", "used by", "bytes", "file", "what it says"), rows)


def _file(session: Session, name: str, _since: str | None, _yes: bool) -> Ran:
    return _asked(session, "file", {"name": name, "steps": 1}), facts


def _asked(session: Session, question: str, params: dict[str, Any]) -> dict[str, Any]:
    """Ask a process of its own; no engine need run."""
    from functools import partial

    import anyio

    from engine.workspace.asking import asked

    return anyio.run(partial(asked, _roots(session), question, **params))


def _keep(session: Session, _name: str, _since: str | None, _yes: bool) -> Ran:
    from engine.workspace.changes import keep
    from engine.workspace.index import indexed

    return {"kept": keep(indexed(_roots(session)), session.state)}, facts


def _check(session: Session, _name: str, _since: str | None, _yes: bool) -> Ran:
    from engine.workspace.documents import stale

    found = stale(_roots(session, project=True), known())
    return {"findings": [asdict(finding) for finding in found]}, _check_text


def _check_text(value: dict[str, Any]) -> str:
    rows = [
        (f"{row['document']}:{row['line']}", printable(row["names"]), row["why"], row["nearest"])
        for row in value["findings"]
    ]
    return table(("where", "names", "why", "nearest"), rows) if rows else "every name leads somewhere"


def known() -> Any:
    """Name the commands with their options, and the tools, for the check of documents."""
    from engine.methods import METHODS
    from engine.workspace.documents import Known
    from resources.prompts import PROMPTS
    from server.cli import cli
    from tools.table import TOOLSETS

    commands = {
        name: {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        for name, command in cli.commands.items()
    }
    tools = [spec.name for specs in TOOLSETS.values() for spec in specs]
    return Known(commands=commands, tools=tools, others=[*METHODS, *(prompt.name for prompt in PROMPTS)])


def _proposals(session: Session, _name: str, _since: str | None, _yes: bool) -> Ran:
    from engine.control_client import call

    return call(session.socket, "workspace_proposals", {"limit": 50}), _proposals_text


def _proposals_text(value: dict[str, Any]) -> str:
    rows = [
        (
            row["proposal"],
            "applied" if row["applied"] else "",
            row["principal"],
            "; ".join(row["changes"]),
            printable(row["untrusted"]["text"]),
        )
        for row in value["proposals"]
    ]
    return table(("proposal", "", "by", "changes", "why"), rows)


def _apply(session: Session, name: str, _since: str | None, yes: bool) -> Ran:
    from engine.control_client import call

    shown = call(session.socket, "workspace_proposal", {"proposal": name})
    _confirmed([*shown["diff"], *shown["effects"]], yes)
    return call(session.socket, "workspace_apply", {"proposal": name}), facts


def _rollback(session: Session, _name: str, _since: str | None, yes: bool) -> Ran:
    from engine.control_client import call

    _confirmed(["the settings that were applied last say again what they said before"], yes)
    return call(session.socket, "workspace_rollback"), facts


def _confirmed(lines: list[str], yes: bool) -> None:
    """Show what would be done, and ask at the terminal."""
    for line in lines:
        click.echo(f"  {line}", err=True)
    if not yes:
        click.confirm("write this into ketch.toml?", abort=True, err=True)


def _roots(session: Session, *, project: bool = False) -> "Roots":
    """Name the roots as ketch.toml and the environment do; `project`: the whole project where they name none."""
    from engine.config import FILE_NAME, Settings
    from engine.config_sources import from_environment, from_file, lay
    from engine.workspace.roots import DOCS_ROOT, declared

    tree: dict[str, Any] = {}
    for source in (from_file(session.state / FILE_NAME, Settings), from_environment(os.environ, Settings)):
        lay(tree, {"workspace": source.values.get("workspace", {})})
    named = Settings.model_fields["workspace"].annotation.model_validate(tree["workspace"]).roots
    roots = declared(named, session.state)
    if project and not named and DOCS_ROOT in roots.folders:
        return declared({"project": str(Path(roots.folders[DOCS_ROOT]).parent)}, session.state)
    return roots


_RUN = {
    "settings": _settings,
    "files": _files,
    "file": _file,
    "keep": _keep,
    "check": _check,
    "proposals": _proposals,
    "apply": _apply,
    "rollback": _rollback,
}
