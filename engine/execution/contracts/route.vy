# pragma version 0.4.3
"""
@title Route
@license MIT
@notice Swaps along packed hops, and the one callback that may be expected at a time.
@dev A module of the executor. Outputs are computed or measured here, never taken from the operator.
"""

from ethereum.ercs import IERC20

import hops as packed


interface IPair:
    def getReserves() -> (uint112, uint112, uint32): view
    def swap(amount0_out: uint256, amount1_out: uint256, to: address, data: Bytes[1]): nonpayable


interface IPool:
    def swap(
        recipient: address, zero_for_one: bool, amount: int256, limit: uint160, data: Bytes[1]
    ) -> (int256, int256): nonpayable


interface IBalancerVault:
    def swap(swap: SingleSwap, funds: FundManagement, limit: uint256, deadline: uint256) -> uint256: nonpayable


# @dev Balancer's IVault.SingleSwap.
struct SingleSwap:
    pool_id: bytes32
    kind: uint8
    asset_in: address
    asset_out: address
    amount: uint256
    user_data: Bytes[1]


# @dev Balancer's IVault.FundManagement.
struct FundManagement:
    sender: address
    from_internal: bool
    recipient: address
    to_internal: bool


# @dev What an expected caller is called for: the swap's input, the rest of the route, or the whole route.
PAY: constant(uint256) = 1
REST_V2: constant(uint256) = 2
REST_V3: constant(uint256) = 3
LOAN_BALANCER: constant(uint256) = 4
LOAN_AAVE: constant(uint256) = 5
LOAN_MORPHO: constant(uint256) = 6


# @dev V3's price bounds: TickMath MIN_SQRT_RATIO + 1 and MAX_SQRT_RATIO - 1.
MIN_SQRT_LIMIT: constant(uint160) = 4295128740
MAX_SQRT_LIMIT: constant(uint160) = 1461446703485210103287273052203988822378723970341


# @notice The Balancer V2 vault: lender and venue. Zero: not available.
BALANCER_VAULT: public(immutable(address))


# @dev The one contract that may call back next, and what for: kind << 160 | caller. Zero: nobody.
expected: transient(uint256)


# @dev What that caller is paid in, and the most it is paid (a loan's fee comes on top and is bounded by the floor).
due_token: transient(address)
due_most: transient(uint256)


@deploy
def __init__(balancer_vault: address):
    """
    @notice Fixes the vault.
    @param balancer_vault The Balancer V2 vault, or zero.
    """
    BALANCER_VAULT = balancer_vault


@internal
def _run(hops: DynArray[packed.Hop, packed.MAX], first: uint256, token: address, amount: uint256, ahead: bool):
    """
    @notice Swaps `amount` of `token` along the hops from `first` on.
    @dev A hop pays the next pair directly when that is a V2 pair: one transfer less. Such an output is checked by the
         pair, and a pair that does not check must still deliver its own.
    @param hops The route.
    @param first Index of the first hop to run.
    @param token The first input.
    @param amount How much of it, raw units.
    @param ahead Whether the first hop's pair already holds its input.
    """
    token_in: address = token
    amount_in: uint256 = amount
    paid: bool = ahead
    for i: uint256 in range(first, len(hops), bound=packed.MAX):
        hop: packed.Hop = hops[i]
        kind: uint256 = packed._kind(hop)
        token_out: address = packed._address(hop.b)
        to: address = self._recipient(hops, i)
        before: uint256 = 0
        if to == self:
            before = self._balance(token_out)
        amount_out: uint256 = 0
        if kind == packed.V2:
            if not paid:
                self._pay(token_in, packed._address(hop.a), amount_in)
            amount_out = self._v2_out(hop, amount_in)
            self._v2_swap(hop, amount_out, to, b"")
        elif kind == packed.V3:
            self._expect(PAY, packed._address(hop.a), token_in, amount_in)
            amount_out = self._v3_swap(hop, amount_in, to)
            self._nobody_expected()
        else:
            assert kind == packed.BALANCER, "kind"
            amount_out = self._balancer_swap(hop, token_in, amount_in, to)
        assert amount_out >= packed._least_out(hop), "below minimum"
        if to == self:
            assert self._balance(token_out) >= before + amount_out, "short output"
        paid = to != self
        token_in = token_out
        amount_in = amount_out


@internal
def _v2_swap(hop: packed.Hop, amount_out: uint256, to: address, data: Bytes[1]):
    """
    @notice Asks a V2 pair for `amount_out`.
    @param hop The hop.
    @param amount_out Raw units.
    @param to Who receives it.
    @param data Not empty: the pair calls back before it wants its input.
    """
    pair: address = packed._address(hop.a)
    if packed._zero_for_one(hop):
        extcall IPair(pair).swap(0, amount_out, to, data)
    else:
        extcall IPair(pair).swap(amount_out, 0, to, data)


