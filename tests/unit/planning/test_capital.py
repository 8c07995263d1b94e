"""Which sources can fund a trade, and which of them is the cheapest."""

from hypothesis import given
from hypothesis import strategies as st

from engine.domain.hops import FlashKind
from engine.domain.opportunity import Capital, Hop, Price, Route
from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool, Family, StablePool, WeightedPool
from engine.domain.units import ZERO_ADDRESS, Address, PoolId
from engine.planning.capital import EXTRA_GAS, FLASH_KINDS, Funds, Lenders, Source, sources

WETH, USDC = Address("0x" + "aa" * 20), Address("0x" + "bb" * 20)
VAULT, AAVE, MORPHO = (Address("0x" + digit * 40) for digit in "123")
LENDERS = Lenders(balancer=VAULT, aave=AAVE, morpho=MORPHO)
AMOUNT = 10**18
RICH: dict[Capital, dict[Address, int]] = {c: {WETH: AMOUNT} for c in ("own", "balancer", "aave", "morpho")}
BALANCER_ID = "0x" + "77" * 32
ETHER_FOR_ETHER = Price(num=1, den=1)
FAMILIES: tuple[Family, ...] = ("constant_product", "concentrated", "weighted", "stable")


def pool(number: int, family: Family) -> AnyPool:
    identity = {"id": PoolId(f"0x{number:040x}"), "deployment": family, "tokens": (WETH, USDC)}
    match family:
        case "constant_product":
            return ConstantProductPool(**identity, fee=3, fee_denominator=1000, reserve0=1, reserve1=1)  # type: ignore[arg-type]
        case "concentrated":
            return ConcentratedPool(**identity, fee_ppm=500, tick_spacing=10, sqrt_price_x96=1, tick=0, liquidity=1)  # type: ignore[arg-type]
        case "weighted":
            return WeightedPool(
                **identity, balancer_id=BALANCER_ID, balances=(1, 1), weights=(1, 1), scaling=(1, 1), fee=1
            )  # type: ignore[arg-type]
        case "stable":
            return StablePool(**identity, balancer_id=BALANCER_ID, balances=(1, 1), amp=1, scaling=(1, 1), fee=1)  # type: ignore[arg-type]


def found(
    families: tuple[Family, ...],
    *,
    available: dict[Capital, dict[Address, int]] | None = None,
    amount: int = AMOUNT,
    premium_bps: int = 5,
    gas_price_wei: int = 10**9,
    price: Price = ETHER_FOR_ETHER,
) -> list[Source]:
    pools = [pool(number, family) for number, family in enumerate(families, start=1)]
    tokens = (WETH, USDC, WETH, USDC, WETH) if len(families) % 2 == 0 else (WETH, USDC, USDC, WETH)
    hops = tuple(Hop(pool=p.id, token_in=a, token_out=b) for p, a, b in zip(pools, tokens, tokens[1:], strict=False))
    return sources(
        Route(hops=hops),
        amount,
        pools={p.id: p for p in pools},
        funds=Funds(available=RICH if available is None else available, aave_premium_bps=premium_bps),
        lenders=LENDERS,
        price=price,
        gas_price_wei=gas_price_wei,
    )


def names(listed: list[Source]) -> list[Capital]:
    return [source.capital for source in listed]


def test_own_funds_come_first_and_the_rest_by_what_they_cost() -> None:
    assert names(found(("constant_product", "concentrated"))) == ["own", "first_pool", "morpho", "balancer", "aave"]


def test_the_vault_does_not_lend_for_a_route_that_swaps_in_it() -> None:
    for family in ("weighted", "stable"):
        assert "balancer" not in names(found(("constant_product", family)))
        assert "balancer" not in names(found((family, "constant_product")))


def test_only_a_pool_that_calls_back_can_pay_first() -> None:
    for family in FAMILIES:
        can = family in ("constant_product", "concentrated")
        assert ("first_pool" in names(found((family, "constant_product")))) is can


