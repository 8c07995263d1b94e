"""What a tool is: a function of the facade's `ask`, how it behaves, and an example of a right call."""

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from mcp.types import ToolAnnotations
from pydantic import BaseModel, ConfigDict

from engine.domain.printable import printable

Ask = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""(method, params) -> answer of the engine. A `ControlError` that it raises is what the model reads."""

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
PROVES = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
STOPS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)
SUGGESTS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
NOTES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
REMOVES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)
TRADES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True)

MAX_UNTRUSTED_CHARS = 64
LONG_UNTRUSTED = "untrusted_text"
"""The one untrusted field that may be long: what agents and people wrote, and sentences with words of theirs."""
MAX_TEXT_CHARS = 2_000
MAX_EXAMPLE_CHARS = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """One tool. Its name, its description and its example are the function's own."""

    run: Callable[..., Awaitable[BaseModel]]
    title: str
    hints: ToolAnnotations
    writes: bool = False
    """True for what an agent may do only when the operator let agents trade."""
    asks_first: bool = False
    """True for what may be left waiting for the operator: its client is asked before that."""
    plain: bool = False
    """True where the input schema says what the example would: the description is short without it."""

    @property
    def name(self) -> str:
        """Return the name that clients call it by."""
        return self.run.__name__

    @property
    def description(self) -> str:
        """Return when to use it, with its example unless that is long: the input schema says what it would."""
        text, example = (inspect.getdoc(self.run) or "").rsplit("\n", 1)
        return " ".join((text if self.plain or len(example) > MAX_EXAMPLE_CHARS else f"{text} {example}").split())

    @property
    def example(self) -> dict[str, Any]:
        """Return the arguments of a right call: the last line of the docstring."""
        last = (inspect.getdoc(self.run) or "").splitlines()[-1]
        return json.loads(last.removeprefix("Example: "))


class Shown(BaseModel):
    """An answer as clients see it. What strangers may have written is in fields named `untrusted…`."""

    model_config = ConfigDict(extra="allow", frozen=True)

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Take an answer of the engine, its strings made harmless."""
        return cls.model_validate(clean(answer))


def clean(value: Any, limit: int = MAX_TEXT_CHARS) -> Any:
    """Take control, bidirectional and unassigned characters out of every string of a tree, and cut long ones.

    What the engine keeps under `untrusted` becomes fields named `untrusted_…`.
    """
    match value:
        case str():
            return _short(value, limit)
        case dict():
            told = {f"untrusted_{name}": text for name, text in (value.get("untrusted") or {}).items()}
            tree = {str(name): item for name, item in value.items() if name != "untrusted"} | told
            return {_short(name, limit): clean(item, _limit(name, limit)) for name, item in tree.items()}
        case list() | tuple():
            return [clean(item, limit) for item in value]
        case _:
            return value


def _limit(name: str, limit: int) -> int:
    return MAX_UNTRUSTED_CHARS if name.startswith("untrusted") and name != LONG_UNTRUSTED else limit


def _short(text: str, limit: int) -> str:
    """Keep what is printable, in one line of at most `limit` characters."""
    kept = printable(text[: limit * 2])
    return kept if len(kept) <= limit and len(text) <= limit * 2 else kept[: limit - 1] + "…"
