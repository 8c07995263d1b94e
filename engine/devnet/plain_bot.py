"""A bot of the kind that most people run, to compare with: it polls, compares two pools, and sends.

Once a second it brings its pools up to the newest block, tries one fixed size through every pair of pools that trade
the same two tokens, and sends the best that pays, at a fixed gas price. It sizes, simulates, bids and borrows nothing.
"""

import argparse
import os
import select
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import anyio
import msgspec

from engine.chains.endpoints import open_endpoint
from engine.chains.executor_calls import ExecuteCall, encode_execute
from engine.chains.heads import decode_logs
from engine.devnet import accounts
from engine.devnet.manifest import FILE, Manifest
from engine.devnet.mining import head
from engine.devnet.outfits import CAPITAL, Outfit, outfit_of
from engine.devnet.profiles import profile_of
from engine.devnet.rpc import Rpc, hex_of
from engine.devnet.universe import raw_amount
from engine.domain.errors import DevnetError, KetchError, QuoteError
from engine.domain.hops import Flash, FlashKind, unpack_hop
from engine.domain.pools import AnyPool
from engine.domain.units import ZERO_ADDRESS, Address, BlockHash, PoolId
from engine.market.discovery import discover
from engine.market.state import TOPICS, pools_after
from engine.market.sync import read_pools
from engine.venues.deployments import deployments_in
from engine.venues.table import venue_of

ACCOUNT = 11
"""Which of the chain's accounts it has: one that no trader and no rival has."""
POLL_S = 1.0
SIZE_USD = 2_500
HELD_USD = 20_000
LEAST_PROFIT_CENTS = 25
GAS_LIMIT = 700_000
DEADLINE_S = 30
SET_UP_S = 30.0
_NO_ANCHOR = bytes(32)

