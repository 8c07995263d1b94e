"""`--rivals N`: accounts, executors and capital for N competing bots, deployed before the chain is declared ready."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.devnet import accounts
from engine.devnet.deployment import Deployment
from engine.devnet.mining import head
from engine.devnet.node import Anvil
from engine.devnet.outfits import CAPITAL, Outfit, outfit_of
from engine.devnet.profiles import ChainProfile
from engine.devnet.rival import Rival
from engine.devnet.rival_feed import read_feed
from engine.devnet.rival_policies import RivalPolicy
from engine.devnet.rpc import Rpc
from engine.devnet.universe import raw_amount
from engine.domain.errors import DevnetError
from engine.domain.units import Address
from engine.scanning.kernel import warm_up


def start_rivals(
    rpc: Rpc,
    node: Anvil,
    deployment: Deployment,
    profile: ChainProfile,
    *,
    chosen: Sequence[RivalPolicy],
    seed: int,
    block_time_ms: int,
    log: Path,
) -> list[tuple[int, Rival]]:
    """Set the rivals up in one block, and return when in a block each acts (ms), and the rival; the earliest first.

    Raises `DevnetError` for more of them than there are accounts, or when something of theirs cannot be deployed.
    """
    if len(chosen) > len(accounts.RIVALS):
        raise DevnetError("there are not so many rivals", measured=len(chosen), limit=len(accounts.RIVALS))
    warm_up()
    outfits = _outfits(rpc, deployment, profile, chosen)
    newest = head(rpc)
    feed = read_feed(rpc, node.ws_url, deployment, newest)
    log.write_text("", encoding="utf-8")

    def rival(policy: RivalPolicy, outfit: Outfit) -> Rival:
        return Rival(
            rpc,
            feed,
            policy,
            outfit,
            native=deployment.native_wrapped,
            seen=newest.number,
            seed=seed,
            block_time_ms=block_time_ms,
            base_fee_wei=profile.base_fee_wei,
            log=log,
        )

    started = [
        (policy.turn_ms(block_time_ms), rival(policy, outfit)) for policy, outfit in zip(chosen, outfits, strict=True)
    ]
    return sorted(started, key=lambda turn: turn[0])


def _outfits(rpc: Rpc, deployment: Deployment, profile: ChainProfile, chosen: Sequence[RivalPolicy]) -> list[Outfit]:
    """Give each rival an executor of its own, both tokens listed, and the capital in it from the faucet."""
    holders: list[Address] = [Address(address) for address in rpc.call("eth_accounts")]
    addresses = {token.symbol: token.address for token in deployment.tokens}
    outfits: list[Outfit] = []
    bodies: list[dict[str, Any]] = []
    for index, policy in zip(accounts.RIVALS, chosen, strict=False):
        outfit, its = outfit_of(
            holders[index], {addresses[symbol]: raw_amount(symbol, policy.own_usd) for symbol in CAPITAL}
        )
        outfits.append(outfit)
        bodies += its
    _perform(rpc, bodies, profile.base_fee_wei)
    return outfits


def _perform(rpc: Rpc, bodies: Sequence[dict[str, Any]], base_fee_wei: int) -> None:
    """Send the set-up's transactions, one after the other for their nonces, and mine them into one block."""
    fees = {"maxFeePerGas": hex(2 * base_fee_wei), "maxPriorityFeePerGas": "0x0"}
    rpc.call("anvil_impersonateAccount", accounts.FAUCET)
    hashes = [rpc.call("eth_sendTransaction", {**fees, **body}) for body in bodies]
    rpc.call("anvil_setNextBlockBaseFeePerGas", hex(base_fee_wei))
    rpc.call("evm_mine", {"timestamp": head(rpc).timestamp_s})  # as they came: unsigned ones cannot be ordered
    rpc.call("anvil_stopImpersonatingAccount", accounts.FAUCET)
    receipts = {r["transactionHash"]: r for r in rpc.call("eth_getBlockReceipts", "latest")}
    for tx_hash in hashes:
        if tx_hash not in receipts or receipts[tx_hash]["status"] != "0x1":
            raise DevnetError("a rival could not be set up", measured=tx_hash)
