"""A tool as the protocol sees it: strict arguments, one refusal, compact and bounded answers."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, InputRequiredResult, TextContent
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.domain.errors import ControlError
from server.mcp import courtesy, errors
from server.mcp.schemas import answers, compact
from tools.spec import Ask, ToolSpec

MAX_ARGUMENT_BYTES = 16_384
MAX_ANSWER_BYTES = 32_768

_log = logging.getLogger(__name__)


class EngineTool(Tool):
    """A tool over the facade."""

    ask: Any = Field(exclude=True)
    example: dict[str, Any] = Field(exclude=True)
    writes: bool = Field(exclude=True)
    asks_first: bool = Field(exclude=True)

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        """Check the arguments, ask the engine, and show its answer; raises `ToolError` with a refusal."""
        given = self._checked(arguments)
        ask = self.ask
        try:
            if self.asks_first:
                said = await courtesy.asked(context, ask, given)
                if isinstance(said, InputRequiredResult):
                    return said
                ask = courtesy.declining(ask, said) if said else ask
            answer: BaseModel = await self.fn(ask=ask, **given)
            while (fewer := shorter(answer, given.get("limit"))) is not None:
                given["limit"] = fewer
                answer = await self.fn(ask=ask, **given)
        except ControlError as error:
            raise errors.of_engine(error, self.name, self.example) from error
        except Exception as error:
            _log.exception("tool %s failed", self.name)
            raise errors.refusal(
                "bug", f"{self.name} failed inside the server", "its log has the details; call another tool"
            ) from error
        return self._shown(answer) if convert_result else answer

    def _checked(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        data = json.dumps(self.fn_metadata.pre_parse_json(dict(arguments)))
        if len(data) > MAX_ARGUMENT_BYTES:
            raise errors.refusal(
                "invalid_arguments",
                f"the arguments are {len(data)} bytes, the limit is {MAX_ARGUMENT_BYTES}",
                "ask for less at once",
                {"tool": self.name, "arguments": self.example},
            )
        try:
            return self.fn_metadata.arg_model.model_validate_json(data).model_dump_one_level()
        except ValidationError as error:
            raise errors.of_arguments(error, self.name, self.example) from error

    def _shown(self, answer: BaseModel) -> CallToolResult:
        body = answer.model_dump(mode="json")
        text = as_text(body)
        if (size := len(text.encode())) > MAX_ANSWER_BYTES:
            raise errors.refusal(
                "too_long",
                f"the answer is {size} bytes, the limit is {MAX_ANSWER_BYTES}",
                "ask for less at once",
                {"tool": self.name, "arguments": self.example},
            )
        return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=body)


def as_text(body: Any) -> str:
    """Put an answer into JSON, compactly."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def shorter(answer: BaseModel, limit: int | None) -> int | None:
    """Say how many rows to ask for instead when an answer is over the cap; None when it fits or has no fewer."""
    if limit is None or limit <= 1:
        return None
    size = len(as_text(answer.model_dump(mode="json")).encode())
    return None if size <= MAX_ANSWER_BYTES else max(1, min(limit - 1, limit * MAX_ANSWER_BYTES * 9 // (size * 10)))


def engine_tool(spec: ToolSpec, ask: Ask) -> EngineTool:
    """Make a tool of its description."""
    made = Tool.from_function(
        spec.run,
        name=spec.name,
        title=spec.title,
        description=spec.description,
        context_kwarg="ask",
        annotations=spec.hints,
        structured_output=True,
    )
    metadata = made.fn_metadata
    metadata.arg_model = type(
        f"{spec.name}_arguments",
        (metadata.arg_model,),
        {"model_config": ConfigDict(extra="forbid", strict=True), "__module__": __name__},
    )
    metadata.output_schema = answers(metadata.output_schema or {})
    return EngineTool(
        fn=spec.run,
        name=spec.name,
        title=spec.title,
        description=spec.description,
        parameters=compact(metadata.arg_model.model_json_schema(by_alias=True)),
        fn_metadata=metadata,
        is_async=True,
        annotations=spec.hints,
        ask=ask,
        example=spec.example,
        writes=spec.writes,
        asks_first=spec.asks_first,
    )
