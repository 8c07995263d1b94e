"""The tools, resources and prompts that the official conformance suite asks for by name. The product ships none."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Annotated, Any

import anyio
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.shared.exceptions import MCPError
from mcp.types import (
    AudioContent,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestedSchema,
    ElicitRequestFormParams,
    ElicitResult,
    EmbeddedResource,
    ImageContent,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    TextContent,
    TextResourceContents,
)
from pydantic import BaseModel, Field

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
WAV = base64.b64encode(b"RIFF&\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0@\x1f\0\0\x80>\0\0\2\0\x10\0data\2\0\0\0\0\0").decode()
PAUSE_S = 0.05
MISSING_CAPABILITY = -32021
Ctx = Context[Any, Any]


def text(said: str) -> TextContent:
    return TextContent(type="text", text=said)


def image() -> ImageContent:
    return ImageContent(type="image", data=PNG, mime_type="image/png")


def embedded(uri: str, mime_type: str, body: str) -> EmbeddedResource:
    contents = TextResourceContents(uri=uri, mime_type=mime_type, text=body)
    return EmbeddedResource(type="resource", resource=contents)


async def test_simple_text() -> list[Any]:
    return [text("This is a simple text response for testing.")]


async def test_image_content() -> list[Any]:
    return [image()]


async def test_audio_content() -> list[Any]:
    return [AudioContent(type="audio", data=WAV, mime_type="audio/wav")]


async def test_embedded_resource() -> list[Any]:
    return [embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")]


async def test_multiple_content_types() -> list[Any]:
    mixed = embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}')
    return [text("Multiple content types test:"), image(), mixed]


async def test_tool_with_logging(ctx: Ctx) -> list[Any]:
    for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.info(said)
        await anyio.sleep(PAUSE_S)
    return [text("logged")]


async def test_logging_tool(ctx: Ctx) -> list[Any]:
    await ctx.info("only a client that asked for it sees this")
    return [text("logged")]


async def test_tool_with_progress(ctx: Ctx) -> list[Any]:
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100, f"{done} of 100")
        await anyio.sleep(PAUSE_S)
    return [text("done")]


async def test_error_handling() -> list[Any]:
    raise RuntimeError("This tool intentionally returns an error for testing")


async def test_reconnection(ctx: Ctx) -> list[Any]:
    await ctx.close_sse_stream()
    await anyio.sleep(4 * PAUSE_S)
    return [text("sent after the stream was closed")]


async def test_trigger_tool_change(ctx: Ctx) -> list[Any]:
    await ctx.notify_tools_changed()
    return [text("told")]


async def test_trigger_prompt_change(ctx: Ctx) -> list[Any]:
    await ctx.notify_prompts_changed()
    return [text("told")]


async def test_sampling(prompt: str, ctx: Ctx) -> list[Any]:
    message = SamplingMessage(role="user", content=text(prompt))
    result = await ctx.session.create_message(messages=[message], max_tokens=100)
    assert isinstance(result.content, TextContent)
    return [text(f"LLM response: {result.content.text}")]


class Reply(BaseModel):
    username: str = Field(description="User's response")
    email: str = Field(description="User's email address")


class Defaults(BaseModel):
    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: str = Field(default="active", json_schema_extra={"enum": ["active", "inactive", "pending"]})
    verified: bool = True


def _titled(values: Sequence[str]) -> list[Any]:
    return [{"const": value, "title": value.title()} for value in values]


class Enums(BaseModel):
    untitledSingle: str = Field(json_schema_extra={"enum": ["option1", "option2", "option3"]})
    titledSingle: str = Field(json_schema_extra={"oneOf": _titled(["value1", "value2", "value3"])})
    legacyEnum: str = Field(
        json_schema_extra={"enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"]}
    )
    untitledMulti: list[str] = Field(
        json_schema_extra={"items": {"type": "string", "enum": ["option1", "option2", "option3"]}}
    )
    titledMulti: list[str] = Field(json_schema_extra={"items": {"anyOf": _titled(["value1", "value2", "value3"])}})


async def _elicited(ctx: Ctx, message: str, schema: type[BaseModel]) -> list[Any]:
    result = await ctx.elicit(message, schema)
    content = result.data.model_dump_json() if result.action == "accept" else "{}"
    return [text(f"Elicitation completed: action={result.action}, content={content}")]


async def test_elicitation(message: str, ctx: Ctx) -> list[Any]:
    return await _elicited(ctx, message, Reply)


async def test_elicitation_sep1034_defaults(ctx: Ctx) -> list[Any]:
    return await _elicited(ctx, "Please review and update the form fields with defaults", Defaults)


async def test_elicitation_sep1330_enums(ctx: Ctx) -> list[Any]:
    return await _elicited(ctx, "Please select options from the enum fields", Enums)


def _form(message: str, name: str, kind: str = "string") -> ElicitRequest:
    schema: ElicitRequestedSchema = {"type": "object", "properties": {name: {"type": kind}}, "required": [name]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _sample(said: str) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=text(said))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=100))


def _asked(state: str | None = None, **requests: Any) -> Any:
    return InputRequiredResult(input_requests=requests, request_state=state)


def _given(ctx: Ctx, *names: str) -> list[Any]:
    """Return the responses of those names, or nothing while one is missing or of another shape."""
    found = ctx.input_responses or {}
    return [found[name] for name in names] if all(name in found for name in names) else []


def _filled(response: object, field: str) -> Any:
    content = response.content if isinstance(response, ElicitResult) and response.action == "accept" else None
    return (content or {}).get(field)


async def test_input_required_result_elicitation(ctx: Ctx) -> Any:
    given = _given(ctx, "user_name")
    name = _filled(given[0], "name") if given else None
    return [text(f"Hello, {name}!")] if name else _asked(user_name=_form("What is your name?", "name"))


async def test_streaming_elicitation(ctx: Ctx) -> Any:
    return await test_input_required_result_elicitation(ctx)


async def test_input_required_result_sampling(ctx: Ctx) -> Any:
    given = _given(ctx, "capital_question")
    return (
        [text(given[0].content.text)] if given else _asked(capital_question=_sample("What is the capital of France?"))
    )


async def test_input_required_result_list_roots(ctx: Ctx) -> Any:
    given = _given(ctx, "client_roots")
    return [text(" ".join(str(r.uri) for r in given[0].roots))] if given else _asked(client_roots=ListRootsRequest())


async def test_input_required_result_request_state(ctx: Ctx) -> Any:
    if _given(ctx, "confirm") and ctx.request_state == "asked":
        return [text("state-ok")]
    return _asked("asked", confirm=_form("Please confirm", "ok", "boolean"))


async def test_input_required_result_tampered_state(ctx: Ctx) -> Any:
    return await test_input_required_result_request_state(ctx)


async def test_input_required_result_multiple_inputs(ctx: Ctx) -> Any:
    if _given(ctx, "user_name", "greeting", "client_roots") and ctx.request_state == "asked":
        return [text("all three were answered")]
    return _asked(
        "asked",
        user_name=_form("What is your name?", "name"),
        greeting=_sample("Generate a greeting"),
        client_roots=ListRootsRequest(),
    )


async def test_input_required_result_multi_round(ctx: Ctx) -> Any:
    if _given(ctx, "step2") and ctx.request_state == "second":
        return [text("both steps were answered")]
    if _given(ctx, "step1") and ctx.request_state == "first":
        return _asked("second", step2=_form("Step 2: What is your favorite color?", "color"))
    return _asked("first", step1=_form("Step 1: What is your name?", "name"))


async def test_input_required_result_capabilities(ctx: Ctx) -> Any:
    can = ctx.client_capabilities
    offered = {
        "user_name": _form("What is your name?", "name") if can and can.elicitation else None,
        "greeting": _sample("Generate a greeting") if can and can.sampling else None,
        "client_roots": ListRootsRequest() if can and can.roots else None,
    }
    requests = {name: request for name, request in offered.items() if request}
    return _asked(**requests) if requests else [text("the client can be asked nothing")]


async def test_missing_capability(ctx: Ctx) -> Any:
    if ctx.client_capabilities is None or ctx.client_capabilities.sampling is None:
        raise MCPError(MISSING_CAPABILITY, "sampling is needed", {"requiredCapabilities": {"sampling": {}}})
    return [text("the client samples")]


async def test_custom_header(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]) -> list[Any]:
    return [text(region)]


async def json_schema_2020_12_tool() -> list[Any]:
    return [text("listed for its schema")]


DIALECT_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
"""What the suite wants to read back, word for word."""

TOOLS = (
    json_schema_2020_12_tool,
    test_simple_text,
    test_image_content,
    test_audio_content,
    test_embedded_resource,
    test_multiple_content_types,
    test_tool_with_logging,
    test_logging_tool,
    test_tool_with_progress,
    test_error_handling,
    test_reconnection,
    test_trigger_tool_change,
    test_trigger_prompt_change,
    test_sampling,
    test_elicitation,
    test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums,
    test_input_required_result_elicitation,
    test_streaming_elicitation,
    test_input_required_result_sampling,
    test_input_required_result_list_roots,
    test_input_required_result_request_state,
    test_input_required_result_tampered_state,
    test_input_required_result_multiple_inputs,
    test_input_required_result_multi_round,
    test_input_required_result_capabilities,
    test_missing_capability,
    test_custom_header,
)


def static_text() -> str:
    return "This is the content of the static text resource."


def static_binary() -> bytes:
    return base64.b64decode(PNG)


def template(id: str) -> str:  # noqa: A002 - the suite's name
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def watched() -> str:
    return "Watched resource content"


RESOURCES = {
    "test://static-text": (static_text, "text/plain"),
    "test://static-binary": (static_binary, "image/png"),
    "test://template/{id}/data": (template, "application/json"),
    "test://watched-resource": (watched, "text/plain"),
}


def test_simple_prompt() -> list[UserMessage]:
    return [UserMessage("This is a simple prompt for testing.")]


def test_prompt_with_arguments(arg1: str, arg2: str) -> list[UserMessage]:
    return [UserMessage(f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")]


def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:
    body = embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
    return [UserMessage(body), UserMessage("Please process the embedded resource above.")]


def test_prompt_with_image() -> list[UserMessage]:
    return [UserMessage(image()), UserMessage("Please analyze the image above.")]


def test_input_required_result_prompt(ctx: Ctx) -> Any:
    given = _given(ctx, "user_context")
    context = _filled(given[0], "context") if given else None
    if not context:
        return _asked(user_context=_form("What context should the prompt use?", "context"))
    return [UserMessage(f"Use this context: {context}")]


PROMPTS = (
    test_simple_prompt,
    test_prompt_with_arguments,
    test_prompt_with_embedded_resource,
    test_prompt_with_image,
    test_input_required_result_prompt,
)
