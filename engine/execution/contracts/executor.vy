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

import capital
import hops as packed
import route

initializes: route
initializes: capital[route := route]

exports: (capital.AAVE_POOL, capital.MORPHO, route.BALANCER_VAULT)


# @notice The only address that is ever paid; cold.
TREASURY: public(immutable(address))


# @notice The hot key that may execute; zero when revoked.
operator: public(address)


# @notice Tokens that a trade may take its profit in.
profit_tokens: public(HashMap[address, bool])


# @dev The route while a lender or the first pool holds control.
plan: transient(DynArray[packed.Hop, packed.MAX])


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
    route.__init__(balancer_vault)
    capital.__init__(aave_pool, morpho)
    TREASURY = treasury
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
    hops: DynArray[packed.Hop, packed.MAX],
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
    assert packed._address(hops[count - 1].b) == token, "open cycle"

    before: DynArray[uint256, packed.MAX] = []
    for hop: packed.Hop in hops:
        before.append(route._balance(packed._address(hop.b)))

    kind: uint256 = flash >> 248
    if kind == capital.OWN:
        route._run(hops, 0, token, amount, False)
    else:
        self.plan = hops
        if kind == capital.FROM_FIRST_POOL:
            self._first_pool(hops, token, amount)
        else:
            capital._borrow(kind, packed._address(flash), token, amount)
        route._nobody_expected()

    profit: uint256 = 0
    for i: uint256 in range(count, bound=packed.MAX):
        held: uint256 = route._balance(packed._address(hops[i].b))
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
    route._pay(token, TREASURY, amount)


@external
def set_operator(operator: address):
    """
    @notice Replaces the operator.
    @param operator The new hot key; zero revokes.
    """
    assert msg.sender == TREASURY, "not treasury"
    self.operator = operator
    log OperatorSet(operator=operator)


@external
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
    route._take(route.LOAN_BALANCER)
    token: address = route.due_token
    amount: uint256 = route.due_most
    route._run(self.plan, 0, token, amount, False)
    route._pay(token, msg.sender, amount + fees[0])


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
    route._take(route.LOAN_AAVE)
    token: address = route.due_token
    owed: uint256 = route.due_most
    route._run(self.plan, 0, token, owed, False)
    route._allow(token, msg.sender, owed + premium)
    return True


@external
def onMorphoFlashLoan(assets: uint256, data: Bytes[32]):
    """
    @notice Morpho's loan has arrived: run the route, then let Morpho pull it back.
    @param assets Ours, in transient storage; not read.
    @param data Not read.
    """
    route._take(route.LOAN_MORPHO)
    token: address = route.due_token
    amount: uint256 = route.due_most
    route._run(self.plan, 0, token, amount, False)
    route._allow(token, msg.sender, amount)


@external
def __default__():
    """
    @notice Every V2 and V3 swap callback, whatever its fork calls it.
    @dev V3 forks pass (int256 amount0, int256 amount1, bytes): the positive one is asked of us, the negative one paid
         to us. V2 forks' arguments are not read: what the pair pays was computed before it was called.
    """
    kind: uint256 = route.expected >> 160
    assert kind <= route.REST_V3, "caller"  # a lender calls the function that is named for it
    route._take(kind)
    token: address = route.due_token
    most: uint256 = route.due_most
    if kind == route.REST_V2:
        hops: DynArray[packed.Hop, packed.MAX] = self.plan
        token_out: address = packed._address(hops[0].b)
        assert route._balance(token_out) >= self.arrival, "short output"
        route._run(hops, 1, token_out, self.first_out, False)
        route._pay(token, msg.sender, most)
        return

    amount0: int256 = 0
    amount1: int256 = 0
    amount0, amount1 = abi_decode(slice(msg.data, 4, 64), (int256, int256))
    asked: uint256 = convert(max(amount0, amount1), uint256)
    assert asked <= most, "asks more"
    if kind == route.REST_V3:
        hops: DynArray[packed.Hop, packed.MAX] = self.plan
        token_out: address = packed._address(hops[0].b)
        amount_out: uint256 = convert(-min(amount0, amount1), uint256)
        assert amount_out >= packed._least_out(hops[0]), "below minimum"
        ahead: bool = packed._kind(hops[1]) == packed.V2
        if not ahead:
            assert route._balance(token_out) >= self.arrival + amount_out, "short output"
        route._run(hops, 1, token_out, amount_out, ahead)
    route._pay(token, msg.sender, asked)


@internal
def _first_pool(hops: DynArray[packed.Hop, packed.MAX], token: address, amount: uint256):
    """
    @notice Takes the first hop's output before its input is paid; the pool's callback runs the rest.
    @param hops The route.
    @param token What the pool is paid in.
    @param amount The most it is paid at the end, raw units.
    """
    hop: packed.Hop = hops[0]
    token_out: address = packed._address(hop.b)
    pool: address = packed._address(hop.a)
    if packed._kind(hop) == packed.V2:
        amount_out: uint256 = route._v2_out(hop, amount)
        assert amount_out >= packed._least_out(hop), "below minimum"
        self.first_out = amount_out
        self.arrival = route._balance(token_out) + amount_out
        route._expect(route.REST_V2, pool, token, amount)
        route._v2_swap(hop, amount_out, self, b"\x01")
    else:
        assert packed._kind(hop) == packed.V3, "kind"
        self.arrival = route._balance(token_out)
        route._expect(route.REST_V3, pool, token, amount)
        route._v3_swap(hop, amount, route._recipient(hops, 0))
