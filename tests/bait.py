"""A token of our own that every pool trades at another price: a cycle that tempts, whatever the token then does."""

from __future__ import annotations

from dataclasses import dataclass

from engine.devnet.calldata import call, created_address
from engine.domain.units import Address
from engine.market.token_probe import IMPLEMENTATION_SLOT
from tests.conftest import LocalChain
from tests.devnet.executor.build import vyper_artifact
from tests.engine_on_chain import token_of

KINDS = (
    *("honest", "tax", "tax us", "tax sells", "tax odd blocks", "tax dear gas", "tax producer", "tax origin"),
    *("surcharge", "shrinks", "refuses", "paused", "largest", "hooks", "false", "silent", "no balance", "lies"),
    *("burns gas", "no sale", "pools only", "decimals change", "approve hooks", "approve false", "allowance stays"),
    *("tax later", "false but moves", "mute", "verbose", "tax small"),
)
HARMLESS = frozenset(("honest", "mute", "verbose"))
"""Odd at most: sound, and traded."""
"""The kinds of hostile_token.vy, by number."""
NOBODY = "0x" + "00" * 20
PRICES = {"uniswap_v2": 1_000, "sushi_v2": 1_500}
"""Baits for one WETH in each pair."""
AHEAD_WEI = 10**12
_GAS = hex(8_000_000)
_SUPPLY = 10**27


@dataclass(frozen=True, slots=True, kw_only=True)
class Bait:
    """A token and its pairs: dear for WETH on one exchange, cheap on the other. `maker` minted it."""

    chain: LocalChain
    token: Address
    maker: Address
    pairs: tuple[Address, Address]

    def widen(self) -> None:
        """Make the token dear in the first pair again, by a present of WETH; mines nothing."""
        weth = token_of(self.chain, "WETH")
        sent(self.chain, self.maker, weth, call("transfer(address,uint256)", self.pairs[0], 10**18))
        sent(self.chain, self.maker, self.pairs[0], call("sync()"))

    def upgrade(self) -> None:
        """Put another implementation behind the proxy, with the same storage; mines nothing."""
        nonce = int(self.chain.rpc.call("eth_getTransactionCount", self.maker, "pending"), 16)
        sent(self.chain, self.maker, None, vyper_artifact("hostile_token").bytecode)
        implementation = created_address(self.maker, nonce).lower()
        sent(self.chain, self.maker, self.token, bytes.fromhex(implementation[2:].rjust(64, "0")))

    def turn(self, kind: str, *, marked: str = NOBODY, limit: int = 0, last: bool = False) -> None:
        """Have the token be of another kind from the next block on, `last` of all in that block; mines nothing."""
        data = call("turn(uint256,address,uint256)", KINDS.index(kind), marked, limit)
        sent(self.chain, self.maker, self.token, data, tip_wei=0 if last else AHEAD_WEI)


def sent(
    chain: LocalChain, sender: str, to: str | None, data: bytes, value: int = 0, *, tip_wei: int = AHEAD_WEI
) -> str:
    """Send a transaction ahead of the others, unless it tips less; mines nothing."""
    fees = {"maxFeePerGas": hex(10**13), "maxPriorityFeePerGas": hex(tip_wei)}
    body = {"from": sender, "data": "0x" + data.hex(), "gas": _GAS, "value": hex(value), **fees} | (
        {"to": to} if to else {}
    )
    return chain.rpc.call("eth_sendTransaction", body)


def proxy_code(implementation: Address) -> bytes:
    """Assemble the creation code of an EIP-1967 proxy that takes a bare word as its next implementation."""
    slot = "7f" + IMPLEMENTATION_SLOT[2:].rjust(64, "0")
    begin = "36602014" + "60{upgrade}57"  # a call of 32 bytes upgrades
    ask = "365f5f37" + f"5f5f365f{slot}545af4"  # the rest is the implementation's
    answer = "3d5f5f3e" + "60{passed}57" + "3d5ffd"
    give, store = "5b3d5ff3", f"5b5f35{slot}5500"
    passed = (len(begin) - len("{upgrade}") + 2 + len(ask) + len(answer) - len("{passed}") + 2) // 2
    code = begin.format(upgrade=f"{passed + len(give) // 2:02x}") + ask + answer.format(passed=f"{passed:02x}")
    runtime = code + give + store
    first = f"73{implementation[2:]}{slot}55"
    length, at = len(runtime) // 2, len(first) // 2 + 10
    return bytes.fromhex(f"{first}60{length:02x}8060{at:02x}5f395ff3" + "00" + runtime)


def lay_bait(
    chain: LocalChain,
    kind: str = "honest",
    *,
    marked: str = NOBODY,
    limit: int = 0,
    early: bool = False,
    proxied: bool = False,
) -> Bait:
    """Deploy a token and its two pairs with WETH, one price half above the other, all in one block.

    It is honest while they are filled, and of its kind in the block after; `early`: from the beginning; `proxied`:
    behind a proxy, whose implementation `Bait.upgrade` changes.
    """
    maker, rpc = Address(chain.rpc.call("eth_accounts")[7].lower()), chain.rpc
    weth, contracts = token_of(chain, "WETH"), chain.deployment.contracts
    nonce = int(rpc.call("eth_getTransactionCount", maker, "latest"), 16)
    token = Address(created_address(maker, nonce).lower())
    sent(chain, maker, None, vyper_artifact("hostile_token").bytecode)
    if proxied:
        implementation, token = token, Address(created_address(maker, nonce + 1).lower())
        sent(chain, maker, None, proxy_code(implementation))
    sent(chain, maker, token, call("mint(address,uint256)", maker, _SUPPLY))
    if early:
        sent(chain, maker, token, call("turn(uint256,address,uint256)", KINDS.index(kind), marked, limit))
    sent(chain, maker, weth, call("deposit()"), value=10**20)
    pairs: list[Address] = []
    made = [_add(chain, maker, contracts[name]["router"], token, price) for name, price in PRICES.items()]
    chain.mine()
    statuses = [rpc.call("eth_getTransactionReceipt", tx)["status"] for tx in made]
    assert statuses == ["0x1"] * len(made), statuses
    for name in PRICES:
        answer = rpc.eth_call(contracts[name]["factory"], call("getPair(address,address)", token, weth))
        pairs.append(Address("0x" + answer[-20:].hex()))
        sent(chain, maker, token, call("know_pool(address)", pairs[-1]))
    bait = Bait(chain=chain, token=token, maker=maker, pairs=(pairs[0], pairs[1]))
    if kind != "honest":
        bait.turn(kind, marked=marked, limit=limit)
    chain.mine()
    return bait


def _add(chain: LocalChain, maker: Address, router: Address, token: Address, price: int) -> str:
    weth = token_of(chain, "WETH")
    for asset in (token, weth):
        sent(chain, maker, asset, call("approve(address,uint256)", router, 2**255))
    signature = "addLiquidity(address,address,uint256,uint256,uint256,uint256,address,uint256)"
    return sent(chain, maker, router, call(signature, token, weth, price * 10**18, 10**18, 0, 0, maker, 2**40))
