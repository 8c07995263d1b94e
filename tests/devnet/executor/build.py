"""Build the executor's test chain: real protocols, dear and cheap pools, hostile contracts, four executors."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from vyper import compile_code

from engine.chains.executor_calls import encode_list_profit_token
from engine.devnet.calldata import call
from engine.devnet.packages import Artifact, artifact_of
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
from engine.domain.units import ZERO_ADDRESS, Address
from engine.execution.artifact import executor_artifact
from tests.devnet.executor.world import BASE_FEE_WEI, Deployed, PoolAt, World, act

CONTRACTS = Path(__file__).resolve().parents[1] / "contracts"
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
        _deploy(sending, treasury, operator, balancer.vault, aave, morpho),
        _deploy(sending, relay, relay, balancer.vault, aave, morpho),
        _deploy(sending, treasury, operator, balancer.vault, lender, morpho),
        _deploy(sending, treasury, operator, ZERO_ADDRESS, ZERO_ADDRESS, ZERO_ADDRESS),
    ]
    hostile = _deploy_hostile(sending, tokens)
    sending.mine()
    for executor in made:
        for symbol in ("USDC", "WETH", "USDT"):
            act(rpc, executor.treasury, relay, executor.address, encode_list_profit_token(tokens[symbol], True))
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
        bare=made[3],
        artifact=executor_artifact(),
        relay=relay,
        lender=lender,
        hostile=hostile,
    )


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
    """Deploy V3-style pools and V2-style pairs for USDC/WETH and USDC/odd, all honest until told otherwise."""
    usdc, weth = tokens["USDC"], tokens["WETH"]
    odd = sending.create(vyper_artifact("odd_token"))
    made = {"odd": odd}
    callback = call("uniswapV3SwapCallback(int256,int256,bytes)", 0, 0, b"")[:4]
    one_usd, odd_per_usd = raw_amount("USDC", 1), 10**18
    rates = {
        "pool": (weth, raw_amount("WETH", 1), one_usd),  # USDC in, WETH out
        "odd pool": (odd, odd_per_usd, one_usd),  # USDC in, odd out
        "odd pool back": (odd, 2 * one_usd, odd_per_usd),  # odd in, USDC out
    }
    for name, (other, rate_out, rate_in) in rates.items():
        low, high = sorted((usdc, other))
        made[name] = sending.create(vyper_artifact("hostile_pool"), low, high, rate_out, rate_in, callback)
    for name, other, reserve, usd in (
        ("pair", weth, raw_amount("WETH", 10**6), 10**6),
        ("odd pair", odd, 10**24, 2 * 10**6),
    ):
        reserves = {usdc: raw_amount("USDC", usd), other: reserve}
        low, high = sorted(reserves)
        made[name] = sending.create(vyper_artifact("hostile_pair"), low, high, reserves[low], reserves[high])
    for name, address in made.items():
        if name != "odd":
            for symbol in ("USDC", "WETH"):
                sending.call(tokens[symbol], "transfer(address,uint256)", address, raw_amount(symbol, 1_000_000))
            sending.call(odd, "mint(address,uint256)", address, 10**24)
    return made
