"""Faults planted one at a time into a copy of the project, to see that the test named in each is the one that fails.

A fault is a patch of this folder. Its first lines say what is wrong (`Fault`), what it would cost (`Cost`), which test
catches it (`Test`) and where that runs (`Runs`: `default`, or `soak` for what needs a node or its time). A fault that
tests of other faults cannot miss either says why (`Also`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COPIED = ("engine", "server", "tools", "resources", "tests", "docs", "bundle", "benchmarks")
LINKED = (".venv", ".node", ".node-mcp", ".stamps")
MOST_S = 600
BROKEN = frozenset(
    ("ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError", "NameError", "AttributeError")
)
"""What a patch that no longer fits the code around it raises: no test has found anything then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One planted fault, as its patch describes it."""

    patch: Path
    what: str
    cost: str
    test: str
    runs: str
    also: str

    @property
    def name(self) -> str:
        return self.patch.stem


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How one test ended: `causes` names the exceptions, none for a test that passed."""

    causes: tuple[str, ...] = ()
    said: str = ""
    phases: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        return bool(self.phases)

    @property
    def found_it(self) -> bool:
        """True when the test itself failed, and not on code that does not run at all."""
        return self.failed and "setup" not in self.phases and BROKEN.isdisjoint(self.causes)


def fault_of(patch: Path) -> Fault:
    """Read what a patch says of itself; raises `KeyError` for a header that is not there."""
    lines = patch.read_text("utf-8").split("\n--- ", 1)[0].splitlines()
    said = dict(line.split(": ", 1) for line in lines if ": " in line)
    return Fault(
        patch=patch,
        what=said["Fault"],
        cost=said["Cost"],
        test=said["Test"],
        runs=said["Runs"],
        also=said.get("Also", ""),
    )


FAULTS = tuple(fault_of(patch) for patch in sorted(HERE.glob("*.patch")))


def project_copy(tree: Path) -> Path:
    """Copy what the tests need into `tree`, emptied before. Compiled files come along: their sources' times do too."""
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    for name in COPIED:
        shutil.copytree(ROOT / name, tree / name)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy2(path, tree / path.name)
    for name in LINKED:
        if (ROOT / name).exists():
            (tree / name).symlink_to(ROOT / name)
    return tree


def plant(fault: Fault, tree: Path, *, check: bool = False) -> None:
    """Apply a fault's patch to a copy; raises `AssertionError` with git's words when it does not fit any more.

    `check` changes nothing, and is for the project itself.
    """
    done = subprocess.run(
        ["git", "apply", *(["--check"] if check else []), str(fault.patch)],
        cwd=tree,
        env=os.environ | {"GIT_CEILING_DIRECTORIES": str(tree.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    again = "make the change by hand and keep `git diff -U1` of it under the patch's header"
    assert done.returncode == 0, f"{fault.name} does not apply to the code as it is ({again}): {done.stderr.strip()}"


def ends(tree: Path, tests: Iterable[str]) -> dict[str, End]:
    """Run tests in a copy; return how each ended. One that is not there, or whose file cannot be read, is missing."""
    told = tree / "told.jsonl"
    told.unlink(missing_ok=True)
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "", "-p", "tests.planted.told", "--told", str(told), *tests],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=MOST_S,
        check=False,
    )
    lines: list[dict[str, Any]] = []
    if told.exists():
        lines = [json.loads(line) for line in told.read_text("utf-8").splitlines()]
    found: dict[str, End] = {}
    for line in lines:
        end = found.get(line["test"], End())
        bad = line["outcome"] == "failed"
        found[line["test"]] = End(
            causes=(*end.causes, *line["causes"]) if bad else end.causes,
            said=end.said or (line["said"] if bad else ""),
            phases=(*end.phases, line["phase"]) if bad else end.phases,
            seconds=round(end.seconds + line["seconds"], 2),
        )
    return found
