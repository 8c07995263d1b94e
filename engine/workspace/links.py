"""What a file leads to: the modules that Python imports, the files that Markdown links to or names."""

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

LINK: Final = re.compile(r"\]\(([^)\s#]{1,500})")
NAMED: Final = re.compile(r"`([\w./-]{1,200}\.\w{1,8})`")
SOURCES: Final = ("", "src/", "lib/")


def modules_of(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Map each root's Python modules to their files: {"project": {"engine.loop": "project/engine/loop.py"}}."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        root, _, path = name.partition("/")
        if not path.endswith(".py"):
            continue
        plain = path.removesuffix(".py").removesuffix("/__init__")
        for prefix in SOURCES:
            if plain.startswith(prefix):
                found.setdefault(root, {}).setdefault(plain.removeprefix(prefix).replace("/", "."), name)
    return found


def imports(tree: ast.Module, name: str, modules: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """List the files under the same root that a module imports."""
    root, _, path = name.partition("/")
    known = modules.get(root, {})
    package = path.removesuffix(".py").removesuffix("/__init__").split("/")
    package = package if path.endswith("/__init__.py") else package[:-1]
    for node in ast.walk(tree):
        wanted: list[str] = []
        if isinstance(node, ast.Import):
            wanted = [given.name for given in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            wanted = [known_as for given in node.names if (known_as := _nearest(f"{base}.{given.name}", known))]
        for module in wanted:
            if (file := known.get(module)) and file != name:
                yield file


def links(text: str, name: str, files: Iterable[str]) -> Iterator[str]:
    """List the files under the roots that a document links to, or names in full in `code`."""
    every = set(files)
    root = name.split("/", 1)[0]
    for target in LINK.findall(text):
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        if beside in every and beside != name:
            yield beside
    for target in NAMED.findall(text):
        for there in (f"{root}/{target}", target):
            if there in every and there != name:
                yield there


def _nearest(module: str, known: Mapping[str, str]) -> str:
    """Name what `from a import b` reads: the module a.b if there is one, else a."""
    return module if module in known else module.rpartition(".")[0]
