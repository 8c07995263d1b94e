"""The next base fee from a header: what no local node imitates, the OP Stack's parameters in the extra data."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.chains.base_fee import moved, next_base_fee_wei
from engine.domain.units import ChainId

OP, BASE, ARBITRUM, ETHEREUM = (ChainId(n) for n in (10, 8453, 42161, 1))


def header(extra: str, *, gas_used: int = 30_000_000, blob_gas_used: int = 0) -> dict[str, Any]:
    return {
        "baseFeePerGas": hex(10**6),
        "gasLimit": hex(60_000_000),
        "gasUsed": hex(gas_used),
        "blobGasUsed": hex(blob_gas_used),
        "extraData": extra,
    }


def extra_data(denominator: int, elasticity: int, least_wei: int | None = None) -> str:
    terms = denominator.to_bytes(4, "big") + elasticity.to_bytes(4, "big")
    if least_wei is None:
        return "0x00" + terms.hex()
    return "0x01" + (terms + least_wei.to_bytes(8, "big")).hex()


def test_holocene_moves_by_the_parameters_in_the_header() -> None:
    # target 60M / 6 = 10M; 30M used is 20M above: 10^6 × 2 / 250 = 8,000
    assert next_base_fee_wei(OP, header(extra_data(250, 6))) == 1_008_000
    assert next_base_fee_wei(BASE, header(extra_data(250, 6), gas_used=10_000_000)) == 10**6
    assert next_base_fee_wei(OP, header(extra_data(250, 6), gas_used=0)) == 996_000


def test_jovian_meters_the_datas_footprint_and_has_a_least() -> None:
    full_of_data = header(extra_data(250, 6, 0), gas_used=10_000_000, blob_gas_used=30_000_000)
    assert next_base_fee_wei(OP, full_of_data) == 1_008_000
    assert next_base_fee_wei(OP, header(extra_data(250, 6, 5 * 10**6), gas_used=0)) == 5 * 10**6
    holocene = header(extra_data(250, 6), gas_used=10_000_000, blob_gas_used=30_000_000)
    assert next_base_fee_wei(OP, holocene) == 10**6


def test_what_a_header_does_not_say_is_not_known() -> None:
    for extra in ("0x", "0x02" + "00" * 8, "0x00" + "00" * 8, "0x01" + "00" * 8, extra_data(250, 6) + "00"):
        assert next_base_fee_wei(OP, header(extra)) is None
    assert next_base_fee_wei(ARBITRUM, header(extra_data(250, 6))) is None
    assert next_base_fee_wei(ETHEREUM, {"gasLimit": "0x1", "gasUsed": "0x0", "extraData": "0x"}) is None


def test_ethereums_extra_data_is_its_builders_and_says_nothing() -> None:
    assert next_base_fee_wei(ETHEREUM, header(extra_data(250, 6))) == 10**6
    assert next_base_fee_wei(ETHEREUM, header("0x", gas_used=60_000_000)) == 1_125_000


@given(base_wei=st.integers(0, 10**15), target=st.integers(1, 10**8), metered=st.integers(0, 2 * 10**8))
def test_a_base_fee_moves_by_an_eighth_at_most_and_up_by_a_wei_at_least(
    base_wei: int, target: int, metered: int
) -> None:
    after = moved(base_wei, min(metered, 2 * target), target, 8)
    if metered > target:
        assert base_wei < after <= base_wei + max(base_wei // 8, 1)
    else:
        assert base_wei - base_wei // 8 <= after <= base_wei
