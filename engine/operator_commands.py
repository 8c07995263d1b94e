"""Commands as the loop takes them: halt by anyone, loosen by the operator's signature, trade by ticket, sweep, stop."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.agent_trades import AgentTrades
from engine.chains.abi import Function, hex_data
from engine.chains.endpoints import Endpoint
from engine.desk import Desk, MarketView
from engine.domain.commands import (
    ApplyPolicy,
    ApplySettings,
    Approve,
    Command,
    Deny,
    ExecuteTrade,
    Halt,
    Propose,
    ProposeSettings,
    RecheckToken,
    ReloadPolicy,
    Resume,
    RollBackSettings,
    Stop,
    Sweep,
    TradingState,
)
from engine.domain.decision import Fees
from engine.domain.errors import ControlError
from engine.domain.pools import AnyPool
from engine.domain.token_verdicts import token_row
from engine.domain.units import Address, BlockRef, PoolId
from engine.execution.wallet import SWEEP_GAS
from engine.journal.journal import Journal
from engine.journal.records import record_command
from engine.market.tokens import TokenBook
from engine.replacing import Replacements
from engine.risk.halt import hold_halt, take_halt, trading_state
from engine.risk.in_force import PolicyInForce
from engine.risk.operator import take_resume

_BALANCE_OF = Function("balanceOf(address)", ("uint256",))


class OperatorCommands:
    """Takes commands one at a time, from the loop. Each is in the journal before it is answered."""

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        journal: Journal,
        state_folder: Path,
        policy: PolicyInForce,
        executor: Address,
        agents: AgentTrades,
        replacements: Replacements,
        operator: Address,
        tokens: TokenBook,
    ) -> None:
        self._endpoint = endpoint
        self._journal = journal
        self._state_folder = state_folder
        self._in_force = policy
        self._executor = executor
        self._agents = agents
        self._replacements = replacements
        self._operator = operator
        self._tokens = tokens

    @property
    def state(self) -> TradingState:
        """The trading state at this moment: the halt file counts as soon as it stands."""
        return trading_state(self._journal, self._state_folder)

    def hold_halt(self, head: BlockRef) -> None:
        """Make a halt stand that came as a file, also when the file is taken away."""
        hold_halt(self._journal, self._state_folder, head)

    async def take(
        self, command: Command, desk: Desk, head: BlockRef, view: Callable[[], MarketView]
    ) -> dict[str, Any]:
        """Do what is asked and say what became of it; raises `ControlError` and changes nothing when it may not."""
        match command:
            case ExecuteTrade():
                return await self._agents.execute(command, view(), self.state)
            case Approve():
                return await self._agents.approve(command, view(), self.state)
            case Deny():
                return self._agents.deny(command, view())
            case Propose() | ProposeSettings():
                entry = record_command(self._journal, command)
                return {"proposal": f"proposal-{entry.seq}", "applied": False}
            case ApplySettings() | RollBackSettings():
                return {"change": f"change-{record_command(self._journal, command).seq}"}
            case Halt():
                after = take_halt(command, journal=self._journal, state=self._state_folder, block=head)
                if not command.cancel_open:
                    return {"state": after}
                return {"state": after} | await self._replacements.cancel_open(desk, head, view().base_fee_wei)
            case Resume():
                take_resume(
                    command,
                    journal=self._journal,
                    state=self._state_folder,
                    policy_hash=self._in_force.policy.digest(),
                    now_s=head.timestamp_s,
                    block=head,
                )
                self._replacements.cancel_wanted = False
                return {"state": self.state}
            case ReloadPolicy():
                return self._in_force.reload(command, head)
            case ApplyPolicy():
                return self._in_force.apply(command, head)
            case RecheckToken():
                return await self._recheck(command, head, view().pools)
            case Sweep():
                return await self._sweep(command, desk, head)
            case Stop():
                record_command(self._journal, command)
                return {"state": self.state, "reason": command.reason}

    async def _recheck(self, command: RecheckToken, head: BlockRef, pools: Mapping[PoolId, AnyPool]) -> dict[str, Any]:
        if not any(command.token in pool.tokens for pool in pools.values()):
            raise ControlError(
                "no pool of the market holds this token",
                measured=command.token,
                next_step="take its address from ketch tokens",
                code="not_found",
            )
        record_command(self._journal, command)
        await self._tokens.check([command.token], pools, head)
        return token_row(self._tokens.verdicts[command.token])

    async def _sweep(self, command: Sweep, desk: Desk, head: BlockRef) -> dict[str, Any]:
        if any(trade.sweeps == command.token for trade in desk.open.values()):
            raise ControlError(
                "a sweep of this token is on its way", measured=command.token, next_step="see ketch trades for its end"
            )
        call = {"to": command.token, "data": hex_data(_BALANCE_OF.encode(self._executor))}
        raw, block, float_wei = await self._endpoint.batch(
            [
                ("eth_call", (call, {"blockHash": head.hash})),
                ("eth_getBlockByHash", (head.hash, False)),
                ("eth_getBalance", (self._operator, {"blockHash": head.hash})),
            ]
        )
        amount = int(raw, 16) if len(raw) > 2 else 0
        if amount == 0:
            raise ControlError(
                "there is nothing to sweep", measured=f"0 of {command.token}", next_step="see ketch status for balances"
            )
        base_fee_wei = int(block.get("baseFeePerGas", "0x0"), 16)
        fees = Fees(max_fee_wei=2 * base_fee_wei + 1, priority_fee_wei=1)
        if int(float_wei, 16) < SWEEP_GAS * fees.max_fee_wei:
            raise ControlError(
                "the hot key cannot pay for the sweep's gas",
                measured=f"{int(float_wei, 16)} wei",
                limit=f"{SWEEP_GAS * fees.max_fee_wei} wei",
                next_step=f"send native coin to {self._operator}",
            )
        submission = await desk.sweep(command, amount, fees, head)
        return {"token": command.token, "amount": str(amount), "tx_hash": submission.tx_hash}
