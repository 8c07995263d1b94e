"""The built wheel in an empty environment, with the newest versions that its dependency ranges allow."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from tests.mcp.others_tools import ROOT
from tests.scenario.ketch_processes import clean_env

pytestmark = [pytest.mark.node, pytest.mark.timeout(300)]
SOURCES = ("engine", "server", "tools", "resources", "pyproject.toml", "README.md")


def run(*argv: str | Path, cwd: Path) -> str:
    env = {n: v for n, v in clean_env().items() if n not in ("PYTHONPATH", "PIP_CONSTRAINT")}
    done = subprocess.run([*map(str, argv)], cwd=cwd, env=env, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_starts_in_an_empty_environment(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, source, cwd=tmp_path)
    (wheel,) = tmp_path.glob("ketch-*.whl")
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    bin_ = tmp_path / "venv" / "bin"
    run(bin_ / "python", "-m", "pip", "install", "-q", "--no-compile", wheel, cwd=tmp_path)
    assert "Usage: ketch" in run(bin_ / "ketch", "--help", cwd=tmp_path)

    async def status() -> None:
        server = StdioServerParameters(
            command=str(bin_ / "ketch"),
            args=["mcp", "--state", str(tmp_path / "state")],
            env=clean_env(),
            cwd=str(tmp_path),
        )
        with anyio.fail_after(60):
            async with Client(server) as client:
                result = await client.call_tool("engine_status", {})
                assert result.structured_content and result.structured_content["next_step"]

    anyio.run(status)