@internal
def _v3_swap(hop: packed.Hop, amount_in: uint256, to: address) -> uint256:
    """
    @notice Swaps an exact input through a V3 pool, which is paid in its callback.
    @param hop The hop.
    @param amount_in Raw units.
    @param to Who receives the output.
    @return What the pool says it paid.
    """
    zero_for_one: bool = packed._zero_for_one(hop)
    limit: uint160 = MIN_SQRT_LIMIT if zero_for_one else MAX_SQRT_LIMIT
    amount0: int256 = 0
    amount1: int256 = 0
    amount0, amount1 = extcall IPool(packed._address(hop.a)).swap(
        to, zero_for_one, convert(amount_in, int256), limit, b""
    )
    return convert(-min(amount0, amount1), uint256)


@internal
def _balancer_swap(hop: packed.Hop, token_in: address, amount_in: uint256, to: address) -> uint256:
    """
    @notice Swaps an exact input through the Balancer vault, which pulls exactly what it is allowed.
    @param hop The hop.
    @param token_in The input.
    @param amount_in Raw units.
    @param to Who receives the output.
    @return What the vault says it paid.
    """
    self._allow(token_in, BALANCER_VAULT, amount_in)
    return extcall IBalancerVault(BALANCER_VAULT).swap(
        SingleSwap(
            pool_id=packed._pool_id(hop),
            kind=0,  # given in
            asset_in=token_in,
            asset_out=packed._address(hop.b),
            amount=amount_in,
            user_data=b"",
        ),
        FundManagement(sender=self, from_internal=False, recipient=to, to_internal=False),
        0,  # the hop's own minimum is checked with the others'
        block.timestamp,
    )


@internal
def _expect(kind: uint256, caller: address, token: address, most: uint256):
    """
    @notice Lets `caller` call back once.
    @param kind What for.
    @param caller The contract about to be called.
    @param token What it is paid in.
    @param most The most it is paid, raw units.
    """
    self.expected = kind << 160 | convert(caller, uint256)
    self.due_token = token
    self.due_most = most


@internal
def _take(kind: uint256):
    """
    @notice Takes the one expected callback; after it nobody is expected any more.
    @param kind What the caller is called for.
    """
    assert self.expected == kind << 160 | convert(msg.sender, uint256), "caller"
    self.expected = 0


@internal
@view
def _nobody_expected():
    """
    @notice Refuses to go on past a pool or lender that had to call back and did not.
    """
    assert self.expected == 0, "no callback"


@internal
def _pay(token: address, to: address, amount: uint256):
    """
    @notice Transfers; a token that returns nothing is taken at its word that it did not revert.
    @param token The ERC-20.
    @param to The recipient.
    @param amount Raw units.
    """
    assert extcall IERC20(token).transfer(to, amount, default_return_value=True), "transfer"


@internal
def _allow(token: address, spender: address, amount: uint256):
    """
    @notice Allows a pull that follows at once. The allowance is zero before and after, which tokens like USDT want.
    @param token The ERC-20.
    @param spender Who pulls.
    @param amount Exactly what it pulls, raw units.
    """
    assert extcall IERC20(token).approve(spender, amount, default_return_value=True), "approve"


@internal
@view
def _v2_out(hop: packed.Hop, amount_in: uint256) -> uint256:
    """
    @notice UniswapV2Library.getAmountOut with the fee in ppm, from the pair's reserves as they are now.
    @param hop The hop.
    @param amount_in Raw units.
    @return The most that the pair's K check lets out.
    """
    reserve0: uint112 = 0
    reserve1: uint112 = 0
    at: uint32 = 0
    reserve0, reserve1, at = staticcall IPair(packed._address(hop.a)).getReserves()
    reserve_in: uint256 = convert(reserve1, uint256)
    reserve_out: uint256 = convert(reserve0, uint256)
    if packed._zero_for_one(hop):
        reserve_in = convert(reserve0, uint256)
        reserve_out = convert(reserve1, uint256)
    priced: uint256 = amount_in * packed._kept(hop)
    return priced * reserve_out // (reserve_in * packed.PPM + priced)


@internal
@view
def _balance(token: address) -> uint256:
    """
    @notice What this contract holds.
    @param token The ERC-20.
    @return Raw units.
    """
    return staticcall IERC20(token).balanceOf(self)


@internal
@view
def _recipient(hops: DynArray[packed.Hop, packed.MAX], i: uint256) -> address:
    """
    @notice Who receives the output of hop `i`: the next pair when that is V2, else this contract.
    @param hops The route.
    @param i Index of the hop.
    @return The recipient.
    """
    if i + 1 < len(hops) and packed._kind(hops[i + 1]) == packed.V2:
        return packed._address(hops[i + 1].a)
    return self
