# pragma version 0.4.3
"""
@title Capital
@license MIT
@notice Where a trade's capital comes from, and borrowing it.
@dev A module of the executor. The lenders are fixed at deployment.
"""

from ethereum.ercs import IERC20

import route

uses: route


interface IBalancerVault:
    def flashLoan(
        recipient: address, tokens: DynArray[address, 1], amounts: DynArray[uint256, 1], data: Bytes[1]
    ): nonpayable


interface IAavePool:
    def flashLoanSimple(
        receiver: address, asset: address, amount: uint256, params: Bytes[1], referral: uint16
    ): nonpayable


interface IMorpho:
    def flashLoan(token: address, assets: uint256, data: Bytes[1]): nonpayable


# @dev Capital sources.
OWN: constant(uint256) = 0
FROM_BALANCER: constant(uint256) = 1
FROM_AAVE: constant(uint256) = 2
FROM_FIRST_POOL: constant(uint256) = 3
FROM_MORPHO: constant(uint256) = 4


# @notice The Aave V3 pool: lender. Zero: not available.
AAVE_POOL: public(immutable(address))


# @notice Morpho Blue: lender. Zero: not available.
MORPHO: public(immutable(address))


@deploy
def __init__(aave_pool: address, morpho: address):
    """
    @notice Fixes the lenders.
    @param aave_pool The Aave V3 pool, or zero.
    @param morpho Morpho Blue, or zero.
    """
    AAVE_POOL = aave_pool
    MORPHO = morpho


@internal
def _borrow(kind: uint256, lender: address, token: address, amount: uint256):
    """
    @notice Borrows `amount` of `token`; the lender's callback runs the route.
    @param kind The capital source.
    @param lender As packed by the operator; must be the one fixed at deployment.
    @param token The token borrowed.
    @param amount Raw units.
    """
    assert lender != empty(address), "lender"
    if kind == FROM_BALANCER:
        assert lender == route.BALANCER_VAULT, "lender"
        route._expect(route.LOAN_BALANCER, lender, token, amount)
        extcall IBalancerVault(lender).flashLoan(self, [token], [amount], b"")
    elif kind == FROM_AAVE:
        assert lender == AAVE_POOL, "lender"
        route._expect(route.LOAN_AAVE, lender, token, amount)
        extcall IAavePool(lender).flashLoanSimple(self, token, amount, b"", 0)
        # The one lender whose code can be replaced; the others pull to the wei and always will.
        assert staticcall IERC20(token).allowance(self, lender) == 0, "allowance"
    else:
        assert kind == FROM_MORPHO, "kind"
        assert lender == MORPHO, "lender"
        route._expect(route.LOAN_MORPHO, lender, token, amount)
        extcall IMorpho(lender).flashLoan(token, amount, b"")
