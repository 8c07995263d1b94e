"""A local chain with Balancer's own vault, pools of every version the venues know, and what the vault answers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode

from engine.devnet import accounts
from engine.devnet.calldata import MAX_UINT256, call, returned
from engine.devnet.node import anvil
from engine.devnet.packages import load_artifact
from engine.devnet.profiles import GENESIS_TIMESTAMP_S
from engine.devnet.protocols.multicall3 import place_multicall3
from engine.devnet.rpc import Rpc
from engine.devnet.sending import Sending
from engine.domain.pools import Family, StablePool, WeightedPool
from engine.domain.units import ZERO_ADDRESS, Address, PoolId

Pool = WeightedPool | StablePool
Asked = tuple[Pool, Address, Address, int, bool]
"""(pool, token in, token out, amount, exact in)"""

E18 = 10**18
DAY_S = 86_400
BASE_FEE_WEI = 10**9
CALLS_A_REQUEST = 100
DECIMALS = (6, 8, 18, 18, 6)  # of the tokens, which are then ordered by their addresses
TOKEN = "@aave/core-v3/artifacts/contracts/mocks/tokens/MintableERC20.sol/MintableERC20.json"

TASKS = "@balancer-labs/v2-deployments/dist/tasks"
AUTHORIZER = f"{TASKS}/20210418-authorizer/artifact/Authorizer.json"
VAULT = f"{TASKS}/20210418-vault/artifact/Vault.json"
FEES = f"{TASKS}/20220725-protocol-fee-percentages-provider/artifact/ProtocolFeePercentagesProvider.json"
WEIGHTED_1 = f"{TASKS}/deprecated/20210418-weighted-pool/artifact/WeightedPoolFactory.json"
WEIGHTED_PAIR = f"{TASKS}/deprecated/20210418-weighted-pool/artifact/WeightedPool2TokensFactory.json"
WEIGHTED_2 = f"{TASKS}/20220908-weighted-pool-v2/artifact/WeightedPoolFactory.json"
STABLE_1 = f"{TASKS}/deprecated/20210624-stable-pool/artifact/StablePoolFactory.json"
STABLE_2 = f"{TASKS}/20220609-stable-pool-v2/artifact/StablePoolFactory.json"

CREATE = {
    WEIGHTED_1: "create(string,string,address[],uint256[],uint256,address)",
    WEIGHTED_PAIR: "create(string,string,address[],uint256[],uint256,bool,address)",
    WEIGHTED_2: "create(string,string,address[],uint256[],address[],uint256,address)",
    STABLE_1: "create(string,string,address[],uint256,uint256,address)",
    STABLE_2: "create(string,string,address[],uint256,uint256,address)",
}
VERSION = {WEIGHTED_1: 1, WEIGHTED_PAIR: 1, WEIGHTED_2: 2, STABLE_1: 1, STABLE_2: 2}
JOIN = "joinPool(bytes32,address,address,(address[],uint256[],bytes,bool))"
QUERY = "queryBatchSwap(uint8,(bytes32,uint256,uint256,uint256,bytes)[],address[],(address,bool,address,bool))"
AGGREGATE = "aggregate3((address,bool,bytes)[])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A pool to make: whole tokens of each, from the first token on; weights in percent, or an amplification."""

    factory: str
    wholes: tuple[float, ...]
    weights: tuple[int, ...] = ()
    amp: int = 0
    fee: int = 3 * 10**15


