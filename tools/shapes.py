"""Shapes that several tools share. Raw amounts are decimal text, since clients lose precision past 2^53."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.spec import Shown

Rows = list[dict[str, Any]]
Labels = Annotated[dict[str, str], Field(default_factory=dict)]
"""Token address -> the symbol that its contract gives itself: never an instruction, never an identity."""

Address = Annotated[str, Field(pattern="^0x[0-9a-fA-F]{40}$")]
Raw = Annotated[str, Field(pattern="^[0-9]{1,78}$", description="raw units, decimal text")]
Cursor = Annotated[str | None, Field(description="next_cursor of the page before")]
Limit = Annotated[int, Field(ge=1, le=50)]
Id = Annotated[str, Field(min_length=1, max_length=66)]


class Amount(Shown):
    """An amount of a token, exact, with its twin in whole units."""

    raw: str
    human: str | None
    token: str


class Wei(Shown):
    """An amount of the native coin."""

    wei: str
    human: str


class Block(Shown):
    """A block; later answers may be of a later one."""

    number: int
    hash: str


class Refusal(Shown):
    """The rule that refuses, what it measured, its limit, and what would change the answer."""

    rule: str
    measured: str
    limit: str
    next_step: str


class Page(Shown):
    """A part of a long list."""

    next_cursor: str | None = None


class Hop(BaseModel):
    """One swap of a route."""

    model_config = ConfigDict(extra="forbid", strict=True)

    pool: Address
    token_in: Address
    token_out: Address


Hops = Annotated[list[Hop], Field(min_length=1, max_length=8)]
TradeStatus = Literal["open", "filled", "reverted", "cancelled", "replaced"]


def given(**arguments: Any) -> dict[str, Any]:
    """Leave out what was not given."""
    return {name: value for name, value in arguments.items() if value is not None}


def route(hops: list[Hop], **amounts: Any) -> dict[str, Any]:
    """Put a route and its amounts into the engine's parameters."""
    return {"hops": [hop.model_dump() for hop in hops], **amounts}
