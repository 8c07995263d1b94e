# pragma version 0.4.3
# pragma evm-version cancun
"""
@title A lender that lends through the wrong door
@license MIT
@notice Has Aave's `flashLoanSimple`. Lends nothing, and calls back with what it was told, or not at all.
"""


answer: Bytes[4096]


@external
def answer_with(answer: Bytes[4096]):
    """
    @notice Says what the borrower is called with.
    @param answer Calldata; empty: no call.
    """
    self.answer = answer


@external
def flashLoanSimple(receiver: address, asset: address, amount: uint256, params: Bytes[32], referral: uint16):
    """
    @notice Aave's signature.
    @param receiver The borrower.
    @param asset Not read.
    @param amount Not read.
    @param params Not read.
    @param referral Not read.
    """
    if len(self.answer) > 0:
        raw_call(receiver, self.answer)
