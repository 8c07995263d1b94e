"""README, CHANGELOG and the documents say what is true of this tree: commands, figures' names, modules, links."""

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from engine.workspace.documents import stale_in
from server.cli import cli
from server.commands.workspace import known
from tests.docs.sources import ROOT, name, text, tracked, tree

README = ROOT / "README.md"
ARCHITECTURE = ROOT / "docs" / "ARCHITECTURE.md"
DOCUMENTS = [path for path in tracked() if path.suffix == ".md"]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")

document = pytest.mark.parametrize("path", DOCUMENTS, ids=name)


def fenced(path: Path, *languages: str) -> Iterator[str]:
    """List the code blocks in one of these languages."""
    for language, code in FENCED.findall(text(path)):
        if language in languages:
            yield code


def typed(path: Path) -> Iterator[list[str]]:
    """List the command lines of a document that run `make` or `ketch`, in words."""
    for code in fenced(path, "sh", "bash", "console"):
        for line in code.replace("\\\n", " ").splitlines():
            words = [word for word in shlex.split(line.removeprefix("$ "), comments=True) if word != "&"]
            while words and re.fullmatch(r"\w+=.*", words[0]):
                words.pop(0)
            if words and Path(words[0]).name in {"make", "ketch"}:
                yield [Path(words[0]).name, *words[1:]]


def targets() -> set[str]:
    """List what the Makefile can make."""
    return set(re.findall(r"^([a-z]+):", text(ROOT / "Makefile"), re.MULTILINE))


def check(words: list[str]) -> None:
    """Take a command line apart as `make` and `ketch` do; raises for what they would refuse."""
    program, *rest = words
    if program == "ketch":
        command = cli.commands[rest[0]]
        command.make_context(rest[0], list(rest[1:]))
        return
    wanted = [word for word in rest if "=" not in word and not word.startswith("-")]
    assert set(wanted) <= targets()
    for word in rest:
        if word.startswith("ARGS=") and "demo" in wanted:
            cli.commands["demo"].make_context("demo", shlex.split(word.removeprefix("ARGS=")))


def test_the_readme_has_commands_to_type() -> None:
    assert ["make", "test"] in list(typed(README))
    assert any(words[:2] == ["make", "demo"] for words in typed(README))


@document
def test_every_command_to_type_is_understood(path: Path) -> None:
    for words in typed(path):
        check(words)


@document
def test_every_target_named_in_passing_exists(path: Path) -> None:
    for code in INLINE.findall(FENCED.sub("", text(path))):
        words = code.split()
        assert words[0] != "make" or len(words) == 1 or words[1] in targets(), code


@document
def test_every_setting_command_tool_file_and_link_that_is_named_is_there(path: Path) -> None:
    files = [name(file) for file in tracked()]
    everything = {*files, *(parent.as_posix() for file in map(Path, files) for parent in file.parents)}
    assert list(stale_in(name(path), text(path), {f"./{one}" for one in everything} | everything, known())) == []


@pytest.mark.parametrize("wrong", ["ketch demo --fills 3", "ketch demmo", "make demmo", "make demo ARGS=--fills"])
def test_a_wrong_command_is_seen(wrong: str) -> None:
    with pytest.raises((AssertionError, KeyError, click.UsageError)):
        check(wrong.split())


def summary_keys() -> set[str]:
    """List what a run's summary holds, from the code that makes it, and the verdict that the demo adds."""
    (made,) = (n for n in ast.walk(tree(ROOT / "engine/summary.py")) if getattr(n, "name", "") == "summary")
    tables = [
        statement.value
        for statement in ast.walk(made)
        if isinstance(statement, ast.AnnAssign | ast.AugAssign) and isinstance(statement.value, ast.Dict)
    ]
    return {key.value for table in tables for key in table.keys if isinstance(key, ast.Constant)} | {"verify"}


def test_the_excerpt_of_the_readme_names_what_a_summary_holds() -> None:
    shown = {key.removesuffix("_wei") for key in summary_keys()}
    excerpts = [set(re.findall(r"^([a-z_]+) {2,}\S", code, re.MULTILINE)) for code in fenced(README, "", "text")]
    told = [excerpt for excerpt in excerpts if "filled" in excerpt]
    objects = [set(json.loads(code)) for code in fenced(README, "json")]
    assert told or objects
    assert all(excerpt == shown for excerpt in told)
    assert all(excerpt <= summary_keys() for excerpt in objects)


def test_the_architecture_names_every_room() -> None:
    rooms = sorted(file.parent.name for file in (ROOT / "engine").glob("*/__init__.py"))
    assert len(rooms) > 8
    assert [room for room in rooms if f"`engine/{room}/`" not in text(ARCHITECTURE)] == []
    assert [room for room in ("server", "tools", "resources") if f"`{room}/`" not in text(ARCHITECTURE)] == []


def test_the_changelog_tells_of_this_version() -> None:
    version = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]["version"]
    entries = re.split(r"^## ", text(ROOT / "CHANGELOG.md"), flags=re.MULTILINE)[1:]
    assert any(version in entry.splitlines()[0] and len(entry.splitlines()) > 2 for entry in entries)
