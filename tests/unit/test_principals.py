"""Names are the server's: a token brings its name back, and a name brings nobody any token."""

from __future__ import annotations

import pytest

from engine.domain.errors import ControlError
from engine.principals import named


def test_a_name_says_nothing_of_the_token_that_brings_it_back() -> None:
    principal, token = named(may_trade=True)
    shown = principal.id.removeprefix("mcp-")
    assert not any(shown[at : at + 6] in token for at in range(len(shown) - 5))
    assert named(may_trade=True, resume=token) == (principal, token)
    assert named(may_trade=True)[0].id != principal.id


@pytest.mark.parametrize("chosen", ["", "mcp-1", "operator", "x" * 44, "é" * 43])
def test_nobody_chooses_a_name(chosen: str) -> None:
    with pytest.raises(ControlError, match="not one that an engine gave"):
        named(may_trade=True, resume=chosen)
