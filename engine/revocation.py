"""The treasury's word on who may trade: a stranger's key halts, the next key of our own is gone over to."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.chains.abi import address_of, hex_data
from engine.chains.endpoints import Endpoint
from engine.chains.executor_calls import OPERATOR, OPERATOR_SET_TOPIC
from engine.domain.commands import Halt
from engine.domain.pools import Log
from engine.domain.units import ZERO_ADDRESS, Address, BlockHash, BlockRef
from engine.journal.journal import Journal
from engine.journal.operators import operator_now, record_operator
from engine.risk.halt import take_halt, trading_state

SETTLED_BLOCKS = 64
"""How long the old key's last transaction and the treasury's call lie before the new key signs: two of Ethereum's
epochs, so that no reorg brings back what the new key could not tend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """The key of our own that the treasury set, and by which transaction."""

    address: Address
    set_block: int
    tx_hash: str


class OperatorWatch:
    """Halts by itself when the executor was told to obey a key that is not ours, and again after each resume.

    A key that was made to follow ours is not a stranger's: `following` names it, nothing new is signed, and once all
    that is open has ended and is out of a reorg's reach the journal says that it signs: `handed_over`.
    """

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        journal: Journal,
        state_folder: Path,
        executor: Address,
        operator: Address,
        holds_next: Callable[[Address], bool],
        publish: Callable[[dict[str, Any]], None],
    ) -> None:
        self._endpoint = endpoint
        self._journal = journal
        self._state_folder = state_folder
        self._executor = executor
        self._operator = operator
        self._holds_next = holds_next
        self._publish = publish
        self._obeyed = operator
        self._quiet_since = 0
        self._set_in: BlockHash | None = None
        self.following: Following | None = None
        self.handed_over = False

    async def ask(self, head: BlockRef) -> None:
        """Read whom the executor obeys at a start's `head`; raises `ChainError` when the node does not say."""
        self._quiet_since = head.number
        call = {"to": self._executor, "data": hex_data(OPERATOR.encode())}
        answer = await self._endpoint.call("eth_call", call, {"blockHash": head.hash})
        self._obeyed = address_of(bytes.fromhex(answer.removeprefix("0x")))
        if self._obeyed != self._operator and self._holds_next(self._obeyed):
            await self._find_call(head)
        self._halt_unless_ours(head)

    def observe(self, logs: Sequence[Log], block: BlockRef) -> None:
        """Take note of the treasury's changes in a block's logs, before anything is decided on it."""
        for log in logs:
            if log.address == self._executor and log.topics[0] == OPERATOR_SET_TOPIC:
                self._obeyed = address_of(log.topics[1])
                self._follow(log.block_number, log.tx_hash, block.hash)
        self._halt_unless_ours(block)

    def rolled_back(self, dropped: Collection[BlockHash]) -> None:
        """Stay with our key when the treasury's call left the chain; it comes again in the blocks that follow."""
        if self._set_in in dropped:
            self.following, self._set_in, self._obeyed = None, None, self._operator

    def settle(self, block: BlockRef, *, still_open: bool) -> None:
        """Go over to the key that follows, once nothing of ours is open or within a reorg's reach."""
        if still_open:
            self._quiet_since = block.number
        if self.following is None or still_open:
            return
        since = max(self._quiet_since, self.following.set_block)
        if block.number - since < SETTLED_BLOCKS:
            return
        record_operator(
            self._journal,
            old=self._operator,
            new=self.following.address,
            set_block=self.following.set_block,
            tx_hash=self.following.tx_hash,
            block=block,
        )
        self.handed_over = True
        self._publish({"event": "operator", "old": self._operator, "new": self.following.address, "state": "signs"})

    def _follow(self, set_block: int, tx_hash: str, block_hash: BlockHash | None) -> None:
        self.following, self._set_in = None, None
        if self._obeyed == self._operator or not self._holds_next(self._obeyed):
            return
        self.following = Following(address=self._obeyed, set_block=set_block, tx_hash=tx_hash)
        self._set_in = block_hash
        self._publish({"event": "operator", "old": self._operator, "new": self._obeyed, "state": "follows"})

    async def _find_call(self, head: BlockRef) -> None:
        """Find the treasury's call that a start missed."""
        query = {
            "address": self._executor,
            "topics": [hex_data(OPERATOR_SET_TOPIC), "0x" + self._obeyed[2:].rjust(64, "0")],
            "fromBlock": hex(operator_now(self._journal).from_block),
            "toBlock": hex(head.number),
        }
        logs = await self._endpoint.call("eth_getLogs", query)
        for last in logs[-1:]:
            self._follow(int(last["blockNumber"], 16), last["transactionHash"], last["blockHash"])

    def _halt_unless_ours(self, block: BlockRef) -> None:
        ours = self._obeyed == self._operator or self.following is not None
        if ours or trading_state(self._journal, self._state_folder) == "HALTED":
            return
        now = "nobody" if self._obeyed == ZERO_ADDRESS else self._obeyed
        reason = (
            f"the treasury took the executor from this engine's key {self._operator}: it obeys {now}; "
            "to go on the treasury calls set_operator with this key, then ketch resume"
        )
        halt = Halt(principal="engine", reason=reason)
        state = take_halt(halt, journal=self._journal, state=self._state_folder, block=block)
        self._publish({"event": "command", "command": "halt", "state": state, "reason": reason})
