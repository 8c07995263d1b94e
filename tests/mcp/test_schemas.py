"""Schemas made short say the same: what they take, what they refuse."""

from __future__ import annotations

from typing import Any, Literal

import jsonschema
import pytest
from pydantic import BaseModel, ConfigDict, Field

from server.mcp.calls import engine_tool
from server.mcp.schemas import answers, compact
from tests.mcp.clients import Canned
from tools.table import chosen

EVERY = chosen(["all"])


class Leaf(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=3)


class Twice(BaseModel):
    first: Leaf
    second: Leaf | None = None


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    twice: Twice
    kind: Literal["a", "b"] | None = None
    many: list[Leaf] = Field(default_factory=list, max_length=2)
    size: int | None = Field(default=None, ge=1)
    either: int | str = 0


LEAF = {"name": "abc"}
RIGHT: list[dict[str, Any]] = [
    {"twice": {"first": LEAF}},
    {"twice": {"first": LEAF, "second": None}, "kind": None, "size": None},
    {"twice": {"first": LEAF, "second": LEAF}, "kind": "b", "many": [LEAF, LEAF], "size": 1, "either": "x"},
]
WRONG: list[dict[str, Any]] = [
    {},
    {"twice": {"first": {"name": "abcd"}}},
    {"twice": {"first": {**LEAF, "more": 1}}},
    {"twice": {"first": LEAF, "second": 1}},
    {"twice": {"first": LEAF}, "kind": "c"},
    {"twice": {"first": LEAF}, "many": [LEAF, LEAF, LEAF]},
    {"twice": {"first": LEAF}, "size": 0},
    {"twice": {"first": LEAF}, "size": "1"},
    {"twice": {"first": LEAF}, "either": None},
    {"twice": {"first": LEAF}, "other": 1},
]


def test_a_schema_made_short_takes_and_refuses_what_the_long_one_does() -> None:
    long = Asked.model_json_schema()
    short = compact(long)
    assert len(str(short)) < len(str(long)) * 0.8
    for schema in (long, short):
        for value in RIGHT:
            jsonschema.validate(value, schema)
        for value in WRONG:
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate(value, schema)


def test_a_shape_that_holds_itself_stays_a_shape_of_its_own() -> None:
    tree = {"$ref": "#/$defs/Tree"}
    schema = {"$defs": {"Tree": {"type": "object", "properties": {"below": tree}}}, "properties": {"top": tree}}
    assert compact(schema)["$defs"]["Tree"]["properties"]["below"] == tree


def test_what_an_answer_is_said_to_be_takes_all_that_it_was() -> None:
    short = answers(Asked.model_json_schema())
    for value in RIGHT:
        jsonschema.validate(value, short)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"size": "1"}, short)


@pytest.mark.parametrize("spec", EVERY, ids=lambda spec: spec.name)
def test_every_tools_schemas_are_schemas_and_take_its_example(spec: Any) -> None:
    tool = engine_tool(spec, Canned().ask)
    for schema in (tool.parameters, tool.fn_metadata.output_schema):
        jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(spec.example, tool.parameters)
