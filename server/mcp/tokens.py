"""Named bearer tokens of the HTTP door: each is a name and a role of its own. Only their digests are written down."""

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

from engine.domain.errors import ConfigError

FILE = "mcp-tokens.json"
"""In the state folder, for its owner alone: `{"audience", "tokens": {name: {"role", "sha256"}}}`."""
MAX_TOKENS = 64

Role = Literal["observer", "trader"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)

_CALLED = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}")
_TOKEN = re.compile(r"ketch_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Whose token it was, and what it lets its holder be at most."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The tokens that one engine gave. `audience` is in each: another engine's token is none here."""

    audience: str
    digests: Mapping[str, tuple[Role, str]]

    def bearer(self, shown: str) -> Bearer | None:
        """Find whose token was shown; None for an unknown or a revoked one, and for another engine's."""
        given = _TOKEN.fullmatch(shown)
        if given is None or not hmac.compare_digest(given[1], self.audience):
            return None
        digest = _digest(shown)
        for name, (role, known) in self.digests.items():
            if hmac.compare_digest(digest, known):
                return Bearer(name=name, role=role)
        return None


def read(state: Path) -> Tokens:
    """Read a state folder's tokens, none when there are none; raises `ConfigError` for a file that is not ours."""
    try:
        found = json.loads((state / FILE).read_bytes())
        rows = {str(name): (_role(row["role"]), str(row["sha256"])) for name, row in found["tokens"].items()}
        return Tokens(audience=str(found["audience"]), digests=rows)
    except FileNotFoundError:
        return Tokens(audience=secrets.token_hex(8), digests={})
    except (OSError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise ConfigError(f"{state / FILE} cannot be read", next_step="remove it, and add its tokens again") from error


def add(state: Path, name: str, role: Role) -> str:
    """Make a token and return it: it is shown once. Raises `ConfigError` for a name that is taken or is none."""
    tokens = read(state)
    if not _CALLED.fullmatch(name):
        raise ConfigError("that is no name for a token", measured=name[:40], limit=_CALLED.pattern)
    if name in tokens.digests:
        raise ConfigError("there is a token of that name", measured=name, next_step=f"ketch access {name} --revoke")
    if len(tokens.digests) >= MAX_TOKENS:
        raise ConfigError("there are too many tokens", measured=len(tokens.digests), limit=MAX_TOKENS)
    token = f"ketch_{tokens.audience}_{secrets.token_urlsafe(32)}"
    _write(state, Tokens(audience=tokens.audience, digests={**tokens.digests, name: (role, _digest(token))}))
    return token


def revoke(state: Path, name: str) -> None:
    """Forget a token; the door refuses it from its next request on. Raises `ConfigError` for an unknown name."""
    tokens = read(state)
    if name not in tokens.digests:
        raise ConfigError("there is no token of that name", measured=name[:40], limit=", ".join(tokens.digests))
    _write(state, Tokens(audience=tokens.audience, digests={n: v for n, v in tokens.digests.items() if n != name}))


def _role(said: object) -> Role:
    if said not in ROLES:
        raise ValueError(f"a token's role is one of {ROLES}")
    return cast("Role", said)


def _digest(token: str) -> str:
    """Digest a token. It is 256 random bits: nothing slower than a plain hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def _write(state: Path, tokens: Tokens) -> None:
    rows: dict[str, Any] = {name: {"role": role, "sha256": digest} for name, (role, digest) in tokens.digests.items()}
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = (state / FILE).with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        json.dump({"audience": tokens.audience, "tokens": rows}, out)
    new.replace(state / FILE)
