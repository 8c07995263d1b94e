"""The local chain as a program: node, traders, the mining loop, and an end that leaves nothing behind."""

import fcntl
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.devnet import accounts
from engine.devnet.actors import Turn
from engine.devnet.deployment import Deployment
from engine.devnet.manifest import FILE, manifest_of, rivals_log, write_manifest
from engine.devnet.mining import Head, head, mine
from engine.devnet.node import Anvil
from engine.devnet.ordering import Ordering
from engine.devnet.profiles import ChainProfile, profile_of
from engine.devnet.progress import progress
from engine.devnet.relay import Relay, running_relay
from engine.devnet.rival_policies import policies
from engine.devnet.rpc import NodeGone, Rpc
from engine.devnet.saved import running_chain, saved_chain
from engine.devnet.traders import Traders
from engine.devnet.wakes import Wakes, wakes
from engine.domain.errors import DevnetError
from engine.domain.units import Address

if TYPE_CHECKING:
    from engine.devnet.rival import Rival

LOOK_AFTER_S = 0.5
"""How often a loop with nothing to do looks whether the node still runs."""
MAX_SOCKET_PATH_BYTES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DevnetOptions:
    """What to run. `chain` is an id or a name; `block_time_ms` None takes the chain's own pace for demos.

    `lockstep`: the next block is mined once an engine has said that it is done with the last. `with_parent`: end when
    standard input does. `relay`: run a private relay beside it. `ordering`: what decides within a
    block. `rival_latency_ms`: of every rival; None leaves each its own. `keen_rivals` look at
    every block and borrow what they lack.
    """

    state: Path
    chain: int | str = 42161
    rivals: int = 0
    seed: int = 7
    lockstep: bool = False
    block_time_ms: int | None = None
    with_parent: bool = False
    relay: bool = False
    ordering: Ordering = "priority_fee"
    rival_latency_ms: int | None = None
    keen_rivals: bool = False


@dataclass(slots=True)
class Mining:
    """The mining of one chain. `head` is the newest block; `turns` are in the order in which everybody acts."""

    rpc: Rpc
    profile: ChainProfile
    turns: Sequence[Turn]
    head: Head
    relay: Relay | None = None
    ordering: Ordering = "priority_fee"

    def act(self) -> None:
        """Let everybody answer to the newest block, one right after the other."""
        for turn in self.turns:
            turn.actor.act(self.head)

    def mine(self, timestamp_s: int) -> None:
        """Mine the next block, not before `timestamp_s` and never before its parent."""
        stamp = max(timestamp_s, self.head.timestamp_s)
        first = self.relay.chosen(self.rpc, stamp) if self.relay else []
        self.head = mine(
            self.rpc,
            base_fee_wei=self.profile.base_fee_wei,
            timestamp_s=stamp,
            first=first,
            ordering=self.ordering,
        )


def run_devnet(options: DevnetOptions) -> None:
    """Run a chain in the state folder until SIGINT, SIGTERM or the parent's end.

    Raises `DevnetError` when the chain cannot start, when another one owns the folder, or when the node dies.
    """
    if options.relay and options.ordering == "first_come":
        raise DevnetError("a private relay's builder orders by priority fee", next_step="leave one of the two out")
    profile = profile_of(options.chain)
    block_time_ms = options.block_time_ms or profile.block_time_ms
    with (
        _owned(options.state),
        _control(options) as control,
        wakes(control, with_parent=options.with_parent) as woken,
        progress() as shown,
    ):
        shown.say(f"starting a local {profile.name} chain ({profile.chain})")
        saved = saved_chain(profile)
        relays = running_relay() if options.relay else nullcontext()
        with running_chain(profile, saved) as node, Rpc(node.rpc_url) as rpc, relays as relay:
            traders = _traders(rpc, saved.deployment, profile, options.seed, block_time_ms)
            rivals = _rivals(rpc, node, saved.deployment, profile, options, block_time_ms)
            # who trades for the price's sake is nobody's first: his trade comes anywhere in a block, so in its middle
            midway_ms = block_time_ms // 2 if options.ordering == "first_come" else 0
            acting = [Turn(midway_ms, traders), *(Turn(delay_ms, rival) for delay_ms, rival in rivals)]
            mining = Mining(
                rpc=rpc,
                profile=profile,
                turns=sorted(acting, key=lambda turn: turn.delay_ms),
                head=head(rpc),
                relay=relay,
                ordering=options.ordering,
            )
            manifest = manifest_of(
                saved.deployment,
                node,
                state=options.state,
                seed=options.seed,
                rivals=options.rivals,
                block_time_ms=block_time_ms,
                control=control,
                relay=relay.url if relay else None,
                ordering=options.ordering,
            )
            path = write_manifest(options.state, manifest)
            shown.say(f"{len(saved.deployment.pools)} pools, {node.rpc_url}, {path}")
            loop = _lockstep if options.lockstep else _real_time
            try:
                loop(mining, node, woken, block_time_ms, lambda: shown.block(mining.head, traders.sent))
                for _, rival in rivals:
                    rival.settle()
            except NodeGone as gone:
                raise DevnetError("the local node stopped", measured=_how_it_ended(node)) from gone
            finally:
                path.unlink(missing_ok=True)
        shown.say("the chain is down")


