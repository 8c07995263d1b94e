"""Settings explained, and changed in the text of ketch.toml without touching anything else of it."""

from __future__ import annotations

import random
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from engine.config import Settings, load, stated
from engine.config_sources import settings_in
from engine.domain.commands import SettingChange
from engine.domain.errors import ControlError
from engine.workspace.edits import difference, edited, stated_value, value_of
from engine.workspace.proposals import PROPOSABLE, changed, edits_of
from engine.workspace.settings import NOT_SHOWN, effects, explained
from engine.workspace.writing import written

RPC = "https://node.example/v2/KEYKEYKEY"
FILE = f"""# mine
chain = "arbitrum"
rpc = "{RPC}"  # the provider's key is in it

[scan]
# fewer hops, fewer reverts
max_hops = 3

[risk]
max_open_intents = 2
[tokens]"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "ketch.toml").write_text(FILE)
    return tmp_path


def rows(state: Path, in_effect: Settings | None = None, **environ: str) -> dict[str, dict[str, Any]]:
    found = explained(in_effect or load(state, environ=environ), stated(state, environ=environ), "the policy in force")
    return {row["setting"]: row for row in found}


def test_every_setting_is_explained_with_value_source_default_and_variable(state: Path) -> None:
    found = rows(state, KETCH_SCAN__MAX_ROUNDS="2")
    assert list(found) == list(settings_in(Settings))
    assert [name for name, row in found.items() if len(row["meaning"]) < 10] == []
    hops, rounds, floor = (found[f"scan.{name}"] for name in ("max_hops", "max_rounds", "floor_wei"))
    assert (hops["value"], hops["source"], hops["default"]) == ("3", "ketch.toml", "4")
    assert (rounds["value"], rounds["source"]) == ("2", "the environment")
    assert rounds["environment"] == "KETCH_SCAN__MAX_ROUNDS"
    assert (floor["value"], floor["source"]) == ("0", "default")
    assert found["treasury"]["value"] == "none"


def test_no_endpoint_and_no_path_is_shown(state: Path) -> None:
    with (state / "ketch.toml").open("a") as file:
        file.write(f'\n[wallet.endpoints]\nbase = "{RPC}"\n[workspace.roots]\nnotes = "/srv/private"\n')
    found = rows(state)
    assert "KEYKEYKEY" not in str(found)
    assert "/srv/private" not in str(found)
    for name in ("rpc", "ws", "wallet.endpoints", "workspace.roots"):
        assert found[name]["value"] == NOT_SHOWN, name


def test_what_the_sources_say_now_and_is_not_in_effect_waits(state: Path) -> None:
    before = load(state, environ={})
    (state / "ketch.toml").write_text(FILE.replace("max_hops = 3", "max_hops = 2").replace("= 2\n[tok", "= 9\n[tok"))
    found = rows(state, before)
    assert (found["scan.max_hops"]["value"], found["scan.max_hops"]["waits"]) == ("3", "2")
    limit = found["risk.max_open_intents"]
    assert (limit["value"], limit["waits"], limit["source"]) == ("2", "9", "the policy in force")
    told = effects(before, before, load(state, environ={}))
    assert told == [
        "scan.max_hops: 3 -> 2 (at the next start)",
        "risk.max_open_intents: 2 -> 9 (loosens: waits for ketch policy apply)",
    ]


@pytest.mark.parametrize(
    ("setting", "value", "lines"),
    [
        ("scan.max_hops", "2", ["-max_hops = 3", "+max_hops = 2"]),
        ("scan.max_rounds", "2", ["+max_rounds = 2"]),
        ("scan.max_hops", None, ["-max_hops = 3"]),
        ("misses.watch", "false", ["+", "+[misses]", "+watch = false"]),
        ("tokens.valid_blocks", "7", ["+valid_blocks = 7"]),
        ("risk.allowed_chains", "[1, 10]", ["+allowed_chains = [1, 10]"]),
        ("misses.watch", None, []),
    ],
)
def test_one_setting_changes_and_nothing_else_of_the_file(setting: str, value: str | None, lines: list[str]) -> None:
    after = edited(FILE, [(setting, value)])
    told = [line for line in difference(FILE, after) if not line.startswith(("---", "+++", "@@"))]
    assert [line for line in told if line not in ("-[tokens]", "+[tokens]")] == lines
    assert stated_value(after, setting) == value
    assert "KEYKEYKEY" not in "".join(told)


def test_any_changes_in_any_order_are_undone_to_the_same_values() -> None:
    dice = random.Random(7)
    names = sorted(name for name in PROPOSABLE if "allowed" not in name)
    for _ in range(300):
        text = FILE
        wanted = [(name, dice.choice(("1", "true", '"x"', "[1]", None))) for name in dice.sample(names, 5)]
        changes = [SettingChange(setting=name, before=stated_value(text, name), after=value) for name, value in wanted]
        made = edited(text, edits_of(text, changes))
        assert {name: stated_value(made, name) for name, _ in wanted} == dict(wanted)
        back = edited(made, edits_of(made, changes, back=True))
        plain = {name: table for name, table in tomllib.loads(back).items() if table != {}}
        assert plain == {name: table for name, table in tomllib.loads(FILE).items() if table != {}}
        assert all(line in back for line in ("# mine", "# the provider's key is in it", "# fewer hops, fewer reverts"))


@pytest.mark.parametrize(
    "text",
    ["scan.max_hops = 3\n", "scan = {max_hops = 3}\n", '["scan"]\nmax_hops = 3\n', '[scan]\n"max_hops" = 3\n'],
)
def test_what_one_line_cannot_change_is_left_alone(text: str) -> None:
    with pytest.raises(ControlError, match="in a way that one line cannot change"):
        edited(text, [("scan.max_hops", "2")])


@pytest.mark.parametrize("value", ["", "3\nrpc = 'x'", "3 # x\n[wallet]", "x", "{", '"', "3, 4", "= 3", "[" * 5_000])
def test_a_value_that_is_more_or_less_than_one_is_refused(value: str) -> None:
    with pytest.raises(ControlError, match="that is not one TOML value"):
        value_of(value)


@pytest.mark.parametrize(
    "setting",
    [
        *(
            "rpc",
            "ws",
            "treasury",
            "executor",
            "profile",
            "base_tokens",
            "deployments",
            "wallet.key",
            "wallet.endpoints",
        ),
        *("submission.private", "submission.fall_back_to_public", "agents.trading", "agents.live_trading"),
        *("workspace.roots", "scan", "no.such", "lockstep_socket"),
    ],
)
def test_no_proposal_is_about_an_endpoint_an_address_a_key_a_path_or_a_switch(setting: str) -> None:
    with pytest.raises(ControlError, match="no such setting to propose for"):
        changed(FILE, [(setting, '"x"')])


def test_a_file_changed_by_hand_since_is_not_touched() -> None:
    change = SettingChange(setting="scan.max_hops", before="4", after="2")
    with pytest.raises(ControlError, match="changed by hand since"):
        edits_of(FILE, [change])


def test_a_file_is_replaced_whole_and_keeps_its_rights(state: Path) -> None:
    path = state / "ketch.toml"
    path.chmod(0o640)
    written(path, "chain = 1\n")
    assert path.read_text() == "chain = 1\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [one.name for one in state.iterdir()] == ["ketch.toml"]
    target = state / "elsewhere"
    target.write_text("mine")
    (state / "ketch.toml.new").symlink_to(target)
    with pytest.raises(OSError, match="symbolic link"):
        written(path, "chain = 10\n")
    assert target.read_text() == "mine"
