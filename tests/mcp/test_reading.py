"""Resources, prompts, completions and subscriptions, in both eras."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError
from mcp.client.subscriptions import ResourceUpdated, ToolsListChanged
from mcp.types import (
    EmptyResult,
    PromptReference,
    ResourceTemplateReference,
    SubscribeRequest,
    TextContent,
    UnsubscribeRequest,
)

from engine.domain.errors import ControlError
from engine.methods import METHODS
from resources.pages import RESOURCES
from resources.prompts import PROMPTS
from server.mcp.build import build_server
from server.mcp.completions import SOURCES
from server.mcp.updates import changed, publishing
from tests.archive_host import hosted
from tests.mcp.clients import ERAS, TOKEN, Canned, agent

POOL = "ketch://pools/{chain}/{address}"


@pytest.mark.parametrize("era", ERAS)
def test_resources_and_templates_are_listed_and_read(era: str) -> None:
    async def run() -> None:
        async with agent(build_server(Canned()), era) as client:
            listed = {str(r.uri) for r in (await client.list_resources()).resources}
            templates = {t.uri_template for t in (await client.list_resource_templates()).resource_templates}
            assert listed | templates == {spec.uri for spec in RESOURCES}
            (page,) = (await client.read_resource("ketch://status")).contents
            assert page.mime_type == "application/json"
            assert json.loads(page.text)["state"] == "ACTIVE"  # type: ignore[union-attr]

    anyio.run(run)


def test_every_resource_asks_a_method_that_reads() -> None:
    assert all(METHODS[spec.method].read_only for spec in RESOURCES)


@pytest.mark.parametrize(
    "uri", ["ketch://trades/intent-9", "ketch://pools/ethereum/" + TOKEN, "ketch://nothing", "ketch://trades/a/b"]
)
def test_what_is_not_there_is_said_to_be_absent(uri: str) -> None:
    async def run() -> None:
        async with agent(build_server(Canned())) as client:
            with pytest.raises(MCPError) as refused:
                await client.read_resource(uri)
            assert refused.value.code == -32602

    anyio.run(run)


def test_a_pool_is_read_by_chain_and_address() -> None:
    async def run() -> None:
        facade = Canned({"market_pool": {"pool": TOKEN}})
        async with agent(build_server(facade)) as client:
            for chain in ("arbitrum", "arb", "42161"):
                await client.read_resource(f"ketch://pools/{chain}/{TOKEN}")
        assert facade.asked.count(("market_pool", {"pool": TOKEN})) == 3

    anyio.run(run)


def test_prompts_name_only_tools_that_exist() -> None:
    from tools.table import chosen

    names = {spec.name for spec in chosen(["all"])}

    async def run() -> None:
        async with agent(build_server(Canned())) as client:
            listed = (await client.list_prompts()).prompts
            assert [prompt.name for prompt in listed] == [spec.name for spec in PROMPTS]
            for prompt in listed:
                given = {argument.name: "x" for argument in prompt.arguments or ()}
                (message,) = (await client.get_prompt(prompt.name, given)).messages
                assert isinstance(message.content, TextContent)
                words = {word.strip(".,:()'\"") for word in message.content.text.split()}
                called = {word for word in words if "_" in word and not word.startswith("untrusted")}
                assert called <= names, called - names

    anyio.run(run)


@pytest.mark.parametrize(
    ("argument", "begun", "values"),
    [
        ("chain", "a", ["arbitrum"]),
        ("venue", "uni", ["uniswap_v3"]),
        ("token", "0x", [TOKEN]),
        ("chain", "zzz", []),
        ("unheard_of", "", []),
    ],
)
def test_arguments_are_completed_from_what_the_engine_knows(argument: str, begun: str, values: list[str]) -> None:
    async def run() -> None:
        async with agent(build_server(Canned())) as client:
            ref = ResourceTemplateReference(type="ref/resource", uri=POOL)
            found = await client.complete(ref, {"name": argument, "value": begun})
            assert found.completion.values == values

    anyio.run(run)


def test_without_an_engine_nothing_is_completed() -> None:
    async def run() -> None:
        down = {method: ControlError("no engine is running", code="not_running") for method in METHODS}
        async with agent(build_server(Canned(down))) as client:
            for name in SOURCES:
                ref = PromptReference(type="ref/prompt", name="explain_trade")
                assert (await client.complete(ref, {"name": name, "value": ""})).completion.values == []

    anyio.run(run)


def test_events_of_the_engine_become_updates_of_resources() -> None:
    trade = {"event": "trade", "id": "intent-7", "status": "filled"}
    assert changed(trade, status_due=False) == ["ketch://status", "ketch://trades", "ketch://trades/intent-7"]
    assert changed({"event": "block"}, status_due=True) == ["ketch://status"]
    assert changed({"event": "block"}, status_due=False) == []
    assert "ketch://mode" in changed({"event": "command", "command": "halt"}, status_due=False)


def test_a_subscriber_of_the_handshake_era_hears_of_a_trade_until_it_unsubscribes() -> None:
    async def run() -> None:
        facade = Canned()
        server = build_server(facade)
        heard: list[str] = []
        told = anyio.Event()

        async def on_message(message: Any) -> None:
            heard.append(str(message.params.uri))
            told.set()

        async with (
            publishing(server.subscribers, facade),
            Client(server, mode="legacy", message_handler=on_message) as client,
        ):
            await client.session.send_request(SubscribeRequest(params={"uri": "ketch://trades"}), EmptyResult)
            with anyio.fail_after(5):
                while not told.is_set():
                    facade.feed.publish({"event": "trade", "id": "intent-7"})
                    await anyio.sleep(0.01)
            assert set(heard) == {"ketch://trades"}
            gone = UnsubscribeRequest(params={"uri": "ketch://trades"})
            await client.session.send_request(gone, EmptyResult)
            other = SubscribeRequest(params={"uri": "ketch://trades/intent-8"})
            await client.session.send_request(other, EmptyResult)
            heard.clear()
            with anyio.fail_after(5):
                while "ketch://trades/intent-8" not in heard:
                    facade.feed.publish({"event": "trade", "id": "intent-7"})
                    facade.feed.publish({"event": "trade", "id": "intent-8"})
                    await anyio.sleep(0.01)
            assert set(heard) == {"ketch://trades/intent-8"}

    anyio.run(run)


def test_a_client_that_listed_tools_is_told_when_agents_may_trade_and_when_they_may_not() -> None:
    async def run() -> None:
        facade = Canned()
        server = build_server(facade)
        heard: list[str] = []

        async def on_message(message: Any) -> None:
            heard.append(message.method)

        async def names(client: Client) -> set[str]:
            return {tool.name for tool in (await client.list_tools(cache_mode="refresh")).tools}

        async with (
            publishing(server.subscribers, facade),
            Client(server, mode="legacy", message_handler=on_message) as client,
            agent(server, "2026-07-28") as stateless,
            stateless.listen(tools_list_changed=True) as events,
        ):
            capabilities = client.server_capabilities
            assert capabilities.tools is not None and capabilities.tools.list_changed is True
            told = aiter(events)
            assert "execute_trade" not in await names(client)
            for role, offered in (("trader", True), ("observer", False)):
                await anyio.wait_all_tasks_blocked()
                heard.clear()
                facade.feed.publish({"event": "policy"})  # one that changes nothing for agents
                await anyio.wait_all_tasks_blocked()
                assert heard == []
                facade.granted = role
                facade.feed.publish({"event": "command", "command": "applypolicy"})
                with anyio.fail_after(5):
                    assert await anext(told) == ToolsListChanged()
                await anyio.wait_all_tasks_blocked()
                assert heard == ["notifications/tools/list_changed"]
                assert ("execute_trade" in await names(client)) is offered

    anyio.run(run)


def test_a_listener_of_the_stateless_era_hears_of_a_trade() -> None:
    async def run() -> None:
        facade = Canned()
        server = build_server(facade)
        async with (
            publishing(server.subscribers, facade),
            agent(server, "2026-07-28") as client,
            client.listen(resource_subscriptions=["ketch://trades/intent-7"]) as events,
            anyio.create_task_group() as tasks,
        ):

            async def trade() -> None:
                while True:
                    facade.feed.publish({"event": "trade", "id": "intent-7"})
                    await anyio.sleep(0.01)

            tasks.start_soon(trade)
            with anyio.fail_after(5):
                assert await anext(aiter(events)) == ResourceUpdated(uri="ketch://trades/intent-7")
            tasks.cancel_scope.cancel()

    anyio.run(run)


@pytest.mark.parametrize(("store", "tells"), [("knowledge", True), ("memory", False)])
def test_a_subscriber_of_the_graph_hears_of_what_is_written_into_it(store: str, tells: bool) -> None:
    assert changed({"event": "noted", "store": store, "tool": "t", "seq": 9}, status_due=True) == (
        ["memory://knowledge-graph"] if tells else []
    )


def test_the_graph_is_a_resource_and_its_subscribers_are_told(tmp_path: Path) -> None:
    async def run() -> None:
        heard = anyio.Event()

        async def on_message(message: Any) -> None:
            assert str(message.params.uri) == "memory://knowledge-graph"
            heard.set()

        async with hosted(tmp_path) as host:
            server = build_server(host, ["knowledge"])
            async with (
                publishing(server.subscribers, host),
                Client(server, mode="legacy", message_handler=on_message) as client,
            ):
                graph = {"uri": "memory://knowledge-graph"}
                await client.session.send_request(SubscribeRequest(params=graph), EmptyResult)
                with anyio.fail_after(20):
                    while not heard.is_set():
                        entity = {"name": "A", "entityType": "t", "observations": []}
                        await client.call_tool("create_entities", {"entities": [entity]})
                (content,) = (await client.read_resource("memory://knowledge-graph")).contents
                assert json.loads(content.text)["entities"] == [entity]
                (content,) = (await client.read_resource("ketch://entities/A")).contents
                assert json.loads(content.text)["provenance"][0]["author"] == "mcp-1"

    anyio.run(run)
