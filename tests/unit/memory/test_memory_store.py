"""The memory is the journal's entries seen another way: the same after a restart, a crash, a deletion, in any batch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.memory.memory import Memory, open_memory
from engine.memory.outcomes import outcomes_of
from engine.memory.pattern import Pattern, of_json, sentence, to_json
from engine.memory.recall import recall, similar_to
from engine.memory.shelf import ChromaShelf
from tests.unit.memory.lived import entries_of, memory_of, note

ROOT = Path(__file__).parents[3]
OFFLINE = "import socket\ndef no(*a, **k): raise AssertionError('the network was used')\nsocket.socket.connect = no\n"
WRITER = OFFLINE + (
    "import sys\nfrom pathlib import Path\nfrom engine.memory.memory import open_memory\n"
    "from server.bench_history import history\n"
    "entries = list(history(700))\nmemory = open_memory(Path(sys.argv[1]))\n"
    "entries = [e for e in entries if e.seq > memory.cursor().seq]\n"
    "for first in range(0, len(entries), 60):\n"
    "    memory.take(entries[first:first + 60])\n    print(memory.cursor().seq, flush=True)\n"
)


def everything(memory: Memory) -> object:
    return (
        memory.cursor(),
        dict(sorted(memory.joining.patterns.items())),
        memory.insights.known,
        memory.market(),
        recall(memory, "why did triangles fail"),
        similar_to(memory, sorted(memory.columns.ids)[0]),
    )


def on_disk(folder: Path) -> list[tuple[str, bytes]]:
    shelf = ChromaShelf(folder)
    try:
        state, records = shelf.load()
        assert state is not None
        return sorted(records)
    finally:
        shelf.close()


def test_a_restart_a_deletion_and_other_batches_give_the_same_memory(tmp_path: Path) -> None:
    entries = [*entries_of(300), note(10_000, "remember_insight", text="sushi gaps close fast")]
    with memory_of(tmp_path / "a", entries) as first:
        known = everything(first)
    with memory_of(tmp_path / "a", entries) as again:
        assert everything(again) == known
    with memory_of(tmp_path / "b", entries, batch=37) as otherwise:
        assert everything(otherwise) == known
    assert on_disk(tmp_path / "a") == on_disk(tmp_path / "b")


def test_every_opportunity_refusal_and_outcome_is_one_pattern(tmp_path: Path) -> None:
    entries = entries_of(400)
    with memory_of(tmp_path, entries) as memory:
        patterns = list(memory.joining.patterns.values())
        total = outcomes_of(patterns)
    kinds = [entry.kind for entry in entries]
    refused = sum(entry.kind == "decision" and entry.body["verdict"] == "refused" for entry in entries)
    ended = [entry.body["type"].lower() for entry in entries if entry.kind == "outcome"]
    assert len(patterns) == 400
    assert total.by_status["refused"] == refused
    assert total.by_status["missed"] == kinds.count("miss")
    assert {name: total.by_status[name] for name in set(ended)} == {name: ended.count(name) for name in set(ended)}
    earned = sum(int(entry.body["profit_wei"]) for entry in entries if entry.kind == "release")
    gas = sum(int(entry.body["gas_paid_wei"]) for entry in entries if "gas_paid_wei" in entry.body)
    assert total.net_wei == earned - gas


def test_a_kill_while_it_writes_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    for kill_at in (3, 9):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "killed")], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(kill_at)]
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        memory = open_memory(tmp_path / "killed")
        assert memory.cursor().seq >= told[-1]
        memory.close()
    entries = entries_of(700)
    with memory_of(tmp_path / "killed", entries) as resumed, memory_of(tmp_path / "whole", entries) as whole:
        assert everything(resumed) == everything(whole)
    assert on_disk(tmp_path / "killed") == on_disk(tmp_path / "whole")


def test_a_change_of_the_embedding_makes_the_memory_anew_and_mixes_no_dimensions(tmp_path: Path) -> None:
    entries = entries_of(120)
    with memory_of(tmp_path, entries) as first:
        patterns = dict(first.joining.patterns)
        assert first.columns.vector("a question").shape == (1, 256)
    changed = open_memory(tmp_path, "hashed")
    assert (changed.cursor().seq, len(changed.columns)) == (0, 0)
    changed.take(entries)
    assert changed.joining.patterns == patterns
    assert changed.columns.vector("a question").shape == (1, 512)
    changed.close()
    shelf = ChromaShelf(tmp_path)
    assert shelf._collection.get(include=["embeddings"])["embeddings"].shape == (121, 512)
    shelf.close()


def test_a_pattern_is_read_back_whole(tmp_path: Path) -> None:
    with memory_of(tmp_path, entries_of(60)) as memory:
        for pattern in memory.joining.patterns.values():
            assert of_json(to_json(pattern)) == pattern
    huge = Pattern(id="x", seq=1, chain=1, block=1, time_s=1, status="seen", amount_in=10**40)
    assert of_json(to_json(huge)) == huge


def test_old_patterns_that_were_alike_merge_into_counted_summaries_and_the_sums_stay(tmp_path: Path) -> None:
    entries = entries_of(1200)
    with memory_of(tmp_path / "whole", entries) as whole:
        total, market = outcomes_of(list(whole.joining.patterns.values())), whole.market()
    small = {"window_blocks": 20, "keep_windows": 2}
    with memory_of(tmp_path / "merged", entries, **small) as merged:
        patterns = list(merged.joining.patterns.values())
        known = everything(merged)
        assert outcomes_of(patterns).by_status == total.by_status
        assert outcomes_of(patterns).net_wei == total.net_wei
    with memory_of(tmp_path / "in-parts", entries, batch=113, **small) as in_parts:
        assert everything(in_parts) == known
    with memory_of(tmp_path / "merged", entries, **small) as again:
        assert everything(again) == known
    assert on_disk(tmp_path / "merged") == on_disk(tmp_path / "in-parts")
    assert len(market) > 1


def test_summaries_stand_for_many(tmp_path: Path) -> None:
    entries = entries_of(40)
    many = []
    for round_ in range(6):  # the same again, at other places and some blocks later
        for entry in entries[1:]:
            text = json.dumps(entry.body)
            for kind in ("opportunity", "request", "proof", "decision", "reservation", "intent", "command"):
                text = text.replace(f'"{kind}-', f'"{kind}-{round_}0')
            body = json.loads(text)
            many.append(type(entry)(seq=round_ * 1000 + entry.seq, kind=entry.kind, body=body, hash=entry.hash))
    late = entries_of(2000)[-400:]
    moved = [type(e)(seq=20_000 + e.seq, kind=e.kind, body=e.body, hash=e.hash) for e in late]
    with memory_of(tmp_path, [entries[0], *many, *moved], window_blocks=50, keep_windows=1) as memory:
        summaries = [p for p in memory.joining.patterns.values() if p.count > 1]
        assert max(p.count for p in summaries) >= 6
        assert sentence(summaries[0], memory.names).startswith(f"{summaries[0].count} times from block")
        assert len(memory.joining.patterns) < 6 * 40 + 400


def test_no_network_is_used_and_nothing_heavy_is_imported_before_it_is_opened(tmp_path: Path) -> None:
    code = OFFLINE + (
        "import sys\nimport engine.archive.table, server.cli, engine.methods\n"
        "assert not {'chromadb', 'wordllama', 'tokenizers'} & {*sys.modules}\n"
        "from pathlib import Path\nfrom engine.memory.memory import open_memory\n"
        "from server.bench_history import history\n"
        "memory = open_memory(Path(sys.argv[1]))\nmemory.take(list(history(20)))\nmemory.close()\n"
        "open_memory(Path(sys.argv[1])).close()\nprint('done')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout == "done\n", ran.stderr


@pytest.mark.parametrize("torn", ["chroma.sqlite3"])
def test_a_torn_shelf_is_not_opened(tmp_path: Path, torn: str) -> None:
    with memory_of(tmp_path, entries_of(20)):
        pass
    (tmp_path / torn).write_bytes(b"not a database, " * 500)
    with pytest.raises(Exception, match=r".+"):  # whatever Chroma makes of it, the archive begins anew
        open_memory(tmp_path)
