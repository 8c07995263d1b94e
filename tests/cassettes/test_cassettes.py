"""Every file of this folder is a test: the code decides on it what was decided when it was recorded.

`ketch capture --out tests/cassettes/NAME.cassette` adds one.
"""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from engine.replay.cassette import SUFFIX, read
from engine.replayed import played

CASSETTES = sorted(Path(__file__).parent.glob(f"*{SUFFIX}"))
MAX_BYTES = 200_000


@pytest.mark.parametrize("file", CASSETTES, ids=lambda file: file.stem)
def test_the_code_decides_as_it_was_decided_then(file: Path) -> None:
    result = anyio.run(played, read(file))
    assert [(step.block.number, step.then, step.now) for step in result.steps if not step.agrees] == []


@pytest.mark.parametrize("file", CASSETTES, ids=lambda file: file.stem)
def test_it_is_small_and_something_is_decided_on_it(file: Path) -> None:
    assert file.stat().st_size <= MAX_BYTES
    assert any(line.kind == "decision" for line in read(file).recorded)


def test_there_is_a_cassette() -> None:
    assert CASSETTES
