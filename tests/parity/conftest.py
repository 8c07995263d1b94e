"""Says at the end of a run how many cases of the shared data each parity test held."""

from collections import Counter

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            if report.nodeid.startswith("tests/parity/") and report.when == ("setup" if report.skipped else "call"):
                test = report.nodeid.partition("[")[0].removeprefix("tests/parity/")
                counts.setdefault(test, Counter())[outcome] += 1
    if not counts:
        return
    terminalreporter.section("shared data: cases")
    for test in sorted(counts):
        tally = ", ".join(f"{number} {outcome}" for outcome, number in counts[test].items())
        terminalreporter.line(f"{test}: {tally}")
    total = sum((count for count in counts.values()), Counter[str]())
    terminalreporter.line(f"in all: {', '.join(f'{number} {outcome}' for outcome, number in total.items())}")
