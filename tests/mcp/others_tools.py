"""Others' programs that check the server, as `make` installs them: found, run on the venv's Node, never the network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.scenario.ketch_processes import clean_env

ROOT = Path(__file__).parents[2]
MODULES = ROOT / ".node-mcp" / "node_modules"
SCRIPTS = Path(sys.executable).parent
TOOL_S = 100

needs_tools = pytest.mark.skipif(not MODULES.is_dir(), reason="make conformance installs others' tools")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server listens, and the token it wants."""

    url: str
    token: str


def run_tool(*argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run an installed program (or `node`) and return what it said; fails after `TOOL_S` seconds."""
    program = SCRIPTS / "node" if argv[0] == "node" else MODULES / ".bin" / argv[0]
    return subprocess.run(
        [str(program), *argv[1:]],
        env=node_env() | env,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TOOL_S,
        check=False,
    )


def node_env() -> Mapping[str, str]:
    """Return an environment in which `node` is the venv's."""
    env = dict(clean_env())
    return env | {"PATH": f"{SCRIPTS}{os.pathsep}{env.get('PATH', '')}", "NO_COLOR": "1"}


@contextmanager
def fixture_app(*flags: str) -> Iterator[Place]:
    """Run the conformance fixture in a process of its own."""
    argv = [sys.executable, "-W", "ignore", "-m", "tests.mcp.conformance_app", *flags]
    with subprocess.Popen(
        argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as app:
        assert app.stdin and app.stdout
        told = json.loads(app.stdout.readline())
        try:
            yield Place(told["url"], told["token"])
        finally:
            app.stdin.close()
            assert app.wait(timeout=10) == 0
