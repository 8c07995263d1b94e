"""Transactions of the chain's own accounts, sent many at a time and mined together."""

from dataclasses import dataclass, field
from typing import Any

from engine.devnet.calldata import call, created_address, creation
from engine.devnet.packages import Artifact, linked
from engine.devnet.profiles import GENESIS_TIMESTAMP_S
from engine.devnet.rpc import Rpc, hex_of
from engine.domain.errors import DevnetError
from engine.domain.units import Address

CALL_GAS = 6_000_000
CREATE_GAS = 16_000_000
MAX_FEE_WEI = 10**12


@dataclass(slots=True)
class Sending:
    """A queue of transactions in order, with nonces counted here. `mine` sends all of them and mines one block."""

    rpc: Rpc
    sender: Address
    base_fee_wei: int
    timestamp_s: int = GENESIS_TIMESTAMP_S
    _nonces: dict[Address, int] = field(default_factory=dict[Address, int])
    _queued: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])

    def create(self, artifact: Artifact, *values: Any, libraries: dict[str, Address] | None = None) -> Address:
        """Queue a contract's creation and return the address it will have."""
        address = created_address(self.sender, self._nonces.get(self.sender, 0))
        code = creation(artifact, linked(artifact, libraries or {}), *values)
        self._queue(artifact.name, {"data": hex_of(code), "gas": hex(CREATE_GAS)}, self.sender)
        return address

    def call(
        self,
        to: Address,
        signature: str,
        *values: Any,
        value: int = 0,
        gas: int = CALL_GAS,
        sender: Address | None = None,
    ) -> None:
        """Queue a call of `to`, by the deployer unless `sender` says otherwise."""
        data = call(signature, *values) if signature else b""
        body = {"to": to, "data": hex_of(data), "value": hex(value), "gas": hex(gas)}
        self._queue(signature or "transfer", body, sender or self.sender)

    def mine(self) -> None:
        """Send what is queued and mine it into one block; raises `DevnetError` naming a transaction that failed."""
        hashes: list[str] = self.rpc.batch([("eth_sendTransaction", [body]) for _, body in self._queued])
        self.timestamp_s += 1
        self.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(self.base_fee_wei))
        self.rpc.call("evm_mine", {"timestamp": self.timestamp_s})
        receipts = {receipt["transactionHash"]: receipt for receipt in self.rpc.call("eth_getBlockReceipts", "latest")}
        for (what, _), tx_hash in zip(self._queued, hashes, strict=True):
            if tx_hash not in receipts:
                raise DevnetError(f"{what} was not mined", measured=tx_hash)
            if receipts[tx_hash]["status"] != "0x1":
                raise DevnetError(f"{what} failed on the local chain", measured=tx_hash)
        self._queued.clear()

    def _queue(self, what: str, body: dict[str, Any], sender: Address) -> None:
        nonce = self._nonces.get(sender, 0)
        self._nonces[sender] = nonce + 1
        fees = {"maxFeePerGas": hex(MAX_FEE_WEI), "maxPriorityFeePerGas": "0x0"}
        self._queued.append((what, {"from": sender, "nonce": hex(nonce), **fees, **body}))
