"""What people read about commands, settings, events, reverts and gas is what there is."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from benchmarks.gas_table import as_markdown, gas_table
from engine.chains.executor_reverts import REASONS
from engine.config import Settings
from engine.config_paper import PAPER_LIMITS
from engine.config_sources import LOCAL_LIMITS, NOT_SETTINGS, PREFIX
from engine.workspace.meanings import MEANINGS
from server.cli import cli
from tests.docs.sources import ROOT, dotted, shipped, strings, text, tree

OPERATIONS = ROOT / "docs" / "operations.md"
CONFIGURATION = ROOT / "docs" / "configuration.md"
EXECUTOR = ROOT / "docs" / "executor.md"
OF_EVERY_COMMAND = {"--state", "--json", "--help"}
STATE_FILE = re.compile(r"(_FILE|_NAME|CRASH_LOG|\bFILE)$")
MADE_FROM_ANOTHER_NAME = {"journal.seal", "hot-key-ADDRESS.json"}
OPTION = re.compile(r"--[a-z][a-z-]+")


def rows(document: Path, under: str) -> Iterator[list[str]]:
    """Read the first table after a heading, cells without their backticks, the head left out."""
    after = f"\n{text(document)}".split(f"\n{under}\n", 1)
    assert len(after) == 2, f"{document.name} has no heading {under!r}"
    table = re.search(r"(?:^\|.*\n)+", after[1], re.MULTILINE)
    assert table is not None
    for line in table[0].splitlines()[2:]:
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def plain(cell: str) -> str:
    """Take the backticks away."""
    return cell.strip("`")


def sections(document: Path) -> dict[str, str]:
    """Split a document at its third-level headings: {"ketch up": "…"}."""
    parts = re.split(r"^#{2,3} (.*)$", text(document), flags=re.MULTILINE)
    return {plain(title): body for title, body in zip(parts[1::2], parts[2::2], strict=True)}


def commands() -> dict[str, click.Command]:
    """Name every command as people type it."""
    return {f"ketch {command}": cli.commands[command] for command in cli.commands}


def options(command: click.Command) -> set[str]:
    """List a command's own long options."""
    given = {name for p in command.params if isinstance(p, click.Option) for name in (*p.opts, *p.secondary_opts)}
    return {name for name in given if name.startswith("--")} - OF_EVERY_COMMAND


def test_every_command_is_described_and_no_other() -> None:
    described = {" ".join(title.split()[:2]) for title in sections(OPERATIONS) if title.startswith("ketch ")}
    assert described == set(commands())


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_option_is_described_and_no_other(name: str) -> None:
    (said,) = (body for title, body in sections(OPERATIONS).items() if title.split()[:2] == name.split())
    lists = [line.split(": ")[0] for line in said.splitlines() if line.startswith("- ")]
    own = {option for line in lists for option in OPTION.findall(line)}
    own |= set(OPTION.findall(said)) & options(commands()[name])
    assert own == options(commands()[name])


def test_every_command_takes_what_is_said_of_all() -> None:
    every = {name for command in commands().values() for name in ("--state", "--json") if not has(command, name)}
    assert every == set()
    assert set(OPTION.findall(sections(OPERATIONS)["Every command takes"])) == {*OF_EVERY_COMMAND, "--version"}


def has(command: click.Command, option: str) -> bool:
    return any(option in parameter.opts for parameter in command.params)


@pytest.mark.parametrize("name", sorted(commands()))
def test_defaults_are_those_described(name: str) -> None:
    (said,) = (body for title, body in sections(OPERATIONS).items() if title.split()[:2] == name.split())
    for option, default in re.findall(r"`(--[a-z-]+) [A-Z]+`[^-]*?[Dd]efault `?([\w.]+?)`?\.", said):
        (parameter,) = (p for p in commands()[name].params if option in p.opts)
        assert str(parameter.default) == default, option


def test_every_exit_code_is_described() -> None:
    returned = {
        node.value
        for path in shipped(".py", under=("server",))
        if path.name == "cli.py"
        for statement in ast.walk(tree(path))
        if isinstance(statement, ast.Return)
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool)
    }
    described = {int(row[0]) for row in rows(OPERATIONS, "# Operations: every command")}
    assert described == returned | {click.ClickException.exit_code, click.UsageError.exit_code}


def test_every_event_is_described_and_no_other() -> None:
    assert {plain(row[0]) for row in rows(OPERATIONS, "## Events")} == published()


