"""What the holder of a stolen hot key can think of: plans, sweeps, callbacks and sandwiches, generated from a seed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from engine.chains.executor_calls import (
    ExecuteCall,
    encode_execute,
    encode_list_profit_token,
    encode_set_operator,
    encode_sweep,
)
from engine.devnet.calldata import call
from engine.domain.hops import FlashKind, HopWords, pack_flash, pack_hop
from engine.domain.units import ZERO_ADDRESS, Address
from tests.devnet.executor.test_executor_invariants import HONEST, HOSTILE, random_trades
from tests.devnet.executor.test_executor_strangers import callbacks
from tests.devnet.executor.trades import ROUTES, raw_execute, trade
from tests.devnet.executor.world import World

MOST = 2**256 - 1
AMOUNTS = (0, 1, 2, 10**6, 5 * 10**9, 10**18, 10**22, 2**112, 2**127, 2**255, MOST)
SANDWICHED = ("V2-V2", "V2-V2 the other way", "V3-V2", "V2-V3", "V2-Balancer", "V2-V2-V2")


@dataclass(frozen=True, slots=True)
class Move:
    """One transaction of the attacker's: as the hot key, or from another account of his."""

    to: Address
    data: bytes
    hot: bool = True


@dataclass(frozen=True, slots=True)
class Attack:
    """What is sent in one block, in this order; `name` is for people."""

    name: str
    moves: tuple[Move, ...]


def attacks(world: World, chance: Random, count: int, only: str = "") -> Iterator[Attack]:
    """Generate attacks, of one kind or each about as often as it has ways."""
    names = [only] if only else list(_KINDS)
    for _ in range(count):
        (name,) = chance.choices(names, [_KINDS[name][0] for name in names])
        yield Attack(name, tuple(_KINDS[name][1](world, chance)))


def _plan(world: World, chance: Random) -> Iterator[Move]:
    """Run a random route through real and hostile pools, which misbehave in some random way."""
    yield from _mood(world, chance)
    (wanted,) = random_trades(world, chance, 1)
    yield _execute(world, replace(wanted, min_profit=chance.choice((1, 1, 1, 10**6, 10**18))))


def _large_plan(world: World, chance: Random) -> Iterator[Move]:
    """Run a profitable route's tokens and pools with amounts that do not fit it."""
    wanted = trade(world, ROUTES[chance.choice(list(ROUTES))], chance.choice(list(FlashKind)))
    yield _execute(world, replace(wanted, amount=chance.choice(AMOUNTS)))


def _mangled(world: World, chance: Random) -> Iterator[Move]:
    """Put other addresses, kinds, ids, directions, fees and bits into a plan's words."""
    (wanted,) = random_trades(world, chance, 1)
    places = [int(address, 16) for address in _places(world)]
    hops: list[HopWords] = [pack_hop(hop) for hop in wanted.hops]
    flash_word = pack_flash(wanted.flash)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(hops))
        a, b = hops[at]
        match chance.randrange(9):
            case 0:
                hops[at] = (a >> 160 << 160 | chance.choice(places), b)
            case 1:
                hops[at] = (a, b >> 160 << 160 | chance.choice(places))
            case 2:
                hops[at] = (a ^ 1 << 208, b)
            case 3:
                hops[at] = (a & ~(0xFF << 248) | chance.randrange(6) << 248, b)
            case 4:
                hops[at] = (a & ~(0xFFFFFF << 160) | chance.randrange(1 << 24) << 160, b)
            case 5:
                hops[at] = (a ^ 1 << chance.randrange(256), b ^ 1 << chance.randrange(256))
            case 6:
                hops.insert(at, hops[at])
            case 7 if len(hops) > 1:
                del hops[at]
            case _:
                flash_word = chance.randrange(6) << 248 | chance.choice(places)
    yield Move(world.executor.address, raw_execute(wanted, flash_word=flash_word, hops=hops[:8]))


def _start_elsewhere(world: World, chance: Random) -> Iterator[Move]:
    """Begin in another token than the route does, without a floor, or with one that cannot be met."""
    (wanted,) = random_trades(world, chance, 1)
    tokens = [*world.tokens.values(), world.hostile["odd"], *_places(world)]
    changes = ({"token": chance.choice(tokens)}, {"min_profit": 0}, {"min_profit": MOST}, {"deadline_s": 0})
    yield Move(world.executor.address, raw_execute(replace(wanted, **chance.choice(changes))))


