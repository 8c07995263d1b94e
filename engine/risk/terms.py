"""What only the operator's signature loosens: the policy, and whether agents may trade. One frozen tree, one digest."""

import hashlib
from typing import Any

from pydantic import BaseModel, ConfigDict

from engine.journal.canonical import Body, dumps, plain
from engine.risk.policy import Policy


class AgentSwitches(BaseModel):
    """Whether agents may trade. On a live profile both must be on before one of their trades is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trading: bool = False
    live_trading: bool = False


class Terms(BaseModel):
    """The two tables of the settings that the journal holds in versions. Everything in them has a direction."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    risk: Policy = Policy()
    agents: AgentSwitches = AgentSwitches()

    def body(self) -> Body:
        """Return the terms as canonical JSON's tree, as they stand in the journal."""
        return plain(self.model_dump())

    def flat(self) -> dict[str, Any]:
        """Return every value by its setting's dotted name, in order."""
        tables = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {f"{table}.{name}": value for table, terms in tables for name, value in terms}

    @classmethod
    def of(cls, flat: dict[str, Any]) -> "Terms":
        """Put terms together from what `flat` gave."""
        tree: dict[str, dict[str, Any]] = {}
        for dotted, value in flat.items():
            table, name = dotted.split(".")
            tree.setdefault(table, {})[name] = value
        return cls.model_validate(tree)


def terms_hash(body: Body) -> str:
    """Digest terms as they stand in the journal: sha256 of the canonical JSON, 0x hex."""
    return "0x" + hashlib.sha256(dumps(body)).hexdigest()
