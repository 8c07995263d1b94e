# pragma version 0.4.3
# pragma evm-version cancun
"""
@title A token of every bad kind
@license MIT
@notice An honest ERC-20 until `turn` says which kind it is.
@dev `marked` is whom some kinds treat apart; `limit` is a number whose meaning the kind says.
"""


event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256


# @dev Kinds. TAX, TAX_US, TAX_SELLS, TAX_ODD_BLOCKS, TAX_DEAR_GAS, TAX_PRODUCER keep a hundredth of what a receiver gets.
HONEST: constant(uint256) = 0
TAX: constant(uint256) = 1
TAX_US: constant(uint256) = 2  # when marked sends or receives
TAX_SELLS: constant(uint256) = 3  # when a pool receives
TAX_ODD_BLOCKS: constant(uint256) = 4
TAX_DEAR_GAS: constant(uint256) = 5  # above limit wei
TAX_PRODUCER: constant(uint256) = 6  # when the block is not marked's
TAX_ORIGIN: constant(uint256) = 7  # when marked signed
SURCHARGE: constant(uint256) = 8
SHRINKS: constant(uint256) = 9  # by a thousandth an hour
REFUSES: constant(uint256) = 10  # marked
PAUSED: constant(uint256) = 11
LARGEST: constant(uint256) = 12  # moves at most limit
HOOKS: constant(uint256) = 13
SAYS_FALSE: constant(uint256) = 14  # moves nothing and says so
SILENT: constant(uint256) = 15  # moves nothing and does not say so
NO_BALANCE: constant(uint256) = 16
LIES: constant(uint256) = 17
BURNS_GAS: constant(uint256) = 18
NO_SALE: constant(uint256) = 19  # only marked may give to a pool
POOLS_ONLY: constant(uint256) = 20  # a pool must be on one side
DECIMALS_CHANGE: constant(uint256) = 21
APPROVE_HOOKS: constant(uint256) = 22
APPROVE_FALSE: constant(uint256) = 23
ALLOWANCE_STAYS: constant(uint256) = 24
TAX_LATER: constant(uint256) = 25  # from limit seconds on
FALSE_BUT_MOVES: constant(uint256) = 26
MUTE: constant(uint256) = 27  # moves and answers nothing, as USDT does
VERBOSE: constant(uint256) = 28  # moves and answers 4 kB
TAX_SMALL: constant(uint256) = 29  # of less than limit


# @dev The longest answer.
ANSWER: constant(uint256) = 4_096


kind: uint256
limit: uint256
marked: address
began: uint256
pools: HashMap[address, bool]
shares: HashMap[address, uint256]
allowance: public(HashMap[address, HashMap[address, uint256]])
burnt: HashMap[uint256, uint256]


@external
def turn(kind: uint256, marked: address, limit: uint256):
    """
    @notice Says which kind it is from now on.
    @param kind One of the kinds.
    @param marked Whom it treats apart.
    @param limit A number; see the kinds.
    """
    self.kind = kind
    self.marked = marked
    self.limit = limit
    self.began = block.timestamp


@external
def know_pool(pool: address):
    """
    @notice Tells it of a pool.
    @param pool A pool.
    """
    self.pools[pool] = True


@external
def mint(account: address, amount: uint256):
    """
    @notice Anybody mints.
    @param account Who receives.
    @param amount Raw units.
    """
    self.shares[account] += amount


@external
@view
def symbol() -> String[8]:
    """
    @notice What it calls itself.
    @return A label.
    """
    return "BAIT"


@external
@view
def decimals() -> uint8:
    """
    @notice How amounts are shown.
    @return Eighteen, while it is honest.
    """
    if self.kind == DECIMALS_CHANGE and block.number % 2 == 1:
        return 6
    return 18


