"""What there is under the roots: each file's summary and digest, what it leads to, what leads to it, how it counts."""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from engine.workspace.importance import importance
from engine.workspace.links import imports, links, modules_of
from engine.workspace.roots import Roots
from engine.workspace.summaries import Summary, of_markdown, of_python, of_text
from engine.workspace.walk import File, Walk

MAX_LINKS: Final = 200
"""The most that one file may lead to; further ones are left out."""
GIT_SHA1_DIGITS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file: `data` is None where it is longer than what is looked into."""

    name: str
    size: int
    data: bytes | None
    summary: Summary
    leads_to: tuple[str, ...]

    def digest(self) -> str | None:
        """Return the content's SHA-256."""
        return None if self.data is None else hashlib.sha256(self.data).hexdigest()

    def blob(self, length: int) -> str | None:
        """Return git's name of the content, of 40 or 64 hex digits."""
        if self.data is None:
            return None
        content = b"blob %d\0" % len(self.data) + self.data
        if length == GIT_SHA1_DIGITS:
            return hashlib.sha1(content, usedforsecurity=False).hexdigest()
        return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Index:
    """Every file served under the roots at one moment; `left_out` counts what was not, by reason."""

    files: Mapping[str, Entry]
    left_out: Mapping[str, int]
    names: frozenset[str]
    """Everything that is there, served or not."""

    @cached_property
    def importance(self) -> dict[str, float]:
        """How much each file matters to the others; adds up to one."""
        return importance({name: entry.leads_to for name, entry in self.files.items()})

    @cached_property
    def by_importance(self) -> list[str]:
        """Names, the most important first."""
        return sorted(self.files, key=lambda name: (-self.importance[name], name))

    @cached_property
    def dependents(self) -> dict[str, list[str]]:
        """What leads to each file."""
        found: dict[str, list[str]] = {name: [] for name in self.files}
        for name, entry in self.files.items():
            for target in entry.leads_to:
                found[target].append(name)
        return found


def indexed(roots: Roots) -> Index:
    """Read every file under the roots, within the bounds of a walk."""
    walk = Walk(roots)
    files = {file.name: file for file in walk.all()}
    modules = modules_of(files)
    entries = {name: _entry(file, files, modules) for name, file in files.items()}
    return Index(files=entries, left_out=dict(walk.left_out), names=frozenset(walk.names))


def _entry(file: File, files: Mapping[str, File], modules: Mapping[str, Mapping[str, str]]) -> Entry:
    suffix = file.name.rsplit("/", 1)[-1].rpartition(".")[2].lower()
    text = _text(file.data)
    summary, led = Summary(kind="binary" if file.data is not None else "long", says=""), iter(())
    if text is not None:
        summary, led = of_text(text, suffix), iter(())
        if suffix == "md":
            summary, led = of_markdown(text), links(text, file.name, files)
        elif suffix == "py" and (tree := _parsed(text)) is not None:
            summary, led = of_python(tree), imports(tree, file.name, modules)
    return Entry(name=file.name, size=file.size, data=file.data, summary=summary, leads_to=_unlike(led))


def _unlike(names: Iterator[str]) -> tuple[str, ...]:
    return tuple(list(dict.fromkeys(names))[:MAX_LINKS])


def _text(data: bytes | None) -> str | None:
    if data is None or b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _parsed(text: str) -> ast.Module | None:
    """Parse Python; None for what is none, or is nested past what the parser takes."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
