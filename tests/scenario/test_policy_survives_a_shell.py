"""An agent with a shell under the same user edits files, restarts the daemon, talks to its socket: no limit loosens."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from engine.control import SOCKET_NAME
from engine.control_client import call
from engine.domain.errors import ControlError
from engine.initialise import LOCAL_PASSPHRASE
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.risk.terms import Terms, terms_hash
from engine.risk.versions import Version, version_in_force
from tests.devnet.processes import manifest_in, start_devnet
from tests.policy_signing import signed
from tests.scenario.ketch_processes import END_S, ketch, refused, result, started, wait_for_engine

pytestmark = pytest.mark.node

TIGHT, LOOSE = 10**15, 10**18
QUIET = f"[scan]\nfloor_wei = {10**24}\n"


def settings(state: Path, *, trading: bool, max_gas_wei: int) -> None:
    switch = str(trading).lower()
    (state / "ketch.toml").write_text(f"{QUIET}[agents]\ntrading = {switch}\n[risk]\nmax_gas_wei = {max_gas_wei}\n")


@contextmanager
def engine(state: Path, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Run the daemon, and end it as a restart does."""
    with started("up", "--profile", "devnet", "--json", "--no-mcp", "--state", state, environment=environment) as up:
        wait_for_engine(state, up)
        yield
        up.send_signal(signal.SIGTERM)
        up.communicate(timeout=END_S)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    chain = start_devnet(tmp_path, "--with-parent")
    try:
        manifest_in(tmp_path, chain)
        settings(tmp_path, trading=False, max_gas_wei=TIGHT)
        yield tmp_path
    finally:
        chain.communicate(timeout=END_S)


def held(state: Path) -> Version:
    with Journal.read(state / JOURNAL_FILE) as journal:
        return version_in_force(journal)


def most_gas(state: Path) -> int:
    return int(call(state / SOCKET_NAME, "limits")["a_trade"]["max_gas"]["wei"])


def forge(state: Path) -> None:
    """Write a loosening into the journal with its chain of hashes whole, as whoever owns the file can."""
    before, terms = held(state), Terms.of(held(state).terms.flat() | {"risk.max_gas_wei": 10 * LOOSE})
    entry: dict[str, Any] = {
        "version": before.number + 1,
        "terms": terms.body(),
        "hash": terms_hash(terms.body()),
        "policy_hash": terms.risk.digest(),
        "previous": before.hash,
        "how": "tightened",
        "principal": "engine",
        "block": {"number": 1, "timestamp_s": 1},
        "expires_s": None,
        "nonce": None,
        "signature": None,
    }
    with Journal.open(state / JOURNAL_FILE) as journal:
        journal.append("policy", entry)


def test_a_shell_that_edits_files_and_restarts_the_daemon_loosens_nothing(state: Path) -> None:
    socket, secret = state / SOCKET_NAME, state / "secret"
    secret.write_text(LOCAL_PASSPHRASE + "\n")
    waiting = [f"risk.max_gas_wei: {TIGHT} -> {LOOSE} (loosens)", "agents.trading: off -> on (loosens)"]
    with engine(state):
        assert most_gas(state) == TIGHT
        settings(state, trading=True, max_gas_wei=LOOSE)
        assert result("policy", "reload", "--state", state)["waiting"] == waiting
        assert most_gas(state) == TIGHT
        assert call(socket, "engine_mode")["agents_may_trade"] is False
    assert result("policy", "diff", "--state", state)["changes"] == waiting  # with no engine running too
    with engine(state):
        status = result("status", "--state", state)
        assert status["policy_waiting"] == waiting
        assert "ketch policy apply" in status["policy_next_step"]
        assert most_gas(state) == TIGHT

        asked = call(socket, "policy_challenge")
        consent = {n: v for n, v in asdict(signed(state, held(state), asked)).items() if n != "principal"}
        for forged in ({"signature": "0x" + "11" * 65}, {"expires_s": asked["expires_s"] + 9}, {"nonce": "00"}):
            with pytest.raises(ControlError, match="not signed by the operator"):
                call(socket, "policy_apply", consent | forged)
        no_terminal = refused(ketch("policy", "apply", "--state", state))
        assert "asked for at a terminal" in no_terminal
        assert most_gas(state) == TIGHT

        applied = ketch("policy", "apply", "--secret-file", secret, "--state", state)
        assert applied.returncode == 0, applied.stderr
        assert all(line in applied.stderr for line in waiting)
        assert most_gas(state) == LOOSE
        assert call(socket, "engine_mode")["agents_may_trade"] is True
        with pytest.raises(ControlError, match="policy changed since"):
            call(socket, "policy_apply", consent)
        settings(state, trading=False, max_gas_wei=TIGHT)
        assert call(socket, "policy_reload")["waiting"] == []
        settings(state, trading=True, max_gas_wei=LOOSE)
        call(socket, "policy_reload")
        with pytest.raises(ControlError, match="not signed by the operator"):  # from the limits it was signed for
            call(socket, "policy_apply", consent)
        assert most_gas(state) == TIGHT
        assert ketch("policy", "apply", "--secret-file", secret, "--state", state).returncode == 0
        assert result("policy", "apply", "--state", state)["waiting"] == []  # nothing to sign, nothing asked

    with engine(state, {"KETCH_RISK__MAX_GAS_WEI": str(2 * LOOSE)}):
        assert most_gas(state) == LOOSE
        shown = call(socket, "policy")
        assert (shown["how"], shown["terms"]["risk.max_gas_wei"]) == ("signed", str(LOOSE))
        assert shown["waiting"] == [f"risk.max_gas_wei: {LOOSE} -> {2 * LOOSE} (loosens)"]
        assert result("verify", "--state", state)["ok"] is True
    offline = result("policy", "show", "--state", state)
    assert {name: offline[name] for name in ("version", "how", "hash", "terms")} == {
        name: shown[name] for name in ("version", "how", "hash", "terms")
    }

    forge(state)
    line = refused(ketch("up", "--profile", "devnet", "--json", "--no-mcp", "--state", state))
    assert "loosens risk.max_gas_wei without the operator's signature" in line
    assert "run ketch verify" in line
    assert "was loosened without the operator's signature" in ketch("verify", "--state", state).stderr
