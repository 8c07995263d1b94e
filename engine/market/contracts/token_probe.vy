# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize codesize
"""
@title Token probe
@license MIT
@notice Takes a token out of a real pool, passes it on, has it pulled, and gives it back, measuring every step.
@dev Never deployed: `eth_call` and `eth_simulateV1` put it at the executor's address and at a second one by a code
     override. A pool pays before it is paid, so nothing need be funded; everything is reverted with what was measured.
     All calls to the token are low-level and bounded in gas: a token can end its own check and nothing else.
"""


interface TokenProbe:
    def pass_on(token: address, to: address, amount: uint256) -> (bool, uint256): nonpayable
    def pull(token: address, owner: address, amount: uint256) -> (bool, uint256): nonpayable


# @dev One token in one pool. holder: where the pool's tokens lie, itself or the vault. first: it is the pool's token0.
#      most: what the pool says that it holds.
struct Item:
    token: address
    pool: address
    holder: address
    kind: uint256
    first: bool
    most: uint256


# @dev The most items of one call, and the gas that each gets.
MOST: constant(uint256) = 8
ITEM_GAS: constant(uint256) = 5_000_000


# @dev What an item's answer takes: nine words.
ANSWER: constant(uint256) = 288


# @dev One in how many of the holder's tokens is taken: much, so that a token's own limits show.
SHARE: constant(uint256) = 4


# @dev How a pool is asked to pay first.
PAIR: constant(uint256) = 1
CONCENTRATED: constant(uint256) = 2
VAULT: constant(uint256) = 3


# @dev Steps: what was being done when a measure was taken.
BUY: constant(uint256) = 1
PASS_ON: constant(uint256) = 2
GET_BACK: constant(uint256) = 3
ALLOW: constant(uint256) = 4
PULL: constant(uint256) = 5
HAND_BACK: constant(uint256) = 6
SELL: constant(uint256) = 7


# @dev Faults.
SOUND: constant(uint256) = 0
REVERTS: constant(uint256) = 1
ANSWERS_FALSE: constant(uint256) = 2
SENT_DIFFERS: constant(uint256) = 3
RECEIVED_DIFFERS: constant(uint256) = 4
CALLS_BACK: constant(uint256) = 5
NO_BALANCE: constant(uint256) = 6
ALLOWANCE: constant(uint256) = 7
POOL_EMPTY: constant(uint256) = 8
POOL_REFUSES: constant(uint256) = 9
HOOKS: constant(uint256) = 10


# @dev The most gas that one call of the token gets.
CALL_GAS: constant(uint256) = 1_000_000
BALANCE_GAS: constant(uint256) = 200_000


# @dev Gas that a pool takes until it calls back, its token's transfer aside, and what nested calls keep back of it all.
POOL_GAS: constant(uint256) = 150_000
KEPT_BACK: constant(uint256) = 16


# @dev The pool or vault may call back once; while it does, nobody else may call.
awaited: transient(address)
touched: transient(bool)
token: transient(address)
holder: transient(address)
second: transient(address)
asked: transient(uint256)
before: transient(uint256)
held: transient(uint256)
most_gas: transient(uint256)
gas_before: transient(uint256)


@external
def survey(items: DynArray[Item, MOST], second: address) -> DynArray[Bytes[ANSWER], MOST]:
    """
    @notice Probes items one by one, each on the state as it is.
    @param items What to look at.
    @param second An address with this code, to pass tokens on to.
    @return Of each, the words that `_end` wrote; shorter when there was not gas enough to end.
    """
    answers: DynArray[Bytes[ANSWER], MOST] = []
    for item: Item in items:
        ok: bool = False
        answer: Bytes[ANSWER] = b""
        data: Bytes[228] = abi_encode(
            item, second, method_id=method_id("probe((address,address,address,uint256,bool,uint256),address)")
        )
        ok, answer = raw_call(self, data, max_outsize=ANSWER, gas=ITEM_GAS, revert_on_failure=False)
        answers.append(answer)
    return answers


