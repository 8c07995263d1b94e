"""What the operator reads and signs of a change of the policy, what the engine answers, and what the journal keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.domain.commands import ApplyPolicy, ReloadPolicy
from engine.domain.errors import ControlError, JournalError
from engine.domain.units import Address
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.risk.in_force import PolicyInForce
from engine.risk.operator import create_operator
from engine.risk.policy import Policy
from engine.risk.terms import AgentSwitches, Terms, terms_hash
from engine.risk.versions import Version, policy_message, sign_policy, verify_policy, version_in_force, write_version
from tests.unit import journal_stubs as stub

SECRET = "the operator's own"
NOW_S = stub.block().timestamp_s
HELD = Terms(risk=Policy(max_gas_wei=100, allowed_chains=(1, 10)))
TIGHTER = Terms(risk=Policy(max_gas_wei=90, allowed_chains=(1,)))
LOOSER = Terms(risk=Policy(max_gas_wei=200, allowed_chains=(1, 10)), agents=AgentSwitches(trading=True))
JOURNAL = "0x" + "44" * 32
LOOSENED = ["risk.max_gas_wei: 100 -> 200 (loosens)", "agents.trading: off -> on (loosens)"]


@pytest.fixture
def secret(tmp_path: Path) -> Address:
    return create_operator(tmp_path, SECRET, iterations=2)


@pytest.fixture
def journal(tmp_path: Path, secret: Address) -> Iterator[Journal]:
    genesis = stub.GENESIS | {
        "operator_secret": secret,
        "policy": HELD.risk.model_dump(),
        "policy_hash": HELD.risk.digest(),
        "agents": HELD.agents.model_dump(),
    }
    with Journal.open(tmp_path / JOURNAL_FILE, genesis=genesis) as opened:
        yield opened


def in_force(journal: Journal, wanted: Terms = HELD, later: Terms | None = None) -> PolicyInForce:
    return PolicyInForce(journal, wanted, lambda: later or wanted, block=stub.block())


def consent(policy: PolicyInForce, state: Path, wanted: Terms = LOOSER) -> ApplyPolicy:
    asked = policy.challenge(NOW_S)
    return sign_policy(
        state,
        SECRET,
        policy.version,
        wanted,
        principal="cli",
        journal=asked["journal"],
        expires_s=asked["expires_s"],
        nonce=asked["nonce"],
    )


def test_the_text_that_is_signed_says_every_change_in_order_and_what_it_leads_from_and_to(journal: Journal) -> None:
    held = version_in_force(journal)
    text = policy_message(held, LOOSER, journal=JOURNAL, expires_s=7, nonce="n1").body.decode()
    assert text.splitlines() == [
        "Ketch: change the policy",
        "agents.trading: off -> on",
        "risk.max_gas_wei: 100 -> 200",
        f"from version 1 {terms_hash(HELD.body())}",
        f"to version 2 {terms_hash(LOOSER.body())}",
        f"journal {JOURNAL}",
        "expires 7",
        "nonce n1",
    ]


def test_the_engine_asks_for_a_signature_for_five_minutes_and_once(journal: Journal) -> None:
    policy = in_force(journal, LOOSER)
    asked, again = policy.challenge(NOW_S), policy.challenge(NOW_S)
    assert len(asked["nonce"]) == 32
    assert asked["nonce"] != again["nonce"]
    assert asked | {"nonce": ""} == {
        "version": 1,
        "previous": terms_hash(HELD.body()),
        "wanted": LOOSER.body(),
        "journal": next(journal.entries(limit=1)).hash,
        "expires_s": NOW_S + 300,
        "nonce": "",
    }


def test_the_engine_says_which_version_stands_and_what_waits_for_whom(journal: Journal) -> None:
    assert in_force(journal, LOOSER).standing() == {
        "version": 1,
        "how": "genesis",
        "hash": terms_hash(HELD.body()),
        "waiting": LOOSENED,
        "next_step": "the operator's signature loosens: ketch policy apply",
    }
    assert in_force(journal).standing()["next_step"] == ""
    assert in_force(journal).at_start == ()


def test_what_the_settings_tightened_at_the_start_is_told(journal: Journal) -> None:
    policy = in_force(journal, TIGHTER)
    assert [(change.name, change.loosens) for change in policy.at_start] == [
        ("risk.max_gas_wei", False),
        ("risk.allowed_chains", False),
    ]
    assert policy.agents == AgentSwitches()


def test_a_signed_version_is_written_with_all_that_proves_it(journal: Journal, tmp_path: Path) -> None:
    policy = in_force(journal, LOOSER)
    signed = consent(policy, tmp_path)
    answer = policy.apply(signed, stub.block())
    assert (answer["taken"], answer["version"], answer["how"], answer["waiting"]) == (LOOSENED, 2, "signed", [])
    assert policy.agents.trading
    (entry,) = journal.entries("policy")
    block = entry.body["block"]
    assert entry.body | {"block": None} == {
        "version": "2",
        "terms": LOOSER.body(),
        "hash": terms_hash(LOOSER.body()),
        "policy_hash": LOOSER.risk.digest(),
        "previous": terms_hash(HELD.body()),
        "how": "signed",
        "principal": "cli",
        "block": None,
        "expires_s": str(signed.expires_s),
        "nonce": signed.nonce,
        "signature": signed.signature,
    }
    assert (block["number"], block["timestamp_s"]) == ("100", str(NOW_S))
    (command,) = journal.entries("command")
    assert (command.body["type"], command.body["nonce"]) == ("ApplyPolicy", signed.nonce)


def test_a_reload_is_written_down_with_who_asked_even_when_nothing_changes(journal: Journal) -> None:
    policy = in_force(journal)
    answer = policy.reload(ReloadPolicy(principal="anyone"), stub.block())
    assert (answer["taken"], answer["version"]) == ([], 1)
    (command,) = journal.entries("command")
    assert (command.body["type"], command.body["principal"]) == ("ReloadPolicy", "anyone")
    assert journal.count("policy") == 0


def test_versions_follow_each_other_whichever_way_they_came(journal: Journal, tmp_path: Path) -> None:
    policy = in_force(journal, LOOSER, TIGHTER)
    policy.apply(consent(policy, tmp_path), stub.block())
    policy.reload(ReloadPolicy(principal="anyone"), stub.block())
    version = version_in_force(journal)
    assert version == policy.version
    assert (version.number, version.how, version.whole) == (3, "tightened", True)
    assert version.terms == Terms(risk=TIGHTER.risk)


def verify(
    given: ApplyPolicy, held: Version, secret: Address, *, now_s: int = NOW_S, used: tuple[str, ...] = ()
) -> None:
    verify_policy(given, held, LOOSER, operator_secret=secret, journal=JOURNAL, now_s=now_s, used_nonces=used)


def test_a_refused_change_says_what_was_given_and_what_would_do(
    journal: Journal, tmp_path: Path, secret: Address
) -> None:
    held = version_in_force(journal)
    given = sign_policy(
        tmp_path, SECRET, held, LOOSER, principal="cli", journal=JOURNAL, expires_s=NOW_S + 1, nonce="n1"
    )
    verify(given, held, secret)
    other = "0x" + "00" * 32
    refusals = {
        "policy changed since": (replace(given, previous=other), NOW_S, (), other, held.hash),
        "another policy": (replace(given, hash=other), NOW_S, (), other, terms_hash(LOOSER.body())),
        "expired": (given, NOW_S + 1, (), f"now {NOW_S + 1}", f"before {NOW_S + 1}"),
        "used before": (given, NOW_S, ("n1",), "nonce n1", "once"),
        "not signed": (replace(given, signature="0x"), NOW_S, (), "no signature", secret),
    }
    for why, (wrong, now_s, used, measured, limit) in refusals.items():
        with pytest.raises(ControlError, match=why) as refused:
            verify(wrong, held, secret, now_s=now_s, used=used)
        assert (refused.value.measured, refused.value.limit) == (measured, limit)
        assert refused.value.next_step
    with pytest.raises(ControlError, match="not signed") as refused:
        verify(given, held, stub.OPERATOR)
    assert (refused.value.measured, refused.value.limit) == (secret, stub.OPERATOR)


def test_a_journal_that_does_not_follow_names_the_entry_and_what_was_wanted(journal: Journal) -> None:
    body = {"version": 3, "terms": HELD.body(), "hash": terms_hash(HELD.body()), "previous": "0x", "how": "tightened"}
    entry = journal.append("policy", body)
    with pytest.raises(JournalError, match="does not follow from the one before") as broken:
        version_in_force(journal)
    assert broken.value.measured == f"entry {entry.seq}"
    assert broken.value.limit == f"version 2 of {terms_hash(HELD.body())}"
    assert broken.value.next_step == "run ketch verify, then restore a backup"


def test_the_first_limit_of_another_ketch_is_named_with_its_entry(journal: Journal) -> None:
    terms = HELD.body()
    terms["risk"] |= {"a_limit_of_a_newer_ketch": "1", "another": "1"}
    entry = journal.append("policy", {"version": 2, "terms": terms})
    with pytest.raises(JournalError, match="cannot be read by this ketch") as broken:
        version_in_force(journal)
    assert broken.value.measured == f"entry {entry.seq}, risk.a_limit_of_a_newer_ketch"


def test_a_genesis_of_another_ketch_is_entry_one(tmp_path: Path) -> None:
    with Journal.open(tmp_path / JOURNAL_FILE, genesis=stub.GENESIS | {"policy": {"newer": "1"}}) as journal:
        with pytest.raises(JournalError, match="cannot be read by this ketch") as broken:
            version_in_force(journal)
        assert broken.value.measured == "entry 1, risk.newer"


def test_a_limit_that_no_version_named_before_is_loosened_by_nobody(tmp_path: Path) -> None:
    """An older ketch wrote no such limit: the first version that names it says what holds."""
    older = {name: value for name, value in HELD.risk.model_dump().items() if name != "max_open_intents"}
    with Journal.open(tmp_path / JOURNAL_FILE, genesis=stub.GENESIS | {"policy": older}) as journal:
        held = version_in_force(journal)
        terms = Terms(risk=HELD.risk.model_copy(update={"max_open_intents": 5}))
        write_version(journal, held, terms, principal="engine", block=stub.block())
        assert version_in_force(journal).terms == terms
        further = Terms(risk=HELD.risk.model_copy(update={"max_open_intents": 6}))
        write_version(journal, version_in_force(journal), further, principal="engine", block=stub.block())
        with pytest.raises(JournalError, match=r"loosens risk\.max_open_intents without"):
            version_in_force(journal)