def _sweep(world: World, chance: Random) -> Iterator[Move]:
    """Sweep any token, real or not, again and again."""
    for _ in range(chance.randint(1, 3)):
        token = chance.choice([*world.tokens.values(), *_places(world)])
        yield Move(world.executor.address, encode_sweep(token, chance.choice(AMOUNTS)))


def _callback(world: World, chance: Random) -> Iterator[Move]:
    """Call back unasked, as the hot key, as a stranger, and through a lender who can be asked to lend in our name."""
    data = chance.choice(list(callbacks(world).values()))
    yield Move(world.executor.address, data, hot=chance.random() < 0.5)
    usdc, executor = world.tokens["USDC"], world.executor
    asked = ([usdc], [10**6])
    loans = (
        (executor.vault, call("flashLoan(address,address[],uint256[],bytes)", executor.address, *asked, b"")),
        (
            executor.aave,
            call("flashLoanSimple(address,address,uint256,bytes,uint16)", executor.address, usdc, 10**6, b"", 0),
        ),
    )
    yield Move(*chance.choice(loans))


def _drain(world: World, chance: Random) -> Iterator[Move]:
    """Route listed tokens through pools of his own that ask more, claim more and check nothing, to any end."""
    yield from (Move(world.hostile[name], call(signature, *how), hot=False) for name, signature, how in HONEST)
    asks, claims = chance.choice((0, 0, 10**6, 10**9)), chance.choice((0, 0, 10**6, 10**15))
    through = chance.choice((ZERO_ADDRESS, ZERO_ADDRESS, world.relay))
    how = (chance.choice((0, 1, 1, 2)), asks, claims, through)
    pool = call("misbehave(uint256,uint256,uint256,address)", *how)
    yield Move(world.hostile["pool"], pool, hot=False)
    yield Move(world.hostile["pair"], call("misbehave(uint256,bool,bool)", *chance.choice(_PAIR_MOODS)), hot=False)
    start = chance.choice(("USDC", "WETH"))
    other = "WETH" if start == "USDC" else "USDC"
    mine, real = ("hostile pool", "hostile pair"), ("uni WETH/USDC", "v3 WETH/USDC 500", "weighted")
    first, second = chance.choice((mine, real)), chance.choice((mine, mine, real))
    route = [start, chance.choice(first), other, chance.choice(second), start]
    wanted = trade(world, tuple(route), chance.choice((FlashKind.OWN, FlashKind.FIRST_POOL, FlashKind.MORPHO)))
    wanted = replace(wanted, amount=chance.choice((10**6, 10**9, 10**15, 10**18)))
    if chance.random() < 0.4:
        wanted = replace(wanted, token=world.tokens[chance.choice(("USDC", "WETH", "USDT", "DAI"))])
    yield Move(world.executor.address, raw_execute(wanted))


def _roles(world: World, chance: Random) -> Iterator[Move]:
    """Try what the treasury alone may."""
    mine = chance.choice((world.operator, world.stranger, ZERO_ADDRESS))
    tries = (encode_set_operator(mine), encode_list_profit_token(world.hostile["odd"], True))
    yield Move(world.executor.address, chance.choice(tries), hot=chance.random() < 0.8)


