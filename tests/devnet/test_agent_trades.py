"""Agents' trades on a real chain: tickets, keys, the operator's consent, and what each attack on them comes to."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from engine.domain.errors import ControlError
from engine.methods import METHODS
from engine.queries.archive import forwarded
from engine.replay.cassette import unpack
from tests.agent_engine import AGENT, OPERATOR, OTHER, engine_on
from tests.conftest import LocalChain

pytestmark = pytest.mark.node

Chains = Callable[[int], LocalChain]


def mined(chain: LocalChain, tx_hash: str) -> dict[str, Any] | None:
    return chain.rpc.call("eth_getTransactionReceipt", tx_hash)  # type: ignore[return-value]


def test_a_ticket_is_spent_once_and_the_trade_traces_from_the_method_to_the_chain(own_chain: Chains) -> None:
    chain = own_chain(42161)

    async def check() -> None:
        async with engine_on(chain, risk__approval_above_wei=10**24) as here:
            params = await here.cycle()
            simulated = await here.ask("simulate_trade", params)
            assert simulated["legs"][0]["amount_in"]["raw"] == params["amount_in"]
            assert int(simulated["proof"]["net"]["wei"]) > 0
            ticket = simulated["ticket"]["id"]
            stolen = await here.execute(ticket, "steal", OTHER)
            assert (stolen["status"], stolen["rule"]) == ("refused", "ticket")
            done = await here.execute(ticket, "key-1")
            assert done["status"] == "submitted", done
            again = await here.execute(ticket, "key-1")
            assert again == done | {"repeated": True}
            reused = await here.execute(ticket, "key-2")
            assert (reused["status"], reused["rule"]) == ("refused", "ticket")
            busy = await here.ask("simulate_trade", params)
            assert "pools in flight" in {found["rule"] for found in (await here.ask("what_if", params))["refusals"]}
            assert busy["refusal"]["rule"] == "pools in flight"
            await here.mine(2)
            receipt = mined(chain, done["tx_hash"])
            assert receipt is not None
            assert int(receipt["status"], 16) == 1
            shown = await here.ask("trade", {"id": done["intent"]})
            assert shown == await here.ask("trade", {"id": done["tx_hash"]})
            assert shown == await here.ask("trade", {"id": done["decision"]})
            lineage = shown["lineage"]
            assert (shown["status"], shown["principal"], shown["origin"]) == ("filled", AGENT.id, "agent")
            assert [parent["kind"] for parent in lineage["asked_for_by"]] == ["ExecuteTrade"]
            assert lineage["decision"]["verdict"] == "approved"
            assert lineage["reservation"]["id"] == lineage["decision"]["reservation"]
            assert lineage["outcome"]["block"]["hash"] == receipt["blockHash"]
            assert (await here.ask("trades"))["trades"][0]["id"] == done["intent"]
            around = await here.ask("capture", {"trade": done["intent"], "blocks": 1}, OPERATOR)
            at = int(receipt["blockNumber"], 16)
            assert (around["from_block"] <= at - 2, around["to_block"]) == (True, at + 1)
            tape = unpack(b64decode(around["cassette"]), "the trade's")
            assert done["intent"] in "".join(str(line.body) for line in tape.recorded if line.kind == "intent")
            with pytest.raises(ControlError, match="no such trade"):
                await here.ask("capture", {"trade": "intent-999"}, OPERATOR)
            journal = here.composition.journal
            assert all(ticket.encode() not in bytes(body) for (body,) in journal.rows("SELECT body FROM entries"))
        async with engine_on(chain) as here:
            assert await here.execute(ticket, "key-1") == done | {"repeated": True}
            assert len((await here.ask("trades"))["trades"]) == 1

    anyio.run(check)


def test_a_ticket_expires_and_a_halted_or_reducing_engine_refuses_by_rule(own_chain: Chains) -> None:
    chain = own_chain(42161)

    async def check() -> None:
        async with engine_on(chain, risk__approval_above_wei=10**24) as here:
            params = await here.cycle()
            ticket = await here.ticket(params)
            await here.later(120)
            late = await here.execute(ticket, "late")
            assert late["rule"] == "ticket"
            assert "expired" in late["measured"]
            ticket = await here.ticket(params)
            await here.ask("halt", {"reason": "odd", "reducing": True})
            reducing = await here.ask("simulate_trade", params)
            assert reducing["proof"] is None or reducing["proof"]["capital"] != "own"
            await here.ask("halt", {"reason": "very odd"})
            assert (await here.execute(ticket, "halted"))["rule"] == "trading state"
            assert (await here.ask("simulate_trade", params))["refusal"]["rule"] == "trading state"
            with pytest.raises(ControlError, match="not for the role trader"):
                await here.ask("resume_challenge")
            assert (await here.ask("trades"))["trades"] == []

    anyio.run(check)


def test_a_large_trade_waits_for_the_operators_signature_over_exactly_it(own_chain: Chains) -> None:
    chain = own_chain(42161)

    async def check() -> None:
        async with engine_on(chain, risk__approval_above_wei=1) as here:
            params = await here.cycle()
            first = await here.execute(await here.ticket(params), "large-1")
            second = await here.execute(await here.ticket(params), "large-2")
            assert (first["status"], second["status"]) == ("waiting", "waiting")
            assert params["amount_in"] in first["what"]
            assert (await here.ask("trades"))["trades"] == []
            signed = await here.signed(first["approval"])
            attacks = {
                "other numbers": {**signed, "approval": second["approval"]},
                "forged": {**signed, "signature": "0x" + "11" * 65},
                "longer": {**signed, "expires_s": signed["expires_s"] + 1},
                "other nonce": {**signed, "nonce": "00" * 16},
            }
            for name, attack in attacks.items():
                with pytest.raises(ControlError, match="not signed by the operator") as refused:
                    await here.ask("approve", attack, OPERATOR)
                assert refused.value.code == "approval_refused", name
            with pytest.raises(ControlError, match="not for the role trader"):
                await here.ask("approve", signed)
            journaled = [e.body for e in here.composition.journal.entries("answer") if e.body["command"] is None]
            assert len(journaled) == len(attacks)
            assert len((await here.ask("approvals"))["approvals"]) == 2
        async with engine_on(chain, risk__approval_above_wei=2) as here:
            with pytest.raises(ControlError, match="another policy"):
                await here.ask("approve", await here.signed(first["approval"]), OPERATOR)
        async with engine_on(chain, risk__approval_above_wei=1) as here:
            assert len((await here.ask("approvals"))["approvals"]) == 2
            assert (await here.execute("a" * 32, "large-1"))["status"] == "waiting"
            signed = await here.signed(first["approval"])
            done = await here.ask("approve", signed, OPERATOR)
            assert done["status"] == "submitted", done
            with pytest.raises(ControlError, match="no such trade waits"):
                await here.ask("approve", signed, OPERATOR)
            denied = await here.ask("deny", {"approval": second["approval"], "reason": "once is enough"}, OPERATOR)
            assert (denied["status"], denied["rule"]) == ("refused", "approval")
            await here.mine(2)
            assert mined(chain, done["tx_hash"]) is not None
            kinds = (await here.ask("trade", {"id": done["intent"]}))["lineage"]["asked_for_by"]
            assert [parent["kind"] for parent in kinds] == ["ExecuteTrade", "Approve"]
        async with engine_on(chain, risk__approval_above_wei=1) as here:
            assert (await here.execute("a" * 32, "large-1"))["tx_hash"] == done["tx_hash"]
            assert (await here.execute("a" * 32, "large-2"))["measured"] == "denied: once is enough"
            assert (await here.ask("approvals"))["approvals"] == []
            assert len((await here.ask("trades"))["trades"]) == 1

    anyio.run(check)


def test_an_approval_that_came_too_late_and_one_cap_for_two_principals(own_chain: Chains) -> None:
    chain = own_chain(42161)

    async def check() -> None:
        async with engine_on(chain, risk__approval_above_wei=1) as here:
            params = await here.cycle()
            waiting = await here.execute(await here.ticket(params), "slow")
            signed = await here.signed(waiting["approval"])
            await here.later(400)
            with pytest.raises(ControlError, match="has expired"):
                await here.ask("approve", signed, OPERATOR)
            await here.later(600)
            with pytest.raises(ControlError, match="no such trade waits"):
                await here.signed(waiting["approval"])
            assert (await here.execute("a" * 32, "slow"))["rule"] == "approval"
        async with engine_on(chain, risk__approval_above_wei=10**24, risk__max_open_intents=1) as here:
            params = await here.cycle()
            tickets = [(await here.ticket(params, by), by) for by in (AGENT, OTHER)]
            answers: list[dict[str, Any]] = []

            async def spend(ticket: str, by: Any) -> None:
                answers.append(await here.execute(ticket, "mine", by))

            async with anyio.create_task_group() as both:
                for ticket, by in tickets:
                    both.start_soon(spend, ticket, by)
            assert sorted(answer["status"] for answer in answers) == ["refused", "submitted"]
            assert len(here.composition.desk.open) == 1

    anyio.run(check)


def test_every_read_method_answers_and_no_answer_holds_a_key_or_an_endpoint(own_chain: Chains) -> None:
    chain = own_chain(42161)

    async def check() -> None:
        async with engine_on(chain, agents__trading=False) as here:
            params = await here.cycle()
            pool = params["hops"][0]["pool"]
            given: dict[str, dict[str, Any]] = {
                "market_pool": {"pool": pool},
                "quote_route": params,
                "simulate_trade": params,
                "what_if": params,
                **{name: dict(METHODS[name].example) for name in METHODS if name.startswith("workspace_")},
                "awaiting": dict(METHODS["awaiting"].example),
                "report_refusal": {"asked": "scan_now", "code": "invalid_arguments"},
            }
            needs_a_record = {"explain_opportunity", "explain_miss", "trade", "approve_challenge", "workspace_proposal"}
            for name, method in METHODS.items():
                of_the_archive = method.answer.__module__ == forwarded.__module__
                if not method.read_only or name in needs_a_record or of_the_archive:
                    continue
                by = AGENT if "trader" in method.roles else OPERATOR
                answer = await here.ask(name, given.get(name), by)
                text = repr(answer)
                assert len(text) < 32_000 or name == "drift", name
                if by is AGENT:
                    assert chain.manifest.rpc not in text, (name, text)
                    assert chain.manifest.faucet_key[2:] not in text
            first = await here.ask("market_pools", {"limit": 3})
            second = await here.ask("market_pools", {"limit": 3, "cursor": first["next_cursor"]})
            assert {p["pool"] for p in first["pools"]}.isdisjoint(p["pool"] for p in second["pools"])
            simulated = await here.ask("simulate_trade", params)
            assert simulated["passes"]
            assert simulated["ticket"] is None
            with pytest.raises(ControlError, match="trading by agents is off"):
                await here.execute("a" * 32, "key")
        async with engine_on(chain, scan__floor_wei=0) as here:
            await here.cycle(share=2)
            listed = (await here.ask("opportunities"))["opportunities"]
            assert listed
            explained = await here.ask("explain_opportunity", {"id": listed[0]["id"]})
            assert explained["why"].startswith(("taken", "refused"))
            assert explained["lineage"]["request"]["origin"] == "engine"

    anyio.run(check)
