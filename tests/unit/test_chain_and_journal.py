"""The second checker of the kills: each way of losing, doubling or hiding a trade is one finding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.chain_and_journal import compare
from tests.soak.finished import Finished


def intent(number: int, **other: Any) -> dict[str, Any]:
    name = f"intent-{number}"
    return {"intent_id": name, "decision_id": f"d{number}", "nonce": str(number), "tx_hash": f"0x{number}"} | other


def end(number: int, kind: str = "Filled") -> dict[str, Any]:
    return {"intent_id": f"intent-{number}", "type": kind}


def mined(number: int, **other: Any) -> dict[str, Any]:
    return {"hash": f"0x{number}", "nonce": hex(number), "input": f"0xc0de{number}", "ok": True} | other


INTENTS, ENDS, SENT = [intent(0), intent(1)], [end(0), end(1)], [mined(0), mined(1)]
CANCEL = {"intent_id": "intent-1", "tx_hash": "0xcc"}


def test_a_true_history_has_no_fault() -> None:
    assert compare(INTENTS, [], ENDS, SENT) == []
    assert compare(INTENTS, [], ENDS[:1], SENT[:1]) == []
    assert compare(INTENTS, [], [end(0), end(1, "Reverted")], [mined(0), mined(1, ok=False)]) == []
    cancelled = [mined(0), mined(1, hash="0xcc", input="0x")]
    assert compare(INTENTS, [CANCEL], [end(0), end(1, "Cancelled")], cancelled) == []
    assert compare(INTENTS, [], [end(0), end(1), end(1, "Reorged"), end(1)], SENT) == []


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ((INTENTS[:1], [], ENDS[:1], SENT), "0x1 is on the chain and in no intent"),
        ((INTENTS, [], ENDS, SENT[:1]), "intent-1 is Filled, and 0 of its transactions are mined"),
        ((INTENTS, [], ENDS[:1], SENT), "intent-1 is open, and 0x1 is mined"),
        ((INTENTS, [], [*ENDS, end(1)], SENT), "intent-1 ended twice: Filled, Filled"),
        ((INTENTS, [], [end(0), end(1, "Reverted")], SENT), "intent-1 is Reverted, and 0x1 succeeded"),
        ((INTENTS, [], [end(0), end(1, "Replaced")], SENT), "intent-1 is Replaced, and 0x1 succeeded"),
        ((INTENTS, [], ENDS, [mined(0), mined(1, ok=False)]), "intent-1 is Filled, and 0x1 failed"),
        ((INTENTS, [], ENDS, [mined(0), mined(1, input="0xc0de0")]), "a plan was executed 2 times: 0xc0de0…"),
        (([intent(0), intent(1, decision_id="d0")], [], ENDS, SENT), "d0 was executed 2 times"),
        (([intent(0), intent(1, nonce="0")], [], ENDS, SENT), "nonce 0 is in 2 intents"),
        (([intent(0), intent(1, tx_hash="0x0")], [], ENDS, SENT), "0x0 is in 2 intents"),
        ((INTENTS, [], ENDS, [mined(0), mined(1, nonce="0x5")]), "nonce 1 was never mined, later ones were"),
        ((INTENTS, [CANCEL], ENDS, [*SENT, mined(1, hash="0xcc")]), "nonce 1 was mined 2 times"),
    ],
)
def test_every_lie_is_found(history: tuple[Any, Any, Any, Any], said: str) -> None:
    assert said in compare(*history)


def test_a_finished_shard_is_remembered_and_half_a_line_is_not(tmp_path: Path) -> None:
    Finished("x", tmp_path).add(3, {"kills": 50})
    with (tmp_path / "x.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"shard": 4, "fig')
    assert Finished("x", tmp_path).shards() == {3: {"kills": 50}}
