"""The MCP bundle: mcpb validates and packs it, secrets are sensitive, caps have bounds, settings exist."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from engine.config import load
from tests.mcp.others_tools import ROOT, needs_tools

pytestmark = [pytest.mark.node, needs_tools]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    target = tmp_path_factory.mktemp("bundle") / "ketch.mcpb"
    done = subprocess.run(
        [sys.executable, "-m", "bundle", str(target)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return zipfile.ZipFile(target)


def test_the_bundle_holds_the_project_and_nothing_else(packed: zipfile.ZipFile) -> None:
    names = set(packed.namelist())
    assert {"manifest.json", "pyproject.toml", "server/cli.py", "engine/execution/contracts/executor.vy"} <= names
    assert not [name for name in names if "tests/" in name or name.endswith(".pyc") or "node_modules" in name]


def test_its_secrets_are_sensitive_and_its_caps_have_bounds(packed: zipfile.ZipFile) -> None:
    manifest = json.loads(packed.read("manifest.json"))
    assert (manifest["manifest_version"], manifest["server"]["type"]) == ("0.4", "uv")
    assert manifest["version"] == version("ketch")
    asked = manifest["user_config"]
    assert {name for name, row in asked.items() if row.get("sensitive")} == {"rpc", "key_passphrase"}
    for row in asked.values():
        assert row["type"] != "number" or row["min"] < row["default"] < row["max"]


def test_its_defaults_are_settings_that_the_engine_takes(packed: zipfile.ZipFile, tmp_path: Path) -> None:
    manifest = json.loads(packed.read("manifest.json"))
    given = {name: str(row.get("default", "")) for name, row in manifest["user_config"].items()}
    given |= {"rpc": "http://127.0.0.1:1", "profile": "live"}
    env = {
        name: given[value.removeprefix("${user_config.").removesuffix("}")]
        for name, value in manifest["server"]["mcp_config"]["env"].items()
    }
    settings = load(tmp_path, environ=env, given={"chain": "arbitrum"})
    assert settings.risk.max_open_intents == 4
    assert settings.risk.bid_share_ppm == 500_000
