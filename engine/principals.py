"""Who asks: an id that the server gives and no client chooses, and the role that says what it may ask.

observer   reads
trader     reads, and asks for trades through tickets
operator   whoever runs the command line: halts, approves and resumes (with the secret), but trades through no ticket
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Literal

from engine.domain.errors import ControlError

Role = Literal["observer", "trader", "operator"]
EVERYONE: frozenset[Role] = frozenset({"observer", "trader", "operator"})

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_ID = re.compile(r"[A-Za-z0-9:._@ -]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """One caller. Raises `ValueError` for an id that could say more than a name when it is shown."""

    id: str
    role: Role

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"a principal's id is {_ID.pattern}")


def named(*, may_trade: bool, resume: str | None = None) -> tuple[Principal, str]:
    """Name an agent's connection; the token brings the same name back after a lost connection or a restart.

    The id is a digest of the token: it needs no memory, and nobody can make a token for somebody else's id. Raises
    `ControlError` for a token that was never ours.
    """
    if resume is not None and not _TOKEN.fullmatch(resume):
        raise ControlError(
            "the resume token is not one that an engine gave",
            next_step="attach without it: a new name is given",
            code="invalid_params",
        )
    token = resume or secrets.token_urlsafe(32)
    digest = hashlib.sha256(token.encode()).hexdigest()[:16]
    return Principal(id=f"mcp-{digest}", role="trader" if may_trade else "observer"), token
