"""A token of our own with WETH in a single Uniswap V3 pool, or in a single Balancer pool: nothing else holds it."""

from __future__ import annotations

from eth_abi.abi import encode

from engine.devnet.calldata import call, created_address
from engine.domain.units import Address
from tests.bait import KINDS, NOBODY, sent
from tests.conftest import LocalChain
from tests.devnet.executor.build import vyper_artifact
from tests.engine_on_chain import token_of

FEE_PPM, WIDEST = 3_000, 887_220
EACH = 10**19
FOREVER_S = 2**40
CREATE_V3 = "createAndInitializePoolIfNecessary(address,address,uint24,uint160)"
MINT_V3 = "mint((address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256))"
CREATE_WEIGHTED = "create(string,string,address[],uint256[],uint256,address)"
JOIN = "joinPool(bytes32,address,address,(address[],uint256[],bytes,bool))"


def lay_deep_bait(chain: LocalChain, kind: str, *, vault: bool, marked: str = NOBODY) -> Address:
    """Deploy a token, fill its one pool while it is honest, then have it be of its kind; return its address."""
    maker, rpc = Address(chain.rpc.call("eth_accounts")[7].lower()), chain.rpc
    weth, contracts = token_of(chain, "WETH"), chain.deployment.contracts
    nonce = int(rpc.call("eth_getTransactionCount", maker, "latest"), 16)
    token = Address(created_address(maker, nonce).lower())
    sent(chain, maker, None, vyper_artifact("hostile_token").bytecode)
    sent(chain, maker, token, call("mint(address,uint256)", maker, 10**27))
    sent(chain, maker, weth, call("deposit()"), value=10**20)
    at = contracts["balancer_v2"]["vault"] if vault else contracts["uniswap_v3"]["positions"]
    for asset in (token, weth):
        sent(chain, maker, asset, call("approve(address,uint256)", at, 2**255))
    chain.mine()
    pair = sorted((token, weth), key=lambda address: int(address, 16))
    if vault:
        factory = contracts["balancer_v2"]["weighted_factory"]
        create = call(CREATE_WEIGHTED, "B", "B", pair, [5 * 10**17] * 2, 10**15, maker)
        body = {"from": maker, "to": factory, "data": "0x" + create.hex()}
        pool = Address("0x" + rpc.call("eth_call", body)[-40:])
        sent(chain, maker, factory, create)
        chain.mine()
        amounts = [EACH, EACH]
        request = (pair, amounts, encode(["uint256", "uint256[]"], [0, amounts]), False)
        last = sent(chain, maker, at, call(JOIN, rpc.eth_call(pool, call("getPoolId()")), maker, maker, request))
    else:
        key = (*pair, FEE_PPM)
        sent(chain, maker, at, call(CREATE_V3, *key, 2**96))
        last = sent(chain, maker, at, call(MINT_V3, (*key, -WIDEST, WIDEST, EACH, EACH, 0, 0, maker, FOREVER_S)))
    chain.mine()
    assert rpc.call("eth_getTransactionReceipt", last)["status"] == "0x1"
    sent(chain, maker, token, call("turn(uint256,address,uint256)", KINDS.index(kind), marked, 0))
    chain.mine()
    return token