@external
def probe(item: Item, second: address):
    """
    @notice Takes a share of what the holder has of the token through the pool and measures it round; always reverts.
    @param item What to look at.
    @param second An address with this code.
    """
    token: address = item.token
    pool: address = item.pool
    first: bool = item.first
    self.token = token
    self.holder = item.holder
    self.second = second
    self.before = self._balance(self)
    self.held = self._balance(item.holder)
    self.asked = min(self.held, item.most) // SHARE
    hooks: bool = False
    granularity: uint256 = 0
    hooks, granularity = self._read(token, method_id("granularity()", output_type=Bytes[4]))
    if hooks:
        self._end(HOOKS, BUY, granularity, 0)
    if self.asked < 4:
        self._end(POOL_EMPTY, BUY, self.held, 4 * SHARE)
    self.awaited = pool
    zero: uint256 = 0
    out0: uint256 = self.asked if first else zero
    out1: uint256 = zero if first else self.asked
    data: Bytes[324] = b""
    if item.kind == PAIR:
        data = abi_encode(out0, out1, self, b"\x01", method_id=method_id("swap(uint256,uint256,address,bytes)"))
    elif item.kind == CONCENTRATED:
        data = abi_encode(self, out0, out1, b"", method_id=method_id("flash(address,uint256,uint256,bytes)"))
    else:
        tokens: DynArray[address, 1] = [token]
        amounts: DynArray[uint256, 1] = [self.asked]
        data = abi_encode(
            self, tokens, amounts, b"", method_id=method_id("flashLoan(address,address[],uint256[],bytes)")
        )
    ok: bool = False
    answer: Bytes[ANSWER] = b""
    self.gas_before = msg.gas
    ok, answer = raw_call(pool, data, max_outsize=ANSWER, revert_on_failure=False)
    if not ok and len(answer) == ANSWER:
        raw_revert(answer)
    self.most_gas = self.gas_before - msg.gas
    if self.most_gas > CALL_GAS + POOL_GAS:  # no pool takes that much: the token left it none to say why
        self._end(REVERTS, BUY, 0, 0)
    # the pool did not pay, because the token would not move or for a reason of its own: the text of Error(string)
    text: uint256 = 0
    if len(answer) >= 100:
        text = convert(slice(answer, 68, 32), uint256)
    self._end(POOL_REFUSES, BUY, text, 0)


@external
def pass_on(token: address, to: address, amount: uint256) -> (bool, uint256):
    """
    @notice As the second address: sends on.
    @param token The ERC-20.
    @param to Who receives.
    @param amount Raw units.
    @return Whether it went, and what the token answered.
    """
    return self._call(token, abi_encode(to, amount, method_id=method_id("transfer(address,uint256)")))


@external
def pull(token: address, owner: address, amount: uint256) -> (bool, uint256):
    """
    @notice As the second address: pulls what it was allowed, as lenders and the Balancer vault do.
    @param token The ERC-20.
    @param owner Who allowed it.
    @param amount Raw units.
    @return Whether it went, and what the token answered.
    """
    data: Bytes[100] = abi_encode(
        owner, self, amount, method_id=method_id("transferFrom(address,address,uint256)")
    )
    return self._call(token, data)


@external
def code_hashes(accounts: DynArray[address, 64]) -> DynArray[bytes32, 64]:
    """
    @notice What code stands at each address.
    @param accounts Addresses.
    @return EXTCODEHASH of each.
    """
    hashes: DynArray[bytes32, 64] = []
    for account: address in accounts:
        hashes.append(account.codehash)
    return hashes


@external
@payable
def __default__():
    """
    @notice The pool has paid and calls back: measure the round, and revert with it. Any other call is a token's hook.
    """
    if msg.sender != self.awaited or self.awaited == empty(address):
        self.touched = True
        return
    self.awaited = empty(address)
    spent: uint256 = self.gas_before - msg.gas
    overhead: uint256 = POOL_GAS + self.gas_before // KEPT_BACK
    if spent > overhead:
        self.most_gas = spent - overhead
    self._round()


@internal
def _round():
    """
    @notice Measures: bought, passed on, got back, allowed, pulled, returned, sold.
    """
    token: address = self.token
    holder: address = self.holder
    second: address = self.second
    amount: uint256 = self.asked
    self._expect_balance(SENT_DIFFERS, BUY, holder, self.held, self.held - amount)
    self._expect_balance(RECEIVED_DIFFERS, BUY, self, self.before, self.before + amount)
    self._untouched(BUY)

    mine: uint256 = self.before + amount
    theirs: uint256 = self._balance(second)
    ok: bool = False
    said: uint256 = 0
    ok, said = self._call(token, abi_encode(second, amount, method_id=method_id("transfer(address,uint256)")))
    self._moved(PASS_ON, ok, said, self, mine, mine - amount, second, theirs, theirs + amount)

    ok, said = extcall TokenProbe(second).pass_on(token, self, amount)
    self._moved(GET_BACK, ok, said, second, theirs + amount, theirs, self, mine - amount, mine)

    some: uint256 = amount // 3 + 1
    ok, said = self._call(token, abi_encode(second, some, method_id=method_id("approve(address,uint256)")))
    if not ok:
        self._end(REVERTS, ALLOW, 0, 0)
    if said == 0:
        self._end(ANSWERS_FALSE, ALLOW, 0, 1)
    self._untouched(ALLOW)
    ok, said = extcall TokenProbe(second).pull(token, self, some)
    self._moved(PULL, ok, said, self, mine, mine - some, second, theirs, theirs + some)
    left: uint256 = 0
    ok, left = self._read(token, abi_encode(self, second, method_id=method_id("allowance(address,address)")))
    if not ok or left != 0:
        self._end(ALLOWANCE, PULL, left, 0)
    ok, said = extcall TokenProbe(second).pass_on(token, self, some)
    self._moved(HAND_BACK, ok, said, second, theirs + some, theirs, self, mine - some, mine)

    held: uint256 = self._balance(holder)
    ok, said = self._call(token, abi_encode(holder, amount, method_id=method_id("transfer(address,uint256)")))
    self._moved(SELL, ok, said, self, mine, mine - amount, holder, held, held + amount)
    self._end(SOUND, SELL, 0, 0)


