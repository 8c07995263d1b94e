"""The graph that agents write: its contract, pages, provenance, hostile text, and the same again after a rebuild."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import anyio
import pytest

from engine.archive.notes import Quotas
from engine.domain.errors import ControlError
from engine.knowledge import jsonl
from engine.principals import Principal
from server.bench_graph import graph_figures
from tests.archive_host import Host, hosted


def entity(name: str, *observations: str, kind: str = "thing") -> dict[str, Any]:
    return {"name": name, "entityType": kind, "observations": list(observations)}


def relation(source: str, kind: str, to: str) -> dict[str, str]:
    return {"from": source, "to": to, "relationType": kind}


async def write(host: Host, *entities: dict[str, Any], relations: Any = ()) -> None:
    await host.ask("create_entities", {"entities": list(entities)})
    if relations:
        await host.ask("create_relations", {"relations": list(relations)})


def test_what_was_skipped_not_found_or_dangling_is_said(tmp_path: Path) -> None:
    async def run() -> None:
        async with hosted(tmp_path) as host:
            await write(host, entity("A", "one"))
            made = await host.ask("create_entities", {"entities": [entity("A", "two"), entity("B"), entity("B", "x")]})
            assert made == {"entities": [entity("B")], "skipped": ["A", "B"]}
            related = [relation("A", "knows", "B"), relation("A", "knows", "nobody"), relation("A", "knows", "B")]
            told = await host.ask("create_relations", {"relations": related})
            assert told == {"relations": related[:2], "skipped": related[2:], "dangling": ["nobody"]}
            with pytest.raises(ControlError, match="Entity with name C not found"):
                await host.ask(
                    "add_observations",
                    {"observations": [{"entityName": n, "contents": ["new"]} for n in ("A", "C")]},
                )
            assert (await host.ask("read_graph", {}))["entities"][0] == entity("A", "one")
            gone = await host.ask("delete_entities", {"entityNames": ["A", "C"]})
            assert gone == {"success": True, "message": "Entities deleted successfully", "not_found": ["C"]}
            left = await host.ask("read_graph", {})
            assert (left["entities"], left["relations"]) == ([entity("B")], [])

    anyio.run(run)


def test_a_large_graph_is_read_in_pages_that_join_to_the_whole(tmp_path: Path) -> None:
    async def run() -> None:
        async with hosted(tmp_path) as host:
            names = [f"N{number:03d}" for number in range(120)]
            related = [relation(a, "before", b) for a, b in itertools.pairwise(names)]
            await write(host, *map(entity, names), relations=related)
            pages = [await host.ask("read_graph", {"limit": 50})]
            while (cursor := pages[-1]["next_cursor"]) is not None:
                pages.append(await host.ask("read_graph", {"limit": 50, "cursor": cursor}))
            assert [row["name"] for page in pages for row in page["entities"]] == names
            assert [row for page in pages for row in page["relations"]] == related
            assert all(len(page["entities"]) + len(page["relations"]) <= 50 for page in pages)
            first = await host.ask("search_nodes", {"query": "n0", "limit": 60})
            rest = await host.ask("search_nodes", {"query": "n0", "limit": 60, "cursor": first["next_cursor"]})
            assert [row["name"] for page in (first, rest) for row in page["entities"]] == names[:100]
            assert rest["next_cursor"] is None
            near = await host.ask("graph_neighbours", {"name": "N001", "limit": 1})
            more = await host.ask("graph_neighbours", {"name": "N001", "cursor": near["next_cursor"]})
            assert [row["to"] for page in (near, more) for row in page["relations"]] == ["N001", "N002"]

    anyio.run(run)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "ABCD"),
        ("st", "BD"),
        ("STRA", "BD"),
        ("ärger", "C"),
        ('"quoted"', "D"),
        ("100%", "D"),
        ("one two", ""),
        ("two\nB", ""),
        ("thing", "ABC"),
        ("x AND y", ""),
        ("*", ""),
    ],
)
def test_search_is_a_substring_of_one_text_in_any_case(tmp_path: Path, query: str, found: str) -> None:
    async def run() -> None:
        async with hosted(tmp_path) as host:
            await write(
                host,
                entity("A", "one", "two"),
                entity("B", "Stranger"),
                entity("C", "Ärger"),
                entity("D", 'a "quoted" straw 100%', kind="straw"),
            )
            told = await host.ask("search_nodes", {"query": query})
            assert [row["name"] for row in told["entities"]] == list(found)

    anyio.run(run)


def test_every_entity_says_who_wrote_it_and_in_which_entry(tmp_path: Path) -> None:
    async def run() -> None:
        async with hosted(tmp_path) as host:
            await host.ask("create_entities", {"entities": [entity("A")]}, Principal(id="mcp-7", role="trader"))
            await host.ask("add_observations", {"observations": [{"entityName": "A", "contents": ["x"]}]})
            (row,) = (await host.ask("open_nodes", {"names": ["A", "B"]}))["provenance"]
            seqs = [entry.seq for entry in host.journal.entries("note")]
            assert row == {"name": "A", "author": "mcp-7", "entry": seqs[0], "last_entry": seqs[1], "block": 100}
            changed = await host.ask("graph_changes", {"after_seq": seqs[0], "scope": "agents"})
            assert [(row["name"], row["how"]) for row in changed["changes"]] == [("A", "changed")]

    anyio.run(run)


def test_what_was_deleted_is_told_with_its_entry_and_stays_told_when_it_is_written_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with hosted(tmp_path) as host:
            await write(host, entity("A", "one", "two"), entity("B"), relations=[relation("A", "to", "B")])
            await host.ask("create_relations", {"relations": [relation("B", "of", "A"), relation("B", "of", "B")]})
            written = host.notes.newest
            await host.ask("delete_observations", {"deletions": [{"entityName": "A", "observations": ["two", "no"]}]})
            await host.ask("delete_relations", {"relations": [relation("B", "of", "B"), relation("B", "no", "B")]})
            await host.ask("delete_entities", {"entityNames": ["A", "nobody"]})
            await host.ask("create_entities", {"entities": [entity("A")]})
            told = await host.ask("graph_changes", {"after_seq": written})
            gone = [{k: v for k, v in row.items() if k != "block"} for row in told["changes"]]
            assert gone == [
                {"entry": written + 1, "how": "deleted", "what": "observation", "name": "A", "observation": "two"},
                {"entry": written + 2, "how": "deleted", "what": "relation"} | relation("B", "of", "B"),
                {"entry": written + 3, "how": "deleted", "what": "entity", "name": "A", "entityType": "thing"},
                {"entry": written + 3, "how": "deleted", "what": "relation"} | relation("A", "to", "B"),
                {"entry": written + 3, "how": "deleted", "what": "relation"} | relation("B", "of", "A"),
                {"entry": written + 4, "how": "new", "what": "entity", "name": "A", "entityType": "thing"},
            ]
            assert told["newest_block"] == 100
            assert (await host.ask("graph_changes", {"after_block": 100}))["changes"] == []
            assert (await host.ask("graph_changes", {"after_seq": written, "scope": "market"}))["changes"] == []
            first = await host.ask("graph_changes", {"after_seq": written, "limit": 3})
            assert first["next_after_seq"] == written + 2
            cut = await host.ask("graph_changes", {"after_seq": written + 2, "limit": 2})
            assert len(cut["changes"]) == 2
            assert "ask with a larger limit" in cut["left_out"]

    anyio.run(run)


def test_the_markets_graph_is_read_only_and_may_be_related_to(tmp_path: Path) -> None:
    async def run() -> None:
        async with hosted(tmp_path) as host:
            token = (await host.ask("read_graph", {"scope": "market"}))["entities"][1]["name"]
            assert token.startswith("token:")
            await write(host, entity("mine"), relations=[relation("mine", "watches", token)])
            assert (await host.ask("delete_entities", {"entityNames": [token]}))["not_found"] == [token]
            with pytest.raises(ControlError, match="not found"):
                await host.ask("add_observations", {"observations": [{"entityName": token, "contents": ["mine"]}]})
            kept = await host.ask("open_nodes", {"names": [token], "scope": "market"})
            assert kept["entities"][0]["observations"] == ["symbol WETH", "18 decimals"]
            await host.ask("create_relations", {"relations": [relation("mine", "watches", token)]})
            found = await host.ask("graph_paths", {"from": "mine", "to": "chain:42161"})
            assert [[step["relationType"] for step in way] for way in found["paths"]] == [["watches", "is on"]]

    anyio.run(run)


def test_hostile_text_is_harmless_when_it_is_read_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with hosted(tmp_path) as host:
            bad = 'x\u202e\u0000\u200b\x1b[2J<script onload="1">&\U000e0041'
            await write(host, entity(bad, f"line\n{bad}"), entity("B"), relations=[relation("B", bad, bad)])
            graph = await host.ask("read_graph", {})
            assert graph["untrusted_fields"] == ["entities", "relations"]
            name = graph["entities"][0]["name"]
            assert name == 'x[2J<script onload="1">&'
            assert graph["entities"][0]["observations"] == [f"line\n{name}"]
            drawn = (await host.ask("graph_picture", {"name": name}))["svg"]
            tags = {element.tag.split("}")[1] for element in ElementTree.fromstring(drawn).iter()}
            assert tags <= {"svg", "line", "circle", "text"}
            assert "<script" not in drawn

    anyio.run(run)


def test_the_store_deleted_and_made_again_answers_the_same(tmp_path: Path) -> None:
    asked = [
        ("read_graph", {"scope": "all"}),
        ("search_nodes", {"query": "a", "scope": "all"}),
        ("graph_changes", {}),
        ("graph_rank", {"of": "hubs"}),
        ("open_nodes", {"names": ["A0", "A5"]}),
    ]

    async def answers() -> list[Any]:
        async with hosted(tmp_path) as host:
            if host.notes.newest == 0 and host.journal.count("note") == 0:
                for number in range(30):
                    await write(host, entity(f"A{number}", "x"), relations=[relation(f"A{number}", "to", "A0")])
                await host.ask("delete_entities", {"entityNames": ["A3", "A4"]})
                await host.ask("create_entities", {"entities": [entity("A3", "again")]})
            newest = max(entry.seq for entry in host.journal.entries("note"))
            with anyio.fail_after(20):
                while (await host.ask("graph_changes", {}))["read_to"] < newest:
                    await anyio.sleep(0.02)
            return [await host.ask(method, params) for method, params in asked]

    before = anyio.run(answers)
    shutil.rmtree(tmp_path / "archive")
    assert anyio.run(answers) == before


def test_a_full_quota_refuses_and_what_is_there_stays(tmp_path: Path) -> None:
    async def run() -> None:
        two = Quotas(notes_per_principal=2, bytes_per_principal=10**6, bytes_in_all=10**6)
        async with hosted(tmp_path, quotas=two) as host:
            await write(host, entity("A"))
            await write(host, entity("B"))
            with pytest.raises(ControlError, match="too many notes of this client, measured 3, limit 2"):
                await write(host, entity("C"))
            assert [row["name"] for row in (await host.ask("read_graph", {}))["entities"]] == ["A", "B"]

    anyio.run(run)


def test_a_file_is_read_around_its_torn_lines_and_written_as_it_was() -> None:
    whole = jsonl.write([entity("A", "ä", "b\n")], [relation("A", "to", "B")])
    assert whole.splitlines()[0] == '{"type":"entity","name":"A","entityType":"thing","observations":["ä","b\\n"]}'
    torn = whole.replace("\n", '\n{"type":"entity","name":"half\n[]\n{"type":"relation","from":"A"}\n')
    lines = jsonl.read(torn)
    assert jsonl.write(lines.entities, lines.relations) == whole
    assert [number for number, _ in lines.faults] == [2, 3, 4]


def test_the_bench_of_the_graph_says_what_it_promises_beside_what_it_measured(tmp_path: Path) -> None:
    figures = graph_figures(tmp_path, entities=500, relations=1_500)
    assert set(figures["targets"]) <= set(figures)
    assert figures["neighbours_p99_ms"] > 0
