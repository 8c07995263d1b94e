"""What the memory may be asked and told, strictly: the parameters of its methods and of the store's own questions."""

from typing import Annotated, Literal

from pydantic import Field

from engine.params import Name, Params

MOST_ROWS = 50
By = Literal["strategy", "venue", "token", "pair", "route", "hour", "day", "regime", "reason", "origin", "size", "hops"]
"""What patterns are grouped by."""
Field_ = Annotated[str, Field(min_length=1, max_length=80)]
Text = Annotated[str, Field(min_length=1, max_length=1_000)]
Percent = Annotated[int, Field(ge=0, le=100)]
Days = Annotated[int, Field(ge=1, le=365)]


class Filtered(Params):
    """What patterns must have, in the words of their own fields; a token is an address or a symbol."""

    status: Field_ | None = None
    reason: Field_ | None = None
    venue: Field_ | None = None
    token: Field_ | None = None
    pool: Field_ | None = None
    strategy: Field_ | None = None
    origin: Field_ | None = None
    capital: Field_ | None = None
    hops: int | None = None
    from_block: int | None = None
    to_block: int | None = None


class RecallParams(Filtered):
    """A question in words."""

    question: Annotated[str, Field(min_length=1, max_length=500)]
    limit: int = Field(default=5, ge=1, le=MOST_ROWS)


class SimilarParams(Filtered):
    """An opportunity, a trade or a transaction."""

    id: Name
    limit: int = Field(default=5, ge=1, le=MOST_ROWS)


class StatisticsParams(Filtered):
    """How the statistics are grouped; "market" is conditions by bucket of blocks."""

    by: By | Literal["market"] = "reason"
    limit: int = Field(default=20, ge=1, le=MOST_ROWS)


class InsightParams(Params):
    """An insight, any version of it."""

    id: Name


class RememberParams(Params):
    """A conclusion: `evidence` are journal seqs and ids of records, confidence is percent."""

    text: Text
    evidence: tuple[Name, ...] = Field(default=(), max_length=20)
    confidence: Percent = 50
    expires_in_days: Days | None = None


class CorrectParams(RememberParams):
    """A conclusion in the place of an earlier version, which stays readable."""

    id: Name
