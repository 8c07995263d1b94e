"""The executor's test chain as tests see it: its addresses, and transactions and balances on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.devnet.calldata import call
from engine.devnet.profiles import GENESIS_TIMESTAMP_S
from engine.devnet.rpc import Rpc
from engine.domain.hops import HopKind
from engine.domain.pools import Log
from engine.domain.units import Address
from engine.execution.artifact import ExecutorArtifact, deploy_data

BASE_FEE_WEI = 20_000_000
FLAGS = (
    *("--chain-id", "42161", "--timestamp", str(GENESIS_TIMESTAMP_S)),
    *("--gas-limit", str(10**10), "--balance", "100000000"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolAt:
    """A pool that a hop can name."""

    kind: HopKind
    address: Address
    fee_ppm: int = 0
    balancer_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """One executor and what it was made with."""

    address: Address
    treasury: Address
    operator: Address
    vault: Address
    aave: Address
    morpho: Address

    def creation(self, artifact: ExecutorArtifact) -> bytes:
        """Return the creation code that made it, of this or a changed source."""
        parties = (self.treasury, self.operator, self.vault, self.aave, self.morpho)
        return deploy_data(*parties, artifact=artifact)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The chain. `executor` is the usual one; `relayed` has a contract as treasury and operator, `fooled` a hostile
    Aave, `bare` no lender at all. `artifact` is what they all run."""

    rpc: Rpc
    deployer: Address
    treasury: Address
    operator: Address
    stranger: Address
    tokens: Mapping[str, Address]
    pools: Mapping[str, PoolAt]
    executor: Deployed
    relayed: Deployed
    fooled: Deployed
    bare: Deployed
    artifact: ExecutorArtifact
    relay: Address
    lender: Address
    hostile: Mapping[str, Address]

    @property
    def executors(self) -> tuple[Deployed, ...]:
        return self.executor, self.relayed, self.fooled, self.bare


def transact(rpc: Rpc, sender: Address, to: Address, data: bytes, *, value: int = 0) -> dict[str, Any]:
    """Send one transaction, mine it and return its receipt, whatever its status."""
    body = {"from": sender, "to": to, "data": "0x" + data.hex(), "value": hex(value), "gas": hex(5_000_000)}
    fees = {"maxFeePerGas": hex(10 * BASE_FEE_WEI), "maxPriorityFeePerGas": "0x0"}
    sent = rpc.call("eth_sendTransaction", {**body, **fees})
    rpc.call("evm_mine")
    return rpc.call("eth_getTransactionReceipt", sent)


def act(rpc: Rpc, sender: Address, relay: Address, to: Address, data: bytes) -> dict[str, Any]:
    """Send as `sender`; as the relay by whoever is asked to move it, since it has no key."""
    if sender != relay:
        return transact(rpc, sender, to, data)
    anyone = Address(rpc.call("eth_accounts")[3].lower())
    return transact(rpc, anyone, relay, call("forward(address,bytes)", to, data))


def logs_of(receipt: Mapping[str, Any]) -> list[Log]:
    """Read a receipt's logs as the engine takes them."""
    return [
        Log(
            address=Address(raw["address"].lower()),
            topics=tuple(bytes.fromhex(topic[2:]) for topic in raw["topics"]),
            data=bytes.fromhex(raw["data"][2:]),
            block_number=int(raw["blockNumber"], 16),
            tx_hash=raw["transactionHash"],
            log_index=int(raw["logIndex"], 16),
        )
        for raw in receipt["logs"]
    ]


def balance(world: World, token: Address, account: Address) -> int:
    """Read a balance in raw units."""
    return int.from_bytes(world.rpc.eth_call(token, call("balanceOf(address)", account)))


def allowance(world: World, token: Address, owner: Address, spender: Address) -> int:
    """Read an allowance in raw units."""
    return int.from_bytes(world.rpc.eth_call(token, call("allowance(address,address)", owner, spender)))


def fund(world: World, symbol: str, account: Address, amount: int) -> None:
    """Give `account` raw units of a token from the deployer's supply."""
    receipt = transact(
        world.rpc, world.deployer, world.tokens[symbol], call("transfer(address,uint256)", account, amount)
    )
    assert receipt["status"] == "0x1"
