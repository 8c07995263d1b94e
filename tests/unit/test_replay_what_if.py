"""A recording with another configuration beside it: what was asked then answers, exact quotes answer the rest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner

from engine.config import Settings
from engine.config_sources import Source, from_assignments
from engine.journal.canonical import loads
from engine.journal.journal import Entry
from engine.replay.beginning import Line
from engine.replay.beyond import QUOTED
from engine.replay.cassette import Cassette, read
from engine.replayed import Played, played, replayed
from server.cli import cli
from tests.cassettes.test_cassettes import CASSETTES

FILE = CASSETTES[0]


@pytest.fixture(scope="module")
def cassette() -> Cassette:
    return read(FILE)


def tried(cassette: Cassette, *assigned: str) -> Played:
    over: list[Source] = [from_assignments(assigned, Settings, "--set")] if assigned else []
    return anyio.run(lambda: played(cassette, over))


def profits(lines: Sequence[Line] | Sequence[Entry]) -> list[int]:
    """Read the profit of every proof, in order."""
    bodies = [
        line.body if isinstance(line, Entry) else loads(line.body.encode()) for line in lines if line.kind == "proof"
    ]
    return [int(body["realised"]) for body in bodies]


def without_simulations(cassette: Cassette) -> Cassette:
    """Forget what the node simulated: every proof must come from quotes."""
    items = [
        replace(item, heard=[one for one in item.heard if one[0][0][0] != "eth_simulateV1"]) for item in cassette.items
    ]
    return replace(cassette, items=items)


def test_quotes_prove_to_the_wei_what_the_chain_simulated(cassette: Cassette) -> None:
    async def proofs() -> tuple[list[int], set[str]]:
        async with replayed(without_simulations(cassette)) as replay:
            steps = [step async for step in replay.steps]
            entries = list(replay.composition.journal.entries(after_seq=cassette.beginning[-1].seq))
            return profits(entries), {line for step in steps for line in step.quoted}

    then = profits(cassette.recorded)
    now, quoted = anyio.run(proofs)
    assert len(then) > 5
    assert now == then
    assert f"eth_simulateV1: {QUOTED}" in quoted


def test_fewer_hops_take_no_longer_cycle_and_the_rest_is_marked_as_quoted(cassette: Cassette) -> None:
    result = tried(cassette, "scan.max_hops=2")
    then = [one for step in result.steps for one in step.then]
    now = [one for step in result.steps for one in step.now]
    assert max(len(one.pools) for one in then) > 2
    assert now
    assert {len(one.pools) for one in now} == {2}
    assert any(QUOTED in line for step in result.steps for line in step.quoted)
    assert [end.how for step in result.steps for end in step.ended_now].count("filled") >= 1


def test_a_tighter_policy_trades_less_and_the_ledger_of_nonces_stays_whole(cassette: Cassette) -> None:
    least = 10**16
    result = tried(cassette, f"risk.min_net_profit_wei={least}")
    approved = [one for step in result.steps for one in step.now if one.said == "approved"]
    assert all(one.net_wei is not None and one.net_wei >= least for one in approved)
    assert len(approved) < sum(len(step.then) for step in result.steps)
    assert not [one for step in result.steps for one in step.now if one.said == "state"]  # no second owner was seen


def test_the_same_settings_given_again_decide_the_same(cassette: Cassette) -> None:
    hops = cassette.settings["scan"]["max_hops"]
    result = tried(cassette, f"scan.max_hops={hops}")
    assert all(step.agrees for step in result.steps)


def test_the_command_shows_both_and_fails_only_where_the_settings_are_the_same(tmp_path: Path) -> None:
    policy = tmp_path / "tighter.toml"
    policy.write_text("[risk]\nmin_net_profit_wei = 1_000_000_000_000_000_000_000\n")
    for given, differs in (([], False), (["--policy", str(policy)], True), (["--set", "scan.max_hops=2"], True)):
        run = CliRunner().invoke(cli, ["replay", str(FILE), "--json", "--state", str(tmp_path), *given])
        assert run.exit_code == 0, run.output
        value = json.loads(run.output.splitlines()[-1])
        assert value["same"] is not differs
        assert bool(value["differences"]) is differs
        assert value["then"] == value["now"] or differs
    plain = CliRunner().invoke(cli, ["replay", str(FILE), "--state", str(tmp_path)])
    assert sum(line.startswith("block ") for line in plain.output.splitlines()) == value["blocks"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--set", "scan.max_hop=2"], "max_hop"),
        (["--set", "scan.max_hops=9"], "max_hops"),
        (["--set", "scan.max_hops"], "sets nothing"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_one_line(given: list[str], said: str, tmp_path: Path) -> None:
    run = CliRunner().invoke(cli, ["replay", str(FILE), "--state", str(tmp_path), *given])
    assert run.exit_code == 1
    assert said in run.output
    assert run.output.count("\n") == 1


def test_other_code_ends_the_command_with_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("engine.loop.net_before_bid", lambda *_: 10**30)
    run = CliRunner().invoke(cli, ["replay", str(FILE), "--state", str(tmp_path)])
    assert run.exit_code == 1
    assert "this code decides otherwise" in run.output
