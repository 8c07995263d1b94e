# pragma version 0.4.3
# pragma evm-version cancun
"""
@title A token that taxes and refuses as told
@license MIT
@notice Plain ERC-20 until told otherwise.
"""


event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256


balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
decimals: public(constant(uint8)) = 18

tax_ppm: uint256
surcharge_ppm: uint256
refused: address


@external
def misbehave(tax_ppm: uint256, surcharge_ppm: uint256, refused: address):
    """
    @notice Says how to be odd.
    @param tax_ppm Kept from what a receiver is sent.
    @param surcharge_ppm Taken from the sender on top.
    @param refused Whose transfers and approvals answer False.
    """
    self.tax_ppm = tax_ppm
    self.surcharge_ppm = surcharge_ppm
    self.refused = refused


@external
def mint(account: address, amount: uint256):
    """
    @notice Anybody mints.
    @param account Who receives.
    @param amount Raw units.
    """
    self.balanceOf[account] += amount


@external
def transfer(to: address, amount: uint256) -> bool:
    """
    @notice Transfers.
    @param to Who receives.
    @param amount Raw units.
    @return False when refused.
    """
    if msg.sender == self.refused:
        return False
    self._move(msg.sender, to, amount)
    return True


@external
def transferFrom(sender: address, to: address, amount: uint256) -> bool:
    """
    @notice Transfers what was allowed.
    @param sender Who pays.
    @param to Who receives.
    @param amount Raw units.
    @return True.
    """
    self.allowance[sender][msg.sender] -= amount
    self._move(sender, to, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Allows.
    @param spender Who may pull.
    @param amount Raw units.
    @return False when refused.
    """
    if msg.sender == self.refused:
        return False
    self.allowance[msg.sender][spender] = amount
    return True


@internal
def _move(sender: address, to: address, amount: uint256):
    """
    @notice Moves a balance, less the tax and with the surcharge.
    @param sender Who pays.
    @param to Who receives.
    @param amount Raw units.
    """
    self.balanceOf[sender] -= amount + amount * self.surcharge_ppm // 1_000_000
    self.balanceOf[to] += amount - amount * self.tax_ppm // 1_000_000
    log Transfer(sender=sender, receiver=to, amount=amount)
