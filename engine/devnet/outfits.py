"""What a bot brings to the local chain: an executor of its own, listed tokens, and capital from the faucet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.chains.executor_calls import encode_list_profit_token
from engine.devnet import accounts
from engine.devnet.calldata import call, created_address
from engine.devnet.rpc import hex_of
from engine.domain.units import Address
from engine.execution.artifact import deploy_data

CAPITAL = ("WETH", "USDC")
"""The tokens that bots hold, and so those that their cycles begin and end in."""
SET_UP_GAS = 4_500_000
TAKES = 100_000  # a transfer or a listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Outfit:
    """What a bot has on the chain: an account, operator and treasury at once; its executor with raw `holdings`."""

    account: Address
    executor: Address
    nonce: int
    holdings: dict[Address, int]


def outfit_of(account: Address, holdings: Mapping[Address, int]) -> tuple[Outfit, list[dict[str, Any]]]:
    """Outfit an account that has sent nothing yet: what it has then, and the transactions that make it so, in order."""
    executor = created_address(account, 0)
    bodies: list[dict[str, Any]] = [
        {"from": account, "data": hex_of(deploy_data(account, account)), "gas": hex(SET_UP_GAS)}
    ]
    for token, amount in holdings.items():
        listing = hex_of(encode_list_profit_token(token, True))
        transfer = hex_of(call("transfer(address,uint256)", executor, amount))
        bodies.append({"from": account, "to": executor, "data": listing, "gas": hex(TAKES)})
        bodies.append({"from": accounts.FAUCET, "to": token, "data": transfer, "gas": hex(TAKES)})
    return Outfit(account=account, executor=executor, nonce=1 + len(holdings), holdings=dict(holdings)), bodies
