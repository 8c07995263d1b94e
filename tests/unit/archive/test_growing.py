"""The market's graph grows from the journal's entries, and a reorg takes back what it takes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.journal.canonical import plain
from engine.journal.journal import Entry
from engine.knowledge.graph import Graph
from engine.knowledge.params import Changes, Neighbours, Rank
from engine.knowledge.ranking import rank
from engine.knowledge.reading import changes, neighbours
from tests.archive_host import GENESIS
from tests.unit import journal_stubs as stub

BLOCK = plain(stub.block())
ROUTE = plain(stub.ROUTE)


def stamped(name: str, *parents: str) -> dict[str, Any]:
    return {"id": name, "block": BLOCK, "parents": list(parents), "observed_ns": "0"}


TRADE: list[tuple[str, dict[str, Any]]] = [
    ("genesis", plain(GENESIS)),
    ("opportunity", {"stamp": stamped("opportunity-2"), "strategy": "cycles", "route": ROUTE}),
    ("request", {"stamp": stamped("request-3", "opportunity-2"), "principal": "engine", "route": ROUTE}),
    (
        "proof",
        {
            "stamp": stamped("proof-4"),
            "plan": {
                "request": "request-3",
                "families": ["constant_product", "concentrated"],
                "deployments": ["sushi_v2", "uniswap_v3"],
            },
            "costs": {"base_fee_wei": str(20_000_000)},
        },
    ),
    (
        "decision",
        {
            "stamp": stamped("decision-5"),
            "verdict": "approved",
            "request": "request-3",
            "reservation": "reservation-5",
        },
    ),
    ("intent", {"intent_id": "intent-6", "decision_id": "decision-5"}),
]
FILLED = [
    ("outcome", {"type": "Filled", "intent_id": "intent-6", "block": BLOCK}),
    (
        "release",
        {
            "reservation": "reservation-5",
            "how": "filled",
            "gas_wei": "7",
            "profit_wei": str(2 * 10**19 + 10),
            "loss_wei": "0",
        },
    ),
]
TAKEN_BACK = [
    ("outcome", {"type": "Reorged", "intent_id": "intent-6", "block": BLOCK}),
    ("release", {"reservation": "reservation-5", "how": "reorged", "gas_wei": "0", "loss_wei": "0"}),
]
REVERTED = [
    ("outcome", {"type": "Reverted", "intent_id": "intent-6", "reason": "below minimum", "block": BLOCK}),
    (
        "release",
        {"reservation": "reservation-5", "how": "reverted", "gas_wei": "5", "profit_wei": "0", "loss_wei": "5"},
    ),
]


@pytest.fixture
def graph(tmp_path: Path) -> Iterator[Graph]:
    opened = Graph(tmp_path)
    yield opened
    opened.close()


def took(graph: Graph, *parts: list[tuple[str, dict[str, Any]]]) -> None:
    for part in parts:
        first = graph.cursor().seq + 1
        graph.take(
            [Entry(seq=seq, kind=kind, body=body, hash=f"0x{seq}") for seq, (kind, body) in enumerate(part, first)]
        )


def test_a_trade_is_counted_where_it_passed_to_the_wei(graph: Graph) -> None:
    took(graph, TRADE, FILLED)
    for of, name in (
        ("routes", "route:"),
        ("pairs", f"pair:{stub.WETH}/{stub.USDC}"),
        ("pools", "pool:0x01"),
        ("venues", "venue:sushi_v2"),
        ("states", "state:base fee 16-32 Mwei, quiet"),
    ):
        rows = rank(graph, Rank(of=of))["rows"]  # type: ignore[arg-type]
        row = next(row for row in rows if row["name"].startswith(name))
        assert (row["asked"], row["filled"], row["gain_wei"]) == (1, 1, str(2 * 10**19 + 3)), of
        assert row["endings"] == {"filled": 1}
    assert rank(graph, Rank(of="failures"))["rows"] == []


def test_routes_are_found_by_their_first_token_and_their_venues(graph: Graph) -> None:
    took(graph, TRADE, FILLED)

    def found(token: str, *venues: str) -> int:
        return len(rank(graph, Rank(of="routes", token=token, venues=venues))["rows"])

    assert (
        found("WETH", "sushi_v2", "uniswap_v3")
        == found(stub.WETH)
        == found(f"token:{stub.WETH}", "venue:sushi_v2")
        == 1
    )
    assert found("WETH", "balancer_v2") == found(stub.USDC) == found("nothing") == 0


def test_what_a_reorg_takes_back_is_taken_back_and_may_end_otherwise(graph: Graph) -> None:
    took(graph, TRADE, FILLED, TAKEN_BACK)
    assert rank(graph, Rank(of="routes"))["rows"][0]["gain_wei"] == "0"
    assert rank(graph, Rank(of="routes"))["rows"][0]["endings"] == {}
    told = [row for row in changes(graph, Changes(after_seq=8))["changes"] if row["how"] == "taken back"]
    assert {(row["entry"], row["relationType"], row["to"]) for row in told} == {
        (10, "ended", "outcome:filled"),
        (10, "preceded", "outcome:filled"),
    }
    assert {row["from"].split(":")[0] for row in told} == {"route", "agent", "pair", "pool", "venue", "state"}
    took(graph, REVERTED)
    (row,) = rank(graph, Rank(of="routes"))["rows"]
    assert (row["gain_wei"], row["filled"], row["endings"]) == ("-5", 0, {"reverted: below minimum": 1})
    (failure,) = rank(graph, Rank(of="failures"))["rows"]
    assert failure["preceded_by"] == {"state:base fee 16-32 Mwei, quiet": 1}


def test_every_relation_says_which_entries_it_comes_from(graph: Graph) -> None:
    took(graph, TRADE, FILLED)
    near = neighbours(graph, Neighbours(name="outcome:filled"))["relations"]
    assert {(row["first_entry"], row["last_entry"], row["times"]) for row in near} == {(8, 8, 1)}
    late = changes(graph, Changes(after_seq=7))["changes"]
    assert {row["entry"] for row in late} == {8}
    assert {row.get("entityType") or row["relationType"] for row in late} == {"outcome", "ended", "preceded"}


def test_an_entry_that_says_less_than_it_should_adds_nothing_and_stops_nothing(graph: Graph) -> None:
    took(graph, [("proof", {"stamp": stamped("p")}), ("decision", {}), ("miss", {"block": BLOCK})], TRADE, FILLED)
    assert rank(graph, Rank(of="routes"))["rows"][0]["filled"] == 1