def test_a_first_pool_pays_whatever_nobody_else_has() -> None:
    assert names(found(("concentrated", "weighted"), available={})) == ["first_pool"]
    assert found(("weighted", "concentrated"), available={}) == []


def test_one_unit_short_is_not_enough() -> None:
    for capital in RICH:
        for held in (AMOUNT - 1, AMOUNT):
            listed = names(found(("concentrated", "concentrated"), available={capital: {WETH: held}}))
            assert set(listed) == {"first_pool", *({capital} if held == AMOUNT else {})}


def test_another_token_funds_nothing() -> None:
    assert names(found(("constant_product",) * 2, available={c: {USDC: AMOUNT} for c in RICH})) == ["first_pool"]


def test_aaves_premium_is_rounded_half_up_as_its_contract_does() -> None:
    fees = {1: 0, 999: 0, 1_000: 1, 1_001: 1, 2_999: 1, 3_000: 2, AMOUNT: AMOUNT * 5 // 10_000}
    for amount, fee in fees.items():
        (aave,) = (s for s in found(("weighted", "stable"), amount=amount) if s.capital == "aave")
        assert aave.fee == fee, amount


def test_a_premium_outweighs_gas_and_gas_outweighs_no_premium() -> None:
    cheap_gas = found(("weighted", "stable"), gas_price_wei=1)
    assert names(cheap_gas)[-1] == "aave"
    free = found(("weighted", "stable"), premium_bps=0, gas_price_wei=0)
    assert {s.cost_wei for s in free} == {0}


@given(
    families=st.lists(st.sampled_from(FAMILIES), min_size=2, max_size=4).map(tuple),
    held=st.dictionaries(st.sampled_from(sorted(RICH)), st.integers(0, 2 * AMOUNT)),
    premium_bps=st.integers(0, 100),
    gas_price_wei=st.integers(0, 10**12),
    num=st.integers(1, 10**12),
)
def test_every_source_listed_can_lend_and_the_cheapest_is_first(
    families: tuple[Family, ...], held: dict[Capital, int], premium_bps: int, gas_price_wei: int, num: int
) -> None:
    price = Price(num=num, den=10**6)
    available = {capital: {WETH: amount} for capital, amount in held.items()}
    listed = found(families, available=available, premium_bps=premium_bps, gas_price_wei=gas_price_wei, price=price)
    assert [s.cost_wei for s in listed] == sorted(s.cost_wei for s in listed)
    swaps_in_vault = bool({"weighted", "stable"} & set(families))
    for capital in EXTRA_GAS:
        lends = (
            families[0] in ("constant_product", "concentrated")
            if capital == "first_pool"
            else held.get(capital, 0) >= AMOUNT and not (capital == "balancer" and swaps_in_vault)
        )
        assert (capital in names(listed)) is lends
    for source in listed:
        fee = AMOUNT * premium_bps // 10_000 if source.capital == "aave" else 0
        assert abs(source.fee - fee) <= 1
        assert source.cost_wei == EXTRA_GAS[source.capital] * gas_price_wei + price.wei(source.fee)


def test_a_source_names_its_lender_only_where_there_is_one() -> None:
    lenders = {s.capital: s.lender for s in found(("constant_product", "concentrated"))}
    assert lenders == {"own": None, "first_pool": None, "balancer": VAULT, "aave": AAVE, "morpho": MORPHO}
    for source in found(("constant_product", "concentrated")):
        assert source.flash.kind is FLASH_KINDS[source.capital]
        assert source.flash.lender == (source.lender or ZERO_ADDRESS)
    assert set(FLASH_KINDS.values()) == set(FlashKind)


def test_what_is_being_swept_is_no_longer_own() -> None:
    funds = Funds(available={"own": {WETH: 7, USDC: 9}, "morpho": {WETH: 5}}, aave_premium_bps=5)
    assert funds.without_own([]) is funds
    left = funds.without_own([WETH])
    assert left.available == {"own": {USDC: 9}, "morpho": {WETH: 5}}
    assert left.aave_premium_bps == 5
