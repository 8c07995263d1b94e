"""The repository as these tests read it: tracked files, and the syntax trees of the code that ships."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("engine", "server", "tools", "resources")


@cache
def tracked() -> tuple[Path, ...]:
    """List the files that are committed or about to be; all files that are not ignored, where there is no git."""
    ask = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listed = subprocess.run(ask, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        made = {".venv", ".node", ".stamps", ".git", "__pycache__"}
        found = (path for path in ROOT.rglob("*") if not made & set(path.relative_to(ROOT).parts))
    else:
        found = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return tuple(sorted(path for path in found if path.is_file()))


@cache
def text(path: Path) -> str:
    """Read a file, "" for one that is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def shipped(*suffixes: str, under: tuple[str, ...] = PACKAGES) -> list[Path]:
    """List the tracked files of these packages with one of these suffixes."""
    return [path for path in tracked() if path.relative_to(ROOT).parts[0] in under and path.suffix in suffixes]


@cache
def tree(path: Path) -> ast.Module:
    """Parse a Python file."""
    return ast.parse(text(path), filename=str(path))


def name(path: Path) -> str:
    """Name a file as people do, from the repository's root."""
    return path.relative_to(ROOT).as_posix()


def at(path: Path, node: ast.stmt | ast.expr | ast.excepthandler) -> str:
    """Name a place."""
    return f"{name(path)}:{node.lineno}"


def dotted(node: ast.expr) -> str:
    """Write `a.b.c` out, "" for what is not a dotted name."""
    match node:
        case ast.Name(id=first):
            return first
        case ast.Attribute(value=value, attr=attr):
            before = dotted(value)
            return f"{before}.{attr}" if before else ""
        case _:
            return ""


def imported_as(module: ast.Module) -> dict[str, str]:
    """Map each name that a module imports to what it is: {"t": "time.time"} for `from time import time as t`."""
    found: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for given in node.names:
                first = given.name.split(".")[0]
                found[given.asname or first] = given.name if given.asname else first
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {(a.asname or a.name): f"{node.module}.{a.name}" for a in node.names}
    return found


def strings(node: ast.AST) -> Iterator[str]:
    """List the text constants inside a node, docstrings and comments left out where they stand alone."""
    alone = {id(s.value) for s in ast.walk(node) if isinstance(s, ast.Expr)}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and id(inner) not in alone:
            yield inner.value
