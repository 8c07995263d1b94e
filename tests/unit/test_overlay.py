"""Nothing leaves an overlay but reads, and every read that the engine knows is on its list."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import pytest
from typing_extensions import override

from engine.chains.endpoints import Endpoint, Json, Request
from engine.chains.overlay import READS, Overlay
from engine.domain.errors import ChainError
from engine.domain.units import Address
from tests.docs.sources import name, shipped, text

LAID = Address("0x" + "ab" * 20)
OPERATOR = Address("0x" + "cd" * 20)
METHOD = re.compile(r'"((?:eth|debug|web3|txpool)_\w+|trace_(?:block|transaction|replay\w*))"')
ANSWERED_HERE = {
    "eth_call",
    "eth_estimateGas",
    "eth_simulateV1",
    "eth_getTransactionCount",
    "eth_getCode",
    "eth_getBalance",
}
SENDS = {"eth_sendRawTransaction", "eth_sendTransaction", "eth_sendPrivateTransaction", "eth_sendBundle"}
OTHER_PROGRAMS = ("engine/devnet/", "engine/verify/")


class Beneath(Endpoint):
    """An endpoint that writes down what reaches it."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9")
        self.reached: list[Request] = []

    @override
    async def call(self, method: str, *params: Json) -> Json:
        return (await self.batch([(method, params)]))[0]

    @override
    async def batch(self, requests: Sequence[Request]) -> list[Json]:
        self.reached += requests
        return ["0x1"] * len(requests)


def over(beneath: Beneath) -> Overlay:
    return Overlay(beneath, accounts={LAID: {"code": "0x60", "balance": "0x5"}}, operator=OPERATOR, count=lambda: 3)


def asked(method: str, *params: Any) -> tuple[Json, list[Request]]:
    """Ask once; return the answer and what reached the endpoint beneath."""
    beneath = Beneath()
    return asyncio.run(over(beneath).call(method, *params)), beneath.reached


def test_every_method_that_the_engine_names_is_read_answered_or_stopped() -> None:
    named = {
        method
        for path in shipped(".py", under=("engine",))
        if not name(path).startswith(OTHER_PROGRAMS)
        for method in METHOD.findall(text(path))
    }
    assert len(named) > 15
    assert sorted(named - READS - ANSWERED_HERE - SENDS) == []
    assert [method for method in READS if "send" in method.lower()] == []


def test_signed_bytes_are_taken_and_go_nowhere() -> None:
    answer, reached = asked("eth_sendRawTransaction", "0x1234")
    assert answer == "0x56570de287d73cd1cb6092bb8fdee6173974955fdef345ae579ee9f475ea7432"
    assert reached == []


@pytest.mark.parametrize(
    "method", sorted((SENDS - {"eth_sendRawTransaction"}) | {"anvil_setCode", "eth_sign", "miner_start"})
)
def test_whatever_is_no_read_is_refused(method: str) -> None:
    beneath = Beneath()
    with pytest.raises(ChainError, match="does not leave this engine"):
        asyncio.run(over(beneath).call(method, {}))
    assert beneath.reached == []


@pytest.mark.parametrize(
    ("method", "params", "answer"),
    [
        ("eth_getCode", (LAID, "latest"), "0x60"),
        ("eth_getBalance", (LAID.upper().replace("X", "x"), "latest"), "0x5"),
        ("eth_getTransactionCount", (OPERATOR, "0x10"), "0x3"),
    ],
)
def test_the_accounts_are_answered_for_here(method: str, params: tuple[str, ...], answer: str) -> None:
    assert asked(method, *params) == (answer, [])


def test_a_call_that_names_an_account_sees_all_of_them_and_its_own_overrides_win() -> None:
    call = {"to": "0x" + "11" * 20, "data": "0x00" + LAID[2:]}
    _, ((_, params),) = asked("eth_call", call, "latest", {LAID: {"code": "0x61"}}, {"time": "0x1"})
    assert list(params) == [call, "latest", {LAID: {"code": "0x61", "balance": "0x5"}}, {"time": "0x1"}]


def test_a_call_that_names_none_is_passed_on_as_it_is() -> None:
    call = {"to": "0x" + "11" * 20, "data": "0x00"}
    _, reached = asked("eth_call", call, "latest")
    assert reached == [("eth_call", (call, "latest"))]
