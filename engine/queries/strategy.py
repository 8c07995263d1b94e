"""The toolset "strategy": what runs, with which parameters, and what was proposed. A proposal changes nothing."""

from pydantic import BaseModel, ValidationError

from engine.config import Scan
from engine.domain.commands import Propose
from engine.domain.errors import ControlError
from engine.domain.printable import printable
from engine.journal import ancestry
from engine.journal.journal import Entry
from engine.params import Name, Nothing, Page, Params, Words
from engine.principals import Principal
from engine.queries.paging import before, page
from engine.queries.running import Answer, Running
from engine.risk.policy import Policy

PROPOSABLE: dict[str, type[BaseModel]] = {
    **{f"scan.{name}": Scan for name in Scan.model_fields},
    **{
        f"risk.{name}": Policy
        for name in ("min_net_profit_wei", "bid_share_ppm", "floor_share_ppm", "max_open_intents", "max_gas_wei")
    },
}
"""Parameters that a proposal may be about, and the model that says which values they take."""


class ProposalParams(Params):
    """Another value for a parameter, and why."""

    parameter: Name
    value: Name
    reason: Words


async def strategy_list(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """List the strategies that run."""
    measured = engine.composition.loop.measured
    return {
        "strategies": [
            {
                "name": "cycles",
                "running": engine.composition.commands.state != "HALTED",
                "what": "closed cycles of swaps through pools of one chain, sized exactly, within one transaction",
                "parameters": sorted(PROPOSABLE),
                "this_run": {
                    "opportunities": measured.opportunities,
                    "filled": measured.filled,
                    "reverted": measured.reverted,
                    "refused": measured.refused,
                },
            }
        ]
    }


async def strategy_parameters(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """List the parameters in force with their defaults. Only the operator changes one."""
    settings = engine.settings
    rows: list[Answer] = []
    for name, model in PROPOSABLE.items():
        table, field = name.split(".")
        tree: BaseModel = getattr(settings, table)
        default = model.model_fields[field].default
        rows.append({"parameter": name, "value": str(getattr(tree, field)), "default": str(default)})
    return {"parameters": rows, "policy_hash": settings.risk.digest()}


async def strategy_propose(engine: Running, params: ProposalParams, principal: Principal) -> Answer:
    """Write a proposal down for the operator. It is never applied by a tool."""
    model = PROPOSABLE.get(params.parameter)
    if model is None:
        raise ControlError(
            "there is no such parameter to propose for",
            measured=params.parameter,
            limit=", ".join(sorted(PROPOSABLE)),
            next_step="see strategy_parameters",
            code="invalid_params",
        )
    field = params.parameter.split(".")[1]
    try:
        model.model_validate({field: params.value})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise ControlError(
            "the parameter does not take that value",
            measured=f"{params.parameter} = {params.value}",
            limit=found.removeprefix("Value error, ").replace("Input should be", "it must be"),
            next_step="see strategy_parameters",
            code="invalid_params",
        ) from None
    command = Propose(
        principal=principal.id,
        parameter=params.parameter,
        value=params.value,
        reason=printable(params.reason, instead="?"),
    )
    return await engine.command(command)


async def strategy_proposals(engine: Running, params: Page, principal: Principal) -> Answer:
    """List what was proposed, the newest first."""
    rows, cursor = page(_proposals(engine, before(params), params.limit + 1), params.limit)
    return {
        "proposals": [
            {
                "proposal": f"proposal-{entry.seq}",
                "principal": entry.body["principal"],
                "parameter": entry.body["parameter"],
                "value": entry.body["value"],
                "applied": False,
                "untrusted": {"reason": entry.body["reason"]},
            }
            for entry in rows
        ],
        "next_cursor": cursor,
    }


def _proposals(engine: Running, before_seq: int | None, limit: int) -> list[Entry]:
    found: list[Entry] = []
    while len(found) < limit:
        batch = ancestry.newest(engine.composition.journal, "command", before_seq=before_seq, limit=ancestry.WINDOW)
        if not batch:
            break
        found += [entry for entry in batch if entry.body["type"] == "Propose"]
        before_seq = batch[-1].seq
    return found[:limit]