@internal
def _moved(
    step: uint256,
    ok: bool,
    said: uint256,
    sender: address,
    sender_before: uint256,
    sender_after: uint256,
    receiver: address,
    receiver_before: uint256,
    receiver_after: uint256,
):
    """
    @notice Ends the probe unless a transfer did exactly what it was asked.
    @param step Where.
    @param ok Whether the token did not revert.
    @param said What it answered; one when it answered nothing.
    @param sender Who paid.
    @param sender_before Its balance before.
    @param sender_after Its balance wanted after.
    @param receiver Who was paid.
    @param receiver_before Its balance before.
    @param receiver_after Its balance wanted after.
    """
    if not ok:
        self._end(REVERTS, step, 0, 0)
    if said == 0:
        self._end(ANSWERS_FALSE, step, 0, 1)
    self._expect_balance(SENT_DIFFERS, step, sender, sender_before, sender_after)
    self._expect_balance(RECEIVED_DIFFERS, step, receiver, receiver_before, receiver_after)
    self._untouched(step)


@internal
def _expect_balance(fault: uint256, step: uint256, account: address, before: uint256, wanted: uint256):
    """
    @notice Ends the probe unless the balance changed by what was asked.
    @param fault What it would be.
    @param step Where.
    @param account Whose.
    @param before Its balance before.
    @param wanted Its balance wanted.
    """
    found: uint256 = self._balance(account)
    if found != wanted:
        change: uint256 = found - before if found >= before else before - found
        want: uint256 = wanted - before if wanted >= before else before - wanted
        if (found >= before) != (wanted >= before):
            change = 0
        self._end(fault, step, change, want)


@internal
def _untouched(step: uint256):
    """
    @notice Ends the probe when the token has called its sender or its receiver.
    @param step Where.
    """
    if self.touched:
        self._end(CALLS_BACK, step, 1, 0)


@internal
def _balance(account: address) -> uint256:
    """
    @notice Reads a balance, or ends the probe.
    @param account Whose.
    @return Raw units.
    """
    ok: bool = False
    found: uint256 = 0
    ok, found = self._read(self.token, abi_encode(account, method_id=method_id("balanceOf(address)")))
    if not ok:
        self._end(NO_BALANCE, BUY, 0, 0)
    return found


@internal
def _read(token: address, data: Bytes[68]) -> (bool, uint256):
    """
    @notice Reads a word, with bounded gas.
    @param token The ERC-20.
    @param data The call.
    @return Whether it answered a word, and the word.
    """
    ok: bool = False
    answer: Bytes[32] = b""
    ok, answer = raw_call(
        token, data, max_outsize=32, gas=BALANCE_GAS, is_static_call=True, revert_on_failure=False
    )
    return ok and len(answer) == 32, convert(answer, uint256)


@internal
def _call(token: address, data: Bytes[100]) -> (bool, uint256):
    """
    @notice Calls the token, with bounded gas.
    @param token The ERC-20.
    @param data The call.
    @return Whether it did not revert, and its answer; one when it answered nothing, as USDT does.
    """
    gas_before: uint256 = msg.gas
    ok: bool = False
    answer: Bytes[32] = b""
    ok, answer = raw_call(token, data, max_outsize=32, gas=CALL_GAS, revert_on_failure=False)
    self.most_gas = max(self.most_gas, gas_before - msg.gas)
    said: uint256 = 1
    if len(answer) == 32:
        said = convert(answer, uint256)
    return ok, said


@internal
def _end(fault: uint256, step: uint256, measured: uint256, wanted: uint256):
    """
    @notice Reverts everything, with what was found: nine words.
    @param fault SOUND or what is wrong.
    @param step Where.
    @param measured What it was.
    @param wanted What it should have been.
    """
    known: bool = False
    decimals: uint256 = 0
    known, decimals = self._read(self.token, method_id("decimals()", output_type=Bytes[4]))
    if not known:
        decimals = max_value(uint256)
    raw_revert(abi_encode(
        fault, step, measured, wanted, self.most_gas, self.held, decimals, block.timestamp, tx.gasprice
    ))
