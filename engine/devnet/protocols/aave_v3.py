"""Aave V3: a pool with reserves to borrow and to flash."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.devnet.calldata import call, returned
from engine.devnet.packages import Artifact, load_artifact
from engine.devnet.rpc import Rpc
from engine.devnet.sending import Sending
from engine.devnet.universe import LENDING_USD, raw_amount, token_spec
from engine.domain.units import ZERO_ADDRESS, Address

FLASH_PREMIUM_BPS = 5
_LIBRARIES = ("SupplyLogic", "BorrowLogic", "LiquidationLogic", "EModeLogic", "BridgeLogic", "PoolLogic")
_LINKED_LATER = ("ConfiguratorLogic", "FlashLoanLogic")  # FlashLoanLogic links BorrowLogic
_RAY = 10**27
_RATE_STRATEGY = (80, 0, 4, 75, 0.5, 75, 1, 8, 20)  # percent: optimal usage, base, slopes and stable offsets
_INIT_RESERVE = (
    "(address,address,address,uint8,address,address,address,address,string,string,string,string,string,string,bytes)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AaveParts:
    """What the first transactions create and the later ones need."""

    provider: Address
    strategy: Address


def create_aave(sending: Sending, tokens: Mapping[str, Address], symbols: Sequence[str]) -> AaveParts:
    """Create the libraries, the registry, the oracle and the pool's implementations. Mine before `list_reserves`."""
    libraries: dict[str, Address] = {}
    for name in (*_LIBRARIES, *_LINKED_LATER):
        libraries[name] = sending.create(_protocol(f"libraries/logic/{name}"), libraries=libraries)
    deployer = sending.sender
    provider = sending.create(_protocol("configuration/PoolAddressesProvider"), "Ketch devnet", deployer)
    sending.call(provider, "setACLAdmin(address)", deployer)
    acl = sending.create(_protocol("configuration/ACLManager"), provider)
    sending.call(provider, "setACLManager(address)", acl)
    for role in ("addPoolAdmin", "addAssetListingAdmin", "addRiskAdmin"):
        sending.call(acl, f"{role}(address)", deployer)
    aggregator = _contract("mocks/oracle/CLAggregators/MockAggregator")
    feeds = [sending.create(aggregator, token_spec(symbol).usd_cents * 10**6) for symbol in symbols]
    assets = [tokens[symbol] for symbol in symbols]
    oracle = sending.create(_contract("misc/AaveOracle"), provider, assets, feeds, ZERO_ADDRESS, ZERO_ADDRESS, 10**8)
    sending.call(provider, "setPriceOracle(address)", oracle)
    pool = sending.create(_protocol("pool/Pool"), provider, libraries=libraries)
    sending.call(pool, "initialize(address)", provider)
    configurator = sending.create(_protocol("pool/PoolConfigurator"), libraries=libraries)
    sending.call(configurator, "initialize(address)", provider)
    sending.call(provider, "setPoolImpl(address)", pool)
    sending.call(provider, "setPoolConfiguratorImpl(address)", configurator)
    rates = [int(percent * 10) * _RAY // 1000 for percent in _RATE_STRATEGY]
    strategy = sending.create(_protocol("pool/DefaultReserveInterestRateStrategy"), provider, *rates)
    return AaveParts(provider=provider, strategy=strategy)


def list_reserves(
    sending: Sending, rpc: Rpc, parts: AaveParts, tokens: Mapping[str, Address], symbols: Sequence[str]
) -> Address:
    """List the reserves, let them be flashed at 5 bps, supply them; returns the pool."""
    asked = [(parts.provider, call(name)) for name in ("getPool()", "getPoolConfigurator()")]
    pool, configurator = (Address(returned(["address"], answer)[0]) for answer in rpc.eth_calls(asked))
    tokenised = [sending.create(_protocol(f"tokenization/{name}"), pool) for name in _TOKENS_OF_A_RESERVE]
    deployer = sending.sender
    reserves = [
        (
            *tokenised,
            token_spec(symbol).decimals,
            parts.strategy,
            tokens[symbol],
            deployer,
            ZERO_ADDRESS,
            *(prefix + symbol for prefix in ("a", "a", "v", "v", "s", "s")),
            b"\x10",
        )
        for symbol in symbols
    ]
    sending.call(configurator, f"initReserves({_INIT_RESERVE}[])", reserves, gas=4_000_000 * len(symbols))
    sending.call(configurator, "updateFlashloanPremiumTotal(uint128)", FLASH_PREMIUM_BPS)
    for symbol in symbols:
        asset = tokens[symbol]
        sending.call(
            configurator,
            "configureReserveAsCollateral(address,uint256,uint256,uint256)",
            *(asset, 8_000, 8_250, 10_500),
        )
        sending.call(configurator, "setReserveBorrowing(address,bool)", asset, True)
        sending.call(configurator, "setReserveFlashLoaning(address,bool)", asset, True)
        amount = raw_amount(symbol, LENDING_USD)
        sending.call(asset, "approve(address,uint256)", pool, amount)
        sending.call(pool, "supply(address,uint256,address,uint16)", asset, amount, deployer, 0)
    return pool


_TOKENS_OF_A_RESERVE = ("AToken", "StableDebtToken", "VariableDebtToken")


def _contract(path: str) -> Artifact:
    return load_artifact(f"@aave/core-v3/artifacts/contracts/{path}.sol/{path.rsplit('/', 1)[-1]}.json")


def _protocol(path: str) -> Artifact:
    return _contract(f"protocol/{path}")
