# pragma version 0.4.3
# pragma evm-version cancun
"""
@title A V3-style pool that misbehaves as told
@license MIT
@notice Pays `rate_out / rate_in` of its input. Left alone it is honest, and names its callback as any fork would.
"""

from ethereum.ercs import IERC20


interface IRelay:
    def forward(target: address, data: Bytes[4096]): nonpayable


token0: public(address)
token1: public(address)
rate_out: uint256
rate_in: uint256

callback: bytes4
callbacks: uint256
asks_extra: uint256
claims_extra: uint256
through: address

target: address
payload: Bytes[4096]


@deploy
def __init__(token0: address, token1: address, rate_out: uint256, rate_in: uint256, callback: bytes4):
    """
    @notice Makes an honest pool.
    @param token0 The token with the lower address.
    @param token1 The other one.
    @param rate_out Output for `rate_in` of input, in either direction.
    @param rate_in See `rate_out`.
    @param callback Selector of the swap callback.
    """
    self.token0 = token0
    self.token1 = token1
    self.rate_out = rate_out
    self.rate_in = rate_in
    self.callback = callback
    self.callbacks = 1


@external
def misbehave(callbacks: uint256, asks_extra: uint256, claims_extra: uint256, through: address):
    """
    @notice Says how to be hostile.
    @param callbacks How often to call back; 1 is honest.
    @param asks_extra Asked on top of the input.
    @param claims_extra Claimed on top of what is paid.
    @param through Who makes the callback in this pool's place; zero is honest.
    """
    self.callbacks = callbacks
    self.asks_extra = asks_extra
    self.claims_extra = claims_extra
    self.through = through


@external
def name_callback(callback: bytes4):
    """
    @notice Names the callback as another fork does.
    @param callback Its selector.
    """
    self.callback = callback


@external
def interpose(target: address, payload: Bytes[4096]):
    """
    @notice Makes a call in the middle of each swap, before the callback.
    @param target Who is called.
    @param payload With what.
    """
    self.target = target
    self.payload = payload


@external
def swap(
    recipient: address, zero_for_one: bool, amount: int256, limit: uint160, data: Bytes[32]
) -> (int256, int256):
    """
    @notice Swaps an exact input, more or less.
    @param recipient Who is paid.
    @param zero_for_one Whether token0 is given.
    @param amount The exact input.
    @param limit Not read.
    @param data Not read.
    @return What the pool says it took and paid.
    """
    amount_out: uint256 = convert(amount, uint256) * self.rate_out // self.rate_in
    token_out: address = self.token1 if zero_for_one else self.token0
    extcall IERC20(token_out).transfer(recipient, amount_out, default_return_value=True)
    if self.target != empty(address):
        raw_call(self.target, self.payload)

    asked: int256 = amount + convert(self.asks_extra, int256)
    claimed: int256 = -convert(amount_out + self.claims_extra, int256)
    amount0: int256 = asked if zero_for_one else claimed
    amount1: int256 = claimed if zero_for_one else asked
    call: Bytes[164] = concat(self.callback, abi_encode(amount0, amount1, b""))
    for _: uint256 in range(self.callbacks, bound=3):
        if self.through == empty(address):
            raw_call(msg.sender, call)
        else:
            extcall IRelay(self.through).forward(msg.sender, call)
    return amount0, amount1
