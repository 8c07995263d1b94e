"""A local chain with Uniswap's and Sushi's own bytecode, odd pools on it, and what its routers and quoter answer."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import httpx
from msgspec import json

from engine.devnet import accounts
from engine.devnet.calldata import MAX_UINT256, call, returned
from engine.devnet.node import anvil
from engine.devnet.packages import load_artifact
from engine.devnet.profiles import GENESIS_TIMESTAMP_S
from engine.devnet.protocols.uniswap_v2 import (
    FOREVER_S,
    V2Exchange,
    deploy_sushi_v2,
    deploy_uniswap_v2,
    pair_addresses,
)
from engine.devnet.protocols.uniswap_v3 import V3Exchange, concentrated_addresses, deploy_uniswap_v3
from engine.devnet.rpc import Rpc, hex_of
from engine.devnet.sending import Sending
from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool, Log
from engine.domain.units import Address, PoolId
from engine.venues.table import venue_of
from engine.venues.tick_math import MAX_SQRT_RATIO, MIN_SQRT_RATIO, sqrt_ratio_at
from tests.positions import pool_with_ticks

TOKEN = "@aave/core-v3/artifacts/contracts/mocks/tokens/MintableERC20.sol/MintableERC20.json"
TOKENS = 5
BASE_FEE_WEI = 10**9
SPACING = {100: 1, 500: 10, 3000: 60, 10_000: 200}
CALLS_A_REQUEST = 200
CALL_GAS = 10**9
WIDE = 887_200

ADD_LIQUIDITY = "addLiquidity(address,address,uint256,uint256,uint256,uint256,address,uint256)"
MINT = "mint((address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256))"
EXACT_INPUT = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"

P = TypeVar("P", ConstantProductPool, ConcentratedPool)

PAIRS = (  # deployment, tokens by place, reserves
    ("uniswap_v2", (0, 1), (4 * 10**21, 12 * 10**12)),
    ("uniswap_v2", (0, 2), (1_001, 1_003)),
    ("uniswap_v2", (0, 3), (7, 10**30)),
    ("uniswap_v2", (1, 2), (2**112 - 2, 2**111 + 12345)),
    ("uniswap_v2", (1, 4), (10**8, 10**27)),
    ("sushi_v2", (0, 1), (3 * 10**20, 10**12)),
    ("sushi_v2", (2, 3), (987_654_321, 123_456_789_012_345_678_901_234)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A concentrated pool: tokens by place, its first price as a tick, positions as (lower, upper, liquidity)."""

    tokens: tuple[int, int]
    fee_ppm: int
    tick: int
    positions: tuple[tuple[int, int, int], ...]


