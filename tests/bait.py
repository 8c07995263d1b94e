"""A token of our own that every pool trades at another price: a cycle that tempts, whatever the token then does."""

from __future__ import annotations

from dataclasses import dataclass

from engine.devnet.calldata import call, created_address
from engine.domain.units import Address
from tests.conftest import LocalChain
from tests.devnet.executor.build import vyper_artifact
from tests.engine_on_chain import token_of

KINDS = (
    *("honest", "tax", "tax us", "tax sells", "tax odd blocks", "tax dear gas", "tax producer", "tax origin"),
    *("surcharge", "shrinks", "refuses", "paused", "largest", "hooks", "false", "silent", "no balance", "lies"),
    *("burns gas", "no sale", "pools only", "decimals change", "approve hooks", "approve false", "allowance stays"),
    "tax later",
)
"""The kinds of hostile_token.vy, by number."""
NOBODY = "0x" + "00" * 20
PRICES = {"uniswap_v2": 1_000, "sushi_v2": 1_500}
"""Baits for one WETH in each pair."""
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

    def turn(self, kind: str, *, marked: str = NOBODY, limit: int = 0) -> None:
        """Have the token be of another kind from the next block on; mines nothing."""
        sent(
            self.chain, self.maker, self.token, call("turn(uint256,address,uint256)", KINDS.index(kind), marked, limit)
        )


def sent(chain: LocalChain, sender: str, to: str | None, data: bytes, value: int = 0) -> str:
    """Send a transaction ahead of the others; mines nothing."""
    fees = {"maxFeePerGas": hex(10**13), "maxPriorityFeePerGas": hex(10**12)}
    body = {"from": sender, "data": "0x" + data.hex(), "gas": _GAS, "value": hex(value), **fees} | (
        {"to": to} if to else {}
    )
    return chain.rpc.call("eth_sendTransaction", body)


def lay_bait(
    chain: LocalChain, kind: str = "honest", *, marked: str = NOBODY, limit: int = 0, early: bool = False
) -> Bait:
    """Deploy a token and its two pairs with WETH, one price half above the other, all in one block.

    It is honest while they are filled, and of its kind in the block after; `early`: from the beginning.
    """
    maker, rpc = Address(chain.rpc.call("eth_accounts")[7].lower()), chain.rpc
    weth, contracts = token_of(chain, "WETH"), chain.deployment.contracts
    nonce = int(rpc.call("eth_getTransactionCount", maker, "latest"), 16)
    token = Address(created_address(maker, nonce).lower())
    sent(chain, maker, None, vyper_artifact("hostile_token").bytecode)
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
