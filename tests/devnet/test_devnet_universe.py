"""What stands on a deployed chain."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from math import log
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import vyper  # pyright: ignore[reportMissingTypeStubs]
from eth_account import Account

from engine.devnet import accounts
from engine.devnet.calldata import call, created_address, returned
from engine.devnet.deployment import DeployedPool
from engine.devnet.profiles import PROFILES, ChainProfile, profile_of
from engine.devnet.protocols.aave_v3 import FLASH_PREMIUM_BPS
from engine.devnet.rpc import Rpc, hex_of
from engine.devnet.saved import running_chain, saved_chain
from engine.devnet.swaps import Swap, quote_call, quoted
from engine.devnet.universe import raw_amount
from engine.domain.errors import DevnetError
from engine.domain.units import Address

if TYPE_CHECKING:
    from tests.conftest import LocalChain

pytestmark = pytest.mark.node

FAMILIES = {
    "constant product": ("uniswap_v2", "sushi_v2"),
    "concentrated": ("uniswap_v3",),
    "balancer": ("balancer_v2",),
}


def _token(chain: LocalChain, symbol: str) -> Address:
    return next(token.address for token in chain.deployment.tokens if token.symbol == symbol)


def test_has_twenty_four_pools_and_more_over_six_tokens(chain: LocalChain) -> None:
    pools = chain.deployment.pools
    assert len({pool.address for pool in pools}) == len(pools) >= 24
    assert len({token for pool in pools for token in pool.tokens}) >= 6
    assert {token.decimals for token in chain.deployment.tokens} == {6, 8, 18}
    assert {pool.fee_ppm for pool in pools if pool.kind == "concentrated"} == {500, 3_000, 10_000}
    assert {pool.kind for pool in pools} == {"constant_product", "concentrated", "weighted", "stable"}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("hops", [2, 3, 4])
def test_every_family_has_cycles_of_two_three_and_four_hops(chain: LocalChain, family: str, hops: int) -> None:
    pools = [pool for pool in chain.deployment.pools if pool.deployment in FAMILIES[family]]
    assert any(_cycles(pools, _token(chain, "WETH"), hops)) or any(_cycles(pools, _token(chain, "USDC"), hops))


def _cycles(pools: list[DeployedPool], base: Address, hops: int) -> Iterator[tuple[DeployedPool, ...]]:
    for route in itertools.permutations(pools, hops):
        at = {base}
        for pool in route[:-1]:
            at = {token for token in pool.tokens if at & set(pool.tokens) - {token}} - {base}
        if base in route[-1].tokens and at & set(route[-1].tokens):
            yield route


def test_all_pools_agree_on_prices_at_the_start(chain: LocalChain) -> None:
    usd = {token.address: token.usd_cents / 100 / 10**token.decimals for token in chain.deployment.tokens}
    swaps = [
        Swap(pool=pool, token_in=a, token_out=b, amount_in=int(10 / usd[a]))
        for pool in chain.deployment.pools
        for a, b in itertools.permutations(pool.tokens, 2)
    ]
    answers = chain.rpc.eth_calls([quote_call(chain.deployment.contracts, swap) for swap in swaps])
    for swap, answer in zip(swaps, answers, strict=True):
        kept = quoted(swap, answer) * usd[swap.token_out] / (swap.amount_in * usd[swap.token_in])
        assert abs(log(kept) + swap.pool.fee_ppm / 1e6) < 2e-3, swap.pool


def test_each_concentrated_pool_has_several_overlapping_positions(chain: LocalChain) -> None:
    pools = [pool for pool in chain.deployment.pools if pool.kind == "concentrated"]
    minted = "0x7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde"  # Mint of UniswapV3Pool
    for pool in pools:
        logs = chain.rpc.call(
            "eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest", "address": pool.address, "topics": [minted]}
        )
        assert len({tuple(entry["topics"][2:]) for entry in logs}) >= 3


def test_multicall_stands_where_it_always_does(chain: LocalChain) -> None:
    multicall = chain.manifest.deployments["multicall3"]["multicall"]
    assert multicall == "0xca11bde05977b3631167028862be2a173976ca11"
    inner = (multicall, True, call("getChainId()"))
    answer = chain.rpc.eth_call(multicall, call("aggregate3((address,bool,bytes)[])", [inner]))
    assert int.from_bytes(returned(["(bool,bytes)[]"], answer)[0][0][1], "big") == chain.deployment.chain_id


def test_the_faucet_has_plenty_of_everything(chain: LocalChain) -> None:
    faucet = str(Account.from_key(chain.manifest.faucet_key).address).lower()
    assert faucet == accounts.FAUCET
    assert int(chain.rpc.call("eth_getBalance", faucet, "latest"), 16) >= 100_000 * 10**18
    for token in chain.deployment.tokens:
        balance = int.from_bytes(chain.rpc.eth_call(token.address, call("balanceOf(address)", faucet)), "big")
        assert balance >= raw_amount(token.symbol, 10_000_000)


@pytest.fixture(scope="module")
def borrower_code() -> bytes:
    source = Path(__file__).with_name("borrower.vy").read_text()
    return bytes.fromhex(vyper.compile_code(source, output_formats=["bytecode"])["bytecode"][2:])


@pytest.mark.parametrize("lender", ["aave_v3", "balancer_v2", "morpho_blue"])
def test_lenders_flash_at_their_stated_price(chain: LocalChain, borrower_code: bytes, lender: str) -> None:
    rpc, contracts = chain.rpc, chain.deployment.contracts
    usdc = _token(chain, "USDC")
    amount = raw_amount("USDC", 100_000)
    owner = Address(rpc.call("eth_accounts")[accounts.DEPLOYER])

    def send(to: Address | None, data: bytes) -> None:
        fees = {"maxFeePerGas": hex(10**9), "maxPriorityFeePerGas": "0x0"}
        body = {"from": owner, "data": hex_of(data), "gas": hex(3_000_000), **({"to": to} if to else {})}
        tx_hash = rpc.call("eth_sendTransaction", {**body, **fees})
        chain.mine()
        assert rpc.call("eth_getTransactionReceipt", tx_hash)["status"] == "0x1"

    with chain.reverted():
        borrower = created_address(owner, int(rpc.call("eth_getTransactionCount", owner, "latest"), 16))
        send(None, borrower_code)
        send(usdc, call("transfer(address,uint256)", borrower, amount // 100))
        if lender == "aave_v3":
            flash = "flashLoanSimple(address,address,uint256,bytes,uint16)"
            send(contracts[lender]["pool"], call(flash, borrower, usdc, amount, b"", 0))
        elif lender == "balancer_v2":
            flash = "flashLoan(address,address[],uint256[],bytes)"
            send(contracts[lender]["vault"], call(flash, borrower, [usdc], [amount], b""))
        else:
            morpho = contracts[lender]["morpho"]
            send(borrower, call("borrow_from_morpho(address,address,uint256)", morpho, usdc, amount))
        assert int.from_bytes(rpc.eth_call(borrower, call("borrowed()")), "big") >= amount
        fee = amount * FLASH_PREMIUM_BPS // 10_000 if lender == "aave_v3" else 0
        assert int.from_bytes(rpc.eth_call(borrower, call("fee()")), "big") == fee


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_every_chain_deploys_to_the_same_addresses(chain: LocalChain, profile: ChainProfile) -> None:
    deployment = saved_chain(profile).deployment
    assert deployment.contracts == chain.deployment.contracts
    assert [pool.address for pool in deployment.pools] == [pool.address for pool in chain.deployment.pools]


def test_the_second_start_loads_what_the_first_saved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, chain: LocalChain, record_property: pytest.RecordProperty
) -> None:
    monkeypatch.setenv("KETCH_CACHE", str(tmp_path))
    profile = profile_of(42161)
    began = time.monotonic()
    first = saved_chain(profile)
    deployed = time.monotonic()
    second = saved_chain(profile)
    with running_chain(profile, second) as node, Rpc(node.rpc_url) as rpc:
        started = time.monotonic()
        assert (
            rpc.call("eth_getBlockByNumber", "latest", False)["hash"]
            == chain.rpc.call("eth_getBlockByNumber", hex(rpc.block_number()), False)["hash"]
        )
    assert (first.fresh, second.fresh) == (True, False)
    assert first.deployment == second.deployment == chain.deployment
    print(f"\nfirst deployment {deployed - began:.2f} s, second start {started - deployed:.2f} s")
    record_property("second_start_s", round(started - deployed, 3))


def test_names_the_chains_that_can_be_run() -> None:
    with pytest.raises(DevnetError, match=r"cannot be run locally, measured 5: .*42161 \(arbitrum\)"):
        profile_of(5)
