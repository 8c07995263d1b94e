"""A small chain of real protocols: dear and cheap pools, a token like Tether's, and three executors."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from vyper import compile_code

from engine.chains.executor_calls import encode_list_profit_token
from engine.devnet.calldata import call
from engine.devnet.packages import Artifact, artifact_of
from engine.devnet.profiles import GENESIS_TIMESTAMP_S
from engine.devnet.protocols.aave_v3 import create_aave, list_reserves
from engine.devnet.protocols.balancer_v2 import create_stable, create_weighted, deploy_balancer_v2, join, pool_ids
from engine.devnet.protocols.morpho_blue import deploy_morpho_blue
from engine.devnet.protocols.tokens import SUPPLY_USD, approve_all, deploy_tokens
from engine.devnet.protocols.uniswap_v2 import (
    FOREVER_S,
    V2Exchange,
    add_pair,
    deploy_sushi_v2,
    deploy_uniswap_v2,
    pair_addresses,
)
from engine.devnet.protocols.uniswap_v3 import V3Exchange, add_concentrated, concentrated_addresses, deploy_uniswap_v3
from engine.devnet.rpc import Rpc
from engine.devnet.sending import Sending
from engine.devnet.universe import ConcentratedSpec, PairSpec, StableSpec, WeightedSpec, raw_amount
from engine.domain.hops import HopKind
from engine.domain.pools import Log
from engine.domain.units import Address
from engine.execution.artifact import ExecutorArtifact, deploy_data, executor_artifact

CONTRACTS = Path(__file__).resolve().parents[1] / "contracts"
BASE_FEE_WEI = 20_000_000
FLAGS = (
    *("--chain-id", "42161", "--timestamp", str(GENESIS_TIMESTAMP_S)),
    *("--gas-limit", str(10**10), "--balance", "100000000"),
)

UNISWAP_PAIRS = (
    PairSpec(deployment="uniswap_v2", tokens=("WETH", "USDC"), depth_usd=4_000_000),
    PairSpec(deployment="uniswap_v2", tokens=("WETH", "DAI"), depth_usd=1_500_000),
    PairSpec(deployment="uniswap_v2", tokens=("USDC", "USDT"), depth_usd=1_000_000),
    PairSpec(deployment="uniswap_v2", tokens=("USDC", "DAI"), depth_usd=600_000),
)
SUSHI_PAIRS = (
    PairSpec(deployment="sushi_v2", tokens=("WETH", "USDC"), depth_usd=1_500_000),
    PairSpec(deployment="sushi_v2", tokens=("USDC", "USDT"), depth_usd=300_000),
)
_WIDE = ((1_800, 3_000, 60), (18_000, 18_000, 40))
CONCENTRATED = (
    ConcentratedSpec(tokens=("WETH", "USDC"), fee_ppm=500, depth_usd=5_000_000, positions=_WIDE),
    ConcentratedSpec(tokens=("WETH", "USDC"), fee_ppm=3_000, depth_usd=3_000_000, positions=_WIDE),
    ConcentratedSpec(tokens=("WETH", "DAI"), fee_ppm=3_000, depth_usd=900_000, positions=_WIDE),
    ConcentratedSpec(tokens=("USDC", "DAI"), fee_ppm=500, depth_usd=1_000_000, positions=_WIDE),
    ConcentratedSpec(tokens=("WETH", "USDC"), fee_ppm=10_000, depth_usd=20_000, positions=((200, 200, 100),)),
)
WEIGHTED = (
    WeightedSpec(name="50WETH-50USDC", tokens=("WETH", "USDC"), weights=(50, 50), fee_bps=30, depth_usd=900_000),
)
STABLE = (
    StableSpec(name="USDC-USDT-DAI", tokens=("USDC", "USDT", "DAI"), amplification=200, fee_bps=4, depth_usd=1_500_000),
)
LENT = ("WETH", "USDC")

# WETH becomes dear where it is bought with these dollars, and USDT becomes dear on Sushi: the gaps that routes use.
BOUGHT_USD = {"sushi_v2": 60_000, "uniswap_v3": 90_000, "balancer_v2": 40_000, "usdt": 6_000}


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
    """The chain. `executor` is the usual one; `relayed` has a contract as operator, `fooled` a hostile Aave."""

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
    relay: Address
    lender: Address
    hostile: Mapping[str, Address]

    @property
    def executors(self) -> tuple[Deployed, ...]:
        return self.executor, self.relayed, self.fooled


@cache
def vyper_artifact(name: str) -> Artifact:
    """Compile one of the test contracts."""
    made = compile_code((CONTRACTS / f"{name}.vy").read_text(encoding="utf-8"), output_formats=["abi", "bytecode"])
    return artifact_of(name, made["abi"], made["bytecode"], {})


def build_world(rpc: Rpc) -> World:
    """Deploy everything and open the gaps."""
    deployer, treasury, operator, stranger = (Address(a.lower()) for a in rpc.call("eth_accounts")[:4])
    sending = Sending(rpc=rpc, sender=deployer, base_fee_wei=BASE_FEE_WEI)
    tokens = deploy_tokens(sending)
    tokens["USDT"] = sending.create(vyper_artifact("usdt_like"))
    sending.call(tokens["USDT"], "mint(address,uint256)", deployer, raw_amount("USDT", SUPPLY_USD))
    uniswap, sushi = deploy_uniswap_v2(sending, tokens["WETH"]), deploy_sushi_v2(sending, tokens["WETH"])
    concentrated = deploy_uniswap_v3(sending, tokens["WETH"])
    balancer = deploy_balancer_v2(sending, tokens["WETH"])
    sending.mine()

    spenders = (uniswap.router, sushi.router, concentrated.router, concentrated.positions, balancer.vault)
    approve_all(sending, tokens, spenders)
    for exchange, pairs in ((uniswap, UNISWAP_PAIRS), (sushi, SUSHI_PAIRS)):
        for pair in pairs:
            add_pair(sending, exchange, pair, tokens)
    for spec in CONCENTRATED:
        add_concentrated(sending, concentrated, spec, tokens)
    created = [*create_weighted(sending, balancer, WEIGHTED, tokens), *create_stable(sending, balancer, STABLE, tokens)]
    sending.mine()

    ids = pool_ids(rpc, created)
    for pool, pool_id in zip(created, ids, strict=True):
        join(sending, balancer.vault, pool, pool_id, tokens)
    parts = create_aave(sending, tokens, LENT)
    morpho = deploy_morpho_blue(sending, tokens, LENT)
    for lender in (morpho, balancer.vault):  # both lend whatever lies with them
        sending.call(tokens["USDT"], "transfer(address,uint256)", lender, raw_amount("USDT", 1_000_000))
    sending.mine()
    aave = list_reserves(sending, rpc, parts, tokens, LENT)
    sending.mine()

    pools = _pools(rpc, tokens, uniswap, sushi, concentrated)
    for name, pool, pool_id in zip(("weighted", "stable"), created, ids, strict=True):
        balancer_id = "0x" + pool_id.hex()
        pools[name] = PoolAt(kind=HopKind.BALANCER, address=pool.address, balancer_id=balancer_id)
    _open_gaps(sending, tokens, sushi, concentrated, balancer.vault, ids[0])
    sending.mine()

    relay, lender = sending.create(vyper_artifact("relay")), sending.create(vyper_artifact("hostile_lender"))
    made = [
        _deploy(sending, treasury, of, balancer.vault, at, morpho)
        for of, at in ((operator, aave), (relay, aave), (operator, lender))
    ]
    hostile = _deploy_hostile(sending, tokens)
    sending.mine()
    for executor in made:
        for symbol in ("USDC", "WETH", "USDT"):
            data = encode_list_profit_token(tokens[symbol], True)
            transact(rpc, treasury, executor.address, data)
    return World(
        rpc=rpc,
        deployer=deployer,
        treasury=treasury,
        operator=operator,
        stranger=stranger,
        tokens=tokens,
        pools=pools,
        executor=made[0],
        relayed=made[1],
        fooled=made[2],
        relay=relay,
        lender=lender,
        hostile=hostile,
    )


def transact(rpc: Rpc, sender: Address, to: Address, data: bytes, *, value: int = 0) -> dict[str, Any]:
    """Send one transaction, mine it and return its receipt, whatever its status."""
    body = {"from": sender, "to": to, "data": "0x" + data.hex(), "value": hex(value), "gas": hex(5_000_000)}
    fees = {"maxFeePerGas": hex(10 * BASE_FEE_WEI), "maxPriorityFeePerGas": "0x0"}
    sent = rpc.call("eth_sendTransaction", {**body, **fees})
    rpc.call("evm_mine")
    return rpc.call("eth_getTransactionReceipt", sent)


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


def _pools(
    rpc: Rpc, tokens: Mapping[str, Address], uniswap: V2Exchange, sushi: V2Exchange, concentrated: V3Exchange
) -> dict[str, PoolAt]:
    pools: dict[str, PoolAt] = {}
    for prefix, exchange, specs in (("uni", uniswap, UNISWAP_PAIRS), ("sushi", sushi, SUSHI_PAIRS)):
        sides = [(tokens[spec.tokens[0]], tokens[spec.tokens[1]]) for spec in specs]
        for spec, address in zip(specs, pair_addresses(rpc, exchange.factory, sides), strict=True):
            pools[f"{prefix} {'/'.join(spec.tokens)}"] = PoolAt(
                kind=HopKind.CONSTANT_PRODUCT, address=address, fee_ppm=3000
            )
    keys = [(tokens[spec.tokens[0]], tokens[spec.tokens[1]], spec.fee_ppm) for spec in CONCENTRATED]
    for spec, address in zip(CONCENTRATED, concentrated_addresses(rpc, concentrated.factory, keys), strict=True):
        pools[f"v3 {'/'.join(spec.tokens)} {spec.fee_ppm}"] = PoolAt(kind=HopKind.CONCENTRATED, address=address)
    return pools


def _open_gaps(
    sending: Sending,
    tokens: Mapping[str, Address],
    sushi: V2Exchange,
    concentrated: V3Exchange,
    vault: Address,
    weighted_id: bytes,
) -> None:
    usdc, weth, usdt, me = tokens["USDC"], tokens["WETH"], tokens["USDT"], sending.sender
    path = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
    for spent, wanted in (("sushi_v2", weth), ("usdt", usdt)):
        amount = raw_amount("USDC", BOUGHT_USD[spent])
        sending.call(sushi.router, path, amount, 0, [usdc, wanted], me, FOREVER_S)
    single = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
    amount = raw_amount("USDC", BOUGHT_USD["uniswap_v3"])
    sending.call(concentrated.router, single, (usdc, weth, 3_000, me, FOREVER_S, amount, 0, 0))
    swap = "swap((bytes32,uint8,address,address,uint256,bytes),(address,bool,address,bool),uint256,uint256)"
    amount = raw_amount("USDC", BOUGHT_USD["balancer_v2"])
    sending.call(vault, swap, (weighted_id, 0, usdc, weth, amount, b""), (me, False, me, False), 0, FOREVER_S)


def _deploy(
    sending: Sending, treasury: Address, operator: Address, vault: Address, aave: Address, morpho: Address
) -> Deployed:
    made = executor_artifact()
    artifact = artifact_of("executor", [dict(entry) for entry in made.abi], made.init_code.hex(), {})
    address = sending.create(artifact, treasury, operator, vault, aave, morpho)
    return Deployed(address=address, treasury=treasury, operator=operator, vault=vault, aave=aave, morpho=morpho)


def _deploy_hostile(sending: Sending, tokens: Mapping[str, Address]) -> dict[str, Address]:
    """Deploy a hostile pool and pair for USDC/WETH, and an odd token with an honest pool and a pair to trade it on."""
    usdc, weth = tokens["USDC"], tokens["WETH"]
    odd = sending.create(vyper_artifact("odd_token"))
    made = {"odd": odd}
    callback = _selector("uniswapV3SwapCallback(int256,int256,bytes)")
    for name, other, rate_out in (("pool", weth, raw_amount("WETH", 1)), ("odd pool", odd, 10**18)):
        pair = sorted((usdc, other))
        rates = (rate_out, raw_amount("USDC", 1))
        made[name] = sending.create(vyper_artifact("hostile_pool"), *pair, *rates, callback)
    reserves = {usdc: raw_amount("USDC", 1_000_000), weth: raw_amount("WETH", 1_000_000), odd: 10**24}
    for name, other in (("pair", weth), ("odd pair", odd)):
        low, high = sorted((usdc, other))
        made[name] = sending.create(vyper_artifact("hostile_pair"), low, high, reserves[low], reserves[high])
        for token in (usdc, weth):
            symbol = "USDC" if token == usdc else "WETH"
            sending.call(token, "transfer(address,uint256)", made[name], raw_amount(symbol, 1_000_000))
    for name in ("pool", "odd pool", "odd pair"):
        sending.call(weth, "transfer(address,uint256)", made[name], raw_amount("WETH", 1_000_000))
        sending.call(odd, "mint(address,uint256)", made[name], 10**24)
    return made


def _selector(signature: str) -> bytes:
    return call(signature, 0, 0, b"")[:4]
