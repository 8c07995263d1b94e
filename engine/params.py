"""What a method takes, strictly: nothing unknown, coerced or oversized; one refusal that a model can read."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from engine.config import address
from engine.config_sources import said
from engine.domain.errors import ControlError
from engine.domain.hops import MAX_HOPS
from engine.domain.opportunity import Hop, Route
from engine.domain.printable import printable
from engine.domain.units import Address, PoolId

MAX_PARAMS_BYTES = 16_384
MAX_PAGE = 100


def _raw(text: str) -> str:
    if int(text) >= 2**256:
        raise ValueError("must be below 2^256")
    return text


RawText = Annotated[str, Field(pattern=r"^[0-9]{1,78}$"), AfterValidator(_raw)]
"""A raw amount as decimal text: readers of JSON lose precision past 2^53."""
AddressText = Annotated[str, AfterValidator(address)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,80}$")]
Words = Annotated[str, Field(min_length=1, max_length=500)]
Digest = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{64}$")]


class Params(BaseModel):
    """The base of every method's parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Nothing(Params):
    """A method that takes no parameters."""


class Page(Params):
    """A part of a long list: `cursor` is the `next_cursor` of the part before."""

    cursor: Annotated[str, Field(pattern=r"^[0-9a-z]{1,66}$")] | None = None
    limit: int = Field(default=20, ge=1, le=MAX_PAGE)


class HopParams(Params):
    """One swap of a route."""

    pool: AddressText
    token_in: AddressText
    token_out: AddressText


class RouteParams(Params):
    """Swaps in order, and what goes in, raw units of the first token."""

    hops: tuple[HopParams, ...] = Field(min_length=1, max_length=MAX_HOPS)
    amount_in: RawText

    def route(self) -> Route:
        """Return the route in the engine's own terms."""
        return Route(
            hops=tuple(
                Hop(pool=PoolId(h.pool), token_in=Address(h.token_in), token_out=Address(h.token_out))
                for h in self.hops
            )
        )


Model = TypeVar("Model", bound=BaseModel)


def parsed(
    model: type[Model],
    params: Mapping[str, Any],
    *,
    method: str,
    example: Mapping[str, Any],
    most_bytes: int = MAX_PARAMS_BYTES,
) -> Model:
    """Read a method's parameters; raises `ControlError` with the first thing wrong and a call that is right."""
    call = {"method": method, "params": dict(example)}
    try:
        data = json.dumps(params, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise _invalid(method, "the parameters are not JSON", call) from None
    if len(data) > most_bytes:
        raise ControlError(
            f"the parameters of {method} are too long",
            measured=f"{len(data)} bytes",
            limit=f"{most_bytes} bytes",
            next_step="ask for less at once",
            code="invalid_params",
            example=call,
        )
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part)[:40] for part in first["loc"]) or "the parameters"
        raise _invalid(method, f"{where} {_wrong(first['type'], first['msg'])}", call) from None


def _wrong(kind: str, message: str) -> str:
    words = {
        "extra_forbidden": "is not a parameter",
        "string_pattern_mismatch": "has the wrong form",
        "json_invalid": "is not JSON",
    }
    return words.get(kind) or said(kind, message)


def _invalid(method: str, cause: str, example: object) -> ControlError:
    return ControlError(
        printable(f"{method}: {cause}", instead="?"),  # it may quote what was sent
        next_step="correct it and call again, as in the example",
        code="invalid_params",
        example=example,
    )
