"""Follow the policy's versions: each tightens the one before or is signed by the operator, and decisions quote it."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from eth_account import Account
from eth_account.messages import encode_defunct

from engine.verify.history import History, Row
from engine.verify.lineage import FAULTS
from engine.verify.report import Report

Loosens = Literal["raised", "lowered", "longer", "turned on"]

LOOSENS: Mapping[str, Loosens] = {
    "agents.live_trading": "turned on",
    "agents.trading": "turned on",
    "risk.agent_gas_per_day_wei": "raised",
    "risk.agent_notional_per_day_wei": "raised",
    "risk.agent_trades_per_minute": "raised",
    "risk.agents_gas_per_day_wei": "raised",
    "risk.allowed_chains": "longer",
    "risk.allowed_deployments": "longer",
    "risk.allowed_tokens": "longer",
    "risk.approval_above_wei": "raised",
    "risk.bid_share_ppm": "raised",
    "risk.floor_share_ppm": "lowered",
    "risk.gas_budget_per_day_wei": "raised",
    "risk.halt_at_loss_share_ppm": "raised",
    "risk.halt_at_losses_in_a_row": "raised",
    "risk.max_exposure_wei": "raised",
    "risk.max_gas_wei": "raised",
    "risk.max_loss_per_day_wei": "raised",
    "risk.max_notional_per_day_wei": "raised",
    "risk.max_notional_per_token_per_day_wei": "raised",
    "risk.max_notional_per_venue_per_day_wei": "raised",
    "risk.max_notional_wei": "raised",
    "risk.max_open_intents": "raised",
    "risk.max_trades_per_minute": "raised",
    "risk.min_net_profit_wei": "lowered",
}
"""Setting -> the change that loosens it. A setting that is not here may not change without the signature."""

_LOOSER: Mapping[Loosens, Callable[[Any, Any], bool]] = {
    "raised": lambda old, new: old is not None and (new is None or int(new) > int(old)),
    "lowered": lambda old, new: old is not None and (new is None or int(new) < int(old)),
    "longer": lambda old, new: old is not None and (new is None or not set(new) <= set(old)),
    "turned on": lambda old, new: new is not False and old is False,
}

Flat = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """The version in force at a row. `policy_hash` is what decisions quote."""

    number: int
    hash: str
    policy_hash: str
    terms: Flat


def check_policies(history: History, report: Report) -> None:
    """Walk the rows once; a version that does not follow, or a decision under another policy, is a finding.

    A journal whose genesis does not name the agents' switches was begun before policies had versions: what it decided
    before its first version is not held against its genesis.
    """
    genesis = history.rows[0]
    held = _first(genesis)
    versioned, nonces = "agents" in genesis.body, set[str]()
    for row in history.rows[1:]:
        quoted = row.body.get("policy_hash") if row.kind in ("decision", "reservation") else None
        if versioned and quoted is not None and quoted != held.policy_hash:
            report.found(row.seq, f"the {row.kind} quotes another policy than was in force", quoted, held.policy_hash)
        if row.kind != "policy":
            continue
        report.checked["policies"] += 1
        try:
            for what, measured, expected in _wrong(row, held, genesis, nonces):
                report.found(row.seq, what, measured, expected)
            held, versioned = _version(row), True
        except FAULTS as fault:
            report.found(row.seq, "the version of the policy cannot be read", repr(fault), "a whole version")


def _first(genesis: Row) -> _Held:
    tree = {"risk": genesis.body["policy"]} | {name: genesis.body[name] for name in ("agents",) if name in genesis.body}
    return _Held(number=1, hash=_digest(tree), policy_hash=genesis.body["policy_hash"], terms=_flat(tree))


def _version(row: Row) -> _Held:
    terms = row.body["terms"]
    return _Held(
        number=int(row.body["version"]),
        hash=_digest(terms),
        policy_hash=row.body["policy_hash"],
        terms=_flat(terms),
    )


def _wrong(row: Row, held: _Held, genesis: Row, nonces: set[str]) -> Iterator[tuple[str, object, object]]:
    body, made = row.body, _version(row)
    place = (int(body["version"]), body["previous"], body["hash"], body["policy_hash"])
    expected = (held.number + 1, held.hash, made.hash, _digest(body["terms"]["risk"]))
    if place != expected:
        yield "the version of the policy does not follow from the one before", place, expected
    if gone := sorted(held.terms.keys() - made.terms.keys()):
        yield "the version of the policy leaves limits out", ", ".join(gone), "every limit of the one before"
        return
    if body["how"] == "signed":
        signer = _signer(row, held, made, genesis.hash)
        if signer != genesis.body["operator_secret"]:
            yield "the version of the policy is not signed by the operator", signer, genesis.body["operator_secret"]
        if int(body["expires_s"]) <= int(body["block"]["timestamp_s"]):
            yield "the operator's signature had expired", body["block"]["timestamp_s"], f"before {body['expires_s']}"
        if body["nonce"] in nonces:
            yield "the operator's signature was used before", body["nonce"], "once"
        nonces.add(body["nonce"])
        return
    loosened = [name for name, old in held.terms.items() if _looser(name, old, made.terms[name])]
    if loosened:
        yield "the policy was loosened without the operator's signature", ", ".join(loosened), "a signed version"
    if body["how"] != "tightened":
        yield "the version of the policy says of no known way how it came", body["how"], "tightened or signed"


def _looser(name: str, old: Any, new: Any) -> bool:
    return _LOOSER[LOOSENS[name]](old, new) if name in LOOSENS else old != new


def _signer(row: Row, held: _Held, made: _Held, journal: str) -> str:
    """Recover who signed the change, from the text that its row comes to."""
    body = row.body
    lines = (
        "Ketch: change the policy",
        *(
            f"{name}: {_said(held.terms[name])} -> {_said(new)}"
            for name, new in sorted(made.terms.items())
            if held.terms.get(name, new) != new
        ),
        f"from version {held.number} {held.hash}",
        f"to version {made.number} {made.hash}",
        f"journal {journal}",
        f"expires {body['expires_s']}",
        f"nonce {body['nonce']}",
    )
    try:
        signature = bytes.fromhex(body["signature"].removeprefix("0x"))
        return str(Account.recover_message(encode_defunct(text="\n".join(lines)), signature=signature)).lower()
    except Exception as fault:  # noqa: BLE001 - whatever the library says of bytes that are no signature
        return f"no signature ({type(fault).__name__})"


def _said(value: Any) -> str:
    if value is None:
        return "anything"
    if isinstance(value, bool):
        return "on" if value else "off"
    return (", ".join(value) or "nothing") if isinstance(value, list) else str(value)


def _flat(tree: dict[str, dict[str, Any]]) -> Flat:
    return {f"{table}.{name}": value for table, terms in tree.items() for name, value in terms.items()}


def _digest(tree: dict[str, Any]) -> str:
    return "0x" + hashlib.sha256(json.dumps(tree, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
