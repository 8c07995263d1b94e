"""Uniswap V2 and SushiSwap: factory, router, pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from eth_utils.crypto import keccak

from engine.devnet.calldata import call, returned
from engine.devnet.compiled import SUSHI_V2, compiled
from engine.devnet.packages import Artifact, load_artifact
from engine.devnet.rpc import Rpc
from engine.devnet.sending import Sending
from engine.devnet.universe import PairSpec, raw_amount
from engine.domain.errors import DevnetError
from engine.domain.units import Address

_ADD = "addLiquidity(address,address,uint256,uint256,uint256,uint256,address,uint256)"
FOREVER_S = 2**40
SUSHI_PUBLISHED_PAIR_HASH = bytes.fromhex("e18a34eb0e04b04f7a0ac29a6e80748dca96319b42c54d679cb821dca90c6303")


@dataclass(frozen=True, slots=True, kw_only=True)
class V2Exchange:
    """One deployment's contracts."""

    factory: Address
    router: Address


def deploy_uniswap_v2(sending: Sending, weth: Address) -> V2Exchange:
    """Create Uniswap's factory and router from their published bytecode."""
    factory = load_artifact("@uniswap/v2-core/build/UniswapV2Factory.json")
    router = load_artifact("@uniswap/v2-periphery/build/UniswapV2Router02.json")
    return _deploy(sending, weth, factory, router)


def deploy_sushi_v2(sending: Sending, weth: Address) -> V2Exchange:
    """Create Sushi's factory and router from their source.

    The router finds pairs by the hash of their creation code. Source paths enter a contract's metadata and so that
    hash; the published one is replaced by the hash of the pair that this compilation made.
    """
    contracts = compiled(SUSHI_V2)
    router = contracts["UniswapV2Router02"]
    if SUSHI_PUBLISHED_PAIR_HASH not in router.bytecode:
        raise DevnetError("Sushi's router does not hold the pair hash that its source names")
    hashed = keccak(contracts["UniswapV2Pair"].bytecode)
    router = replace(router, bytecode=router.bytecode.replace(SUSHI_PUBLISHED_PAIR_HASH, hashed))
    return _deploy(sending, weth, contracts["UniswapV2Factory"], router)


def add_pair(sending: Sending, exchange: V2Exchange, spec: PairSpec, tokens: Mapping[str, Address]) -> None:
    """Create a pair and fill it, half of its depth on each side; the router must be approved."""
    first, second = spec.tokens
    amounts = [raw_amount(symbol, spec.depth_usd // 2) for symbol in spec.tokens]
    pair = (tokens[first], tokens[second])
    sending.call(exchange.router, _ADD, *pair, *amounts, 0, 0, sending.sender, FOREVER_S)


def pair_addresses(rpc: Rpc, factory: Address, pairs: Sequence[tuple[Address, Address]]) -> list[Address]:
    """Ask the factory for the pairs' addresses."""
    asked = [(factory, call("getPair(address,address)", *pair)) for pair in pairs]
    return [Address(returned(["address"], answer)[0]) for answer in rpc.eth_calls(asked)]


def _deploy(sending: Sending, weth: Address, factory: Artifact, router: Artifact) -> V2Exchange:
    created = sending.create(factory, sending.sender)
    return V2Exchange(factory=created, router=sending.create(router, created, weth))
