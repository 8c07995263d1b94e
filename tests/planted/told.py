"""A pytest plugin that tells how each test ended, a line of JSON each: what the runner of the planted faults reads."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--told", help="the file that the ends of tests are written to")


def causes(error: BaseException) -> Iterator[str]:
    """Name the exceptions that ended a test; those of a task group one by one."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from causes(inner)
    else:
        yield type(error).__name__


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    told = {
        "test": item.nodeid,
        "phase": report.when,
        "outcome": report.outcome,
        "causes": list(causes(call.excinfo.value)) if call.excinfo else [],
        "said": str(call.excinfo.value)[:400] if call.excinfo else "",
        "seconds": round(report.duration, 2),
    }
    with Path(item.config.getoption("--told")).open("a", encoding="utf-8") as out:
        out.write(json.dumps(told) + "\n")
    return report
