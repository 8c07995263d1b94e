"""The official TypeScript SDK as a client: list, call, read, subscribe, prompt, complete."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.others_tools import MODULES, ROOT, fixture_app, needs_tools, run_tool
from tests.scenario.ketch_processes import argv

pytestmark = [pytest.mark.node, needs_tools]

CLIENT = ROOT / "tests" / "mcp" / "typescript_client.mjs"


def told(*target: str) -> dict[str, Any]:
    """Run the client and return what it saw, what every server must show checked."""
    done = run_tool("node", str(CLIENT), str(MODULES), *target)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert {"engine_status", "halt"} <= set(seen["tools"])
    assert seen["called"]["structuredContent"]["running"] is seen["read"]["running"]
    assert seen["refused"]["isError"]
    assert "T-1" in seen["prompt"]
    return seen


def test_over_http_the_client_is_told_of_updates_and_completes_chains() -> None:
    with fixture_app("product") as app:
        seen = told("http", app.url, app.token)
    assert seen["updated"] == "ketch://status"
    assert seen["completed"] == ["arbitrum"]


def test_over_stdio_a_server_with_nothing_configured_answers_everything(tmp_path: Path) -> None:
    seen = told("stdio", *argv("mcp", "--toolsets", "all", "--state", tmp_path))
    assert seen["server"]["name"] == "ketch"
    assert seen["server"]["version"] == version("ketch")
    assert seen["called"]["structuredContent"]["next_step"]
