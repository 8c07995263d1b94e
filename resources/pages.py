"""Resources: what clients may read and subscribe to. Each is one question to the engine; its answer is JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

PAGE = 20
"""Rows of a resource that is a list, or as many as fit; the tool of the same name pages on."""


def _nothing() -> Mapping[str, Any]:
    return {}


def _newest() -> Mapping[str, Any]:
    return {"limit": PAGE}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSpec:
    """One resource or template: the method that answers it, and how its parameters become the method's."""

    uri: str
    name: str
    title: str
    description: str
    method: str
    params: Callable[..., Mapping[str, Any]] = _nothing


def _named(id: str) -> Mapping[str, Any]:  # noqa: A002 - the word of the URI
    return {"id": id}


def _pool(chain: str, address: str) -> Mapping[str, Any]:
    return {"pool": address}


def _entity(name: str) -> Mapping[str, Any]:
    return {"names": [name], "scope": "all", "limit": PAGE}


def _graph() -> Mapping[str, Any]:
    return {"limit": 1_000}


RESOURCES = (
    ResourceSpec(
        uri="ketch://status",
        name="status",
        title="Status",
        description="Where the engine is and whether it trades; changes with the chain, told at most once a second.",
        method="engine_status",
    ),
    ResourceSpec(
        uri="ketch://mode",
        name="mode",
        title="Trading mode",
        description="What may happen with money now.",
        method="engine_mode",
    ),
    ResourceSpec(
        uri="ketch://limits",
        name="limits",
        title="Limits",
        description="Every limit in force, with what is left of it.",
        method="limits",
    ),
    ResourceSpec(
        uri="ketch://opportunities",
        name="opportunities",
        title="Opportunities",
        description="What the engine recorded, the newest first.",
        method="opportunities",
        params=_newest,
    ),
    ResourceSpec(
        uri="ketch://trades",
        name="trades",
        title="Trades",
        description="Trades and how they ended, the newest first.",
        method="trades",
        params=_newest,
    ),
    ResourceSpec(
        uri="ketch://trades/{id}",
        name="trade",
        title="One trade",
        description="A trade with its lineage, by intent, decision or transaction hash.",
        method="trade",
        params=_named,
    ),
    ResourceSpec(
        uri="ketch://decisions/{id}",
        name="decision",
        title="One decision",
        description="What was decided, by which rule, and what came of it.",
        method="trade",
        params=_named,
    ),
    ResourceSpec(
        uri="ketch://pools/{chain}/{address}",
        name="pool",
        title="One pool",
        description="A pool with its state and marginal rates, by chain and address.",
        method="market_pool",
        params=_pool,
    ),
    ResourceSpec(
        uri="ketch://entities/{name}",
        name="entity",
        title="One entity",
        description="An entity of the knowledge graph, of agents or of the market, with its relations.",
        method="open_nodes",
        params=_entity,
    ),
    ResourceSpec(
        uri="ketch://insights/{id}",
        name="insight",
        title="One insight",
        description="A conclusion with every version of it, the newest first: who wrote what, on which evidence.",
        method="insight",
        params=_named,
    ),
    ResourceSpec(
        uri="memory://knowledge-graph",
        name="knowledge-graph",
        title="Knowledge graph",
        description="What agents wrote into the graph; the tool read_graph pages on.",
        method="read_graph",
        params=_graph,
    ),
)
