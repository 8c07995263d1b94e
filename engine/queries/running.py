"""What every query is asked of: the running engine, and the names of its tokens."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from engine.archive.asking import ArchiveDoor
from engine.archive.notes import Notes
from engine.compose import Composition
from engine.config import Settings
from engine.domain.commands import Command
from engine.domain.tokens import Token
from engine.domain.units import Address
from engine.market.sync import read_tokens
from engine.workspace.roots import Roots

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A running engine. `command` puts a command into the inbox and waits for its answer."""

    configured: Settings
    state: Path
    composition: Composition
    command: Callable[[Command], Awaitable[Answer]]
    notes: Notes
    archive: ArchiveDoor
    roots: Roots
    tokens: dict[Address, Token] = field(default_factory=dict[Address, Token])
    reading_roots: anyio.Lock = field(default_factory=anyio.Lock)
    """Held while a process reads the roots: one at a time."""

    @property
    def settings(self) -> Settings:
        """The settings with the policy in force in its place, whatever the sources say of it."""
        here = self.composition.policy
        agents = self.configured.agents.model_copy(update=here.agents.model_dump())
        return self.configured.model_copy(update={"risk": here.policy, "agents": agents})

    async def learn(self, addresses: Iterable[Address]) -> None:
        """Read the labels and decimals of tokens not seen before."""
        for token in self.composition.journal.genesis["tokens"] if not self.tokens else ():
            self.tokens[Address(token["address"])] = Token(
                address=Address(token["address"]), symbol=token["symbol"], decimals=int(token["decimals"])
            )
        new = sorted({*addresses} - self.tokens.keys())
        if new:
            head = self.composition.loop.market.head
            self.tokens.update(await read_tokens(self.composition.endpoint, new, head.hash))
