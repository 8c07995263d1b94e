"""Every method that the engine answers, in one table: what it takes, what answers it, and who may ask."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from engine import steering
from engine.domain.errors import ControlError
from engine.knowledge import params as graph
from engine.memory import asked
from engine.params import MAX_PARAMS_BYTES, Nothing, Page, Params, RouteParams, parsed
from engine.principals import EVERYONE, Principal, Role
from engine.queries import (
    capture,
    market,
    misses,
    opportunities,
    policy,
    risk,
    status,
    strategy,
    trading,
    wallet,
    workspace,
)
from engine.queries.archive import forwarded, noting
from engine.queries.running import Answer, Running

OPERATOR: Final[frozenset[Role]] = frozenset({"operator"})
TRADER: Final[frozenset[Role]] = frozenset({"trader"})
PROPOSER: Final[frozenset[Role]] = frozenset({"trader", "operator"})

_A, _B = "0x" + "aa" * 20, "0x" + "bb" * 20
_CYCLE: Final[Mapping[str, Any]] = {
    "hops": [
        {"pool": "0x" + "01" * 20, "token_in": _A, "token_out": _B},
        {"pool": "0x" + "02" * 20, "token_in": _B, "token_out": _A},
    ],
    "amount_in": "100000000000000000",
}
_SIGNED: Final[Mapping[str, Any]] = {"expires_s": 1800000300, "nonce": "8f0a", "signature": "0x" + "00" * 65}
_DIGESTS: Final[Mapping[str, Any]] = {"previous": "0x" + "00" * 32, "hash": "0x" + "11" * 32}
_WAITING: Final[Mapping[str, Any]] = {"approval": "approval-57"}
_PROPOSAL: Final[Mapping[str, Any]] = {"proposal": "proposal-57"}


@dataclass(frozen=True, slots=True)
class Method:
    """One row: `example` is a right call's parameters, shown to whoever calls wrongly. A read changes nothing."""

    name: str
    params: type[Params]
    answer: Callable[[Running, Any, Principal], Awaitable[Answer]]
    read_only: bool = True
    roles: frozenset[Role] = EVERYONE
    example: Mapping[str, Any] = field(default_factory=dict[str, Any])
    most_bytes: int = MAX_PARAMS_BYTES


_ENTITY: Final[Mapping[str, Any]] = {"name": "WETH/USDC", "entityType": "pair", "observations": ["pays after noon"]}
_RELATION: Final[Mapping[str, Any]] = {"from": "WETH/USDC", "to": "venue:uniswap_v3", "relationType": "pays on"}


def _writes(tool: str, params: type[Params], **example: Any) -> Method:
    """Make a row for what agents write into the graph."""
    return Method(tool, params, noting("knowledge", tool), False, EVERYONE, example, graph.MOST_BYTES)


def _reads(question: str, params: type[Params], **example: Any) -> Method:
    """Make a row for what the graph is asked."""
    return Method(question, params, forwarded("knowledge", question), True, EVERYONE, example)


