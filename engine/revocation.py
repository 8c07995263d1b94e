"""The treasury's word on who may trade: while the executor obeys another key than ours, nothing is signed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.chains.abi import address_of, hex_data
from engine.chains.endpoints import Endpoint
from engine.chains.executor_calls import OPERATOR, OPERATOR_SET_TOPIC
from engine.domain.commands import Halt
from engine.domain.pools import Log
from engine.domain.units import ZERO_ADDRESS, Address, BlockRef
from engine.journal.journal import Journal
from engine.risk.halt import take_halt, trading_state


class OperatorWatch:
    """Halts by itself when the executor was told to obey another key, and again after each resume until it is ours."""

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        journal: Journal,
        state_folder: Path,
        executor: Address,
        operator: Address,
        publish: Callable[[dict[str, Any]], None],
    ) -> None:
        self._endpoint = endpoint
        self._journal = journal
        self._state_folder = state_folder
        self._executor = executor
        self._operator = operator
        self._publish = publish
        self._obeyed = operator

    async def ask(self, head: BlockRef) -> None:
        """Read whom the executor obeys at `head`; raises `ChainError` when the node does not say."""
        call = {"to": self._executor, "data": hex_data(OPERATOR.encode())}
        answer = await self._endpoint.call("eth_call", call, {"blockHash": head.hash})
        self._obeyed = address_of(bytes.fromhex(answer.removeprefix("0x")))
        self._halt_unless_ours(head)

    def observe(self, logs: Sequence[Log], block: BlockRef) -> None:
        """Take note of the treasury's changes in a block's logs, before anything is decided on it."""
        for log in logs:
            if log.address == self._executor and log.topics[0] == OPERATOR_SET_TOPIC:
                self._obeyed = address_of(log.topics[1])
        self._halt_unless_ours(block)

    def _halt_unless_ours(self, block: BlockRef) -> None:
        if self._obeyed == self._operator or trading_state(self._journal, self._state_folder) == "HALTED":
            return
        now = "nobody" if self._obeyed == ZERO_ADDRESS else self._obeyed
        reason = (
            f"the treasury took the executor from this engine's key {self._operator}: it obeys {now}; "
            "to go on the treasury calls set_operator with this key, then ketch resume"
        )
        halt = Halt(principal="engine", reason=reason)
        state = take_halt(halt, journal=self._journal, state=self._state_folder, block=block)
        self._publish({"event": "command", "command": "halt", "state": state, "reason": reason})
