"""What agents are offered, against the documents: tools, resources, prompts, and the clients' configurations."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from resources.pages import RESOURCES
from resources.prompts import PROMPTS
from server.mcp.completions import SOURCES
from tools.table import DEFAULT, TOOLSETS

ROOT = Path(__file__).parents[2]
TOOLS_MD = (ROOT / "docs/tools.md").read_text(encoding="utf-8")
CLIENTS_MD = (ROOT / "docs/clients.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TOOLS_MD, re.MULTILINE | re.DOTALL))


def rows(section: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", SECTIONS[section], re.MULTILINE)


def test_every_toolset_has_a_section_and_lists_its_tools_in_order() -> None:
    for name, specs in TOOLSETS.items():
        assert rows(name) == [spec.name for spec in specs]
    assert set(SECTIONS) == {*TOOLSETS, "Resources", "Prompts", "Completions"}


def test_what_a_tool_is_for_is_said_as_its_client_hears_it() -> None:
    for specs in TOOLSETS.values():
        for spec in specs:
            assert spec.description.split(" Example:")[0] in TOOLS_MD, spec.name


def test_resources_prompts_and_completions_are_listed() -> None:
    assert rows("Resources") == [spec.uri for spec in RESOURCES]
    assert rows("Prompts") == [spec.name for spec in PROMPTS]
    assert set(re.findall(r"`(\w+)`", SECTIONS["Completions"])) == set(SOURCES)


def test_the_default_toolsets_are_named() -> None:
    assert re.findall(r"`(\w+)`", TOOLS_MD.split("## ")[0]) == list(DEFAULT)


@pytest.mark.parametrize("block", re.findall(r"```json\n(.*?)```", CLIENTS_MD, re.DOTALL))
def test_every_clients_configuration_is_json_that_starts_ketch_mcp_or_shows_the_token(block: str) -> None:
    body = json.loads(block)
    for server in (body.get("mcpServers") or body["servers"]).values():
        started = server.get("command") == "ketch" and server["args"][0] == "mcp"
        assert started or server["headers"]["Authorization"].startswith("Bearer ${")


def test_the_repository_carries_the_configuration_that_the_document_describes() -> None:
    (server,) = json.loads((ROOT / "mcp.json").read_text())["mcpServers"].values()
    assert (server["type"], server["command"], server["args"]) == ("stdio", "ketch", ["mcp"])
