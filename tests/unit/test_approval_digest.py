"""What an approval is good for: whatever of the trade, the policy or the time differs makes another digest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.risk.approval import request_digest
from tests.unit import journal_stubs as stub

TERMS: dict[str, Any] = {"approval": "approval-1", "policy_hash": "0x" + "11" * 32, "expires_s": 1_800_000_900}


def test_the_digest_changes_with_everything_that_is_approved() -> None:
    asked = stub.request()
    backwards = replace(asked.route, hops=asked.route.hops[::-1])
    requests = {
        "as it is": asked,
        "principal": replace(asked, principal="mcp-1"),
        "route": replace(asked, route=backwards),
        "amount": replace(asked, amount_in=asked.amount_in + 1),
        "floor": replace(asked, min_profit=asked.min_profit - 1),
    }
    digests = {what: request_digest(request, **TERMS) for what, request in requests.items()}
    for name, other in {"approval": "approval-2", "policy_hash": "0x" + "22" * 32, "expires_s": 1_800_000_901}.items():
        digests[name] = request_digest(asked, **TERMS | {name: other})
    assert len({*digests.values()}) == len(digests) == 8, digests
