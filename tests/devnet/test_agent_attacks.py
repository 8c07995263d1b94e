"""Agents' trades under attack on a real chain: what each attempt comes to, and that the journal adds up afterwards."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.agent_trades import AgentTrades
from engine.domain.decision import Waiting
from engine.domain.errors import ControlError, KetchError
from engine.domain.units import BlockRef
from engine.initialise import LOCAL_PASSPHRASE
from engine.journal.canonical import decode
from engine.methods import METHODS
from engine.params import MAX_PARAMS_BYTES, Params
from engine.principals import Principal
from engine.risk.approval import sign_approval
from engine.risk.halt import HALT_FILE, write_halt
from tests.agent_engine import AGENT, OPERATOR, OTHER, Asked, engine_on
from tests.conftest import LocalChain
from tests.devnet.hostile_params import hostile

pytestmark = pytest.mark.node

Chains = Callable[[int], LocalChain]


async def signed_with(here: Asked, approval: str, nonce: str) -> dict[str, Any]:
    """Sign an approval as the operator, with a nonce of the attacker's choice."""
    asked = await here.ask("approve_challenge", {"approval": approval}, OPERATOR)
    signed = sign_approval(
        here.chain.manifest_path.parent,
        LOCAL_PASSPHRASE,
        decode(Waiting, asked["waiting"]),
        principal="cli",
        journal=asked["journal"],
        expires_s=asked["expires_s"],
        nonce=nonce,
    )
    return {"approval": approval, **{n: getattr(signed, n) for n in ("expires_s", "nonce", "signature")}}


def over_a_limit(file: Path, *, gas_budget_wei: int, open_intents: int) -> list[str]:
    """Add the journal up with nothing of the engine's: every limit that was passed at any moment, by how much."""
    found: list[str] = []
    held: dict[str, int] = {}
    spent = 0
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as journal:
        for kind, raw in journal.execute("SELECT kind, body FROM entries ORDER BY seq"):
            body = json.loads(raw)
            if kind == "reservation":
                held[body["reservation"]] = int(body["worst_wei"])
            elif kind == "release":
                held.pop(body["reservation"], None)
                spent += int(body.get("gas_wei") or 0)
            if (over := spent + sum(held.values()) - gas_budget_wei) > 0:
                found.append(f"{over} wei over the day's gas")
            if len(held) > open_intents:
                found.append(f"{len(held)} open")
    return found


def test_a_policy_that_changed_between_simulating_and_executing_voids_ticket_and_approval(own_chain: Chains) -> None:
    chain = own_chain(42161)

    async def check() -> None:
        async with engine_on(chain, risk__approval_above_wei=1) as here:
            params = await here.cycle()
            waiting = await here.execute(await here.ticket(params), "before")
            ticket = await here.ticket(params)
            signed = await here.signed(waiting["approval"])
            policy = here.composition.policy
            tighter = policy.read().model_copy(
                update={"risk": policy.policy.model_copy(update={"max_open_intents": 1})}
            )
            policy.read = lambda: tighter  # type: ignore[method-assign] - what ketch.toml would say after an edit
            reloaded = await here.ask("policy_reload", {}, OPERATOR)
            assert reloaded["version"] > 1, reloaded
            late = await here.execute(ticket, "after")
            assert late["rule"] == "policy changed", late
            with pytest.raises(ControlError, match="another policy"):
                await here.ask("approve", signed, OPERATOR)
            assert (await here.ask("trades"))["trades"] == []

    anyio.run(check)


def test_a_nonce_is_good_once_and_what_was_signed_for_one_trade_is_good_for_no_other(own_chain: Chains) -> None:
    chain = own_chain(42161)

    async def check() -> None:
        async with engine_on(chain, risk__approval_above_wei=1) as here:
            params = await here.cycle()
            smaller = {**params, "amount_in": str(int(params["amount_in"]) - 1)}
            first = await here.execute(await here.ticket(params), "one")
            second = await here.execute(await here.ticket(smaller), "two")
            one = await signed_with(here, first["approval"], "11" * 16)
            assert (await here.ask("approve", one, OPERATOR))["status"] == "submitted"
            reused = await signed_with(here, second["approval"], "11" * 16)
            attacks = {
                "the nonce again": reused,
                "the signature of the other numbers": {**one, "approval": second["approval"]},
                "replayed": one,
            }
            for name, attack in attacks.items():
                with pytest.raises(ControlError) as refused:
                    await here.ask("approve", attack, OPERATOR)
                assert refused.value.code in {"approval_refused", "not_waiting"}, name
            await here.mine(2)
            assert len((await here.ask("trades"))["trades"]) == 1

    anyio.run(check)


def test_a_client_that_gave_up_has_spent_its_ticket_and_key_on_nothing(own_chain: Chains) -> None:
    chain = own_chain(42161)

    async def check() -> None:
        async with engine_on(chain, risk__approval_above_wei=1) as here:
            params = await here.cycle()
            ticket = await here.ticket(params)
            spend = {"ticket": ticket, "idempotency_key": "key"}
            assert (await here.ask("awaiting", spend, OTHER)) == {"waits": False}
            waits = await here.ask("awaiting", spend)
            assert waits["waits"] and params["amount_in"] in waits["what"]
            declined = await here.ask("execute_trade", {**spend, "declined": "declined"})
            assert (declined["status"], declined["rule"]) == ("refused", "declined by the client")
            again = await here.ask("execute_trade", spend)
            assert again == declined | {"repeated": True}
            assert (await here.execute(ticket, "other-key"))["rule"] == "ticket"
            assert (await here.ask("awaiting", spend)) == {"waits": False}
            assert (await here.ask("approvals"))["approvals"] == []
            assert (await here.ask("trades"))["trades"] == []

    anyio.run(check)


