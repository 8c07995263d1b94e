"""The Inspector's command line over stdio and HTTP, in both protocol eras."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.mcp.others_tools import fixture_app, needs_tools, run_tool
from tests.scenario.ketch_processes import argv

pytestmark = [pytest.mark.node, needs_tools]

ERAS = ("legacy", "modern")


@pytest.fixture(scope="module", params=["stdio", "http"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Provide the arguments that name a server: `ketch mcp` with nothing configured, and the HTTP door."""
    if request.param == "stdio":
        yield argv("mcp", "--toolsets", "all", "--state", tmp_path_factory.mktemp("none"))
    else:
        with fixture_app("product") as app:
            yield ["--server-url", app.url, "--transport", "http", "--header", f"Authorization: Bearer {app.token}"]


def inspect(target: list[str], era: str, *asked: str) -> subprocess.CompletedProcess[str]:
    named = target if target[0].startswith("--") else ["--", *target]
    flags = ("-q", "--format", "json", "--protocol-era", era)
    return run_tool("mcp-inspector", "--cli", "--method", *asked, *flags, *named)


def result(target: list[str], era: str, *asked: str) -> dict[str, Any]:
    done = inspect(target, era, *asked)
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)["result"]


@pytest.mark.parametrize("era", ERAS)
def test_every_tool_schema_passes_the_strict_check(target: list[str], era: str) -> None:
    done = inspect(target, era, "tools/list", "--strict")
    assert done.returncode == 0, done.stderr
    assert "0 errors" in done.stderr or not done.stderr.strip()
    assert "engine_status" in {tool["name"] for tool in json.loads(done.stdout)["result"]["tools"]}


@pytest.mark.parametrize("era", ERAS)
def test_the_status_is_called_and_read(target: list[str], era: str) -> None:
    called = result(target, era, "tools/call", "--tool-name", "engine_status")
    assert not called.get("isError")
    assert "running" in called["structuredContent"]
    read = result(target, era, "resources/read", "--uri", "ketch://status")
    assert json.loads(read["contents"][0]["text"])["running"] is called["structuredContent"]["running"]


@pytest.mark.parametrize("era", ERAS)
def test_resources_and_prompts_are_listed(target: list[str], era: str) -> None:
    assert "ketch://status" in {row["uri"] for row in result(target, era, "resources/list")["resources"]}
    assert "daily_review" in {row["name"] for row in result(target, era, "prompts/list")["prompts"]}
