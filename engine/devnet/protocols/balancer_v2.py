"""Balancer V2: vault, the two pool factories, weighted and stable pools."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eth_abi.abi import encode

from engine.devnet.calldata import call, created_address
from engine.devnet.packages import Artifact, load_artifact
from engine.devnet.rpc import Rpc
from engine.devnet.sending import Sending
from engine.devnet.universe import StableSpec, WeightedSpec, raw_amount
from engine.domain.units import Address

_DAY_S = 86_400
PAUSE_WINDOW_S = 90 * _DAY_S
BUFFER_PERIOD_S = 30 * _DAY_S
_CREATE_WEIGHTED = "create(string,string,address[],uint256[],uint256,address)"
_CREATE_STABLE = "create(string,string,address[],uint256,uint256,address)"
_JOIN = "joinPool(bytes32,address,address,(address[],uint256[],bytes,bool))"
_INIT = 0  # the join kind of a pool's first join


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancerExchange:
    """The deployment's contracts."""

    vault: Address
    weighted_factory: Address
    stable_factory: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedPool:
    """A pool that is created and not yet joined. Tokens in the vault's order, ascending by address."""

    address: Address
    symbols: tuple[str, ...]
    amounts: tuple[int, ...]


def deploy_balancer_v2(sending: Sending, weth: Address) -> BalancerExchange:
    """Create authoriser, vault and factories from their published bytecode."""
    authorizer = sending.create(_artifact("20210418-authorizer/artifact/Authorizer.json"), sending.sender)
    vault_code = _artifact("20210418-vault/artifact/Vault.json")
    vault = sending.create(vault_code, authorizer, weth, PAUSE_WINDOW_S, BUFFER_PERIOD_S)
    weighted = _artifact("deprecated/20210418-weighted-pool/artifact/WeightedPoolFactory.json")
    stable = _artifact("deprecated/20210624-stable-pool/artifact/StablePoolFactory.json")
    return BalancerExchange(
        vault=vault,
        weighted_factory=sending.create(weighted, vault),
        stable_factory=sending.create(stable, vault),
    )


def create_weighted(
    sending: Sending, exchange: BalancerExchange, specs: Sequence[WeightedSpec], tokens: Mapping[str, Address]
) -> list[CreatedPool]:
    """Create the weighted pools, in order, from a factory that has created none."""
    created: list[CreatedPool] = []
    for nonce, spec in enumerate(specs, start=1):  # a contract's first creation has nonce 1 (EIP-161)
        percent = dict(zip(spec.tokens, spec.weights, strict=True))
        symbols = _in_vault_order(spec.tokens, tokens)
        weights = [percent[symbol] * 10**16 for symbol in symbols]
        addresses = [tokens[symbol] for symbol in symbols]
        fee = spec.fee_bps * 10**14
        factory = exchange.weighted_factory
        sending.call(
            factory, _CREATE_WEIGHTED, spec.name, spec.name, addresses, weights, fee, sending.sender, gas=12_000_000
        )
        amounts = tuple(raw_amount(symbol, spec.depth_usd * percent[symbol] // 100) for symbol in symbols)
        created.append(CreatedPool(address=created_address(factory, nonce), symbols=symbols, amounts=amounts))
    return created


def create_stable(
    sending: Sending, exchange: BalancerExchange, specs: Sequence[StableSpec], tokens: Mapping[str, Address]
) -> list[CreatedPool]:
    """Create the stable pools, in order, from a factory that has created none."""
    created: list[CreatedPool] = []
    for nonce, spec in enumerate(specs, start=1):
        symbols = _in_vault_order(spec.tokens, tokens)
        addresses = [tokens[symbol] for symbol in symbols]
        rates = (spec.amplification, spec.fee_bps * 10**14)
        factory = exchange.stable_factory
        sending.call(factory, _CREATE_STABLE, spec.name, spec.name, addresses, *rates, sending.sender, gas=12_000_000)
        amounts = tuple(raw_amount(symbol, spec.depth_usd // len(symbols)) for symbol in symbols)
        created.append(CreatedPool(address=created_address(factory, nonce), symbols=symbols, amounts=amounts))
    return created


def pool_ids(rpc: Rpc, pools: Sequence[CreatedPool]) -> list[bytes]:
    """Ask the pools for the ids under which the vault knows them."""
    return rpc.eth_calls([(pool.address, call("getPoolId()")) for pool in pools])


def join(sending: Sending, vault: Address, pool: CreatedPool, pool_id: bytes, tokens: Mapping[str, Address]) -> None:
    """Fill a pool for the first time; the vault must be approved."""
    addresses = [tokens[symbol] for symbol in pool.symbols]
    user_data = encode(["uint256", "uint256[]"], [_INIT, pool.amounts])
    request = (addresses, pool.amounts, user_data, False)
    sending.call(vault, _JOIN, pool_id, sending.sender, sending.sender, request)


def _in_vault_order(symbols: Sequence[str], tokens: Mapping[str, Address]) -> tuple[str, ...]:
    return tuple(sorted(symbols, key=lambda symbol: int(tokens[symbol], 16)))


def _artifact(path: str) -> Artifact:
    return load_artifact(f"@balancer-labs/v2-deployments/dist/tasks/{path}")
