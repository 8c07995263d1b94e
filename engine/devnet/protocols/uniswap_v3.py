"""Uniswap V3: factory, positions, quoter, router, and pools with several overlapping positions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, isqrt, log

from engine.devnet.calldata import call, returned
from engine.devnet.packages import Artifact, load_artifact
from engine.devnet.protocols.uniswap_v2 import FOREVER_S
from engine.devnet.rpc import Rpc
from engine.devnet.sending import Sending
from engine.devnet.universe import ConcentratedSpec, raw_amount
from engine.domain.units import Address

TICK_SPACING = {500: 10, 3_000: 60, 10_000: 200}  # UniswapV3Factory's constructor
_CREATE = "createAndInitializePoolIfNecessary(address,address,uint24,uint160)"
_MINT = "mint((address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256))"


@dataclass(frozen=True, slots=True, kw_only=True)
class V3Exchange:
    """The deployment's contracts."""

    factory: Address
    router: Address
    quoter: Address
    positions: Address


def deploy_uniswap_v3(sending: Sending, weth: Address) -> V3Exchange:
    """Create the contracts from their published bytecode. Positions get no token descriptor: nobody draws them here."""
    factory = sending.create(
        load_artifact("@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json")
    )
    return V3Exchange(
        factory=factory,
        router=sending.create(_periphery("SwapRouter.sol/SwapRouter.json"), factory, weth),
        quoter=sending.create(_periphery("lens/QuoterV2.sol/QuoterV2.json"), factory, weth),
        positions=sending.create(
            _periphery("NonfungiblePositionManager.sol/NonfungiblePositionManager.json"), factory, weth, sending.sender
        ),
    )


def add_concentrated(
    sending: Sending, exchange: V3Exchange, spec: ConcentratedSpec, tokens: Mapping[str, Address]
) -> None:
    """Create a pool at the table's price and mint its positions; the position contract must be approved."""
    low, high = sorted(spec.tokens, key=lambda symbol: int(tokens[symbol], 16))
    raw0, raw1 = raw_amount(low, 1_000_000), raw_amount(high, 1_000_000)
    pool = (tokens[low], tokens[high], spec.fee_ppm)
    sending.call(exchange.positions, _CREATE, *pool, isqrt((raw1 << 192) // raw0))
    spacing = TICK_SPACING[spec.fee_ppm]
    tick = floor(log(raw1 / raw0, 1.0001))
    for below, above, percent in spec.positions:
        lower = (tick - below) // spacing * spacing
        upper = -(-(tick + above) // spacing) * spacing
        side_usd = spec.depth_usd * percent // 200
        desired = (raw_amount(low, side_usd), raw_amount(high, side_usd))
        sending.call(exchange.positions, _MINT, (*pool, lower, upper, *desired, 0, 0, sending.sender, FOREVER_S))


def concentrated_addresses(rpc: Rpc, factory: Address, pools: Sequence[tuple[Address, Address, int]]) -> list[Address]:
    """Ask the factory for the pools' addresses."""
    asked = [(factory, call("getPool(address,address,uint24)", *pool)) for pool in pools]
    return [Address(returned(["address"], answer)[0]) for answer in rpc.eth_calls(asked)]


def _periphery(path: str) -> Artifact:
    return load_artifact(f"@uniswap/v3-periphery/artifacts/contracts/{path}")
