"""A folder without an engine is asked under the operator's own terms, and says what is wrong in words that help."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from engine.archive.asking import ARCHIVE_FOLDER_NAME
from engine.domain.errors import ControlError
from engine.facade import NotRunning, Remote
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.lock import hold_state
from server.mcp.setup import Unattended
from tests.unit import journal_stubs as stub


class Nobody:
    """An engine that does not run."""

    principal = "mcp-1"

    async def ask(self, method: str, params: Any) -> Any:
        raise NotRunning("no engine is running")

    async def role(self, *, anew: bool = False) -> str:
        raise NotRunning("no engine is running")

    @asynccontextmanager
    async def events(self) -> AsyncIterator[Any]:
        raise NotRunning("no engine is running")
        yield


@pytest.fixture
def state(tmp_path: Path) -> Path:
    Journal.open(tmp_path / JOURNAL_FILE, genesis=stub.GENESIS).close()
    return tmp_path


def answered(state: Path) -> dict[str, Any]:
    return anyio.run(Unattended(cast("Remote", Nobody()), state).ask, "read_graph", {})


def refusal(state: Path) -> ControlError:
    with pytest.raises(ControlError) as refused:
        answered(state)
    return refused.value


def test_the_graph_answers_without_an_engine(state: Path) -> None:
    assert answered(state)["entities"] == []


def test_an_archive_that_is_turned_off_answers_nothing_and_makes_no_store(state: Path) -> None:
    (state / "ketch.toml").write_text("[archive]\nrun = false\n")
    refused = refusal(state)
    assert (refused.code, "archive.run" in refused.next_step) == ("archive_off", True)
    assert not (state / ARCHIVE_FOLDER_NAME).exists()


def test_settings_that_cannot_be_read_are_named_and_not_tried_again(state: Path) -> None:
    (state / "ketch.toml").write_text("[archive]\nrun = maybe\n")
    refused = refusal(state)
    assert (refused.code, "ketch.toml" in refused.line()) == ("no_answer", True)


def test_a_journal_that_is_none_is_no_reason_to_ask_again(state: Path) -> None:
    (state / JOURNAL_FILE).write_bytes(b"not a journal" * 1000)
    refused = refusal(state)
    assert refused.code == "no_answer"
    assert "again" not in refused.next_step


def test_while_an_archive_has_the_folder_it_is_asked_again(state: Path) -> None:
    (state / ARCHIVE_FOLDER_NAME).mkdir()
    with hold_state(state / ARCHIVE_FOLDER_NAME, who="archive"):
        assert refusal(state).code == "archive_away"
