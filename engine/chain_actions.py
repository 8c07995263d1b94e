"""Transactions that set an engine up: sent, mined, checked. Trades never come this way."""

import itertools
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import anyio
from eth_account import Account
from eth_utils.address import to_checksum_address

from engine.chains.abi import hex_data
from engine.chains.endpoints import Endpoint, RpcError
from engine.chains.heads import block_ref
from engine.domain.errors import ChainError
from engine.domain.ports import Pace
from engine.domain.units import Address, BlockRef, ChainId

_POLL_S = 0.05
_SEND_AGAIN_POLLS = 20  # a node may drop a transaction, and those behind it then wait for its nonce
_MINED_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One set-up transaction; `to` is None for a deployment."""

    to: Address | None
    data: bytes
    value_wei: int = 0
    gas: int = 200_000


async def head_of(endpoint: Endpoint, chain: ChainId) -> BlockRef:
    """Read the newest block's reference."""
    return block_ref(chain, await endpoint.call("eth_getBlockByNumber", "latest", False))


async def perform(
    endpoint: Endpoint, chain: ChainId, key: str, actions: Sequence[Action], pace: Pace
) -> list[dict[str, Any]]:
    """Sign, send and await the actions in order, from one account; return their receipts.

    Raises `ChainError` when one reverts, cannot be paid for, or is not mined within two minutes.
    """
    account = Account.from_key(key)
    nonce = int(await endpoint.call("eth_getTransactionCount", account.address, "latest"), 16)
    base_fee = int((await endpoint.call("eth_getBlockByNumber", "latest", False)).get("baseFeePerGas", "0x0"), 16)
    raws: list[str] = []
    hashes: list[str] = []
    for offset, action in enumerate(actions):
        transaction: dict[str, Any] = {
            "type": 2,
            "chainId": chain,
            "nonce": nonce + offset,
            "value": action.value_wei,
            "data": hex_data(action.data),
            "gas": action.gas,
            "maxFeePerGas": 3 * base_fee + 1,
            "maxPriorityFeePerGas": 1,
        }
        if action.to is not None:
            transaction["to"] = to_checksum_address(action.to)
        raws.append(hex_data(bytes(account.sign_transaction(transaction).raw_transaction)))
        hashes.append(await endpoint.call("eth_sendRawTransaction", raws[-1]))
    return [await _mined(endpoint, chain, *sent, pace) for sent in zip(hashes, raws, strict=True)]


async def _mined(endpoint: Endpoint, chain: ChainId, tx_hash: str, raw: str, pace: Pace) -> dict[str, Any]:
    with anyio.move_on_after(_MINED_WITHIN_S):
        for poll in itertools.count(1):
            receipt = await endpoint.call("eth_getTransactionReceipt", tx_hash)
            if receipt is not None:
                if int(receipt["status"], 16) != 1:
                    raise ChainError(f"the set-up transaction {tx_hash} reverted")
                return receipt
            if poll % _SEND_AGAIN_POLLS == 0:
                with suppress(RpcError):  # known still, or mined since: then the receipt is on its way
                    await endpoint.call("eth_sendRawTransaction", raw)
            await pace.done(await head_of(endpoint, chain))
            await anyio.sleep(_POLL_S)
    raise ChainError(
        f"the set-up transaction {tx_hash} was not mined",
        limit=f"{_MINED_WITHIN_S:.0f} s",
        next_step="look it up, then run the command again",
    )
