"""The policy's versions: what settings may do alone, what a signature is good for, what a forged version comes to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.domain.commands import ApplyPolicy, ReloadPolicy
from engine.domain.errors import ControlError, JournalError
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.risk.in_force import PolicyInForce
from engine.risk.operator import create_operator
from engine.risk.policy import Policy
from engine.risk.terms import AgentSwitches, Terms, terms_hash
from engine.risk.versions import sign_policy, version_in_force
from engine.verify.verify import verify_state
from tests.unit import journal_stubs as stub

SECRET = "the operator's own"
NOW_S = stub.block().timestamp_s
HELD = Terms(risk=Policy(max_gas_wei=100, allowed_chains=(1, 10)))
LOOSER = Terms(risk=Policy(max_gas_wei=200, allowed_chains=(1, 10)), agents=AgentSwitches(trading=True))
MIXED = Terms(risk=Policy(max_gas_wei=200, max_open_intents=2, allowed_chains=(10, 8453)))


def genesis(secret: str, **changes: Any) -> dict[str, Any]:
    body = stub.GENESIS | {
        "operator_secret": secret,
        "policy": HELD.risk.model_dump(),
        "policy_hash": HELD.risk.digest(),
        "agents": HELD.agents.model_dump(),
    }
    return {name: value for name, value in (body | changes).items() if value is not ...}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    secret = create_operator(tmp_path, SECRET, iterations=2)
    with Journal.open(tmp_path / JOURNAL_FILE, genesis=genesis(secret)) as opened:
        yield opened


def in_force(journal: Journal, wanted: Terms = HELD, later: Terms | None = None) -> PolicyInForce:
    return PolicyInForce(journal, wanted, lambda: later or wanted, block=stub.block())


def signed(policy: PolicyInForce, state: Path, **changes: Any) -> ApplyPolicy:
    asked = policy.challenge(NOW_S) | changes
    return sign_policy(
        state,
        SECRET,
        policy.version,
        Terms.model_validate(asked["wanted"]),
        principal="cli",
        journal=asked["journal"],
        expires_s=asked["expires_s"],
        nonce=asked["nonce"],
    )


def findings(state: Path) -> list[tuple[int | None, str]]:
    found = verify_state(state, None).findings
    return [(f.seq, f.what) for f in found if "policy" in f.what or "signature" in f.what]


def test_settings_that_say_the_same_write_nothing(journal: Journal) -> None:
    policy = in_force(journal)
    assert (policy.version.number, policy.version.how, policy.waiting) == (1, "genesis", ())
    assert journal.head[0] == 1


def test_what_tightens_is_taken_and_written_at_the_start_and_what_loosens_waits(journal: Journal) -> None:
    policy = in_force(journal, MIXED)
    assert (policy.policy.max_open_intents, policy.policy.max_gas_wei) == (2, 100)
    assert policy.policy.allowed_chains == (10,)
    assert [change.name for change in policy.waiting] == ["risk.max_gas_wei", "risk.allowed_chains"]
    assert policy.standing()["next_step"].endswith("ketch policy apply")
    (entry,) = journal.entries("policy")
    assert (entry.body["how"], entry.body["version"], entry.body["signature"]) == ("tightened", "2", None)
    again = in_force(journal, MIXED)
    assert again.version == policy.version
    assert journal.count("policy") == 1
    assert findings(journal.path.parent) == []


def test_a_tightened_limit_stays_when_the_settings_take_it_back(journal: Journal) -> None:
    in_force(journal, Terms(risk=Policy(max_gas_wei=50, allowed_chains=(1, 10))))
    assert in_force(journal).policy.max_gas_wei == 50


def test_a_reload_tightens_at_once_and_without_a_secret(journal: Journal) -> None:
    policy = in_force(journal, HELD, MIXED)
    answer = policy.reload(ReloadPolicy(principal="anyone"), stub.block())
    assert answer["taken"] == ["risk.max_open_intents: 4 -> 2", "risk.allowed_chains: 1, 10 -> 10"]
    assert len(answer["waiting"]) == 2
    assert policy.policy.max_open_intents == 2
    assert [entry.body["principal"] for entry in journal.entries("policy")] == ["anyone"]


def test_the_signature_puts_exactly_what_waits_in_force(journal: Journal, tmp_path: Path) -> None:
    policy = in_force(journal, LOOSER)
    answer = policy.apply(signed(policy, tmp_path), stub.block())
    assert answer["taken"] == ["risk.max_gas_wei: 100 -> 200 (loosens)", "agents.trading: off -> on (loosens)"]
    assert policy.waiting == ()
    assert version_in_force(journal) == policy.version
    assert policy.version.terms == LOOSER
    assert findings(tmp_path) == []


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "of another principal's making": ({"signature": "0x" + "11" * 65}, "not signed by the operator"),
    "of no signature": ({"signature": "0x"}, "not signed by the operator"),
    "of another expiry": ({"expires_s": NOW_S + 10_000}, "not signed by the operator"),
    "of another nonce": ({"nonce": "00"}, "not signed by the operator"),
    "of another digest": ({"hash": terms_hash(MIXED.body())}, "ask for another policy"),
    "of another version": ({"previous": "0x" + "00" * 32}, "policy changed since"),
    "of the past": ({"expires_s": NOW_S}, "has expired"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_signature_is_refused(journal: Journal, tmp_path: Path, name: str) -> None:
    changes, why = WRONG[name]
    policy = in_force(journal, LOOSER)
    before = journal.head
    with pytest.raises(ControlError, match=why) as refused:
        policy.apply(replace(signed(policy, tmp_path), **changes), stub.block())
    assert refused.value.code == "policy_refused"
    assert refused.value.next_step
    assert (policy.policy, journal.head) == (HELD.risk, before)


def test_a_signature_for_another_journal_is_refused(journal: Journal, tmp_path: Path) -> None:
    policy = in_force(journal, LOOSER)
    with pytest.raises(ControlError, match="not signed by the operator"):
        policy.apply(signed(policy, tmp_path, journal="0x" + "77" * 32), stub.block())


def test_another_key_is_refused(journal: Journal, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    create_operator(other, SECRET, iterations=2)
    policy = in_force(journal, LOOSER)
    with pytest.raises(ControlError, match="not signed by the operator"):
        policy.apply(signed(policy, other), stub.block())


def test_a_signature_does_not_hold_for_settings_that_changed_after_it(journal: Journal, tmp_path: Path) -> None:
    policy = in_force(journal, LOOSER, Terms(risk=Policy(max_gas_wei=10**9, allowed_chains=(1, 10))))
    consent = signed(policy, tmp_path)
    policy.reload(ReloadPolicy(principal="attacker"), stub.block())
    with pytest.raises(ControlError, match="ask for another policy"):
        policy.apply(consent, stub.block())


def test_a_signature_is_not_taken_twice_even_from_the_same_limits_again(journal: Journal, tmp_path: Path) -> None:
    policy = in_force(journal, LOOSER, HELD)
    consent = signed(policy, tmp_path)
    policy.apply(consent, stub.block())
    with pytest.raises(ControlError, match="policy changed since"):
        policy.apply(consent, stub.block())
    policy.reload(ReloadPolicy(principal="operator"), stub.block())  # back to what the signature began from
    assert policy.version.hash == consent.previous
    policy.wanted = LOOSER
    with pytest.raises(ControlError, match="used before"):
        policy.apply(consent, stub.block())
    with pytest.raises(ControlError, match="not signed by the operator"):  # nor under a nonce of the thief's own
        policy.apply(replace(consent, nonce="77"), stub.block())


def forged(held: Terms, wanted: Terms, **changes: Any) -> dict[str, Any]:
    body = {
        "version": 2,
        "terms": wanted.body(),
        "hash": terms_hash(wanted.body()),
        "policy_hash": wanted.risk.digest(),
        "previous": terms_hash(held.body()),
        "how": "tightened",
        "principal": "attacker",
        "block": {"number": 100, "timestamp_s": NOW_S},
        "expires_s": None,
        "nonce": None,
        "signature": None,
    }
    return body | changes


FORGED: dict[str, tuple[dict[str, Any], str, str]] = {
    "a loosening that says it tightens": (forged(HELD, LOOSER), "loosens", "was loosened without"),
    "a signature of somebody else": (
        forged(HELD, LOOSER, how="signed", expires_s=NOW_S + 9, nonce="1", signature="0x" + "11" * 65),
        "is not signed",
        "is not signed by the operator",
    ),
    "no signature at all": (
        forged(HELD, LOOSER, how="signed", expires_s=NOW_S + 9, nonce="1", signature=""),
        "is not signed",
        "is not signed by the operator",
    ),
    "a way that nobody knows": (forged(HELD, HELD, how="genesis"), "no known way", "of no known way"),
    "a version left out": (forged(HELD, HELD, version=3), "does not follow", "does not follow"),
    "another one before it": (forged(LOOSER, HELD), "does not follow", "does not follow"),
    "a hash of other terms": (forged(HELD, HELD, hash=LOOSER.risk.digest()), "does not follow", "does not follow"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_version_forged_into_the_file_stops_the_engine_and_is_found(
    journal: Journal, tmp_path: Path, name: str
) -> None:
    body, stops, found = FORGED[name]
    entry = journal.append("policy", body)
    with pytest.raises(JournalError, match=stops):
        in_force(journal)
    assert any(seq == entry.seq and found in what for seq, what in findings(tmp_path)), findings(tmp_path)


def test_a_version_that_leaves_a_limit_out_stops_the_engine_and_is_found(journal: Journal, tmp_path: Path) -> None:
    terms = HELD.body()
    del terms["risk"]["max_gas_wei"]
    body = forged(HELD, HELD, terms=terms, hash=terms_hash(terms))
    journal.append("policy", body)
    with pytest.raises(JournalError, match="does not follow"):
        in_force(journal)
    assert any("leaves limits out" in what for _, what in findings(tmp_path))


def test_a_signed_version_whose_terms_were_edited_is_found(journal: Journal, tmp_path: Path) -> None:
    policy = in_force(journal, LOOSER)
    consent = signed(policy, tmp_path)
    more = Terms(risk=Policy(max_gas_wei=10**9, allowed_chains=(1, 10)))
    kept = {"expires_s": consent.expires_s, "nonce": consent.nonce, "signature": consent.signature}
    journal.append("policy", forged(HELD, more, how="signed", **kept))
    with pytest.raises(JournalError, match="is not signed by the operator"):
        in_force(journal)
    assert any("is not signed by the operator" in what for _, what in findings(tmp_path))


@pytest.mark.parametrize(("expires_s", "says"), [(NOW_S, "had expired"), (NOW_S + 1, None)])
def test_a_signature_that_had_expired_when_it_was_taken_is_found(
    journal: Journal, tmp_path: Path, expires_s: int, says: str | None
) -> None:
    policy = in_force(journal, LOOSER)
    consent = signed(policy, tmp_path, expires_s=expires_s)
    kept = {"expires_s": consent.expires_s, "nonce": consent.nonce, "signature": consent.signature}
    journal.append("policy", forged(HELD, LOOSER, how="signed", **kept))
    assert [what for _, what in findings(tmp_path)] == ([f"the operator's signature {says}"] if says else [])


def test_a_decision_under_another_policy_than_was_in_force_is_found(journal: Journal, tmp_path: Path) -> None:
    entry = journal.append("reservation", {"policy_hash": LOOSER.risk.digest()} | RESERVED)
    assert (entry.seq, "the reservation quotes another policy than was in force") in findings(tmp_path)
    in_force(journal, MIXED)
    journal.append("reservation", {"policy_hash": HELD.risk.digest()} | RESERVED | {"reservation": "r2"})
    assert len([what for _, what in findings(tmp_path) if "quotes another policy" in what]) == 2


RESERVED = {"reservation": "r1", "worst_wei": 1, "day": 1}


def test_a_journal_from_before_versions_begins_with_its_genesis_and_agents_off(tmp_path: Path) -> None:
    """Its first entry names no switches and not every limit; both are written down whole, and no setting loosens."""
    secret = create_operator(tmp_path, SECRET, iterations=2)
    old = HELD.risk.model_dump(include={"max_gas_wei", "allowed_chains"})
    with Journal.open(tmp_path / JOURNAL_FILE, genesis=genesis(secret, policy=old, agents=...)) as journal:
        assert not version_in_force(journal).whole
        policy = in_force(journal, LOOSER)
        assert policy.version.terms == HELD
        assert (policy.version.number, policy.version.how, policy.version.whole) == (2, "tightened", True)
        assert [change.name for change in policy.waiting] == ["risk.max_gas_wei", "agents.trading"]
        policy.apply(signed(policy, tmp_path), stub.block())
        assert version_in_force(journal).terms == LOOSER
    assert [what for _, what in findings(tmp_path) if "not the one that was hashed" not in what] == []


def test_limits_that_this_ketch_does_not_know_stop_it(journal: Journal) -> None:
    terms = HELD.body()
    terms["risk"]["a_limit_of_a_newer_ketch"] = "1"
    journal.append("policy", forged(HELD, HELD, terms=terms, hash=terms_hash(terms)))
    with pytest.raises(JournalError, match="cannot be read by this ketch") as refused:
        in_force(journal)
    assert "version of ketch that wrote it" in refused.value.next_step
