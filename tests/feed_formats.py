"""Write what feeds send, as their documents have it: the other half of the decoders, for tests."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import rlp
from eth_account import Account
from eth_utils.crypto import keccak

from engine.domain.pools import Log

KEY = "0x" + "11" * 32
SENDER = cast("Any", Account).from_key(KEY).address.lower()


def signed(to: str | None, calldata: bytes, *, nonce: int = 0, kind: int = 2, key: str = KEY) -> bytes:
    """Sign a transaction of a type: 0 legacy, 1, 2 or 4 typed."""
    body: dict[str, Any] = {"nonce": nonce, "gas": 100_000, "value": 0, "data": "0x" + calldata.hex(), "chainId": 8453}
    body |= {} if to is None else {"to": bytes.fromhex(to[2:])}
    if kind in (0, 1):
        body |= {"gasPrice": 10**9}
    else:
        body |= {"maxFeePerGas": 10**9, "maxPriorityFeePerGas": 1}
    if kind:
        body |= {"type": kind}
    if kind == 1:
        body |= {"accessList": []}
    if kind == 4:
        allowed = {"chainId": 8453, "address": b"\x22" * 20, "nonce": 0}
        signing = cast("Any", Account).sign_authorization(allowed, key)
        body |= {"authorizationList": [signing]}
    return bytes(cast("Any", Account).sign_transaction(body, key).raw_transaction)


def deposit(sender: str, to: str, calldata: bytes) -> bytes:
    """Write an OP Stack deposit: type 0x7e, signed by nobody."""
    fields = [b"\x01" * 32, bytes.fromhex(sender[2:]), bytes.fromhex(to[2:]), b"", b"", b"\x01", b"", calldata]
    return b"\x7e" + cast("Any", rlp).encode(fields)


def batch(parts: Sequence[bytes]) -> bytes:
    """Write a batch of L2 messages: kind 3, each part with its length in 8 bytes."""
    return b"\x03" + b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def feed_message(
    number: int, l2_message: bytes, *, kind: int = 3, block_hash: str | None = None, metadata: bytes | None = None
) -> dict[str, Any]:
    """Write one message of a sequencer's broadcast."""
    header = {"kind": kind, "sender": "0xa4b000000000000000000073657175656e636572", "blockNumber": 1, "timestamp": 2}
    body: dict[str, Any] = {
        "sequenceNumber": number,
        "message": {
            "message": {
                "header": {**header, "requestId": None, "baseFeeL1": None},
                "l2Msg": base64.b64encode(l2_message).decode(),
            },
            "delayedMessagesRead": 354_560,
        },
        "signatureV2": None,
    }
    body |= {} if block_hash is None else {"blockHash": block_hash}
    return body | ({} if metadata is None else {"blockMetadata": base64.b64encode(metadata).decode()})


def broadcast(messages: Sequence[Mapping[str, Any]], **more: Any) -> str:
    """Write a broadcast of version 1."""
    return json.dumps({"version": 1, "messages": messages, **more})


def flashblock(
    payload_id: str,
    index: int,
    number: int,
    *,
    parent_hash: str = "0x" + "00" * 32,
    transactions: Sequence[bytes] = (),
    receipts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write one flashblock; the first of a payload brings the base. `receipts` of None are left out (Azul)."""
    message: dict[str, Any] = {
        "payload_id": payload_id,
        "index": index,
        "diff": {
            "state_root": "0x" + "00" * 32,
            "gas_used": "0x5208",
            "transactions": ["0x" + raw.hex() for raw in transactions],
            "withdrawals": [],
        },
        "metadata": {"block_number": number, "access_list": None},
    }
    if index == 0:
        message["base"] = {
            "parent_hash": parent_hash,
            "block_number": hex(number),
            "timestamp": "0x1",
            "base_fee_per_gas": "0x1",
        }
    if receipts is not None:
        message["metadata"] |= {"receipts": dict(receipts), "new_account_balances": {}}
    return message


def receipt(logs: Sequence[Log], *, tag: str | None = "Eip1559") -> dict[str, Any]:
    """Write a receipt, tagged by its type or flat."""
    body: dict[str, Any] = {
        "cumulativeGasUsed": "0x5208",
        "logs": [
            {
                "address": log.address,
                "topics": ["0x" + topic.hex() for topic in log.topics],
                "data": "0x" + log.data.hex(),
            }
            for log in logs
        ],
        "status": "0x1",
    }
    return {**body, "type": "0x2"} if tag is None else {tag: body}


def notification(result: Mapping[str, Any]) -> str:
    """Wrap a subscription's result as JSON-RPC does."""
    params = {"subscription": "0x1887ec8b", "result": result}
    return json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": params})


def pending_log(log: Log) -> dict[str, Any]:
    """Write a log as `pendingLogs` tells it."""
    return {
        "address": log.address,
        "topics": ["0x" + topic.hex() for topic in log.topics],
        "data": "0x" + log.data.hex(),
        "blockNumber": hex(log.block_number),
        "transactionHash": log.tx_hash,
        "logIndex": hex(log.log_index),
        "removed": False,
    }


def hash_of(raw: bytes) -> str:
    """Hash a transaction."""
    return "0x" + keccak(raw).hex()
