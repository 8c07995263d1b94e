"""Deploy the whole universe onto a fresh node: the same order, and so the same addresses, every time."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from engine.devnet import accounts
from engine.devnet.compiled import MORPHO_BLUE, SUSHI_V2, compiled
from engine.devnet.deployment import DeployedPool, DeployedToken, Deployment
from engine.devnet.profiles import ChainProfile
from engine.devnet.protocols.aave_v3 import create_aave, list_reserves
from engine.devnet.protocols.balancer_v2 import (
    CreatedPool,
    create_stable,
    create_weighted,
    deploy_balancer_v2,
    join,
    pool_ids,
)
from engine.devnet.protocols.morpho_blue import deploy_morpho_blue
from engine.devnet.protocols.multicall3 import place_multicall3
from engine.devnet.protocols.tokens import approve_all, deploy_tokens, give
from engine.devnet.protocols.uniswap_v2 import add_pair, deploy_sushi_v2, deploy_uniswap_v2, pair_addresses
from engine.devnet.protocols.uniswap_v3 import add_concentrated, concentrated_addresses, deploy_uniswap_v3
from engine.devnet.rpc import Rpc
from engine.devnet.sending import Sending
from engine.devnet.universe import (
    AAVE_TOKENS,
    CONCENTRATED,
    MORPHO_TOKENS,
    PAIRS,
    STABLE,
    TOKENS,
    WEIGHTED,
)
from engine.domain.units import Address

DEPLOY_GAS_LIMIT = 10**10
"""The block gas limit while deploying: everything fits into three blocks."""

FIRST_BLOCK = 1
TRADER_USD_EACH = 20_000_000
FAUCET_USD_EACH = 50_000_000
FAUCET_ETHER = 1_000_000


def deploy_universe(rpc: Rpc, profile: ChainProfile) -> Deployment:
    """Deploy tokens, protocols and pools, fund and approve the traders' accounts and the faucet.

    Raises `DevnetError` naming what failed.
    """
    with ThreadPoolExecutor(max_workers=2) as compilers:  # both compilers run while nothing else does
        list(compilers.map(compiled, (MORPHO_BLUE, SUSHI_V2)))
    holders: list[Address] = [Address(address) for address in rpc.call("eth_accounts")]
    sending = Sending(rpc=rpc, sender=holders[accounts.DEPLOYER], base_fee_wei=profile.base_fee_wei)

    tokens = deploy_tokens(sending)
    weth = tokens["WETH"]
    uniswap_v2, sushi_v2 = deploy_uniswap_v2(sending, weth), deploy_sushi_v2(sending, weth)
    uniswap_v3 = deploy_uniswap_v3(sending, weth)
    balancer = deploy_balancer_v2(sending, weth)
    routers = (uniswap_v2.router, sushi_v2.router, uniswap_v3.router, balancer.vault)
    approve_all(sending, tokens, (*routers, uniswap_v3.positions))
    aave = create_aave(sending, tokens, AAVE_TOKENS)
    morpho = deploy_morpho_blue(sending, tokens, MORPHO_TOKENS)
    multicall = place_multicall3(rpc)
    sending.mine()

    for pair in PAIRS:
        add_pair(sending, sushi_v2 if pair.deployment == "sushi_v2" else uniswap_v2, pair, tokens)
    for concentrated in CONCENTRATED:
        add_concentrated(sending, uniswap_v3, concentrated, tokens)
    weighted = create_weighted(sending, balancer, WEIGHTED, tokens)
    stable = create_stable(sending, balancer, STABLE, tokens)
    aave_pool = list_reserves(sending, rpc, aave, tokens, AAVE_TOKENS)
    sending.mine()

    ids = pool_ids(rpc, [*weighted, *stable])
    for pool, pool_id in zip([*weighted, *stable], ids, strict=True):
        join(sending, balancer.vault, pool, pool_id, tokens)
    give(sending, tokens, accounts.FAUCET, FAUCET_USD_EACH, FAUCET_ETHER)
    for index in accounts.TRADERS:
        give(sending, tokens, holders[index], TRADER_USD_EACH)
        approve_all(sending, tokens, routers, owner=holders[index])
    sending.mine()
    rpc.call("evm_setBlockGasLimit", hex(profile.block_gas_limit))
    sending.mine()

    contracts: dict[str, dict[str, Address]] = {
        "uniswap_v2": asdict(uniswap_v2),
        "sushi_v2": asdict(sushi_v2),
        "uniswap_v3": asdict(uniswap_v3),
        "balancer_v2": asdict(balancer),
        "aave_v3": {"pool": aave_pool},
        "morpho_blue": {"morpho": morpho},
        "multicall3": {"multicall": multicall},
    }
    pools = (
        *_pairs(rpc, contracts, tokens),
        *_concentrated(rpc, uniswap_v3.factory, tokens),
        *_balancer(weighted, stable, ids, tokens),
    )
    return Deployment(
        chain_id=profile.chain,
        start_block=FIRST_BLOCK,
        head_timestamp_s=sending.timestamp_s,
        native_wrapped=weth,
        faucet=accounts.FAUCET,
        tokens=tuple(
            DeployedToken(
                address=tokens[spec.symbol], symbol=spec.symbol, decimals=spec.decimals, usd_cents=spec.usd_cents
            )
            for spec in TOKENS
        ),
        contracts=contracts,
        pools=pools,
    )


def _pairs(
    rpc: Rpc, contracts: Mapping[str, Mapping[str, Address]], tokens: Mapping[str, Address]
) -> list[DeployedPool]:
    pools: list[DeployedPool] = []
    for deployment in ("uniswap_v2", "sushi_v2"):
        specs = [spec for spec in PAIRS if spec.deployment == deployment]
        sides = [_in_order(tokens, *spec.tokens) for spec in specs]
        found = pair_addresses(rpc, contracts[deployment]["factory"], sides)
        pools += [
            DeployedPool(
                address=address,
                deployment=deployment,
                kind="constant_product",
                tokens=side,
                fee_ppm=3_000,
                depth_usd=spec.depth_usd,
            )
            for spec, side, address in zip(specs, sides, found, strict=True)
        ]
    return pools


def _concentrated(rpc: Rpc, factory: Address, tokens: Mapping[str, Address]) -> list[DeployedPool]:
    sides = [_in_order(tokens, *spec.tokens) for spec in CONCENTRATED]
    asked = [(*side, spec.fee_ppm) for spec, side in zip(CONCENTRATED, sides, strict=True)]
    return [
        DeployedPool(
            address=address,
            deployment="uniswap_v3",
            kind="concentrated",
            tokens=side,
            fee_ppm=spec.fee_ppm,
            depth_usd=spec.depth_usd,
        )
        for spec, side, address in zip(CONCENTRATED, sides, concentrated_addresses(rpc, factory, asked), strict=True)
    ]


def _balancer(
    weighted: list[CreatedPool], stable: list[CreatedPool], ids: list[bytes], tokens: Mapping[str, Address]
) -> list[DeployedPool]:
    pools: list[DeployedPool] = []
    for spec, pool, pool_id in zip((*WEIGHTED, *STABLE), (*weighted, *stable), ids, strict=True):
        facts: dict[str, Any] = {
            "address": pool.address,
            "deployment": "balancer_v2",
            "tokens": tuple(tokens[symbol] for symbol in pool.symbols),
            "fee_ppm": spec.fee_bps * 100,
            "depth_usd": spec.depth_usd,
            "balancer_id": "0x" + pool_id.hex(),
        }
        if spec in WEIGHTED:
            percent = dict(zip(spec.tokens, spec.weights, strict=True))
            weights = tuple(percent[symbol] for symbol in pool.symbols)
            pools.append(DeployedPool(kind="weighted", weights=weights, **facts))
        else:
            pools.append(DeployedPool(kind="stable", **facts))
    return pools


def _in_order(tokens: Mapping[str, Address], first: str, second: str) -> tuple[Address, Address]:
    low, high = sorted((tokens[first], tokens[second]), key=lambda address: int(address, 16))
    return low, high
