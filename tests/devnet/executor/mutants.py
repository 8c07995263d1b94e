"""The executor's source with one guard taken out: each such mutant must fail a test."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.execution.artifact import CONTRACTS

CLEARING = "self.expected = 0"
CALLED_GUARDS = ("route._take(", "route._nobody_expected(", "self._nobody_expected(")
GUARDED = {
    "_take(": '"caller"',
    "_nobody_expected(": '"no callback"',
    CLEARING: '"caller"',
    "@nonreentrant": "re_enters",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One file with one line made idle."""

    file: str
    line: int
    guard: str

    @property
    def name(self) -> str:
        return f"{self.file}:{self.line} {self.guard}"

    @property
    def reason(self) -> str:
        """Return the quoted reason that the guard gives, or what else names it in a test."""
        if '"' in self.guard:
            return self.guard[self.guard.index('"') :]
        return next((word for call, word in GUARDED.items() if call in self.guard), "")

    def write(self, folder: Path) -> Path:
        """Write the mutated sources into `folder`."""
        for source in CONTRACTS.glob("*.vy"):
            lines = source.read_text(encoding="utf-8").splitlines()
            if source.name == self.file:
                was = lines[self.line - 1]
                indent = was[: len(was) - len(was.lstrip())]
                lines[self.line - 1] = "" if was.startswith("@") else f"{indent}pass"
            (folder / source.name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return folder


def mutants() -> Iterator[Mutant]:
    """List every assert, every call of a guard, the clearing of the expected caller, and every lock."""
    for source in sorted(CONTRACTS.glob("*.vy")):
        for number, text in enumerate(source.read_text(encoding="utf-8").splitlines(), start=1):
            guard = text.strip()
            if guard.startswith(("assert ", "@nonreentrant", CLEARING, *CALLED_GUARDS)):
                yield Mutant(file=source.name, line=number, guard=guard)
