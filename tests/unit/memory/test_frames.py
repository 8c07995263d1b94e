"""The frames beside Chroma: a quick opening when they agree with it, never a word of theirs when they do not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from engine.memory.frames import FRAMES_FILE, Frames, Mark, Row
from engine.memory.memory import Memory, open_memory
from engine.memory.pattern import to_json
from engine.memory.shelf import ChromaShelf
from tests.unit.memory.lived import entries_of, memory_of

ENTRIES = entries_of(300)


def known(memory: Memory) -> object:
    return memory.cursor(), memory.joining.patterns, memory.market(), memory.insights.known


def read_from(memory: Memory) -> str:
    return memory._shelf.read_from


def test_a_memory_that_was_closed_or_killed_is_opened_from_its_frames(tmp_path: Path) -> None:
    with memory_of(tmp_path, ENTRIES, batch=60) as first:
        told = known(first)
        killed = open_memory(tmp_path)  # beside it, as after a kill: nothing was closed
        assert (read_from(killed), known(killed)) == ("frames", told)
        killed.close()
    again = open_memory(tmp_path)
    assert (read_from(again), known(again)) == ("frames", told)
    again.close()


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 5)


def spoil(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def scribble(file: Path) -> None:
    file.write_bytes(b"not frames at all")


@pytest.mark.parametrize("harm", [Path.unlink, cut, spoil, scribble])
def test_frames_that_are_gone_or_torn_are_made_again_from_chroma(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    with memory_of(tmp_path, ENTRIES) as first:
        told = known(first)
    harm(tmp_path / FRAMES_FILE)
    for expected in ("chroma", "frames"):
        again = open_memory(tmp_path)
        assert (read_from(again), known(again)) == (expected, told)
        again.close()


def test_a_frame_that_chroma_never_took_is_cut_off(tmp_path: Path) -> None:
    with memory_of(tmp_path, ENTRIES) as first:
        told = known(first)
    frames = Frames(tmp_path)
    shelf = ChromaShelf(tmp_path)
    mark = Mark(collection=str(shelf._collection.id), format=2, embedding=first.embedding_name, seq=10**6, hash="0x1")
    shelf.close()
    frames.append(mark, [Row(id="never", kind="pattern", body=msgspec.Raw(b"{}"))], [])
    again = open_memory(tmp_path)
    assert (read_from(again), known(again)) == ("frames", told)
    again.close()


def test_what_a_crash_left_ahead_of_the_cursor_is_taken_out_again(tmp_path: Path) -> None:
    with memory_of(tmp_path / "whole", ENTRIES) as whole:
        told = known(whole)
        ahead = next(p for p in reversed(whole.joining.patterns.values()))
    early = [entry for entry in ENTRIES if entry.seq < ahead.seq]
    with memory_of(tmp_path / "cut", early):
        pass
    shelf = ChromaShelf(tmp_path / "cut")  # the first half of a write, as Chroma had it when the power went
    facts = {"kind": "pattern", "text": "", "body": to_json(ahead)}
    shelf._collection.add(ids=[ahead.id], embeddings=[[1.0] + [0.0] * 255], metadatas=[facts])
    shelf.close()
    reopened = open_memory(tmp_path / "cut")
    assert ahead.id not in reopened.joining.patterns
    reopened.close()
    with memory_of(tmp_path / "cut", ENTRIES) as resumed:
        assert known(resumed) == told


def test_frames_of_another_collection_or_number_of_records_are_not_used(tmp_path: Path) -> None:
    frames = Frames(tmp_path)
    mark = Mark(collection="a", format=2, embedding="hashed", seq=7, hash="0x7")
    frames.begin(mark, [Row(id=name, kind="pattern", body=msgspec.Raw(b"{}")) for name in "xy"])
    frames.append(mark, [], ["y"])
    assert [row.id for row in frames.load(mark, 1) or ()] == ["x"]
    assert frames.load(mark, 2) is None
    assert frames.load(msgspec.structs.replace(mark, collection="b"), 1) is None
    assert frames.load(msgspec.structs.replace(mark, version=0), 1) is None
