"""What a receipt was charged, in the forms that each chain's nodes write."""

from engine.execution.gas_paid import GasPaid, paid_by
from engine.verify.receipts import gas_paid

RECEIPT = {"gasUsed": hex(200_000), "effectiveGasPrice": hex(10**8)}
GAS_WEI = 200_000 * 10**8
OP = {"l1Fee": hex(77_000), "operatorFeeScalar": hex(1_500_000), "operatorFeeConstant": hex(9)}


def check(receipt: dict[str, str], **parts: int) -> None:
    expected = {"l1_fee_wei": 0, "l1_gas": 0, "operator_fee_wei": 0} | parts
    assert paid_by(receipt) == GasPaid(**expected)
    assert gas_paid(receipt) == expected["gas_paid_wei"]  # the checker's own sum


def test_ethereum_takes_gas_alone() -> None:
    check(RECEIPT, gas_paid_wei=GAS_WEI)


def test_arbitrums_l1_gas_is_within_the_gas_used() -> None:
    check(RECEIPT | {"gasUsedForL1": hex(50_000)}, gas_paid_wei=GAS_WEI, l1_fee_wei=50_000 * 10**8, l1_gas=50_000)


def test_the_op_stacks_l1_fee_and_operator_fee_come_on_top() -> None:
    isthmus = 200_000 * 1_500_000 // 10**6 + 9
    check(RECEIPT | OP, gas_paid_wei=GAS_WEI + 77_000 + isthmus, l1_fee_wei=77_000, operator_fee_wei=isthmus)


def test_since_jovian_the_operators_scalar_counts_a_hundredfold_of_whole_units() -> None:
    jovian = 200_000 * 1_500_000 * 100 + 9
    receipt = RECEIPT | OP | {"daFootprintGasScalar": "0x190"}
    check(receipt, gas_paid_wei=GAS_WEI + 77_000 + jovian, l1_fee_wei=77_000, operator_fee_wei=jovian)
