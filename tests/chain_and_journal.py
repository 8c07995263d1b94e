"""A second checker, small and by itself: every transaction of the hot key on the chain against every intent on disk.

It reads blocks whole, not receipts by hash, so that a transaction which nobody wrote down is found too.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.devnet.rpc import Rpc

BLOCKS_ASKED = 100

Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounted:
    """What was compared, and every difference in words."""

    mined: int
    filled: int
    intents: int
    open: int
    faults: tuple[str, ...]


def entries(journal: Path, kind: str) -> list[Body]:
    """Read the bodies of one kind, in order, straight from the table."""
    with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT body FROM entries WHERE kind = ? ORDER BY seq", (kind,)).fetchall()
    return [json.loads(body) for (body,) in rows]


def of_the_key(rpc: Rpc, operator: str, first: int, last: int) -> list[Body]:
    """List what the hot key sent, in the order of the chain, each with its receipt's status."""
    found: list[Body] = []
    for at in range(first, last + 1, BLOCKS_ASKED):
        numbers = range(at, min(at + BLOCKS_ASKED, last + 1))
        for block in rpc.batch([("eth_getBlockByNumber", [hex(number), True]) for number in numbers]):
            found += [sent for sent in block["transactions"] if sent["from"].lower() == operator]
    receipts = rpc.batch([("eth_getTransactionReceipt", [sent["hash"]]) for sent in found])
    return [sent | {"ok": int(receipt["status"], 16) == 1} for sent, receipt in zip(found, receipts, strict=True)]


def account(journal: Path, rpc: Rpc) -> Accounted:
    """Compare a journal that nobody writes with the whole chain."""
    (genesis,) = entries(journal, "genesis")
    intents, outcomes = entries(journal, "intent"), entries(journal, "outcome")
    sent = of_the_key(rpc, genesis["operator"].lower(), int(genesis["start_block"]), rpc.block_number())
    last = {body["intent_id"]: body["type"] for body in outcomes}
    return Accounted(
        mined=len(sent),
        filled=sum(1 for said in last.values() if said == "Filled"),
        intents=len(intents),
        open=sum(1 for body in intents if last.get(body["intent_id"], "Reorged") == "Reorged"),
        faults=tuple(compare(intents, entries(journal, "attempt"), outcomes, sent)),
    )


def compare(intents: list[Body], attempts: list[Body], outcomes: list[Body], sent: list[Body]) -> list[str]:
    """List every difference between what was written down and `sent`, all that the chain holds of the hot key."""
    hashes: dict[str, list[str]] = defaultdict(list)
    for body in (*intents, *attempts):
        hashes[body["tx_hash"]].append(body["intent_id"])
    ends: dict[str, list[str]] = defaultdict(list)
    for body in outcomes:
        ends[body["intent_id"]].append(body["type"])
    named = {body["intent_id"]: body for body in intents}
    return [*_of_chain(sent, hashes, named), *_of_nonces(intents)] + [
        fault
        for name, body in named.items()
        for fault in _of_intent(name, body, ends[name], [one for one in sent if name in hashes.get(one["hash"], ())])
    ]


def _of_chain(sent: list[Body], hashes: dict[str, list[str]], intents: dict[str, Body]) -> list[str]:
    faults = [f"{one['hash']} is on the chain and in no intent" for one in sent if one["hash"] not in hashes]
    faults += [f"{h} is in {len(of)} intents" for h, of in hashes.items() if len(of) != 1]
    nonces = Counter(int(one["nonce"], 16) for one in sent)
    faults += [f"nonce {nonce} was mined {count} times" for nonce, count in nonces.items() if count > 1]
    faults += [f"nonce {n} was never mined, later ones were" for n in range(max(nonces, default=0)) if n not in nonces]
    plans = Counter(one["input"] for one in sent if one["ok"] and len(one["input"]) > 2)
    faults += [f"a plan was executed {count} times: {plan[:10]}…" for plan, count in plans.items() if count > 1]
    decided = Counter(intents[hashes[one["hash"]][0]]["decision_id"] for one in sent if one["hash"] in hashes)
    return faults + [f"{name} was executed {count} times" for name, count in decided.items() if count > 1]


def _of_nonces(intents: list[Body]) -> list[str]:
    nonces = Counter(body["nonce"] for body in intents)
    return [f"nonce {nonce} is in {count} intents" for nonce, count in nonces.items() if count > 1]


def _of_intent(name: str, body: Body, said: list[str], mined: list[Body]) -> list[str]:
    """Hold an intent's end against what of it was mined. Nobody else has the key here, so none is "Replaced"."""
    faults = [
        f"{name} was mined with nonce {int(one['nonce'], 16)}, not {body['nonce']}"
        for one in mined
        if int(one["nonce"], 16) != int(body["nonce"])
    ]
    if "Reorged" in said[::2] or any(end != "Reorged" for end in said[1::2]):  # only a reorg takes an end back
        faults.append(f"{name} ended twice: {', '.join(said)}")
    closed = bool(said) and said[-1] != "Reorged"
    if closed and len(mined) != 1:
        faults.append(f"{name} is {said[-1]}, and {len(mined)} of its transactions are mined")
    elif not closed and mined:
        faults.append(f"{name} is open, and {mined[0]['hash']} is mined")
    elif closed and (said[-1] == "Replaced" or mined[0]["ok"] != (said[-1] in ("Filled", "Cancelled"))):
        faults.append(f"{name} is {said[-1]}, and {mined[0]['hash']} {'succeeded' if mined[0]['ok'] else 'failed'}")
    return faults
