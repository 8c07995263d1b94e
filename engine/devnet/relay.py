"""A private relay and its builder, small: what it is given stays here until the block that carries it is mined.

anvil has no door into a block but its pool, so what is chosen passes the pool between the ordering of a block and the
mining of it, when nobody else acts any more; until then it is in this process only.
"""

import json
import threading
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from typing_extensions import override

from engine.devnet.rpc import NodeRefused, Rpc

HOST = "127.0.0.1"
HEADER = "X-Flashbots-Signature"

Fault = Literal["refuse", "hang", "drop"]
"""What tests tell it to do: take nothing, never answer, or take everything and include nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Signed transactions that go into one block together or not at all, in blocks `first` to `last`."""

    raws: tuple[str, ...]
    first: int
    last: int
    max_timestamp_s: int | None


@dataclass(slots=True)
class Relay:
    """A running relay. `signers` names who signed what was taken; `refused` says what was not, and why.

    `losing` is how many requests it still answers as taken and forgets. `seen` counts the requests for each bytes.
    """

    url: str = ""
    fault: Fault | None = None
    losing: int = 0
    seen: Counter[str] = field(default_factory=Counter[str])
    offers: list[Offer] = field(default_factory=list[Offer])
    signers: list[str] = field(default_factory=list[str])
    refused: list[str] = field(default_factory=list[str])
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)

    def answer(self, body: bytes, header: str) -> tuple[int, dict[str, Any]]:
        """Take one request, as a relay does: only with a signature over exactly this body."""
        if self.fault == "hang":
            self._ended.wait()
        try:
            signer = signer_of(body, header)
            asked = json.loads(body)
            offer, result = _read(asked["method"], asked["params"][0])
            if self.fault == "refuse":
                raise ValueError("this relay takes nothing now")
        except (ValueError, KeyError, IndexError, TypeError) as error:
            with self._lock:
                self.refused.append(str(error))
            return 403, {"jsonrpc": "2.0", "id": 1, "error": {"code": -32600, "message": str(error)}}
        with self._lock:
            self.signers.append(signer)
            self.seen[offer.raws[-1]] += 1
            if self.losing > 0:
                self.losing -= 1
            elif offer not in self.offers:
                self.offers.append(offer)
        return 200, {"jsonrpc": "2.0", "id": asked.get("id", 1), "result": result}

    def chosen(self, rpc: Rpc, timestamp_s: int) -> list[str]:
        """Choose what goes to the top of the next block: what is due there and does not revert, whole offers only."""
        number = rpc.block_number() + 1
        with self._lock:
            self.offers = [offer for offer in self.offers if offer.last >= number]
            waiting = [] if self.fault == "drop" else [offer for offer in self.offers if offer.first <= number]
        taken: list[str] = []
        public = _public_nonces(rpc)
        for offer in sorted(waiting, key=lambda o: (-len(o.raws), [_fields(raw)["nonce"] for raw in o.raws])):
            late = offer.max_timestamp_s is not None and timestamp_s > offer.max_timestamp_s
            rest = [raw for raw in offer.raws if raw not in taken]
            outbid = any((_sender(raw), _fields(raw)["nonce"]) in public for raw in rest)
            if rest and not late and not outbid and _runs(rpc, [*taken, *rest], timestamp_s):
                taken += rest
        return taken

    def end(self) -> None:
        """Let go of whoever hangs."""
        self._ended.set()


@contextmanager
def running_relay() -> Generator[Relay]:
    """Run a relay on a port of its own for as long as the context lasts."""
    relay = Relay()

    class Door(BaseHTTPRequestHandler):
        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: what passes here is private."""

        def answer_post(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            status, said = relay.answer(body, self.headers.get(HEADER, ""))
            data = json.dumps(said).encode()
            try:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the asker has not waited

    setattr(Door, "do_POST", Door.answer_post)  # noqa: B010 - the server looks it up by this name
    server = ThreadingHTTPServer((HOST, 0), Door)
    server.daemon_threads = True
    relay.url = f"http://{HOST}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.end()
        server.shutdown()
        server.server_close()
        thread.join()


def signer_of(body: bytes, header: str) -> str:
    """Recover who signed a body; raises `ValueError` when the header does not say so itself."""
    named, _, signature = header.partition(":")
    try:
        found = str(Account.recover_message(encode_defunct(text="0x" + keccak(body).hex()), signature=signature))
    except Exception as fault:
        raise ValueError(f"{HEADER} holds no signature") from fault
    if found.lower() != named.lower():
        raise ValueError(f"{HEADER} is not {named}'s over this body")
    return found.lower()


def _read(method: str, terms: dict[str, Any]) -> tuple[Offer, Any]:
    if method == "eth_sendPrivateTransaction":
        raw = str(terms["tx"])
        last = int(terms["maxBlockNumber"], 16)
        return Offer(raws=(raw,), first=0, last=last, max_timestamp_s=None), _hash(raw)
    if method == "eth_sendBundle":
        raws, at = tuple(str(raw) for raw in terms["txs"]), int(terms["blockNumber"], 16)
        bundle = "0x" + keccak(b"".join(bytes.fromhex(_hash(raw)[2:]) for raw in raws)).hex()
        return Offer(raws=raws, first=at, last=at, max_timestamp_s=terms.get("maxTimestamp")), {"bundleHash": bundle}
    raise ValueError(f"this relay does not know {method}")


def _runs(rpc: Rpc, raws: Sequence[str], timestamp_s: int) -> bool:
    """Simulate transactions at the top of the next block: builders drop what reverts or has not its turn."""
    nonces: dict[str, int] = {}
    calls: list[dict[str, Any]] = []
    for raw in raws:
        sender, fields = _sender(raw), _fields(raw)
        if sender not in nonces:
            nonces[sender] = int(rpc.call("eth_getTransactionCount", sender, "latest"), 16)
        if fields["nonce"] != nonces[sender]:
            return False
        nonces[sender] += 1
        to, data = "0x" + bytes(fields["to"]).hex(), "0x" + bytes(fields["data"]).hex()
        calls.append({"from": sender, "to": to, "data": data, "gas": hex(fields["gas"])})
    step = {"calls": calls, "blockOverrides": {"time": hex(timestamp_s)}}
    try:
        (block,) = rpc.call("eth_simulateV1", {"blockStateCalls": [step], "validation": False}, "latest")
    except NodeRefused:
        return False
    return all(call["status"] == "0x1" for call in block["calls"])


def _public_nonces(rpc: Rpc) -> set[tuple[str, int]]:
    pending = rpc.call("txpool_content")["pending"]
    return {(sender.lower(), int(nonce)) for sender, queue in pending.items() for nonce in queue}


def _fields(raw: str) -> dict[str, Any]:
    return TypedTransaction.from_bytes(HexBytes(raw)).as_dict()


def _sender(raw: str) -> str:
    return str(Account.recover_transaction(raw)).lower()


def _hash(raw: str) -> str:
    return "0x" + keccak(bytes.fromhex(raw[2:])).hex()