def test_the_views_wait_for_no_event_that_nobody_publishes() -> None:
    waited: set[str] = set()
    for path in shipped(".py", under=("server",)):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Match) and '"event"' in ast.unparse(node.subject).replace("'", '"'):
                waited |= {said for case in node.cases for said in strings(case.pattern)}
            elif isinstance(node, ast.Compare) and '"event"' in ast.unparse(node.left).replace("'", '"'):
                waited |= {said for comparator in node.comparators for said in strings(comparator)}
    assert {"block", "trade", "started"} <= waited
    assert waited - published() - {"event"} == set()


def published() -> set[str]:
    """List the names of the events that the engine publishes: `{"event": "…", …}`."""
    return {
        value.value
        for path in shipped(".py", under=("engine",))
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "event" and isinstance(value, ast.Constant)
    }


def test_every_file_of_the_state_folder_is_described() -> None:
    described = {name for row in rows(OPERATIONS, "## The state folder") for name in re.findall(r"`([^`]+)`", row[0])}
    assert described == state_files()


def state_files() -> set[str]:
    """List what the code puts into the state folder: the constants that name a file, and what is joined to `state`."""
    found: set[str] = set()
    for path in shipped(".py", under=("engine", "server")):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Assign) and STATE_FILE.search(dotted(node.targets[0])):
                found.update(strings(node.value))
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and "state" in ast.unparse(node.left):
                found.update(strings(node.right))
    return found | MADE_FROM_ANOTHER_NAME


def settings(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, object]]:
    """List every setting by its dotted name with its default."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings(field.annotation, f"{prefix}{name}.")
        else:
            factory = field.default_factory
            yield prefix + name, factory() if factory else field.default  # pyright: ignore


def described_settings() -> dict[str, list[str]]:
    """Read the tables of settings: name -> meaning, default, unit, variable."""
    sections = (
        "The engine",
        "Scanning",
        "Feed",
        "Misses",
        "Limits",
        "Agents",
        "Wallet",
        "Submission",
        "Tokens",
        "Archive",
        "Paper",
        "Pools in use",
        "Recording",
        "Workspace",
    )
    tables = [f"## {section}" for section in sections]
    return {plain(row[0]): row[1:] for table in tables for row in rows(CONFIGURATION, table)}


def test_every_setting_is_described_and_no_other() -> None:
    assert list(described_settings()) == [name for name, _ in settings(Settings)]
    assert [name for name, (meaning, *_) in described_settings().items() if len(meaning) < 10] == []


@pytest.mark.parametrize(("name", "default"), list(settings(Settings)), ids=lambda value: str(value)[:30])
def test_the_default_of_a_setting_is_the_one_described(name: str, default: object) -> None:
    said = described_settings()[name][1]
    if default is None or default is PydanticUndefined:
        assert said.startswith("none"), said
    elif name in {"ws", "deployments", "wallet.endpoints", "workspace.roots"}:
        assert not default, "follows from other settings"
        assert "`" not in said or "rpc" in said
    else:
        value = tomllib.loads(f"value = {plain(said)}")["value"]
        assert (tuple(value) if isinstance(value, list) else value) == default


def test_a_setting_is_explained_to_agents_in_the_documents_own_words() -> None:
    assert {name: meaning for name, (meaning, *_) in described_settings().items()} == MEANINGS, "engine/workspace"


def test_what_a_local_chain_sets_is_described() -> None:
    described = {plain(row[0]): int(plain(row[1])) for row in rows(CONFIGURATION, "## What a local chain sets")}
    assert described == {f"risk.{name}": int(value) for name, value in LOCAL_LIMITS.items()}


def test_what_profile_paper_sets_is_described() -> None:
    described = {plain(row[0]): int(plain(row[1])) for row in rows(CONFIGURATION, "## What profile paper sets")}
    assert described == {f"risk.{name}": int(value) for name, value in PAPER_LIMITS.items()}


def test_the_variable_of_a_setting_is_the_one_described() -> None:
    for name, (*_, variable) in described_settings().items():
        expected = PREFIX + name.upper().replace(".", "__")
        of_tables = {"deployments": "__PROTOCOL__ROLE", "wallet.endpoints": "__CHAIN", "workspace.roots": "__NAME"}
        assert plain(variable) == expected + of_tables.get(name, "")


def test_every_variable_that_is_no_setting_is_described() -> None:
    assert {plain(row[0]) for row in rows(CONFIGURATION, "## Not settings")} == NOT_SETTINGS


def test_every_reason_of_the_contract_is_described_and_no_other() -> None:
    assert {plain(reason): meaning for reason, meaning in rows(EXECUTOR, "## Why a trade reverts")} == REASONS


@pytest.mark.node
def test_the_gas_table_is_what_its_command_prints() -> None:
    assert as_markdown(gas_table()) in text(EXECUTOR)
