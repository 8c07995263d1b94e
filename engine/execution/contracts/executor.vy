# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title Ketch executor: one closed cycle of swaps, or nothing
@license MIT
@notice Runs a route of packed hops that starts and ends in one listed token, with its own funds or borrowed ones.
        Reverts unless the profit floor is met and no token of the route is held in a smaller amount than before.
@dev Trust: `TREASURY` alone is ever paid and alone lists profit tokens or replaces the operator. `operator` may only
     `execute` and `sweep` to the treasury, so a leaked operator key can burn its own gas and nothing else.
     No delegatecall, no standing allowance, no payable function. A callback is taken once, from the one contract
     being called, and reads its plan from transient storage, never from calldata.
"""


interface IERC20:
    def balanceOf(account: address) -> uint256: view
    def transfer(to: address, amount: uint256) -> bool: nonpayable
    def approve(spender: address, amount: uint256) -> bool: nonpayable


interface IPair:
    def getReserves() -> (uint112, uint112, uint32): view
    def swap(amount0_out: uint256, amount1_out: uint256, to: address, data: Bytes[1]): nonpayable


interface IPool:
    def swap(
        recipient: address, zero_for_one: bool, amount: int256, limit: uint160, data: Bytes[1]
    ) -> (int256, int256): nonpayable


interface IBalancerVault:
    def swap(swap: SingleSwap, funds: Funds, limit: uint256, deadline: uint256) -> uint256: nonpayable
    def flashLoan(
        recipient: address, tokens: DynArray[address, 1], amounts: DynArray[uint256, 1], data: Bytes[1]
    ): nonpayable


interface IAavePool:
    def flashLoanSimple(
        receiver: address, asset: address, amount: uint256, params: Bytes[1], referral: uint16
    ): nonpayable


interface IMorpho:
    def flashLoan(token: address, assets: uint256, data: Bytes[1]): nonpayable


# @dev One swap. a: pool 0..159 | fee ppm 160..183 | zero for one 208..215 | kind 248..255.
#      b: token out 0..159 | last 12 bytes of the Balancer pool id 160..255.
struct Hop:
    a: uint256
    b: uint256


# @dev Balancer's IVault.SingleSwap.
struct SingleSwap:
    pool_id: bytes32
    kind: uint8
    asset_in: address
    asset_out: address
    amount: uint256
    user_data: Bytes[1]


# @dev Balancer's IVault.FundManagement.
struct Funds:
    sender: address
    from_internal: bool
    recipient: address
    to_internal: bool


# @dev Families of a hop.
V2: constant(uint256) = 1
V3: constant(uint256) = 2
BALANCER: constant(uint256) = 3


# @dev Capital sources.
OWN: constant(uint256) = 0
FROM_BALANCER: constant(uint256) = 1
FROM_AAVE: constant(uint256) = 2
FROM_FIRST_POOL: constant(uint256) = 3
FROM_MORPHO: constant(uint256) = 4


# @dev What an expected caller is called for: the swap's input, the rest of the route, or the whole route.
PAY: constant(uint256) = 1
REST_V2: constant(uint256) = 2
REST_V3: constant(uint256) = 3
LOAN_BALANCER: constant(uint256) = 4
LOAN_AAVE: constant(uint256) = 5
LOAN_MORPHO: constant(uint256) = 6


# @dev Masks, and V3's price bounds (TickMath MIN_SQRT_RATIO + 1 and MAX_SQRT_RATIO - 1).
LOW_160: constant(uint256) = 2**160 - 1
LOW_24: constant(uint256) = 2**24 - 1
PPM: constant(uint256) = 1_000_000
MIN_SQRT_LIMIT: constant(uint160) = 4295128740
MAX_SQRT_LIMIT: constant(uint160) = 1461446703485210103287273052203988822378723970341
MAX_HOPS: constant(uint256) = 8


# @notice The only address that is ever paid; cold.
TREASURY: public(immutable(address))


# @notice The Balancer V2 vault: lender and venue. Zero: not available.
BALANCER_VAULT: public(immutable(address))


# @notice The Aave V3 pool: lender. Zero: not available.
AAVE_POOL: public(immutable(address))


# @notice Morpho Blue: lender. Zero: not available.
MORPHO: public(immutable(address))


# @notice The hot key that may execute; zero when revoked.
operator: public(address)


# @notice Tokens that a trade may take its profit in.
profit_tokens: public(HashMap[address, bool])


# @dev The one contract that may call back next, and what for: kind << 160 | caller. Zero: nobody.
expected: transient(uint256)


# @dev What that caller is paid in, and the most it is paid (a loan's fee comes on top and is bounded by the floor).
due_token: transient(address)
due_most: transient(uint256)


# @dev The route while a lender or the first pool holds control.
plan: transient(DynArray[Hop, MAX_HOPS])


# @dev The balance that must be there once the first pool has paid first.
arrival: transient(uint256)


# @dev What the first V2 pair pays.
first_out: transient(uint256)


# @notice A trade settled: `profit` of `token` stays here until it is swept to the treasury.
event Executed:
    token: indexed(address)
    profit: uint256


# @notice The operator was replaced; zero revokes.
event OperatorSet:
    operator: indexed(address)


# @notice A profit token was listed or taken off the list.
event ProfitTokenListed:
    token: indexed(address)
    listed: bool


@deploy
def __init__(treasury: address, operator: address, balancer_vault: address, aave_pool: address, morpho: address):
    """
    @notice Fixes who is paid and who lends; no token is listed yet.
    @param treasury The only address that is ever paid.
    @param operator The hot key that may execute.
    @param balancer_vault The Balancer V2 vault, or zero.
    @param aave_pool The Aave V3 pool, or zero.
    @param morpho Morpho Blue, or zero.
    """
    assert treasury != empty(address), "no treasury"
    TREASURY = treasury
    BALANCER_VAULT = balancer_vault
    AAVE_POOL = aave_pool
    MORPHO = morpho
    self.operator = operator
    log OperatorSet(operator=operator)


@external
@nonreentrant
def execute(
    flash: uint256,
    token: address,
    amount: uint256,
    min_profit: uint256,
    deadline: uint256,
    anchor: bytes32,
    hops: DynArray[Hop, MAX_HOPS],
) -> uint256:
    """
    @notice Swaps `amount` of `token` along `hops` and back into `token`, or reverts.
    @dev Outputs are computed here from the pools as they are now, so a small trade ahead of ours costs profit, not a
         revert. Own funds need `amount` in this contract; every other source lends it for the length of the call.
    @param flash Capital: lender 0..159 | kind 248..255.
    @param token The listed token that the cycle starts and ends in.
    @param amount What the first hop is given, raw units.
    @param min_profit The least that the balance of `token` must grow by, raw units, after every repayment.
    @param deadline The last timestamp at which this may run, seconds.
    @param anchor The head of the operator's journal; calldata only.
    @param hops The route, packed.
    @return What the balance of `token` grew by.
    """
    assert msg.sender == self.operator, "not operator"
    assert block.timestamp <= deadline, "late"
    assert min_profit != 0, "no floor"
    assert self.profit_tokens[token], "not listed"
    count: uint256 = len(hops)
    assert count > 1, "no route"
    assert self._address(hops[count - 1].b) == token, "open cycle"

    before: DynArray[uint256, MAX_HOPS] = []
    for hop: Hop in hops:
        before.append(self._balance(self._address(hop.b)))

    kind: uint256 = flash >> 248
    if kind == OWN:
        self._run(hops, 0, token, amount, False)
    else:
        self.plan = hops
        self.due_token = token
        self.due_most = amount
        if kind == FROM_FIRST_POOL:
            self._first_pool(hops, amount)
        else:
            self._borrow(kind, self._address(flash), token, amount)
        assert self.expected == 0, "no callback"

    profit: uint256 = 0
    for i: uint256 in range(count, bound=MAX_HOPS):
        held: uint256 = self._balance(self._address(hops[i].b))
        assert held >= before[i], "balance fell"
        if i == count - 1:
            profit = held - before[i]
    assert profit >= min_profit, "below floor"
    log Executed(token=token, profit=profit)
    return profit


@external
@nonreentrant
def sweep(token: address, amount: uint256):
    """
    @notice Sends `amount` of `token` to the treasury; nobody else can be named.
    @param token Any ERC-20 held here.
    @param amount Raw units.
    """
    assert msg.sender == self.operator or msg.sender == TREASURY, "not allowed"
    self._pay(token, TREASURY, amount)


@external
@nonreentrant
def set_operator(operator: address):
    """
    @notice Replaces the operator.
    @param operator The new hot key; zero revokes.
    """
    assert msg.sender == TREASURY, "not treasury"
    self.operator = operator
    log OperatorSet(operator=operator)


@external
@nonreentrant
def list_profit_token(token: address, listed: bool):
    """
    @notice Lists a token that trades may take profit in, or takes it off the list.
    @param token An ERC-20 that the treasury trusts.
    @param listed True to list.
    """
    assert msg.sender == TREASURY, "not treasury"
    self.profit_tokens[token] = listed
    log ProfitTokenListed(token=token, listed=listed)


@external
def receiveFlashLoan(
    tokens: DynArray[address, 1], amounts: DynArray[uint256, 1], fees: DynArray[uint256, 1], data: Bytes[32]
):
    """
    @notice Balancer's loan has arrived: run the route, then send it back with its fee.
    @param tokens Ours, in transient storage; not read.
    @param amounts Ours, in transient storage; not read.
    @param fees What the vault asks on top.
    @param data Not read.
    """
    assert self._taken(LOAN_BALANCER), "caller"
    token: address = self.due_token
    amount: uint256 = self.due_most
    self._run(self.plan, 0, token, amount, False)
    self._pay(token, msg.sender, amount + fees[0])


@external
def executeOperation(
    asset: address, amount: uint256, premium: uint256, initiator: address, params: Bytes[32]
) -> bool:
    """
    @notice Aave's loan has arrived: run the route, then let Aave pull it back with its premium.
    @param asset Ours, in transient storage; not read.
    @param amount Ours, in transient storage; not read.
    @param premium What Aave asks on top.
    @param initiator Not read: only a loan of our own is expected.
    @param params Not read.
    @return True, as Aave wants.
    """
    assert self._taken(LOAN_AAVE), "caller"
    token: address = self.due_token
    owed: uint256 = self.due_most
    self._run(self.plan, 0, token, owed, False)
    self._allow(token, msg.sender, owed + premium)
    return True


@external
def onMorphoFlashLoan(assets: uint256, data: Bytes[32]):
    """
    @notice Morpho's loan has arrived: run the route, then let Morpho pull it back.
    @param assets Ours, in transient storage; not read.
    @param data Not read.
    """
    assert self._taken(LOAN_MORPHO), "caller"
    token: address = self.due_token
    amount: uint256 = self.due_most
    self._run(self.plan, 0, token, amount, False)
    self._allow(token, msg.sender, amount)


@external
def __default__():
    """
    @notice Every V2 and V3 swap callback, whatever its fork calls it.
    @dev V3 forks pass (int256 amount0, int256 amount1, bytes): the positive one is asked of us, the negative one paid
         to us. V2 forks' arguments are not read: what the pair pays was computed before it was called.
    """
    kind: uint256 = self.expected >> 160
    assert kind <= REST_V3 and self._taken(kind), "caller"
    token: address = self.due_token
    most: uint256 = self.due_most
    if kind == REST_V2:
        hops: DynArray[Hop, MAX_HOPS] = self.plan
        token_out: address = self._address(hops[0].b)
        assert self._balance(token_out) >= self.arrival, "short output"
        self._run(hops, 1, token_out, self.first_out, False)
        self._pay(token, msg.sender, most)
        return

    amount0: int256 = 0
    amount1: int256 = 0
    amount0, amount1 = abi_decode(slice(msg.data, 4, 64), (int256, int256))
    asked: uint256 = convert(max(amount0, amount1), uint256)
    assert asked <= most, "asks more"
    if kind == REST_V3:
        hops: DynArray[Hop, MAX_HOPS] = self.plan
        token_out: address = self._address(hops[0].b)
        amount_out: uint256 = convert(-min(amount0, amount1), uint256)
        ahead: bool = self._kind(hops[1]) == V2
        if not ahead:
            assert self._balance(token_out) >= self.arrival + amount_out, "short output"
        self._run(hops, 1, token_out, amount_out, ahead)
    self._pay(token, msg.sender, asked)


@internal
def _first_pool(hops: DynArray[Hop, MAX_HOPS], amount: uint256):
    """
    @notice Takes the first hop's output before its input is paid; the pool's callback runs the rest.
    @param hops The route.
    @param amount What the pool is paid at the end.
    """
    hop: Hop = hops[0]
    token_out: address = self._address(hop.b)
    pool: address = self._address(hop.a)
    if self._kind(hop) == V2:
        amount_out: uint256 = self._v2_out(hop, amount)
        self.first_out = amount_out
        self.arrival = self._balance(token_out) + amount_out
        self._expect(REST_V2, pool)
        self._v2_swap(hop, amount_out, self, b"\x01")
    else:
        assert self._kind(hop) == V3, "kind"
        self.arrival = self._balance(token_out)
        self._expect(REST_V3, pool)
        self._v3_swap(hop, amount, self._recipient(hops, 0))


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
        assert lender == BALANCER_VAULT, "lender"
        self._expect(LOAN_BALANCER, lender)
        extcall IBalancerVault(lender).flashLoan(self, [token], [amount], b"")
    elif kind == FROM_AAVE:
        assert lender == AAVE_POOL, "lender"
        self._expect(LOAN_AAVE, lender)
        extcall IAavePool(lender).flashLoanSimple(self, token, amount, b"", 0)
    else:
        assert kind == FROM_MORPHO, "kind"
        assert lender == MORPHO, "lender"
        self._expect(LOAN_MORPHO, lender)
        extcall IMorpho(lender).flashLoan(token, amount, b"")


@internal
def _run(hops: DynArray[Hop, MAX_HOPS], first: uint256, token: address, amount: uint256, ahead: bool):
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
    for i: uint256 in range(first, len(hops), bound=MAX_HOPS):
        hop: Hop = hops[i]
        pool: address = self._address(hop.a)
        token_out: address = self._address(hop.b)
        to: address = self._recipient(hops, i)
        before: uint256 = 0
        if to == self:
            before = self._balance(token_out)
        kind: uint256 = self._kind(hop)
        amount_out: uint256 = 0
        if kind == V2:
            if not paid:
                self._pay(token_in, pool, amount_in)
            amount_out = self._v2_out(hop, amount_in)
            self._v2_swap(hop, amount_out, to, b"")
        elif kind == V3:
            self.due_token = token_in
            self.due_most = amount_in
            self._expect(PAY, pool)
            amount_out = self._v3_swap(hop, amount_in, to)
            assert self.expected == 0, "no callback"
        else:
            assert kind == BALANCER, "kind"
            amount_out = self._balancer_swap(hop, token_in, amount_in, to)
        if to == self:
            assert self._balance(token_out) >= before + amount_out, "short output"
        paid = to != self
        token_in = token_out
        amount_in = amount_out


@internal
def _v2_swap(hop: Hop, amount_out: uint256, to: address, data: Bytes[1]):
    """
    @notice Asks a V2 pair for `amount_out`.
    @param hop The hop.
    @param amount_out Raw units.
    @param to Who receives it.
    @param data Not empty: the pair calls back before it wants its input.
    """
    if self._zero_for_one(hop):
        extcall IPair(self._address(hop.a)).swap(0, amount_out, to, data)
    else:
        extcall IPair(self._address(hop.a)).swap(amount_out, 0, to, data)


@internal
def _v3_swap(hop: Hop, amount_in: uint256, to: address) -> uint256:
    """
    @notice Swaps an exact input through a V3 pool, whose callback is paid in `__default__`.
    @param hop The hop.
    @param amount_in Raw units.
    @param to Who receives the output.
    @return What the pool says it paid.
    """
    zero_for_one: bool = self._zero_for_one(hop)
    limit: uint160 = MIN_SQRT_LIMIT if zero_for_one else MAX_SQRT_LIMIT
    amount0: int256 = 0
    amount1: int256 = 0
    amount0, amount1 = extcall IPool(self._address(hop.a)).swap(
        to, zero_for_one, convert(amount_in, int256), limit, b""
    )
    return convert(-min(amount0, amount1), uint256)


@internal
def _balancer_swap(hop: Hop, token_in: address, amount_in: uint256, to: address) -> uint256:
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
            pool_id=convert((hop.a & LOW_160) << 96 | hop.b >> 160, bytes32),
            kind=0,
            asset_in=token_in,
            asset_out=self._address(hop.b),
            amount=amount_in,
            user_data=b"",
        ),
        Funds(sender=self, from_internal=False, recipient=to, to_internal=False),
        0,
        block.timestamp,
    )


@internal
def _expect(kind: uint256, caller: address):
    """
    @notice Lets `caller` call back once.
    @param kind What for.
    @param caller The contract about to be called.
    """
    self.expected = kind << 160 | convert(caller, uint256)


@internal
def _taken(kind: uint256) -> bool:
    """
    @notice Takes the one expected callback.
    @param kind What the caller wants.
    @return Whether it was expected of this caller for this; then nobody is expected any more.
    """
    if self.expected != (kind << 160 | convert(msg.sender, uint256)):
        return False
    self.expected = 0
    return True


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
def _v2_out(hop: Hop, amount_in: uint256) -> uint256:
    """
    @notice UniswapV2Library.getAmountOut with the fee in ppm, from the pair's reserves as they are now.
    @param hop The hop.
    @param amount_in Raw units.
    @return The most that the pair's K check lets out.
    """
    reserve0: uint112 = 0
    reserve1: uint112 = 0
    at: uint32 = 0
    reserve0, reserve1, at = staticcall IPair(self._address(hop.a)).getReserves()
    reserve_in: uint256 = convert(reserve1, uint256)
    reserve_out: uint256 = convert(reserve0, uint256)
    if self._zero_for_one(hop):
        reserve_in = convert(reserve0, uint256)
        reserve_out = convert(reserve1, uint256)
    after_fee: uint256 = amount_in * (PPM - (hop.a >> 160 & LOW_24))
    return after_fee * reserve_out // (reserve_in * PPM + after_fee)


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
def _recipient(hops: DynArray[Hop, MAX_HOPS], i: uint256) -> address:
    """
    @notice Who receives the output of hop `i`: the next pair when that is V2, else this contract.
    @param hops The route.
    @param i Index of the hop.
    @return The recipient.
    """
    if i + 1 < len(hops) and self._kind(hops[i + 1]) == V2:
        return self._address(hops[i + 1].a)
    return self


@internal
@pure
def _kind(hop: Hop) -> uint256:
    """
    @notice The family of a hop.
    @param hop The hop.
    @return V2, V3, BALANCER or something unknown.
    """
    return hop.a >> 248


@internal
@pure
def _zero_for_one(hop: Hop) -> bool:
    """
    @notice Whether a V2 or V3 hop gives token0.
    @param hop The hop.
    @return True for token0 to token1.
    """
    return hop.a >> 208 & 255 != 0


@internal
@pure
def _address(word: uint256) -> address:
    """
    @notice The address in the low 160 bits.
    @param word A packed word.
    @return The address.
    """
    return convert(word & LOW_160, address)
