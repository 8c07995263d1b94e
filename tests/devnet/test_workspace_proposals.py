"""An agent reads, asks what a setting means and proposes another; the operator applies it and takes it back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from engine.domain.errors import ControlError
from engine.journal import ancestry
from engine.workspace.proposals import OPEN_PROPOSALS
from tests.agent_engine import AGENT, OPERATOR, OTHER, Asked, engine_on
from tests.conftest import LocalChain

pytestmark = pytest.mark.node
HOPS = {"changes": [{"setting": "scan.max_hops", "value": "3"}], "reason": "four hops never filled\u202e"}
LIMITS = {
    "changes": [
        {"setting": "risk.max_open_intents", "value": "2"},
        {"setting": "risk.max_trades_per_minute", "value": "20000"},
    ],
    "reason": "fewer at once, more a minute",
}


def commands(here: Asked) -> list[str]:
    found = ancestry.newest(here.composition.journal, "command", limit=20)
    return [entry.body["type"] for entry in found if "Settings" in entry.body["type"]]


def run(own_chain: Callable[[], LocalChain], story: Callable[[Asked, Path], object]) -> None:
    chain = own_chain()

    async def told() -> None:
        async with engine_on(chain) as here:
            await story(here, chain.manifest_path.parent)  # type: ignore[misc]

    anyio.run(told)


def test_a_proposal_changes_nothing_until_the_operator_applies_it_and_nothing_stays_after_the_rollback(
    own_chain: Callable[[], LocalChain],
) -> None:
    async def story(here: Asked, state: Path) -> None:
        file = state / "ketch.toml"
        file.write_text("# mine\n[scan]\nfloor_wei = 5  # kept\n")
        before = file.read_text()
        proposed = await here.ask("workspace_propose", HOPS)
        assert proposed["applied"] is False
        assert [line for line in proposed["diff"] if line.startswith("+m")] == ["+max_hops = 3"]
        assert proposed["effects"] == ["scan.max_hops: 4 -> 3 (at the next start)"]
        assert file.read_text() == before
        named = {"proposal": proposed["proposal"]}
        for principal in (AGENT, OTHER):
            for method in ("workspace_apply", "workspace_rollback", "workspace_proposal"):
                with pytest.raises(ControlError, match="is not for the role trader"):
                    await here.ask(method, {} if method.endswith("rollback") else named, principal)
        assert file.read_text() == before
        (shown,) = (await here.ask("workspace_proposals"))["proposals"][:1]
        assert (shown["changes"], shown["applied"]) == (["scan.max_hops = 3"], False)
        assert shown["untrusted"]["text"] == "four hops never filled"
        await here.ask("workspace_apply", named, OPERATOR)
        assert file.read_text() == before.replace("[scan]\n", "[scan]\nmax_hops = 3\n")
        assert (await here.ask("workspace_proposals"))["proposals"][0]["applied"] is True
        (row,) = (await here.ask("workspace_settings", {"about": "scan.max_hops"}))["settings"]
        assert (row["value"], row["waits"]) == ("4", "3")
        with pytest.raises(ControlError, match="that is what ketch"):
            await here.ask("workspace_apply", named, OPERATOR)
        undone = await here.ask("workspace_rollback", {}, OPERATOR)
        assert undone["proposal"] == proposed["proposal"]
        assert file.read_text() == before
        with pytest.raises(ControlError, match="no change is applied"):
            await here.ask("workspace_rollback", {}, OPERATOR)
        assert commands(here) == ["RollBackSettings", "ApplySettings", "ProposeSettings"]

    run(own_chain, story)


def test_an_applied_proposal_loosens_no_limit_without_the_operators_signature(
    own_chain: Callable[[], LocalChain],
) -> None:
    async def story(here: Asked, state: Path) -> None:
        proposed = await here.ask("workspace_propose", LIMITS)
        assert any(line.endswith("(loosens: waits for ketch policy apply)") for line in proposed["effects"])
        await here.ask("workspace_apply", {"proposal": proposed["proposal"]}, OPERATOR)
        assert "max_trades_per_minute = 20000" in (state / "ketch.toml").read_text()
        held = here.engine.settings.risk
        assert (held.max_open_intents, held.max_trades_per_minute) == (4, 10_000)

    run(own_chain, story)


def test_what_an_agent_may_not_propose_is_refused_and_a_file_changed_by_hand_is_not_touched(
    own_chain: Callable[[], LocalChain],
) -> None:
    async def story(here: Asked, state: Path) -> None:
        file = state / "ketch.toml"

        async def refused(method: str, params: dict[str, object], why: str, by: object = AGENT) -> None:
            with pytest.raises(ControlError, match=why):
                await here.ask(method, params, by)  # type: ignore[arg-type]

        for setting, value in (("rpc", '"http://127.0.0.1:1"'), ("agents.live_trading", "true"), ("treasury", '"0x"')):
            wanted: dict[str, object] = {"changes": [{"setting": setting, "value": value}], "reason": "x"}
            await refused("workspace_propose", wanted, "no such setting to propose for")
        high: dict[str, object] = {"changes": [{"setting": "scan.max_hops", "value": "9"}], "reason": "x"}
        await refused("workspace_propose", high, "scan.max_hops must be less than or equal to 4")
        proposed = await here.ask("workspace_propose", HOPS)
        await here.ask("workspace_apply", {"proposal": proposed["proposal"]}, OPERATOR)
        file.write_text("[scan]\nmax_hops = 2\n")
        await refused("workspace_rollback", {}, "changed by hand since", OPERATOR)
        assert file.read_text() == "[scan]\nmax_hops = 2\n"
        file.unlink()
        file.symlink_to(state / "elsewhere.toml")
        await refused("workspace_propose", HOPS, "is a link")
        file.unlink()
        for _ in range(OPEN_PROPOSALS):
            await here.ask("workspace_propose", HOPS, OTHER)
        await refused("workspace_propose", HOPS, "as much as one may", OTHER)
        assert (await here.ask("workspace_propose", HOPS, AGENT))["applied"] is False

    run(own_chain, story)


def test_the_operator_applies_what_strategy_propose_wrote_down_too(own_chain: Callable[[], LocalChain]) -> None:
    async def story(here: Asked, state: Path) -> None:
        asked = {"parameter": "scan.max_rounds", "value": "2", "reason": "blocks are full"}
        proposed = await here.ask("strategy_propose", asked)
        await here.ask("workspace_apply", {"proposal": proposed["proposal"]}, OPERATOR)
        assert (state / "ketch.toml").read_text() == "[scan]\nmax_rounds = 2\n"

    run(own_chain, story)


def test_lines_are_checked_without_being_written_and_files_are_read_within_the_roots(
    own_chain: Callable[[], LocalChain],
) -> None:
    async def story(here: Asked, state: Path) -> None:
        right = await here.ask("workspace_validate", {"toml": "[scan]\nmax_hops = 2"})
        assert (right["ok"], right["effects"]) == (True, ["scan.max_hops: 4 -> 2 (at the next start)"])
        for lines, why in (("[scan]\nmax_hop = 2", "unknown setting"), ("[scan", "not valid TOML")):
            wrong = await here.ask("workspace_validate", {"toml": lines})
            assert (wrong["ok"], why in wrong["refused"]) == (False, True)
        assert not (state / "ketch.toml").exists()
        settings = (await here.ask("workspace_settings"))["settings"]
        assert here.engine.settings.rpc not in str(settings)
        listed = await here.ask("workspace_files", {"contains": "docs/", "limit": 100})
        assert "docs/security.md" in {row["file"] for row in listed["files"]}
        page = await here.ask("workspace_read", {"name": "docs/security.md", "limit": 64})
        assert page["untrusted"]["text"][0] == "# Security: the most that can be lost"
        assert page["next_offset"] == 64
        one = await here.ask("workspace_file", {"name": "docs/security.md"})
        assert one["leads_to"]
        for name in ("state/operator.json", "state/journal.sqlite", "state/devnet.json", "docs/../README.md"):
            with pytest.raises(ControlError, match=r"never served|not the name of a file"):
                await here.ask("workspace_read", {"name": name})

    run(own_chain, story)
