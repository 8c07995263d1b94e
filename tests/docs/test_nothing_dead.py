"""Nothing is defined that nobody reads: enum members, literals, settings, limits, kinds of entries, fields, events."""

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from benchmarks.__main__ import BENCHMARKS
from engine.config import Scan, Settings
from engine.journal.schema import KINDS
from engine.risk.policy import Policy
from engine.venues.table import BY_FAMILY, VENUES
from tests.docs.sources import PACKAGES, ROOT, at, dotted, shipped, strings, text, tree
from tests.golden.record import FOLDER, RECORDINGS
from tests.property.pool_strategies import FAMILIES

ENUMS = {"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"}
PARITY = {
    "constant_product": "tests/devnet/test_venue_parity_uniswap.py",
    "concentrated": "tests/devnet/test_venue_parity_uniswap.py",
    "weighted": "tests/devnet/test_venue_parity_balancer.py",
    "stable": "tests/devnet/test_venue_parity_balancer.py",
}
"""Which module holds a family against its deployed contracts."""
AWAITED: set[str] = set()
"""Literals that nothing produces yet, each with the issue that will."""


@cache
def attributes_read() -> Counter[str]:
    """Count `.name` read anywhere in the code that ships."""
    found: Counter[str] = Counter()
    for path in shipped(".py"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                found[node.attr] += 1
    return found


@cache
def members_named() -> Counter[str]:
    """Count `Class.MEMBER` anywhere in the code that ships."""
    return Counter(
        ".".join(full.split(".")[-2:])
        for path in shipped(".py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and (full := dotted(node))
    )


@cache
def texts() -> Counter[str]:
    """Count text constants in the code that ships, those inside `Literal[...]` left out."""
    found: Counter[str] = Counter()
    for path in shipped(".py"):
        found.update(strings(tree(path)))
        for literal in literals(tree(path)):
            found.subtract(strings(literal))
    return found


def literals(module: ast.Module) -> Iterator[ast.Subscript]:
    """List the `Literal[...]` of a module."""
    for node in ast.walk(module):
        if isinstance(node, ast.Subscript) and dotted(node.value).split(".")[-1] == "Literal":
            yield node


def test_every_enum_member_is_used() -> None:
    members = [
        (at(path, statement), f"{node.name}.{statement.targets[0].id}")
        for path in shipped(".py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and ENUMS & {dotted(base).split(".")[-1] for base in node.bases}
        for statement in node.body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    ]
    assert members
    assert [member for member in members if not members_named()[member[1]]] == []


def test_every_literal_is_written_or_read_outside_its_type() -> None:
    found = [
        (at(path, node), said) for path in shipped(".py") for node in literals(tree(path)) for said in strings(node)
    ]
    assert found
    assert [(place, said) for place, said in found if texts()[said] <= 0 and said not in AWAITED] == []
    assert {said for _, said in found if texts()[said] <= 0} >= AWAITED, "no longer awaited: take it off the list"


def test_every_definition_is_used_somewhere() -> None:
    used: Counter[str] = Counter()
    for path in shipped(".py", under=(*PACKAGES, "tests", "benchmarks")):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                used[node.id] += 1
            elif isinstance(node, ast.Attribute):
                used[node.attr] += 1
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
                used[node.value] += 1  # a forward reference, or a field by name
    assert [place for path in shipped(".py") for place, known in defined(path) if not used[known]] == []


def defined(path: Path) -> Iterator[tuple[str, str]]:
    """List what a module defines: its constants, and its functions, classes and methods that no decorator registers."""
    for node in tree(path).body:
        for target in getattr(node, "targets", [getattr(node, "target", None)]):
            if isinstance(target, ast.Name) and not target.id.startswith("__"):
                yield f"{at(path, node)} {target.id}", target.id
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            registered = not isinstance(node, ast.ClassDef) and node.decorator_list
            if not registered and not node.name.startswith("__"):
                yield f"{at(path, node)} {node.name}", node.name


def test_every_setting_and_limit_is_read() -> None:
    fields = [*Settings.model_fields, *Scan.model_fields, *Policy.model_fields]
    assert [field for field in fields if not attributes_read()[field]] == []


def test_every_limit_stops_or_shapes_something() -> None:
    rules = "".join(text(path) for path in shipped(".py", under=("engine",)) if path.name != "policy.py")
    assert [field for field in Policy.model_fields if f".{field}" not in rules] == []


def test_every_kind_of_entry_is_written_and_read() -> None:
    written, said = set[str](), Counter[str]()
    for path in shipped(".py", under=("engine",)):
        if path.name == "schema.py":
            continue
        said.update(strings(tree(path)))
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and dotted(node.func).endswith(".append") and node.args:
                kinds = [*strings(node.args[0])]
                written.update(kinds)
                said.subtract(kinds)
    assert sorted(set(KINDS) - written) == []
    assert [kind for kind in KINDS if said[kind] <= 0] == []


def test_every_family_is_held_by_parity_golden_and_conformance() -> None:
    families = {family for venue in VENUES for family in venue.families}
    assert set(BY_FAMILY) == families
    assert {recording.name for recording in RECORDINGS} == families
    assert {path.name.split(".")[0] for path in FOLDER.glob("*.json.gz")} == families
    assert set(FAMILIES) == families
    assert set(PARITY) == families
    assert [module for module in PARITY.values() if "def test_" not in text(ROOT / module)] == []


def test_every_benchmark_is_run_by_make_bench() -> None:
    modules = {path.stem for path in shipped(".py", under=("benchmarks",)) if not path.stem.startswith("__")}
    assert set(BENCHMARKS) == modules
