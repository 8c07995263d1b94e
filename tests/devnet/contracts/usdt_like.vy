# pragma version 0.4.3
# pragma evm-version cancun
"""
@title A token like Tether's
@license MIT
@notice Returns nothing, and refuses to change an allowance that is not zero.
"""


event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256


balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
decimals: public(constant(uint8)) = 6


@external
def mint(account: address, amount: uint256):
    """
    @notice Anybody mints.
    @param account Who receives.
    @param amount Raw units.
    """
    self.balanceOf[account] += amount


@external
def transfer(to: address, amount: uint256):
    """
    @notice Transfers.
    @param to Who receives.
    @param amount Raw units.
    """
    self._move(msg.sender, to, amount)


@external
def transferFrom(sender: address, to: address, amount: uint256):
    """
    @notice Transfers what was allowed.
    @param sender Who pays.
    @param to Who receives.
    @param amount Raw units.
    """
    self.allowance[sender][msg.sender] -= amount
    self._move(sender, to, amount)


@external
def approve(spender: address, amount: uint256):
    """
    @notice Allows, from or to zero.
    @param spender Who may pull.
    @param amount Raw units.
    """
    assert amount == 0 or self.allowance[msg.sender][spender] == 0, "approve from non-zero"
    self.allowance[msg.sender][spender] = amount


@internal
def _move(sender: address, to: address, amount: uint256):
    """
    @notice Moves a balance.
    @param sender Who pays.
    @param to Who receives.
    @param amount Raw units.
    """
    self.balanceOf[sender] -= amount
    self.balanceOf[to] += amount
    log Transfer(sender=sender, receiver=to, amount=amount)
