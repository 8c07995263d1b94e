"""Conclusions are corrected, never overwritten; who wrote what stays, and what has expired is not recalled."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.domain.errors import ControlError
from engine.memory.recall import recall, similar_to
from tests.unit.memory.lived import entries_of, memory_of, note

SUSHI = "gaps on sushi under ten basis points never fill"


def test_a_correction_leaves_the_earlier_version_with_its_author(tmp_path: Path) -> None:
    notes = [
        note(10_001, "remember_insight", text=SUSHI, by="mcp-1"),
        note(10_002, "correct_insight", id="insight-10001", text="they fill since block 400", by="mcp-2"),
        note(10_003, "correct_insight", id="insight-10001", text="I was first", by="mcp-3"),
        note(10_004, "correct_insight", id="insight-1", text="nothing", by="mcp-3"),
    ]
    for _ in range(2):  # also when it is opened again
        with memory_of(tmp_path, [*entries_of(50), *notes]) as memory:
            known = memory.insights.known
            assert [*known] == ["insight-10001", "insight-10002"]
            versions = memory.insights.versions(known["insight-10002"])
            assert [(one.author, one.corrected_by) for one in versions] == [
                ("mcp-2", None),
                ("mcp-1", "insight-10002"),
            ]
            assert [one.id for one in recall(memory, SUSHI).insights] in ([], ["insight-10002"])
    with memory_of(tmp_path / "fresh", [*entries_of(50), *notes]) as memory:
        assert memory.result(10_002)["corrects"] == "insight-10001"
        with pytest.raises(ControlError, match="corrected already, measured insight-10001: correct insight-10002"):
            memory.result(10_003)
        with pytest.raises(ControlError, match="no such insight"):
            memory.result(10_004)


def test_an_insight_is_recalled_by_what_it_is_about_and_by_its_evidence_until_it_expires(tmp_path: Path) -> None:
    entries = entries_of(50)
    trade = next(entry.body["intent_id"] for entry in entries if entry.kind == "intent")
    lasting = note(10_001, "remember_insight", text=SUSHI, evidence=[trade], expires_in_days="1")
    with memory_of(tmp_path, [*entries, lasting]) as memory:
        assert [one.text for one in recall(memory, "do small sushi gaps ever fill?").insights] == [SUSHI]
        assert [one.text for one in similar_to(memory, trade).insights] == [SUSHI]
        later = note(10_002, "remember_insight", text="something else", time_s=1_795_000_000 + 86_401)
        memory.take([later])
        assert [one.text for one in recall(memory, "do small sushi gaps ever fill?").insights] == []


def test_evidence_that_is_not_written_yet_is_refused(tmp_path: Path) -> None:
    early = note(10_001, "remember_insight", text=SUSHI, evidence=["10001"])
    with memory_of(tmp_path, [*entries_of(20), early]) as memory:
        with pytest.raises(ControlError, match="no such entry yet"):
            memory.result(10_001)
        assert memory.insights.known == {}
