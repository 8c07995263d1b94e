"""Private relays: signed bytes for builders alone, by `eth_sendPrivateTransaction` or as bundles.

A relay knows us by a reputation key that signs each request's body and holds nothing (docs.flashbots.net, JSON-RPC
endpoints, Authentication): `X-Flashbots-Signature: address:signature`, the signature by EIP-191 over the text of
keccak256(body) in 0x hex.
"""

import asyncio
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils.crypto import keccak

from engine.chains.abi import hex_data
from engine.chains.endpoints import redacted
from engine.domain.decision import PrivateMode, Submission
from engine.domain.errors import ConfigError
from engine.domain.units import BlockRef

SIGNATURE_HEADER = "X-Flashbots-Signature"
RELAY_KEY_FILE = "relay-key"
SLOT_S = 12
"""Ethereum's, the only chain with private relays here."""
BUNDLE_BLOCKS = 3
"""How many blocks ahead a bundle is offered for: it is offered anew at each block, so one missed head costs nothing."""
_MAX_BLOCKS = 25  # relays clamp maxBlockNumber to that many blocks ahead
_TIMEOUT_S = 2.0
_TAKEN_BEFORE = ("already known", "known transaction", "already submitted", "duplicate")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateRelays:
    """Where private trades go, and how. `key` is the reputation key; a relay that redirects is not followed."""

    urls: tuple[str, ...]
    mode: PrivateMode
    key: str

    async def offer(self, submission: Submission, before: Sequence[Submission], head: BlockRef) -> str | None:
        """Offer one submission to every relay; None when one took it, else why none did. Raises nothing.

        `before` is what is open with lower nonces: a bundle begins with it. Past its deadline nothing is offered.
        """
        deadline_s = submission.deadline_s
        if deadline_s is None or deadline_s <= head.timestamp_s:
            return f"its deadline {deadline_s} is past at {head.timestamp_s}: it could only revert"
        method, bodies = self._asked(submission, before, head, deadline_s)
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False, follow_redirects=False) as client:
            answers = await asyncio.gather(
                *(_post(client, url, self.key, body) for url in self.urls for body in bodies)
            )
        if any(why is None for why in answers):
            return None
        return f"no private relay took it by {method}: {answers[0]}"

    def _asked(
        self, submission: Submission, before: Sequence[Submission], head: BlockRef, deadline_s: int
    ) -> tuple[str, list[bytes]]:
        slots = max(1, min((deadline_s - head.timestamp_s) // SLOT_S, _MAX_BLOCKS))
        if self.mode == "bundle":
            method = "eth_sendBundle"
            raws = [hex_data(one.raw_tx) for one in (*before, submission)]
            terms: list[dict[str, Any]] = [
                {"txs": raws, "blockNumber": hex(head.number + ahead), "maxTimestamp": deadline_s}
                for ahead in range(1, min(slots, BUNDLE_BLOCKS) + 1)
            ]
        else:
            method = "eth_sendPrivateTransaction"
            last = hex(head.number + slots)
            terms = [{"tx": hex_data(submission.raw_tx), "maxBlockNumber": last, "preferences": {"fast": True}}]
        return method, [
            json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": [one]}).encode() for one in terms
        ]


def signature_header(key: str, body: bytes) -> str:
    """Sign a request's body as relays want it."""
    account = Account.from_key(key)
    signed = account.sign_message(encode_defunct(text="0x" + keccak(body).hex()))
    return f"{account.address}:0x{bytes(signed.signature).hex()}"


def relay_key(state: Path) -> str:
    """Read the reputation key, made (0600) when it is first needed: it holds nothing and opens nothing.

    Raises `ConfigError` when the file cannot be used.
    """
    path = state / RELAY_KEY_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        text = path.read_text("ascii", "replace").strip()
        if not re.fullmatch(r"0x[0-9a-f]{64}", text):
            raise ConfigError(f"{path} holds no key", next_step="remove it: a new one is made") from None
        return text
    except OSError as error:
        raise ConfigError(f"cannot write {path} ({error.strerror})", next_step="choose another --state") from error
    key = "0x" + bytes(Account.create().key).hex()
    with os.fdopen(descriptor, "w") as file:
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key


async def _post(client: httpx.AsyncClient, url: str, key: str, body: bytes) -> str | None:
    """Send one request; return why it was not taken. No answer is ever read as a taking."""
    headers = {"content-type": "application/json", SIGNATURE_HEADER: signature_header(key, body)}
    where = redacted(url)
    try:
        answer = await client.post(url, content=body, headers=headers)
        said = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        return f"{where} did not answer ({type(error).__name__})"
    if not isinstance(said, dict):
        return f"{where} answered {answer.status_code} with no JSON-RPC answer"
    error = said.get("error")
    if answer.status_code == 200 and error is None and said.get("result"):
        return None
    message = str(error.get("message") if isinstance(error, dict) else error)[:120]
    if any(text in message.lower() for text in _TAKEN_BEFORE):
        return None
    return f"{where} answered {answer.status_code}: {message}"