def _reentered(world: World, chance: Random) -> Iterator[Move]:
    """Have a hostile pool call the executor, a lender or a real pair in the middle of its swap."""
    usdc, weth = world.tokens["USDC"], world.tokens["WETH"]
    yield from (Move(world.hostile[name], call(signature, *how), hot=False) for name, signature, how in HONEST)
    inner = trade(world, ROUTES[chance.choice(SANDWICHED)], chance.choice(list(FlashKind)))
    calls = [
        (world.executor.address, encode_execute(inner)),
        (world.executor.address, encode_sweep(chance.choice((usdc, weth)), 10**6)),
        *((world.executor.address, data) for data in callbacks(world).values()),
        (world.pools["sushi WETH/USDC"].address, call("sync()")),
        (world.pools["sushi WETH/USDC"].address, call("skim(address)", world.hostile["pool"])),
        (world.pools["uni WETH/USDC"].address, call("sync()")),
        (weth, call("transfer(address,uint256)", world.executor.address, 10**15)),
        (usdc, call("approve(address,uint256)", world.executor.address, MOST)),
    ]
    target, payload = chance.choice(calls)
    yield Move(world.hostile["pool"], call("interpose(address,bytes)", target, payload), hot=False)
    route = ("USDC", "hostile pool", "WETH", chance.choice(("sushi WETH/USDC", "v3 WETH/USDC 3000")), "USDC")
    yield _execute(world, trade(world, route, chance.choice(list(FlashKind))))
    yield Move(world.hostile["pool"], call("interpose(address,bytes)", ZERO_ADDRESS, b""), hot=False)


def _sandwich(world: World, chance: Random) -> Iterator[Move]:
    """Move a pair's price with tokens of his own, run a route through it at the least floor, and move it back."""
    name = chance.choice(("uni WETH/USDC", "sushi WETH/USDC"))
    pair = world.pools[name].address
    given, got = chance.choice(
        ((world.tokens["USDC"], world.tokens["WETH"]), (world.tokens["WETH"], world.tokens["USDC"]))
    )
    reserves = world.rpc.eth_call(pair, call("getReserves()"))
    low, high = int.from_bytes(reserves[:32]), int.from_bytes(reserves[32:64])
    held_in, held_out = (low, high) if given < got else (high, low)
    amount_in = held_in * chance.randint(1, 40) // 100
    out = amount_in * 997 * held_out // (held_in * 1000 + amount_in * 997)
    yield from _swapped(world.stranger, pair, given, got, amount_in, out)
    (random_one,) = random_trades(world, chance, 1)
    known = trade(world, ROUTES[chance.choice(SANDWICHED)], chance.choice(list(FlashKind)))
    wanted = chance.choice((known, known, random_one))
    yield _execute(world, replace(wanted, amount=max(1, int(wanted.amount * 10 ** chance.uniform(-3, 1)))))
    yield from _swapped(world.stranger, pair, got, given, out, amount_in * 98 // 100)


def _swapped(
    mine: Address, pair: Address, given: Address, got: Address, amount_in: int, amount_out: int
) -> Iterator[Move]:
    """Swap in a V2 pair by hand, from an account of his own."""
    outs = (0, amount_out) if given < got else (amount_out, 0)
    yield Move(given, call("transfer(address,uint256)", pair, amount_in), hot=False)
    yield Move(pair, call("swap(uint256,uint256,address,bytes)", *outs, mine, b""), hot=False)


def _mood(world: World, chance: Random) -> Iterator[Move]:
    """Tell the hostile contracts how to behave for once."""
    for name, signature, how in (*HONEST, *chance.sample(HOSTILE, chance.randint(0, 2))):
        yield Move(world.hostile[name], call(signature, *how), hot=False)


def _execute(world: World, wanted: ExecuteCall) -> Move:
    return Move(world.executor.address, raw_execute(wanted))


def _places(world: World) -> list[Address]:
    """List every address that could be passed off as a pool, a token or a lender."""
    at = world.executor
    ours = [
        at.address,
        at.treasury,
        at.operator,
        at.vault,
        at.aave,
        at.morpho,
        world.stranger,
        world.lender,
        world.relay,
    ]
    pools = [pool.address for pool in world.pools.values()]
    return [*ours, *pools, *world.tokens.values(), *world.hostile.values(), ZERO_ADDRESS]


_PAIR_MOODS = ((0, True, False), (1, True, False), (0, False, False), (0, True, True))

_Kind = tuple[int, Callable[[World, Random], Iterator[Move]]]
_KINDS: dict[str, _Kind] = {
    "plan": (8, _plan),
    "large plan": (3, _large_plan),
    "mangled": (8, _mangled),
    "start elsewhere": (2, _start_elsewhere),
    "sweep": (2, _sweep),
    "callback": (2, _callback),
    "drain": (4, _drain),
    "roles": (1, _roles),
    "reentered": (3, _reentered),
    "sandwich": (4, _sandwich),
}