CONCENTRATED = (
    Spec(
        tokens=(0, 1),
        fee_ppm=500,
        tick=5,
        positions=((-10, 10, 10**24), (-50, 50, 10**23), (-1000, 1000, 10**21), (-WIDE, WIDE, 10**19)),
    ),
    Spec(
        tokens=(0, 1),
        fee_ppm=3000,
        tick=-200_317,
        positions=((-200_400, -200_280, 10**18), (-201_000, -199_980, 10**17), (-230_040, -150_000, 10**16)),
    ),
    Spec(  # nothing at the price itself, and a hole further down
        tokens=(0, 1),
        fee_ppm=10_000,
        tick=0,
        positions=((-2000, -400, 10**18), (400, 2000, 10**17), (-60_000, -50_000, 10**16)),
    ),
    Spec(  # spacing 1: words of 256 ticks matter
        tokens=(0, 1),
        fee_ppm=100,
        tick=-1,
        positions=((-3, 3, 10**24), (-256, 255, 10**22), (-257, 256, 10**20), (-1000, 1000, 10**18)),
    ),
    Spec(tokens=(0, 2), fee_ppm=3000, tick=60, positions=((60, 600, 10**12), (660, 720, 10**15))),
    Spec(tokens=(1, 2), fee_ppm=3000, tick=800_000, positions=((780_000, 840_000, 10**9), (-887_220, 887_220, 10**9))),
    Spec(tokens=(1, 3), fee_ppm=500, tick=-123_456, positions=((-123_500, -123_400, 5000), (-200_000, -1000, 10**6))),
    Spec(tokens=(2, 3), fee_ppm=10_000, tick=77_777, positions=((-WIDE, WIDE, 10**30), (77_000, 78_400, 10**33))),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoterAnswer:
    """What QuoterV2 answers: the other amount, and the price it would leave."""

    amount: int
    sqrt_price_x96: int

    def at_the_end_of_prices(self, down: bool) -> bool:
        """Say whether the swap ran into the last price: it then was not filled whole."""
        return self.sqrt_price_x96 == (MIN_SQRT_RATIO + 1 if down else MAX_SQRT_RATIO - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class UniswapChain:
    """A node and what stands on it. The sender deployed it all, holds every token and has approved every router."""

    rpc: Rpc
    sending: Sending
    v2: dict[str, V2Exchange]
    v3: V3Exchange
    pairs: tuple[ConstantProductPool, ...]
    concentrated: tuple[ConcentratedPool, ...]


Asked = tuple[AnyPool, Address, Address, int, bool]
"""(pool, token in, token out, amount, exact in)"""


@contextmanager
def uniswap_chain() -> Iterator[UniswapChain]:
    """Run a node with these pools, their state as the engine makes it of their logs."""
    flags = ("--gas-limit", str(10**10), "--timestamp", str(GENESIS_TIMESTAMP_S), *accounts.FLAGS)
    with anvil(flags) as node, Rpc(node.rpc_url) as rpc:
        sender = Address(rpc.call("eth_accounts")[0])
        sending = Sending(rpc=rpc, sender=sender, base_fee_wei=BASE_FEE_WEI)
        weth = sending.create(load_artifact("@uniswap/v2-periphery/build/WETH9.json"))
        v2 = {"uniswap_v2": deploy_uniswap_v2(sending, weth), "sushi_v2": deploy_sushi_v2(sending, weth)}
        v3 = deploy_uniswap_v3(sending, weth)
        tokens = sorted(sending.create(load_artifact(TOKEN), "T", "T", 18) for _ in range(TOKENS))
        for token in tokens:
            sending.call(token, "mint(uint256)", 2**200)
            for spender in (*(exchange.router for exchange in v2.values()), v3.router, v3.positions):
                sending.call(token, "approve(address,uint256)", spender, MAX_UINT256)
        sending.call(v3.factory, "enableFeeAmount(uint24,int24)", 100, SPACING[100])
        sending.mine()
        _add_pairs(sending, v2, tokens)
        _add_concentrated(sending, v3, tokens)
        sending.mine()
        logs = logs_since(rpc, 0)
        yield UniswapChain(
            rpc=rpc,
            sending=sending,
            v2=v2,
            v3=v3,
            pairs=tuple(after_logs(pool, logs) for pool in _empty_pairs(rpc, v2, tokens)),
            concentrated=tuple(after_logs(pool, logs) for pool in _empty_concentrated(rpc, v3, tokens)),
        )


def after_logs(pool: P, logs: Sequence[Log]) -> P:
    """Apply the logs that are about this pool, as the engine would."""
    venue = venue_of(pool)
    state: AnyPool = pool
    for log in logs:
        if log.topics and log.topics[0] in venue.topics and venue.pool_of(log) == pool.id:
            state = venue.apply(state, log)
    assert isinstance(state, type(pool))
    return state


def logs_since(rpc: Rpc, block: int) -> list[Log]:
    """Read every log after `block`, in order."""
    return [
        Log(
            address=Address(raw["address"].lower()),
            topics=tuple(bytes.fromhex(topic[2:]) for topic in raw["topics"]),
            data=bytes.fromhex(raw["data"][2:]),
            block_number=int(raw["blockNumber"], 16),
            tx_hash=raw["transactionHash"],
            log_index=int(raw["logIndex"], 16),
        )
        for raw in rpc.call("eth_getLogs", {"fromBlock": hex(block + 1), "toBlock": "latest"})
    ]


def ask_routers(chain: UniswapChain, asked: Sequence[Asked]) -> list[int | None]:
    """Ask each pair's router getAmountsOut or getAmountsIn; None where it reverts."""
    calls = []
    for pool, token_in, token_out, amount, exact_in in asked:
        question = "getAmountsOut(uint256,address[])" if exact_in else "getAmountsIn(uint256,address[])"
        calls.append((chain.v2[pool.deployment].router, call(question, amount, [token_in, token_out])))
    return [
        None if answer is None else returned(["uint256[]"], answer)[0][exact_in]
        for answer, (*_, exact_in) in zip(ask_contracts(chain, calls), asked, strict=True)
    ]


def ask_quoter(chain: UniswapChain, asked: Sequence[Asked]) -> list[QuoterAnswer | None]:
    """Ask QuoterV2 for one pool each; None where it reverts."""
    calls = []
    for pool, token_in, token_out, amount, exact_in in asked:
        assert isinstance(pool, ConcentratedPool)
        side = "Input" if exact_in else "Output"
        question = f"quoteExact{side}Single((address,address,uint256,uint24,uint160))"
        calls.append((chain.v3.quoter, call(question, (token_in, token_out, amount, pool.fee_ppm, 0))))
    answers: list[QuoterAnswer | None] = []
    for answer in ask_contracts(chain, calls):
        if answer is None:
            answers.append(None)
            continue
        amount, price, _, _ = returned(["uint256", "uint160", "uint32", "uint256"], answer)
        answers.append(QuoterAnswer(amount=amount, sqrt_price_x96=price))
    return answers


def ask_contracts(chain: UniswapChain, calls: Sequence[tuple[Address, bytes]]) -> list[bytes | None]:
    """Make many calls in few requests; None for a call that reverts.

    Not by multicall: a router that divides by zero burns all the gas it is given, and so that of the calls after it.
    """
    answers: list[bytes | None] = []
    for start in range(0, len(calls), CALLS_A_REQUEST):
        asked = [
            {"jsonrpc": "2.0", "id": place, "method": "eth_call", "params": [_call_object(to, data), "latest"]}
            for place, (to, data) in enumerate(calls[start : start + CALLS_A_REQUEST])
        ]
        answered = httpx.post(
            chain.rpc.url, headers={"content-type": "application/json"}, content=json.encode(asked), trust_env=False
        )
        in_order = sorted(json.decode(answered.content), key=lambda one: one["id"])
        answers += [bytes.fromhex(one["result"][2:]) if "result" in one else None for one in in_order]
    return answers


def _call_object(to: Address, data: bytes) -> dict[str, str]:
    return {"to": to, "data": hex_of(data), "gas": hex(CALL_GAS)}


def send_swap(
    chain: UniswapChain, pool: AnyPool, token_in: Address, token_out: Address, amount: int, limit: int = 0
) -> None:
    """Queue an exact-in swap through the router; `limit` is a concentrated pool's price limit, 0 for none."""
    sender = chain.sending.sender
    if isinstance(pool, ConcentratedPool):
        order = (token_in, token_out, pool.fee_ppm, sender, FOREVER_S, amount, 0, limit)
        chain.sending.call(chain.v3.router, EXACT_INPUT, order, gas=30_000_000)
        return
    question = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
    router = chain.v2[pool.deployment].router
    chain.sending.call(router, question, amount, 0, [token_in, token_out], sender, FOREVER_S)


def _add_pairs(sending: Sending, v2: dict[str, V2Exchange], tokens: Sequence[Address]) -> None:
    for deployment, places, reserves in PAIRS:
        sides = [tokens[place] for place in places]
        sending.call(v2[deployment].router, ADD_LIQUIDITY, *sides, *reserves, 0, 0, sending.sender, FOREVER_S)


def _add_concentrated(sending: Sending, v3: V3Exchange, tokens: Sequence[Address]) -> None:
    for spec in CONCENTRATED:
        key = (tokens[spec.tokens[0]], tokens[spec.tokens[1]], spec.fee_ppm)
        create = "createAndInitializePoolIfNecessary(address,address,uint24,uint160)"
        price = sqrt_ratio_at(spec.tick)
        sending.call(v3.positions, create, *key, price)
        for lower, upper, liquidity in spec.positions:
            amounts = _amounts(price, sqrt_ratio_at(lower), sqrt_ratio_at(upper), liquidity)
            sending.call(v3.positions, MINT, (*key, lower, upper, *amounts, 0, 0, sending.sender, FOREVER_S))


def _amounts(price: int, low: int, high: int, liquidity: int) -> tuple[int, int]:
    """What a position of this liquidity takes of each token, rounded up."""
    inside = min(max(price, low), high)
    return (liquidity << 96) * (high - inside) // (high * inside) + 1, (liquidity * (inside - low) >> 96) + 1


def _empty_pairs(rpc: Rpc, v2: dict[str, V2Exchange], tokens: Sequence[Address]) -> list[ConstantProductPool]:
    pools: list[ConstantProductPool] = []
    for deployment, exchange in v2.items():
        sides = [(tokens[i], tokens[j]) for name, (i, j), _ in PAIRS if name == deployment]
        pools += [
            ConstantProductPool(
                id=PoolId(address),
                deployment=deployment,
                tokens=side,
                fee=3,
                fee_denominator=1000,
                reserve0=0,
                reserve1=0,
            )
            for side, address in zip(sides, pair_addresses(rpc, exchange.factory, sides), strict=True)
        ]
    return pools


def _empty_concentrated(rpc: Rpc, v3: V3Exchange, tokens: Sequence[Address]) -> list[ConcentratedPool]:
    keys = [(tokens[spec.tokens[0]], tokens[spec.tokens[1]], spec.fee_ppm) for spec in CONCENTRATED]
    return [
        pool_with_ticks(
            sqrt_price_x96=0,
            fee_ppm=fee_ppm,
            tick_spacing=SPACING[fee_ppm],
            tick=0,
            liquidity=0,
            ticks={},
            tokens=(token0, token1),
            pool_id=PoolId(address),
        )
        for (token0, token1, fee_ppm), address in zip(keys, concentrated_addresses(rpc, v3.factory, keys), strict=True)
    ]