def test_a_crash_between_the_trade_and_its_answer_leaves_one_trade_and_the_same_answer(
    own_chain: Chains, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = own_chain(42161)

    async def check() -> None:
        with pytest.raises(BaseExceptionGroup):
            async with engine_on(chain, risk__approval_above_wei=10**24) as here:
                ticket = await here.ticket(await here.cycle())

                def crash(*_: Any) -> None:
                    raise RuntimeError("the power went")

                monkeypatch.setattr(AgentTrades, "_remember", crash)
                await here.execute(ticket, "key")
        monkeypatch.undo()
        async with engine_on(chain, risk__approval_above_wei=10**24) as here:
            await here.mine(2)
            done = await here.execute(ticket, "key")
            assert (done["status"], done["repeated"]) == ("submitted", True)
            (trade,) = (await here.ask("trades"))["trades"]
            assert (trade["tx_hash"], trade["status"]) == (done["tx_hash"], "filled")

    anyio.run(check)


def test_many_clients_at_one_cap_pass_it_by_nothing_and_the_journal_says_so(own_chain: Chains) -> None:
    chain = own_chain(42161)
    callers = [Principal(id=f"mcp-crowd-{n}", role="trader") for n in range(8)]

    async def check() -> None:
        async with engine_on(chain, risk__approval_above_wei=10**24, risk__max_open_intents=1) as here:
            params = await here.cycle()
            tickets = {by: await here.ticket(params, by) for by in callers}
            answers: list[dict[str, Any]] = []

            async def spend(by: Principal) -> None:
                answers.append(await here.execute(tickets[by], "mine", by))
                with pytest.raises(ControlError):
                    await here.ask("resume_challenge", {}, by)

            async with anyio.create_task_group() as crowd:
                for by in callers:
                    crowd.start_soon(spend, by)
            statuses = sorted(answer["status"] for answer in answers)
            assert statuses == ["refused"] * 7 + ["submitted"]
            for answer in answers:
                if answer["status"] == "refused":
                    told = {name: answer[name] for name in ("rule", "measured", "limit")}
                    assert told == {"rule": "open intents", "measured": "2", "limit": "1"}, answer
                    assert answer["next_step"]
            policy = here.composition.policy.policy
            await here.mine(2)
        file = chain.manifest_path.parent / "journal.sqlite"
        caps = {"gas_budget_wei": policy.gas_budget_per_day_wei, "open_intents": policy.max_open_intents}
        assert over_a_limit(file, **caps) == []
        assert over_a_limit(file, gas_budget_wei=0, open_intents=0), "the check can fail"

    anyio.run(check)


def test_taking_the_halt_file_away_resumes_nothing(own_chain: Chains) -> None:
    chain = own_chain(42161)
    state = chain.manifest_path.parent

    async def check() -> None:
        async with engine_on(chain, risk__approval_above_wei=10**24) as here:
            ticket = await here.ticket(await here.cycle())
            write_halt(state, principal="a shell", reason="by hand")
            await here.mine()
            (state / HALT_FILE).unlink()
            assert (await here.execute(ticket, "key"))["rule"] == "trading state"
            assert (await here.ask("engine_mode"))["state"] == "HALTED"
        async with engine_on(chain) as here:
            assert (await here.ask("engine_mode"))["state"] == "HALTED"
            assert (await here.ask("trades"))["trades"] == []

    anyio.run(check)


def test_hostile_parameters_of_every_method_are_refused_in_the_one_form(own_chain: Chains) -> None:
    chain = own_chain(42161)

    async def check() -> None:
        async with engine_on(chain, risk__approval_above_wei=1) as here:
            tried: Counter[tuple[str, str]] = Counter()
            for name, method in METHODS.items():
                by = AGENT if "trader" in method.roles else OPERATOR
                fields = {**method.params.model_fields}
                for what, params in hostile(dict(method.example), fields):
                    valid = is_valid(method.params, params)
                    try:
                        answer = await here.ask(name, params, by)
                    except KetchError as error:
                        code = getattr(error, "code", type(error).__name__)
                        assert valid or code == "invalid_params", (name, what, error.line())
                        assert error.cause() and len(error.line()) < 1_200, (name, what, error.line())
                        assert str(error.line()).isprintable(), (name, what)
                        tried[name, "refused"] += 1
                    else:
                        assert valid, (name, what, answer)
                        assert isinstance(answer, dict) and json.dumps(answer), (name, what)
                        tried[name, "answered"] += 1
            assert set(METHODS) == {name for name, how in tried if how == "refused"}, "each refuses something"
            assert tried.total() > 1_000
            assert (await here.ask("engine_status"))["running"]
            assert (await here.ask("trades"))["trades"] == []
            assert isinstance(here.composition.loop.market.head, BlockRef)

    anyio.run(check)


def is_valid(model: type[Params], params: dict[str, Any]) -> bool:
    """Say whether parameters have the form that a method takes, by its model alone."""
    try:
        data = json.dumps(params, allow_nan=False)
        model.model_validate_json(data)
    except (ValueError, RecursionError):
        return False
    return len(data) <= MAX_PARAMS_BYTES
