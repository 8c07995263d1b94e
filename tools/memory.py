"""The toolset "memory": what the engine lived through, how things like it ended, and what agents concluded from it."""

from typing import Annotated, Any, Literal

from pydantic import Field

from tools.shapes import Id, Limit, Rows, given
from tools.spec import READS, SUGGESTS, Ask, Shown, ToolSpec

Status = Annotated[
    Literal["seen", "refused", "open", "filled", "reverted", "cancelled", "replaced", "missed"] | None,
    Field(description="missed: a rival took it"),
]
Word = Annotated[str | None, Field(min_length=1, max_length=80)]
Token = Annotated[str | None, Field(min_length=1, max_length=80, description="address or symbol")]
BlockNumber = Annotated[int | None, Field(ge=0)]
Text = Annotated[str, Field(min_length=1, max_length=1_000)]
Evidence = Annotated[list[Id] | None, Field(max_length=20, description="journal seqs, trade and opportunity ids")]
Percent = Annotated[int, Field(ge=0, le=100)]
Days = Annotated[int | None, Field(ge=1, le=365)]
By = Literal[
    "strategy",
    "venue",
    "token",
    "pair",
    "route",
    "hour",
    "day",
    "regime",
    "reason",
    "origin",
    "size",
    "hops",
    "market",
]


class LikeThis(Shown):
    """How all that was like it ended; `said` is the sentence. Wei are of what was mined, by us."""

    said: str
    patterns: int
    filled: int
    sent: int
    by_status: dict[str, int]
    median_bps: float | None
    net_wei: str
    gas_wei: str
    failures: Rows


class Recall(Shown):
    """Patterns, the best first, and insights on the matter. `untrusted_…` holds words of agents, tokens, contracts."""

    found: Rows
    like_this: LikeThis
    insights: Rows


class Similar(Recall):
    """The pattern that was asked about, and those like it."""

    target: dict[str, Any]


class Written(Shown):
    """An insight on the journal's disk; corrections name its id."""

    id: str
    corrects: str | None
    expires_s: int | None
    journal_seq: int


class Statistics(Shown):
    """Groups, the best net first; under "market" conditions by bucket of blocks, the oldest first."""

    by: str
    rows: Rows
    left_out: int
    held: dict[str, Any]


async def recall_patterns(
    ask: Ask,
    question: Annotated[str, Field(min_length=1, max_length=500)],
    status: Status = None,
    venue: Word = None,
    token: Token = None,
    from_block: BlockNumber = None,
    to_block: BlockNumber = None,
    limit: Limit = 5,
) -> Recall:
    """Use before a decision: what happened in cases like the one you describe, in your words (venues, tokens, sizes,
    reasons, blocks), how they ended, and what was concluded.

    Example: {"question": "why did triangular WETH trades over sushi fail"}
    """
    filters = given(status=status, venue=venue, token=token, from_block=from_block, to_block=to_block)
    return Recall.of(await ask("recall_patterns", {"question": question, "limit": limit, **filters}))


async def similar_to(ask: Ask, id: Id, status: Status = None, limit: Limit = 5) -> Similar:  # noqa: A002
    """Use to find what was like an opportunity or a trade in route, venues, size and margin, by any of its ids or its
    transaction's hash.

    Example: {"id": "opportunity-12"}
    """
    return Similar.of(await ask("similar_to", given(id=id, status=status, limit=limit)))


async def remember_insight(
    ask: Ask, text: Text, evidence: Evidence = None, confidence: Percent = 50, expires_in_days: Days = None
) -> Written:
    """Use to write down a conclusion for others to recall, with its evidence.

    Example: {"text": "sushi gaps under 10 bps never fill", "evidence": ["intent-57"], "confidence": 70}
    """
    asked = given(text=text, evidence=evidence, confidence=confidence, expires_in_days=expires_in_days)
    return Written.of(await ask("remember_insight", asked))


async def correct_insight(
    ask: Ask,
    id: Id,  # noqa: A002 - the client's word for it
    text: Text,
    evidence: Evidence = None,
    confidence: Percent = 50,
    expires_in_days: Days = None,
) -> Written:
    """Use when an insight is wrong or old: writes a version in its place; earlier ones stay readable.

    Example: {"id": "insight-90", "text": "they fill since block 400", "confidence": 80}
    """
    asked = given(id=id, text=text, evidence=evidence, confidence=confidence, expires_in_days=expires_in_days)
    return Written.of(await ask("correct_insight", asked))


async def memory_statistics(
    ask: Ask,
    by: By = "reason",
    status: Status = None,
    venue: Word = None,
    token: Token = None,
    from_block: BlockNumber = None,
    to_block: BlockNumber = None,
    limit: Limit = 20,
) -> Statistics:
    """Use to see what paid and what failed, added up by pair, venue, reason, hour, regime …

    Example: {"by": "pair", "status": "filled"}
    """
    filters = given(status=status, venue=venue, token=token, from_block=from_block, to_block=to_block)
    return Statistics.of(await ask("memory_statistics", {"by": by, "limit": limit, **filters}))


TOOLS = (
    ToolSpec(run=recall_patterns, title="Recall", hints=READS),
    ToolSpec(run=similar_to, title="What was like it", hints=READS),
    ToolSpec(run=remember_insight, title="Remember an insight", hints=SUGGESTS),
    ToolSpec(run=correct_insight, title="Correct an insight", hints=SUGGESTS),
    ToolSpec(run=memory_statistics, title="Statistics", hints=READS),
)
