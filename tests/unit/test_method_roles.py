"""Every method asks who is asking before it does anything."""

from __future__ import annotations

from typing import Any, cast, get_args

import anyio
import pytest

from engine.domain.errors import ControlError
from engine.methods import METHODS, answered
from engine.principals import Principal, Role

SHUT_OUT = [(name, role) for name, row in METHODS.items() for role in get_args(Role) if role not in row.roles]


class Untouched:
    """An engine that nobody may touch."""

    def __getattr__(self, name: str) -> Any:
        pytest.fail(f"the engine was asked for its {name}")


def test_no_method_answers_a_role_that_it_is_not_for() -> None:
    engine = cast("Any", Untouched())

    async def ask(name: str, role: Role) -> None:
        with pytest.raises(ControlError, match=f"{name} is not for the role {role}") as refused:
            await answered(engine, name, METHODS[name].example, Principal(id="mcp-1", role=role))
        assert refused.value.code == "not_allowed"

    for name, role in SHUT_OUT:
        anyio.run(ask, name, role)


def test_agents_are_shut_out_of_what_is_the_operators() -> None:
    for name in ("approve", "resume", "policy_apply", "sweep"):
        assert {role for shut, role in SHUT_OUT if shut == name} == {"observer", "trader"}
    assert ("execute_trade", "observer") in SHUT_OUT