SPECS = (
    Spec(factory=WEIGHTED_1, wholes=(1000, 3_000_000), weights=(80, 20)),
    Spec(factory=WEIGHTED_1, wholes=(500, 20_000, 7), weights=(33, 33, 34), fee=10**15),
    Spec(factory=WEIGHTED_1, wholes=(1e6, 2e4, 3e5, 11, 4e6), weights=(1, 9, 40, 20, 30), fee=10**17),
    Spec(factory=WEIGHTED_1, wholes=(9_900, 100), weights=(99, 1), fee=10**12),
    Spec(factory=WEIGHTED_1, wholes=(0.02, 0.004), weights=(50, 50)),
    Spec(factory=WEIGHTED_1, wholes=(2e12, 7e13, 3e9), weights=(25, 25, 50)),
    Spec(factory=WEIGHTED_PAIR, wholes=(40_000, 13), weights=(60, 40), fee=5 * 10**14),
    Spec(factory=WEIGHTED_2, wholes=(1000, 3_000_000), weights=(80, 20)),
    Spec(factory=WEIGHTED_2, wholes=(50, 900_000, 4000, 77), weights=(40, 20, 30, 10), fee=10**15),
    Spec(factory=STABLE_1, wholes=(1e6, 1e6, 1e6), amp=200, fee=4 * 10**14),
    Spec(factory=STABLE_1, wholes=(50_000, 61_000), amp=1, fee=10**12),
    Spec(factory=STABLE_1, wholes=(5e5, 1e6, 9e5, 2e6, 7e4), amp=5000, fee=10**16),
    Spec(factory=STABLE_1, wholes=(100_000, 2_000_000, 300_000), amp=50),
    Spec(factory=STABLE_1, wholes=(0.5, 0.7, 0.6, 0.55), amp=600, fee=10**17),
    Spec(factory=STABLE_2, wholes=(1e6, 8e5, 1.3e6), amp=200, fee=4 * 10**14),
    Spec(factory=STABLE_2, wholes=(3_000, 90_000), amp=2000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancerChain:
    """A node and what stands on it. The sender deployed it all, owns the pools and administers the vault."""

    rpc: Rpc
    sending: Sending
    multicall: Address
    authorizer: Address
    vault: Address
    pools: tuple[Pool, ...]

    def of_family(self, family: Family) -> list[Pool]:
        """List the pools of one family."""
        return [pool for pool in self.pools if pool.family == family]


@contextmanager
def balancer_chain() -> Iterator[BalancerChain]:
    """Run a node with these pools, all joined once."""
    flags = ("--gas-limit", str(10**10), "--timestamp", str(GENESIS_TIMESTAMP_S), *accounts.FLAGS)
    with anvil(flags) as node, Rpc(node.rpc_url) as rpc:
        sending = Sending(rpc=rpc, sender=Address(rpc.call("eth_accounts")[0]), base_fee_wei=BASE_FEE_WEI)
        authorizer = sending.create(load_artifact(AUTHORIZER), sending.sender)
        vault = sending.create(load_artifact(VAULT), authorizer, ZERO_ADDRESS, 90 * DAY_S, 30 * DAY_S)
        sending.mine()
        fees = sending.create(load_artifact(FEES), vault, E18, E18)
        decimals = {sending.create(load_artifact(TOKEN), "T", "T", places): places for places in DECIMALS}
        factories = {
            path: sending.create(load_artifact(path), *((vault, fees) if path == WEIGHTED_2 else (vault,)))
            for path in CREATE
        }
        for token in decimals:
            sending.call(token, "mint(uint256)", 2**200)
            sending.call(token, "approve(address,uint256)", vault, MAX_UINT256)
        sending.mine()
        yield BalancerChain(
            rpc=rpc,
            sending=sending,
            multicall=place_multicall3(rpc),
            authorizer=authorizer,
            vault=vault,
            pools=tuple(_joined(sending, vault, factories[spec.factory], decimals, spec) for spec in SPECS),
        )


def ask_vault(chain: BalancerChain, asked: Sequence[Asked]) -> list[int | None]:
    """Ask queryBatchSwap for the other amount of one swap each; None where it reverts."""
    answers: list[int | None] = []
    for start in range(0, len(asked), CALLS_A_REQUEST):
        some = asked[start : start + CALLS_A_REQUEST]
        calls = [(chain.vault, True, _query(*one)) for one in some]
        (results,) = returned(["(bool,bytes)[]"], chain.rpc.eth_call(chain.multicall, call(AGGREGATE, calls)))
        for (*_, exact_in), (answered, data) in zip(some, results, strict=True):
            paid, received = returned(["int256[]"], data)[0] if answered else (None, None)
            answers.append(paid if received is None or not exact_in else -received)
    return answers


def balances_in_vault(chain: BalancerChain, pool: Pool) -> tuple[int, ...]:
    """Read the pool's balances from the vault."""
    question = call("getPoolTokens(bytes32)", bytes.fromhex(pool.balancer_id[2:]))
    return returned(["address[]", "uint256[]", "uint256"], chain.rpc.eth_call(chain.vault, question))[1]


def number(chain: BalancerChain, to: Address, signature: str, *values: Any) -> int:
    """Read a view's first word."""
    return int.from_bytes(chain.rpc.eth_call(to, call(signature, *values))[:32])


def _query(pool: Pool, token_in: Address, token_out: Address, amount: int, exact_in: bool) -> bytes:
    step = (bytes.fromhex(pool.balancer_id[2:]), 0, 1, amount, b"")
    funds = (ZERO_ADDRESS, False, ZERO_ADDRESS, False)
    return call(QUERY, 0 if exact_in else 1, [step], [token_in, token_out], funds)


def _joined(sending: Sending, vault: Address, factory: Address, decimals: dict[Address, int], spec: Spec) -> Pool:
    tokens = tuple(sorted(decimals))[: len(spec.wholes)]
    amounts = tuple(int(whole * 10 ** decimals[t]) for whole, t in zip(spec.wholes, tokens, strict=True))
    weights = tuple(percent * E18 // 100 for percent in spec.weights)
    extra = {WEIGHTED_PAIR: (spec.fee, False), WEIGHTED_2: ([ZERO_ADDRESS] * len(tokens), spec.fee)}
    rest = extra.get(spec.factory, (spec.fee,))
    create = (CREATE[spec.factory], "P", "P", tokens, weights or spec.amp, *rest, sending.sender)
    made = sending.rpc.call("eth_call", {"from": sending.sender, "to": factory, "data": "0x" + call(*create).hex()})
    address = Address("0x" + made[-40:])
    sending.call(factory, *create, gas=16_000_000)
    sending.mine()
    pool_id = sending.rpc.eth_call(address, call("getPoolId()"))
    first = encode(["uint256", "uint256[]"], [0, amounts])
    sending.call(vault, JOIN, pool_id, sending.sender, sending.sender, (tokens, amounts, first, False))
    sending.mine()
    shared: dict[str, Any] = {
        "id": PoolId(address),
        "deployment": "balancer_v2",
        "tokens": tokens,
        "balancer_id": "0x" + pool_id.hex(),
        "balances": amounts,
        "scaling": tuple(10 ** (18 - decimals[t]) for t in tokens),
        "fee": spec.fee,
        "version": VERSION[spec.factory],
        "vault": vault,
    }
    return WeightedPool(**shared, weights=weights) if weights else StablePool(**shared, amp=spec.amp * 1000)
