"""Where a trade's capital can come from, and what each source costs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.chains.abi import Function
from engine.chains.endpoints import Endpoint
from engine.chains.multicall import MULTICALL3, Read, read_all
from engine.domain.hops import Flash, FlashKind
from engine.domain.opportunity import Capital, Price, Route
from engine.domain.pools import AnyPool
from engine.domain.units import ZERO_ADDRESS, Address, BlockHash, PoolId

_BALANCE_OF = Function("balanceOf(address)", ("uint256",))
_NATIVE_BALANCE = Function("getEthBalance(address)", ("uint256",))
_AAVE_PREMIUM = Function("FLASHLOAN_PREMIUM_TOTAL()", ("uint128",))
_AAVE_RESERVE = Function(
    "getReserveData(address)", ("uint256",) * 8 + ("address",)
)  # the ninth word is the aToken, which holds the reserve

BPS = 10_000

EXTRA_GAS: dict[Capital, int] = {
    # over own funds, whole transaction; `python -m benchmarks.gas_table` prints the receipts these are rounded from
    "own": 0,
    "first_pool": 6_000,
    "morpho": 30_000,
    "balancer": 38_000,
    "aave": 128_000,
}
FLASH_KINDS: dict[Capital, FlashKind] = {
    "own": FlashKind.OWN,
    "first_pool": FlashKind.FIRST_POOL,
    "balancer": FlashKind.BALANCER,
    "morpho": FlashKind.MORPHO,
    "aave": FlashKind.AAVE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lenders:
    """The executor's lenders as deployed; None where a chain has none."""

    balancer: Address | None = None
    aave: Address | None = None
    morpho: Address | None = None

    def of(self, capital: Capital) -> Address | None:
        """Name the contract that lends, None for own funds and the first pool."""
        return {"balancer": self.balancer, "aave": self.aave, "morpho": self.morpho}.get(capital)


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """What each source can give of each token, raw units, as last read; Aave's premium in basis points.

    `gas_float_wei` is what the hot key holds of the native coin: nothing else than our own transactions spends it.
    """

    available: Mapping[Capital, Mapping[Address, int]] = field(default_factory=dict)
    aave_premium_bps: int = 0
    gas_float_wei: int = 0

    def without_own(self, tokens: Collection[Address]) -> "Funds":
        """Leave out own funds of these tokens: they are on their way to the treasury."""
        if not tokens:
            return self
        own = {token: held for token, held in self.available.get("own", {}).items() if token not in tokens}
        return replace(self, available={**self.available, "own": own})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One way to fund one trade: `fee` in raw units of the token, `cost_wei` its gas and fee together."""

    capital: Capital
    lender: Address | None
    fee: int
    cost_wei: int

    @property
    def flash(self) -> Flash:
        return Flash(kind=FLASH_KINDS[self.capital], lender=self.lender or ZERO_ADDRESS)


async def read_funds(
    endpoint: Endpoint,
    tokens: Sequence[Address],
    *,
    executor: Address,
    operator: Address,
    lenders: Lenders,
    at: BlockHash,
) -> Funds:
    """Read what executor and hot key hold and what the lenders could lend at block `at`."""
    holders: dict[Capital, Address] = {"own": executor}
    holders |= {c: a for c in ("balancer", "morpho") if (a := lenders.of(c)) is not None}
    reads: list[Read] = [(token, _BALANCE_OF, (holder,)) for holder in holders.values() for token in tokens]
    reads.append((MULTICALL3, _NATIVE_BALANCE, (operator,)))
    *held, gas_float_wei = [int(answer[0]) if answer else 0 for answer in await read_all(endpoint, reads, at)]
    balances = iter(held)
    available: dict[Capital, dict[Address, int]] = {c: {t: next(balances) for t in tokens} for c in holders}
    premium = 0
    if lenders.aave is not None:
        aave = lenders.aave
        answers = await read_all(
            endpoint, [(aave, _AAVE_PREMIUM, ()), *((aave, _AAVE_RESERVE, (token,)) for token in tokens)], at
        )
        premium = answers[0][0] if answers[0] else 0
        vaults = {
            token: Address(answer[8].lower())
            for token, answer in zip(tokens, answers[1:], strict=True)
            if answer and int(answer[8], 16)
        }
        reserves = await read_all(endpoint, [(t, _BALANCE_OF, (v,)) for t, v in vaults.items()], at)
        available["aave"] = {t: answer[0] for t, answer in zip(vaults, reserves, strict=True) if answer}
    return Funds(available=available, aave_premium_bps=premium, gas_float_wei=gas_float_wei)


def sources(
    route: Route,
    amount: int,
    *,
    pools: Mapping[PoolId, AnyPool],
    funds: Funds,
    lenders: Lenders,
    price: Price,
    gas_price_wei: int,
) -> list[Source]:
    """List the sources that can fund `amount` of the route's token, the cheapest first.

    The Balancer vault does not swap while it lends (BAL#400); a pool pays first only if it calls back, as the
    Uniswap families do.
    """
    families = [pools[hop.pool].family for hop in route.hops]
    usable: list[Source] = []
    for capital, extra_gas in EXTRA_GAS.items():
        fee = flash_fee(amount, funds.aave_premium_bps) if capital == "aave" else 0
        if capital == "first_pool":
            if families[0] not in ("constant_product", "concentrated"):
                continue
        elif funds.available.get(capital, {}).get(route.token, 0) < amount:
            continue
        if capital == "balancer" and {"weighted", "stable"} & set(families):
            continue
        cost_wei = extra_gas * gas_price_wei + price.wei(fee)
        usable.append(Source(capital=capital, lender=lenders.of(capital), fee=fee, cost_wei=cost_wei))
    return sorted(usable, key=lambda source: source.cost_wei)


def flash_fee(amount: int, bps: int) -> int:
    """Round as Aave's PercentageMath.percentMul does: half up."""
    return (amount * bps + BPS // 2) // BPS