@external
@view
def balanceOf(account: address) -> uint256:
    """
    @notice What somebody holds.
    @param account Whose.
    @return Raw units.
    """
    assert self.kind != NO_BALANCE
    if self.kind == LIES:
        return 10**30
    if self.kind == SHRINKS:
        return self.shares[account] * (1_000 - min((block.timestamp - self.began) // 3_600, 999)) // 1_000
    return self.shares[account]


@external
@raw_return
def transfer(to: address, amount: uint256) -> Bytes[ANSWER]:
    """
    @notice Transfers.
    @param to Who receives.
    @param amount Raw units.
    @return False when it says so.
    """
    return self._answer(self._move(msg.sender, to, amount))


@external
@raw_return
def transferFrom(sender: address, to: address, amount: uint256) -> Bytes[ANSWER]:
    """
    @notice Transfers what was allowed.
    @param sender Who pays.
    @param to Who receives.
    @param amount Raw units.
    @return False when it says so.
    """
    if self.kind != ALLOWANCE_STAYS:
        self.allowance[sender][msg.sender] -= amount
    return self._answer(self._move(sender, to, amount))


@external
@raw_return
def approve(spender: address, amount: uint256) -> Bytes[ANSWER]:
    """
    @notice Allows.
    @param spender Who may pull.
    @param amount Raw units.
    @return False when it says so.
    """
    if self.kind == APPROVE_FALSE:
        return self._answer(False)
    self.allowance[msg.sender][spender] = amount
    if self.kind == APPROVE_HOOKS:
        self._hook(msg.sender)
    return self._answer(True)


@internal
@view
def _answer(ok: bool) -> Bytes[ANSWER]:
    """
    @notice Says how it went, as its kind does.
    @param ok Whether it did.
    @return A word, nothing, or a great deal.
    """
    if self.kind == MUTE:
        return b""
    if self.kind == VERBOSE:
        much: uint256[128] = empty(uint256[128])
        much[0] = 1
        return abi_encode(much)
    return abi_encode(ok)


@internal
def _move(sender: address, to: address, amount: uint256) -> bool:
    """
    @notice Moves a balance as its kind does.
    @param sender Who pays.
    @param to Who receives.
    @param amount Raw units.
    @return Whether it says that it did.
    """
    kind: uint256 = self.kind
    marked: address = self.marked
    us: bool = sender == marked or to == marked
    assert kind != PAUSED, "paused"
    assert kind != REFUSES or not us, "refused"
    assert kind != LARGEST or amount <= self.limit, "too much"
    assert kind != NO_SALE or not self.pools[to] or sender == marked, "no sale"
    assert kind != POOLS_ONLY or self.pools[to] or self.pools[sender], "pools only"
    if kind == SAYS_FALSE:
        return False
    if kind == SILENT:
        return True
    if kind == BURNS_GAS:
        for i: uint256 in range(200):
            self.burnt[i] = block.timestamp + i
    taxed: bool = (
        kind == TAX
        or (kind == TAX_US and us)
        or (kind == TAX_SELLS and self.pools[to])
        or (kind == TAX_ODD_BLOCKS and block.number % 2 == 1)
        or (kind == TAX_DEAR_GAS and tx.gasprice > self.limit)
        or (kind == TAX_PRODUCER and block.coinbase != marked)
        or (kind == TAX_ORIGIN and tx.origin == marked)
        or (kind == TAX_SMALL and amount < self.limit)
        or (kind == TAX_LATER and block.timestamp >= self.began + self.limit)
    )
    if kind == HOOKS:
        self._hook(sender)
    self.shares[sender] -= amount + (amount // 100 if kind == SURCHARGE else 0)
    self.shares[to] += amount - (amount // 100 if taxed else 0)
    log Transfer(sender=sender, receiver=to, amount=amount)
    if kind == HOOKS:
        self._hook(to)
    return kind != FALSE_BUT_MOVES


@internal
def _hook(account: address):
    """
    @notice Calls somebody, as ERC-777 does.
    @param account Who is called; that it refuses is no matter.
    """
    if account.is_contract:
        ok: bool = raw_call(
            account,
            abi_encode(self, method_id=method_id("tokensReceived(address)")),
            gas=100_000,
            revert_on_failure=False,
        )
