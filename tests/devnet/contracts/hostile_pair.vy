# pragma version 0.4.3
# pragma evm-version cancun
"""
@title A V2-style pair that misbehaves as told
@license MIT
@notice Claims any reserves, pays what it is asked for less `pays_short`, and never checks what it was given.
"""

from ethereum.ercs import IERC20


interface ICallee:
    def uniswapV2Call(sender: address, amount0: uint256, amount1: uint256, data: Bytes[32]): nonpayable


token0: public(address)
token1: public(address)
reserve0: uint112
reserve1: uint112
pays_short: uint256
calls_back: bool
calls_first: bool


@deploy
def __init__(token0: address, token1: address, reserve0: uint112, reserve1: uint112):
    """
    @notice Makes a pair that pays and calls back as it should.
    @param token0 The token with the lower address.
    @param token1 The other one.
    @param reserve0 Claimed reserve of token0.
    @param reserve1 Claimed reserve of token1.
    """
    self.token0 = token0
    self.token1 = token1
    self.reserve0 = reserve0
    self.reserve1 = reserve1
    self.calls_back = True


@external
def misbehave(pays_short: uint256, calls_back: bool, calls_first: bool):
    """
    @notice Says how to be hostile.
    @param pays_short Kept back from each output.
    @param calls_back Whether a flash swap's callback is made at all.
    @param calls_first Whether the callback comes before the output.
    """
    self.pays_short = pays_short
    self.calls_back = calls_back
    self.calls_first = calls_first


@external
@view
def getReserves() -> (uint112, uint112, uint32):
    """
    @notice The claimed reserves.
    @return Both, and a timestamp that nobody reads.
    """
    return self.reserve0, self.reserve1, 0


@external
def swap(amount0_out: uint256, amount1_out: uint256, to: address, data: Bytes[32]):
    """
    @notice Pays, more or less.
    @param amount0_out Of token0.
    @param amount1_out Of token1.
    @param to Who is paid.
    @param data Not empty: a flash swap.
    """
    flash: bool = len(data) > 0 and self.calls_back
    if flash and self.calls_first:
        extcall ICallee(to).uniswapV2Call(msg.sender, amount0_out, amount1_out, data)
    token: address = self.token0 if amount0_out > 0 else self.token1
    amount: uint256 = max(amount0_out, amount1_out) - self.pays_short
    extcall IERC20(token).transfer(to, amount, default_return_value=True)
    if flash and not self.calls_first:
        extcall ICallee(to).uniswapV2Call(msg.sender, amount0_out, amount1_out, data)
