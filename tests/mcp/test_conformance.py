"""The official conformance suite, both eras, against the product's transport, auth and middleware."""

from __future__ import annotations

import re

import pytest

from tests.mcp.others_tools import ROOT, fixture_app, needs_tools, run_tool

pytestmark = [pytest.mark.node, needs_tools]

TASKS = {
    "tasks-lifecycle",
    "tasks-capability-negotiation",
    "tasks-wire-fields",
    "tasks-request-state-removal",
    "tasks-mrtr-input",
    "tasks-request-headers",
    "tasks-dispatch-and-envelope",
    "tasks-required-task-error",
    "tasks-mrtr-composition",
}
"""The tasks extension, which the SDK has only the types of."""

REQUIRED = {"2025-11-25": (33, set[str]()), "2026-07-28": (50, TASKS)}
"""Requirement set -> how many scenarios it runs, and which of them are expected to fail."""

_LINE = re.compile(r"^([✓✗]) ([\w-]+): (\d+) passed, (\d+) failed", re.MULTILINE)


@pytest.mark.parametrize("requirements", REQUIRED)
def test_every_scenario_passes_but_the_tasks_extension(requirements: str) -> None:
    scenarios, expected = REQUIRED[requirements]
    with fixture_app() as app:
        preload = f"--import {ROOT / 'tests/mcp/show_token.mjs'}"
        argv = ("conformance", "server", "--url", app.url, "--requirements", requirements)
        done = run_tool(*argv, KETCH_TOKEN=app.token, NODE_OPTIONS=preload)
    assert done.returncode == 0, done.stdout + done.stderr
    results = {name: int(failed) for _, name, _passed, failed in _LINE.findall(done.stdout)}
    assert len(results) == scenarios, done.stdout
    assert {name for name, failed in results.items() if failed} == expected, done.stdout


def test_the_suite_fails_without_the_token() -> None:
    with fixture_app() as app:
        done = run_tool("conformance", "server", "--url", app.url, "--scenario", "tools-list")
    assert done.returncode != 0