def _real_time(mining: Mining, node: Anvil, woken: Wakes, block_time_ms: int, mined: Callable[[], None]) -> None:
    """Mine a block every `block_time_ms`; who is late gets no block of his own."""
    pace_s = block_time_ms / 1000
    began = time.monotonic()
    due = began + pace_s
    waiting = deque(mining.turns)
    while True:
        next_at = min(due, began + waiting[0].delay_ms / 1000) if waiting else due
        events = woken.wait(min(next_at - time.monotonic(), LOOK_AFTER_S))
        if "stopped" in events or "parent gone" in events:
            return
        _check(node)
        while waiting and time.monotonic() >= began + waiting[0].delay_ms / 1000:
            waiting.popleft().actor.act(mining.head)
        if time.monotonic() >= due:
            mining.mine(int(time.time()))
            mined()
            began = time.monotonic()
            due = max(due + pace_s, began)
            waiting = deque(mining.turns)


def _lockstep(mining: Mining, node: Anvil, woken: Wakes, block_time_ms: int, mined: Callable[[], None]) -> None:
    """Mine a block when an engine is done with the last; timestamps follow from the block number alone."""
    first = mining.head
    while True:
        for event in woken.wait(LOOK_AFTER_S):
            if event in ("stopped", "parent gone"):
                return
            assert not isinstance(event, str)
            fits = event.number == mining.head.number
            if fits:
                mining.act()
                blocks = mining.head.number + 1 - first.number
                mining.mine(first.timestamp_s + blocks * block_time_ms // 1000)
                mined()
            event.answer(ok=fits, head=mining.head.number)
        _check(node)


def _traders(rpc: Rpc, deployment: Deployment, profile: ChainProfile, seed: int, block_time_ms: int) -> Traders:
    holders: list[Address] = [Address(address) for address in rpc.call("eth_accounts")]
    return Traders(
        rpc,
        deployment,
        [holders[index] for index in accounts.TRADERS],
        seed=seed,
        block_time_ms=block_time_ms,
        base_fee_wei=profile.base_fee_wei,
    )


def _rivals(
    rpc: Rpc, node: Anvil, deployment: Deployment, profile: ChainProfile, options: DevnetOptions, block_time_ms: int
) -> "list[tuple[int, Rival]]":
    if options.rivals == 0:
        return []
    from engine.devnet.rivals import start_rivals  # numba with it: a second that a chain without rivals saves

    return start_rivals(
        rpc,
        node,
        deployment,
        profile,
        chosen=policies(options.rivals, options.rival_latency_ms, keen=options.keen_rivals),
        seed=options.seed,
        block_time_ms=block_time_ms,
        log=rivals_log(options.state),
    )


def _check(node: Anvil) -> None:
    if not node.alive():
        raise DevnetError("the local node stopped", measured=_how_it_ended(node))


def _how_it_ended(node: Anvil) -> str:
    code = node.process.poll()
    return "it runs, but does not answer" if code is None else f"exit {code}"


@contextmanager
def _owned(state: Path) -> Generator[None]:
    """Own the state folder's chain, as one process at a time can; the lock goes with the process."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        lock = (state / "devnet.lock").open("w")
    except OSError as error:
        raise DevnetError("the state folder cannot be used", measured=f"{state}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            next_step = "end it, or name another folder with --state"
            raise DevnetError(f"another local chain runs in {state}", next_step=next_step) from taken
        (state / FILE).unlink(missing_ok=True)
        yield


@contextmanager
def _control(options: DevnetOptions) -> Generator[Path | None]:
    """Yield where the lockstep socket goes: into the state folder, or a private one when that path is too long."""
    if not options.lockstep:
        yield None
        return
    path = options.state.absolute() / "devnet.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="ketch-") as folder:
        yield Path(folder) / "devnet.sock"