_ROWS: Final = (
    # engine
    Method("engine_status", Nothing, status.engine_status),
    Method("engine_mode", Nothing, status.engine_mode),
    Method("engine_performance", Nothing, status.engine_performance),
    Method("engine_configuration", Nothing, status.engine_configuration),
    Method(
        "report_refusal",
        steering.RefusalParams,
        steering.report_refusal,
        True,
        EVERYONE,
        {"asked": "scan_now", "code": "invalid_arguments"},
    ),
    Method("halt", steering.HaltParams, steering.halt, False, EVERYONE, {"reason": "prices look wrong"}),
    # market
    Method("market_chains", Nothing, market.market_chains),
    Method("market_venues", Nothing, market.market_venues),
    Method("market_pools", market.PoolsParams, market.market_pools, example={"deployment": "uniswap_v3", "limit": 20}),
    Method("market_pool", market.PoolParams, market.market_pool, example={"pool": "0x" + "01" * 20}),
    Method("quote_route", RouteParams, market.quote_route, example=_CYCLE),
    Method("market_prices", market.PricesParams, market.market_prices, example={"tokens": [_A]}),
    Method("gas", Nothing, market.gas),
    # opportunities
    Method("scan_now", opportunities.ScanParams, opportunities.scan_now, example={"limit": 5}),
    Method("opportunities", Page, opportunities.opportunities, example={"limit": 20}),
    Method(
        "explain_opportunity",
        opportunities.OpportunityParams,
        opportunities.explain_opportunity,
        example={"id": "opportunity-42"},
    ),
    # misses
    Method("misses_summary", Nothing, misses.misses_summary),
    Method("misses", Page, misses.misses, example={"limit": 20}),
    Method("explain_miss", misses.MissParams, misses.explain_miss, example={"id": "miss-42"}),
    # trading
    Method("simulate_trade", trading.TradeParams, trading.simulate_trade, example={**_CYCLE, "min_profit": "0"}),
    Method(
        "execute_trade",
        steering.ExecuteParams,
        steering.execute_trade,
        False,
        TRADER,
        {"ticket": "the-ticket-that-simulate-gave", "idempotency_key": "my-trade-1"},
    ),
    Method(
        "awaiting",
        steering.AwaitingParams,
        steering.awaiting,
        True,
        TRADER,
        {"ticket": "the-ticket-that-simulate-gave", "idempotency_key": "my-trade-1"},
    ),
    Method("trades", trading.TradesParams, trading.trades, example={"status": "filled", "limit": 20}),
    Method("trade", trading.TradeIdParams, trading.trade, example={"id": "intent-57"}),
    # risk
    Method("limits", Nothing, risk.limits),
    Method("exposure", Nothing, risk.exposure),
    Method("what_if", trading.TradeParams, trading.what_if, example={**_CYCLE, "min_profit": "0"}),
    Method("approvals", Nothing, risk.approvals),
    # strategy
    Method("strategy_list", Nothing, strategy.strategy_list),
    Method("strategy_parameters", Nothing, strategy.strategy_parameters),
    Method(
        "strategy_propose",
        strategy.ProposalParams,
        strategy.strategy_propose,
        False,
        PROPOSER,
        {"parameter": "scan.max_hops", "value": "3", "reason": "four hops never filled this week"},
    ),
    Method("strategy_proposals", Page, strategy.strategy_proposals, example={"limit": 20}),
    # wallet
    Method("wallet", Nothing, wallet.wallet),
    # knowledge
    _writes("create_entities", graph.CreateEntities, entities=[_ENTITY]),
    _writes("create_relations", graph.Relations, relations=[_RELATION]),
    _writes("add_observations", graph.AddObservations, observations=[{"entityName": "WETH/USDC", "contents": ["x"]}]),
    _writes("delete_entities", graph.DeleteEntities, entityNames=["WETH/USDC"]),
    _writes("delete_observations", graph.DeleteObservations, deletions=[{"entityName": "A", "observations": ["x"]}]),
    _writes("delete_relations", graph.Relations, relations=[_RELATION]),
    _reads("read_graph", graph.Read),
    _reads("search_nodes", graph.Search, query="USDC"),
    _reads("open_nodes", graph.Open, names=["WETH/USDC"]),
    _reads("graph_neighbours", graph.Neighbours, name="outcome:filled"),
    _reads("graph_paths", graph.Paths, **{"from": "venue:sushi_v2", "to": "outcome:filled"}),
    _reads("graph_rank", graph.Rank, of="pairs"),
    _reads("graph_changes", graph.Changes, after_block=1200),
    _reads("graph_picture", graph.Picture, name="venue:uniswap_v3"),
    # memory
    Method(
        "recall_patterns",
        asked.RecallParams,
        forwarded("memory", "recall_patterns"),
        example={"question": "why did triangular WETH trades over sushi fail", "limit": 5},
    ),
    Method("similar_to", asked.SimilarParams, forwarded("memory", "similar_to"), example={"id": "opportunity-42"}),
    Method(
        "memory_statistics", asked.StatisticsParams, forwarded("memory", "memory_statistics"), example={"by": "pair"}
    ),
    Method("insight", asked.InsightParams, forwarded("memory", "insight"), example={"id": "insight-90"}),
    Method(
        "remember_insight",
        asked.RememberParams,
        noting("memory", "remember_insight"),
        False,
        EVERYONE,
        {"text": "gaps under 10 bps never fill on one venue", "evidence": ["intent-57"], "confidence": 70},
    ),
    Method(
        "correct_insight",
        asked.CorrectParams,
        noting("memory", "correct_insight"),
        False,
        EVERYONE,
        {"id": "insight-90", "text": "they fill since block 400", "confidence": 80},
    ),
    # workspace
    Method("workspace_files", workspace.FilesParams, workspace.workspace_files, example={"limit": 20}),
    Method("workspace_file", workspace.FileParams, workspace.workspace_file, example={"name": "docs/security.md"}),
    Method("workspace_read", workspace.ReadParams, workspace.workspace_read, example={"name": "docs/security.md"}),
    Method("workspace_settings", workspace.SettingsParams, workspace.workspace_settings, example={"about": "scan."}),
    Method("workspace_validate", workspace.TomlParams, workspace.workspace_validate, example={"toml": "[scan]"}),
    Method(
        "workspace_propose",
        workspace.ProposeParams,
        workspace.workspace_propose,
        False,
        PROPOSER,
        {"changes": [{"setting": "scan.max_hops", "value": "3"}], "reason": "four hops never filled this week"},
    ),
    Method("workspace_proposals", Page, workspace.workspace_proposals, example={"limit": 20}),
    # the operator's command line
    Method("approve_challenge", steering.ApprovalParams, steering.approve_challenge, True, OPERATOR, _WAITING),
    Method("approve", steering.ApproveParams, steering.approve, False, OPERATOR, {**_WAITING, **_SIGNED}),
    Method("deny", steering.DenyParams, steering.deny, False, OPERATOR, {**_WAITING, "reason": "too large"}),
    Method("resume_challenge", Nothing, steering.resume_challenge, True, OPERATOR),
    Method(
        "resume", steering.ResumeParams, steering.resume, False, OPERATOR, {"policy_hash": "0x" + "00" * 32, **_SIGNED}
    ),
    Method("policy", Nothing, policy.policy, True, OPERATOR),
    Method("policy_diff", Nothing, policy.policy_diff, True, OPERATOR),
    Method("policy_reload", Nothing, policy.policy_reload, False, OPERATOR),
    Method("policy_challenge", Nothing, policy.policy_challenge, True, OPERATOR),
    Method("policy_apply", policy.ApplyParams, policy.policy_apply, False, OPERATOR, {**_DIGESTS, **_SIGNED}),
    Method("workspace_proposal", workspace.ProposalParams, workspace.workspace_proposal, True, OPERATOR, _PROPOSAL),
    Method("workspace_apply", workspace.ProposalParams, workspace.workspace_apply, False, OPERATOR, _PROPOSAL),
    Method("workspace_rollback", Nothing, workspace.workspace_rollback, False, OPERATOR),
    Method("sweep", steering.SweepParams, steering.sweep, False, OPERATOR, {"token": _A}),
    Method("tokens", Nothing, steering.tokens, True, OPERATOR),
    Method("token_recheck", steering.TokenParams, steering.token_recheck, False, OPERATOR, {"token": _A}),
    Method("status", Nothing, steering.status, True, OPERATOR),
    Method("all_trades", Nothing, steering.all_trades, True, OPERATOR),
    Method("venues", Nothing, steering.venues, True, OPERATOR),
    Method("drift", Nothing, steering.drift, True, OPERATOR),
    Method("capture", capture.CaptureParams, capture.capture, True, OPERATOR, {"blocks": 200}),
)
METHODS: Final[Mapping[str, Method]] = MappingProxyType({row.name: row for row in _ROWS})


async def answered(engine: Running, name: str, params: Mapping[str, Any], principal: Principal) -> Answer:
    """Answer one request; raises `ControlError` for an unknown method, a role that may not, or wrong parameters."""
    method = METHODS.get(name)
    if method is None:
        raise ControlError(
            "no such method",
            measured=repr(name[:64]),
            next_step=f"use one of {', '.join(n for n, row in METHODS.items() if principal.role in row.roles)}",
            code="unknown_method",
            example={"method": "engine_status", "params": {}},
        )
    if principal.role not in method.roles:
        raise ControlError(
            f"{name} is not for the role {principal.role}",
            limit=", ".join(sorted(method.roles)),
            next_step=_how_to_be(method),
            code="not_allowed",
        )
    given = parsed(method.params, params, method=name, example=method.example, most_bytes=method.most_bytes)
    return await method.answer(engine, given, principal)


def _how_to_be(method: Method) -> str:
    if "trader" in method.roles:
        return trading.TRADING_OFF
    return "the operator does this at the command line: see ketch --help"
