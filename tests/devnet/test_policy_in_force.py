"""The policy in force in a running engine: one change reaches desk, loop, agents, signer and answers in one step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import anyio
import pytest

from engine.config import load
from engine.domain.errors import ConfigError, ControlError
from engine.verify.verify import verify_state
from tests.agent_engine import AGENT, OPERATOR, QUIET, Asked, engine_on
from tests.conftest import LocalChain
from tests.policy_signing import apply_waiting, signed

pytestmark = pytest.mark.node

Chains = Callable[[int], LocalChain]
TIGHT, LOOSE = 10**15, 10**24


def now_wanted(here: Asked, **changes: object) -> None:
    """Change what the engine's settings say when it next reads them."""
    given = QUIET | {name.replace("__", "."): value for name, value in changes.items()}
    state = here.chain.manifest_path.parent
    here.composition.policy.read = lambda: load(state, environ={}, given=given).terms


async def applied(here: Asked) -> dict[str, object]:
    """Sign what waits and send it, as `ketch policy apply` does."""
    state = here.chain.manifest_path.parent
    consent = signed(state, here.composition.policy.version, await here.ask("policy_challenge", by=OPERATOR))
    given = {name: value for name, value in asdict(consent).items() if name != "principal"}
    return await here.ask("policy_apply", given, OPERATOR)


def test_a_policy_that_changed_between_simulation_and_execution_refuses_the_ticket(own_chain: Chains) -> None:
    chain = own_chain(42161)

    async def check() -> None:
        async with engine_on(chain, risk__approval_above_wei=LOOSE) as here:
            params = await here.cycle()
            ticket = await here.ticket(params)
            hash_then = (await here.ask("engine_status"))["policy_hash"]
            now_wanted(here, risk__approval_above_wei=LOOSE, risk__max_open_intents=3)
            answer = await here.ask("policy_reload", by=OPERATOR)
            assert answer["taken"] == ["risk.max_open_intents: 4 -> 3"]
            assert answer["waiting"] == []
            refused = await here.execute(ticket, "key-1")
            assert (refused["status"], refused["rule"]) == ("refused", "policy changed")
            assert hash_then in refused["limit"]
            assert (await here.ask("engine_status"))["policy_hash"] in refused["measured"]
            assert (await here.ask("trades"))["trades"] == []
            done = await here.execute(await here.ticket(params), "key-2")
            assert done["status"] == "submitted", done
            await here.mine(2)
        assert [f for f in verify_state(chain.manifest_path.parent, chain.manifest.rpc).findings if f.seq] == []

    anyio.run(check)


def test_a_reload_is_in_force_everywhere_at_once(own_chain: Chains) -> None:
    chain = own_chain(42161)

    async def check() -> None:
        async with engine_on(chain, risk__approval_above_wei=LOOSE) as here:
            params = await here.cycle()
            waiting = await here.ticket(params)
            strict = {"risk__max_gas_wei": TIGHT, "risk__bid_share_ppm": 10, "risk__max_open_intents": 1}
            now_wanted(here, risk__approval_above_wei=1, agents__trading=False, **strict)
            await here.ask("policy_reload", by=OPERATOR)
            held = here.composition.policy.policy
            parts = (here.composition.desk, here.composition.loop, here.composition.agents)
            assert [part._in_force.policy for part in parts] == [held] * 3
            assert (held.max_gas_wei, held.max_open_intents, held.bid_share_ppm) == (TIGHT, 1, 10)
            limits = await here.ask("limits")
            assert limits["a_trade"]["max_gas"]["wei"] == str(TIGHT)
            assert limits["open_intents"]["limit"] == 1
            assert limits["policy_hash"] == held.digest()
            assert (await here.ask("gas"))["bid_share_ppm"] == 10
            assert (await here.ask("engine_mode"))["agents_may_trade"] is False
            with pytest.raises(ControlError, match="trad"):
                await here.execute(waiting, "key-1")

    anyio.run(check)


def test_what_would_loosen_waits_in_sight_and_takes_the_operators_signature(own_chain: Chains) -> None:
    chain = own_chain(42161)
    state = chain.manifest_path.parent

    async def check() -> None:
        async with engine_on(chain, risk__approval_above_wei=TIGHT):
            pass
        async with engine_on(chain, applied=False, risk__approval_above_wei=LOOSE) as here:
            said = f"risk.approval_above_wei: {TIGHT} -> {LOOSE} (loosens)"
            assert (await here.ask("limits"))["a_trade"]["approval_above"]["wei"] == str(TIGHT)
            assert (await here.ask("limits"))["waiting"] == [said]
            assert (await here.ask("engine_configuration"))["policy"]["waiting"] == [said]
            assert (await here.ask("status", by=OPERATOR))["policy_waiting"] == [said]
            assert (await here.ask("policy_diff", by=OPERATOR))["changes"] == [said]
            waits = await here.execute(await here.ticket(await here.cycle()), "key-1")
            assert waits["status"] == "waiting"
            for method in ("policy_reload", "policy_challenge"):
                with pytest.raises(ControlError, match="not for the role trader"):
                    await here.ask(method, by=AGENT)
            consent = apply_waiting(here.composition.policy, state, here.composition.loop.market.head.timestamp_s)
            assert consent is not None
            given = {name: value for name, value in asdict(consent).items() if name != "principal"}
            with pytest.raises(ControlError, match="not signed by the operator"):
                await here.ask("policy_apply", given | {"signature": "0x" + "11" * 65}, OPERATOR)
            await here.later(400)
            with pytest.raises(ControlError, match="has expired"):
                await here.ask("policy_apply", given, OPERATOR)
            assert (await here.ask("limits"))["a_trade"]["approval_above"]["wei"] == str(TIGHT)
            answer = await applied(here)
            assert (answer["taken"], answer["waiting"]) == ([said], [])
            assert (await here.ask("limits"))["a_trade"]["approval_above"]["wei"] == str(LOOSE)
            with pytest.raises(ControlError, match="waits under another policy"):
                await here.ask("approve", await here.signed(waits["approval"]), OPERATOR)
        async with engine_on(chain, applied=False, risk__approval_above_wei=LOOSE) as here:
            assert (await here.ask("policy", by=OPERATOR))["how"] == "signed"
            assert here.composition.policy.waiting == ()

    anyio.run(check)


def test_a_reload_of_settings_that_are_wrong_changes_nothing(own_chain: Chains) -> None:
    chain = own_chain(42161)

    async def check() -> None:
        async with engine_on(chain) as here:
            journal = here.composition.journal
            before = journal.count("command"), journal.count("policy"), here.composition.policy.version
            now_wanted(here, risk__max_gas_wei=-1)
            with pytest.raises(ConfigError, match="max_gas_wei must be"):
                await here.ask("policy_reload", by=OPERATOR)
            after = journal.count("command"), journal.count("policy"), here.composition.policy.version
            assert after == before

    anyio.run(check)
