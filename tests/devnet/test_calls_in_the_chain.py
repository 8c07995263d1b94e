"""Who asked what stands in the journal's chain: agents and operator, answered and refused, before what they led to."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

from engine.domain.errors import ControlError
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.verify.verify import verify_state
from tests.agent_engine import AGENT, OPERATOR, engine_on
from tests.conftest import LocalChain

pytestmark = pytest.mark.node

Chains = Callable[[int], LocalChain]


def test_requests_are_chained_before_the_command_they_led_to_and_at_the_end(own_chain: Chains) -> None:
    chain = own_chain(42161)
    state = chain.manifest_path.parent

    async def run() -> None:
        async with engine_on(chain) as here:
            before = here.composition.journal.count("calls")
            for _ in range(3):
                await here.ask("gas")
            for method, params, by in (
                ("resume_challenge", {}, AGENT),
                ("drain", {"to": "0xme"}, AGENT),
                ("market_pool", {"pool": "a secret"}, AGENT),
                ("execute_trade", {"ticket": "a" * 32, "idempotency_key": "k"}, OPERATOR),
            ):
                with pytest.raises(ControlError):
                    await here.ask(method, params, by)
            with pytest.raises(ControlError):
                here.engine.attach({"resume": "not one"})
            principal, _ = here.engine.attach({"name": "me"})
            assert here.composition.journal.count("calls") == before
            await here.ask("halt", {"reason": "a test"})
            calls, halt = list(here.composition.journal.entries())[-3:-1]
            assert (calls.kind, halt.kind, halt.body["type"]) == ("calls", "command", "Halt")
            rows = {(r["principal"], r["method"], r["decision"]): r["count"] for r in calls.body["calls"]}
            assert rows[AGENT.id, "gas", "answered"] == "3"
            assert rows[AGENT.id, "resume_challenge", "refused: not_allowed"] == "1"
            assert rows[AGENT.id, "drain", "refused: unknown_method"] == "1"
            assert rows[AGENT.id, "market_pool", "refused: invalid_params"] == "1"
            assert rows[OPERATOR.id, "execute_trade", "refused: not_allowed"] == "1"
            assert rows["nobody yet", "attach", "refused: invalid_params"] == "1"
            assert rows[principal.id, "attach", "answered"] == "1"
            assert "secret" not in repr(calls.body)
            assert "0xme" not in repr(calls.body)

    anyio.run(run)
    with Journal.read(state / JOURNAL_FILE) as journal:
        last = list(journal.entries("calls"))[-1]
    assert (AGENT.id, "halt", "answered") in {(r["principal"], r["method"], r["decision"]) for r in last.body["calls"]}
    assert verify_state(state, chain.manifest.rpc).findings == []
