"""Documentation that names settings, variables, commands, tools or files that are not there (any more)."""

import difflib
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from engine.config import Settings
from engine.config_sources import NOT_SETTINGS, PREFIX, is_setting, settings_in
from engine.workspace.index import indexed
from engine.workspace.roots import Roots

FENCED: Final = re.compile(r"^```(\w*)\n.*?^```$", re.MULTILINE | re.DOTALL)
INLINE: Final = re.compile(r"`([^`\n]+)`")
LINK: Final = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
MODULE: Final = re.compile(r"[\w/.*-]*\w+\.(?:py|vy|js)\b")
FOLDER: Final = re.compile(r"(?:\w+/)+")
DOTTED: Final = re.compile(r"[a-z_]+(?:\.[a-z_0-9]+)+")
VARIABLE: Final = re.compile(PREFIX + r"[A-Z0-9_]+")
TOOL: Final = re.compile(r"[a-z]+(?:_[a-z]+)+")
TABLES: Final = frozenset(name.split(".")[0] for name in settings_in(Settings) if "." in name)
VARIABLES: Final = (*NOT_SETTINGS, *(PREFIX + name.upper().replace(".", "__") for name in settings_in(Settings)))
SUFFIXES: Final = frozenset({"py", "md", "toml", "json", "js", "vy", "txt", "lock", "sqlite", "seal", "sock", "log"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What there is besides settings and files: commands with their options, and tools, of which some share a word."""

    commands: Mapping[str, Collection[str]]
    tools: Collection[str]
    others: Collection[str] = ()
    """Names that look like tools and are none: methods of the engine, prompts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A document's line that names what is not there, and the nearest thing that is."""

    document: str
    line: int
    names: str
    why: str
    nearest: str = ""


def stale(roots: Roots, known: Known) -> list[Finding]:
    """Read every Markdown file under the roots and list what it names that is not there."""
    index = indexed(roots)
    found: list[Finding] = []
    for name, entry in index.files.items():
        if name.endswith(".md") and entry.data is not None:
            found += stale_in(name, entry.data.decode(errors="replace"), index.names, known)
    return found


def stale_in(document: str, text: str, files: Collection[str], known: Known) -> Iterator[Finding]:
    """List what one document names that is not there; code blocks are left out, links and `code` looked at."""
    prose = FENCED.sub(lambda block: "\n" * block[0].count("\n"), text)
    for number, line in enumerate(prose.splitlines(), 1):
        for target in LINK.findall(line):
            if "://" not in target and not _there(posixpath.join(posixpath.dirname(document), target), files):
                yield Finding(document=document, line=number, names=target, why="the link leads nowhere")
        for code in [*INLINE.findall(line), *LINK.findall(line)]:
            for wrong, why, choices in _wrong(code, files, known):
                near = difflib.get_close_matches(wrong, list(choices), n=1, cutoff=0.6)
                yield Finding(document=document, line=number, names=wrong, why=why, nearest="".join(near))


def _wrong(code: str, files: Collection[str], known: Known) -> Iterator[tuple[str, str, Collection[str]]]:
    """List what a piece of code names wrongly, why, and what it could have meant."""
    for module in MODULE.findall(code):
        pattern = re.compile(r"(?:.*/)?" + re.escape(module.lstrip("./")).replace(r"\*", r"\w*"))
        if not any(map(pattern.fullmatch, files)):
            yield module, "there is no such file", files
    if FOLDER.fullmatch(code) and not any(name.endswith(f"/{code[:-1]}") for name in files):
        yield code, "there is no such folder", files
    words = code.split()
    if words[:1] == ["ketch"] and len(words) > 1 and not words[1].startswith("-"):
        yield from _command(words[1:], known)
    dotted = DOTTED.fullmatch(code) and code.split(".")[0] in TABLES and code.rpartition(".")[2] not in SUFFIXES
    if dotted and not is_setting(Settings, code):
        yield code, "there is no such setting", list(settings_in(Settings))
    variable = code.removeprefix(PREFIX).lower().replace("__", ".")
    if VARIABLE.fullmatch(code) and code not in NOT_SETTINGS and not is_setting(Settings, variable):
        yield code, "there is no such variable", VARIABLES
    if TOOL.fullmatch(code) and code not in known.tools and code not in known.others and _shares_a_word(code, known):
        yield code, "there is no such tool", known.tools


def _command(words: list[str], known: Known) -> Iterator[tuple[str, str, Collection[str]]]:
    if words[0] not in known.commands:
        yield f"ketch {words[0]}", "there is no such command", [f"ketch {name}" for name in known.commands]
        return
    options = known.commands[words[0]]
    for word in words[1:]:
        if word.startswith("--") and word.split("=")[0] not in options:
            yield word, f"ketch {words[0]} has no such option", options


def _shares_a_word(code: str, known: Known) -> bool:
    """Whether a name begins as the tools of a toolset do: two of them at least begin so."""
    first = code.split("_")[0]
    return sum(tool.startswith(f"{first}_") for tool in known.tools) > 1


def _there(path: str, files: Collection[str]) -> bool:
    plain = posixpath.normpath(path)
    return plain in files or "/" not in plain