Pools = Mapping[PoolId, AnyPool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turnaround:
    """There through one pool and back through another with the fixed size, in raw units of `token`."""

    token: Address
    other: Address
    there: PoolId
    back: PoolId
    amount_in: int
    profit: int


def turnarounds(pools: Pools, sizes: Mapping[Address, int]) -> Iterator[Turnaround]:
    """Quote every way through two pools that share two tokens, each token at its own fixed size."""
    for token, amount_in in sizes.items():
        for there, back in permutations((pool for pool in pools.values() if token in pool.tokens), 2):
            for other in set(there.tokens) & set(back.tokens) - {token}:
                try:
                    got = venue_of(there).quote_out(there, token, other, amount_in)
                    out = venue_of(back).quote_out(back, other, token, got)
                except QuoteError:
                    continue
                yield Turnaround(
                    token=token,
                    other=other,
                    there=there.id,
                    back=back.id,
                    amount_in=amount_in,
                    profit=out - amount_in,
                )


def best_of(found: Iterator[Turnaround], least: Mapping[Address, int]) -> Turnaround | None:
    """Take what pays the most times its token's least profit; None when nothing pays that."""
    paying = [one for one in found if one.profit >= least[one.token]]
    return max(paying, key=lambda one: one.profit / least[one.token], default=None)


def run_plain_bot(state: Path, url: str, *, size_usd: int) -> None:
    """Trade on the local chain of a state folder through the endpoint `url` until standard input closes.

    Raises `DevnetError` when the chain is gone or it cannot be set up.
    """
    manifest = msgspec.json.decode((state / FILE).read_bytes(), type=Manifest)
    tokens = {token.symbol: Address(token.address) for token in manifest.tokens}
    gas_price_wei = 2 * profile_of(manifest.chain_id).base_fee_wei
    with Rpc(url) as rpc:
        outfit = _set_up(rpc, tokens, gas_price_wei)
        seen = head(rpc)
        pools = dict(anyio.run(_read, url, manifest, seen.hash, seen.number))
        at, nonce, waiting = seen.number, outfit.nonce, ""
        sys.stdout.buffer.write(msgspec.json.encode({"operator": outfit.account, "executor": outfit.executor}) + b"\n")
        sys.stdout.buffer.flush()
        due = time.monotonic()
        while not _parent_gone(due - time.monotonic()):
            due = max(due + POLL_S, time.monotonic())
            newest = head(rpc)
            pools |= _changes(rpc, pools, at + 1, newest.number)
            at = newest.number
            if waiting and rpc.call("eth_getTransactionReceipt", waiting) is None:
                continue
            sizes = {tokens[symbol]: raw_amount(symbol, size_usd) for symbol in CAPITAL}
            least = {tokens[symbol]: raw_amount(symbol, LEAST_PROFIT_CENTS) // 100 for symbol in CAPITAL}
            chosen = best_of(turnarounds(pools, sizes), least)
            if chosen is not None:
                body = _transaction(chosen, pools, outfit, nonce, gas_price_wei, newest.timestamp_s + DEADLINE_S)
                waiting, nonce = str(rpc.call("eth_sendTransaction", body)), nonce + 1


def _set_up(rpc: Rpc, tokens: Mapping[str, Address], gas_price_wei: int) -> Outfit:
    """Deploy, list and fund, and wait until the chain has mined all of it."""
    account = Address(rpc.call("eth_accounts")[ACCOUNT])
    outfit, bodies = outfit_of(account, {tokens[symbol]: raw_amount(symbol, HELD_USD) for symbol in CAPITAL})
    rpc.call("anvil_impersonateAccount", accounts.FAUCET)
    sent = [rpc.call("eth_sendTransaction", {**body, "gasPrice": hex(gas_price_wei)}) for body in bodies]
    until = time.monotonic() + SET_UP_S
    receipts: Sequence[dict[str, Any] | None] = [None]
    while not all(receipts):
        if time.monotonic() > until:
            raise DevnetError("the plain bot's set-up was not mined", limit=f"{SET_UP_S:.0f} s")
        time.sleep(POLL_S / 10)
        receipts = rpc.batch([("eth_getTransactionReceipt", [tx_hash]) for tx_hash in sent])
    rpc.call("anvil_stopImpersonatingAccount", accounts.FAUCET)
    if any(receipt is not None and receipt["status"] != "0x1" for receipt in receipts):
        raise DevnetError("the plain bot could not be set up")
    return outfit


async def _read(url: str, manifest: Manifest, at: str, number: int) -> Pools:
    async with open_endpoint(url) as endpoint:
        book = {name: {role: Address(a) for role, a in roles.items()} for name, roles in manifest.deployments.items()}
        found = await discover(endpoint, deployments_in(book), manifest.start_block, number)
        return await read_pools(endpoint, found, BlockHash(at))


def _changes(rpc: Rpc, pools: Pools, first: int, last: int) -> dict[PoolId, AnyPool]:
    if last < first:
        return {}
    topics = [[hex_of(topic) for topic in TOPICS]]
    raw = rpc.call("eth_getLogs", {"fromBlock": hex(first), "toBlock": hex(last), "topics": topics})
    pools, changed = dict(pools), dict[PoolId, AnyPool]()
    for number in range(first, last + 1):
        after = pools_after(pools, decode_logs([log for log in raw if int(log["blockNumber"], 16) == number]))
        pools |= after
        changed |= after
    return changed


def _transaction(
    chosen: Turnaround, pools: Pools, outfit: Outfit, nonce: int, gas_price_wei: int, deadline_s: int
) -> dict[str, Any]:
    sides = ((chosen.there, chosen.token, chosen.other), (chosen.back, chosen.other, chosen.token))
    data = encode_execute(
        ExecuteCall(
            flash=Flash(kind=FlashKind.OWN, lender=ZERO_ADDRESS),
            token=chosen.token,
            amount=chosen.amount_in,
            min_profit=1,
            deadline_s=deadline_s,
            anchor=_NO_ANCHOR,
            hops=tuple(unpack_hop(venue_of(pools[p]).encode(pools[p], give, take)) for p, give, take in sides),
        )
    )
    return {
        "from": outfit.account,
        "to": outfit.executor,
        "data": hex_of(data),
        "gas": hex(GAS_LIMIT),
        "nonce": hex(nonce),
        "gasPrice": hex(gas_price_wei),
    }


def _parent_gone(wait_s: float) -> bool:
    """Wait until the next poll; True as soon as standard input is closed."""
    readable, _, _ = select.select([sys.stdin], [], [], max(wait_s, 0.0))
    return bool(readable) and not os.read(sys.stdin.fileno(), 1)


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and run; returns the exit code. A failure is one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m engine.devnet.plain_bot", description=run_plain_bot.__doc__)
    parser.add_argument("--state", type=Path, required=True, help="the folder of the chain's manifest")
    parser.add_argument("--rpc", required=True, help="the endpoint to trade through")
    parser.add_argument("--size-usd", type=int, default=SIZE_USD, help="what every trade puts in, in dollars")
    given = parser.parse_args(argv)
    try:
        run_plain_bot(given.state, given.rpc, size_usd=given.size_usd)
    except KetchError as error:
        sys.stderr.write(f"ketch: {error.line()}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
