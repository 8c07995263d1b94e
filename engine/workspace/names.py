"""How a file is named, "root/folder/file", and which names are never served. Nothing in a name is decoded."""

import unicodedata
from fnmatch import fnmatchcase
from typing import Final

from engine.domain.errors import ControlError
from engine.domain.printable import printable

MAX_NAME_BYTES: Final = 1_024
MAX_PART_BYTES: Final = 255
MAX_DEPTH: Final = 16

STATE_SHOWS: Final = frozenset({"market-start.json", "rivals.jsonl"})
"""All of a state folder that is served, wherever it is met."""
WITHHELD: Final = (
    *("journal.sqlite*", "journal.seal", "operator.json", "hot-key*.json", "relay-key", "signer-gas.json"),
    *("mcp.json", "mcp-tokens.json", "ketch.toml", "devnet.json", "crash.log"),
    *("*.sock", "*.lock", "*.sqlite", "*.sqlite-wal", "*.sqlite-shm", "*.sqlite-journal", "*.db", "*.db-wal"),
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.kdbx", "*.gpg", "*.asc", "*.ppk", "*.age", "utc--*"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*"),
    *("*keystore*", "*secret*", "*password*", "*passphrase*", "*credential*", "*mnemonic*", "*private-key*"),
    *("*private_key*", "*wallet*.json", "*token*.json", "*.env"),
)
"""Names that are never served under any root, compared in lower case. A name that begins with a dot is not either."""
PASSED_OVER: Final = frozenset({"node_modules", "__pycache__", "site-packages", "build", "dist"})
"""Folders that a listing does not enter: what others wrote, or what can be made again."""


def spelled(name: str) -> tuple[str, ...]:
    """Take a name apart into its root and its parts; raises `ControlError` for one that could mean another place."""
    fault = _fault(name)
    if fault:
        shown = printable(name[:80], instead="?")
        raise ControlError(
            f"that is not the name of a file: {fault}",
            measured=shown,
            limit="root/folder/file, as workspace_files lists it",
            next_step="take a name from workspace_files",
            code="invalid_params",
        )
    return tuple(name.split("/"))


def withheld(part: str) -> bool:
    """Whether a file or folder of this name is never served: hidden, or named as keys, tokens and journals are."""
    low = part.lower()
    return part.startswith(".") or any(fnmatchcase(low, pattern) for pattern in WITHHELD)


def _fault(name: str) -> str:
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "it is not text"
    if not 0 < size <= MAX_NAME_BYTES:
        return f"it is {size} bytes of at most {MAX_NAME_BYTES}"
    if not name.isprintable() or unicodedata.normalize("NFKC", name) != name:
        return "it holds characters that can hide or stand for others"
    if "\\" in name or ":" in name:
        return 'it holds "\\" or ":"'
    parts = name.split("/")
    if len(parts) < 2 or len(parts) > MAX_DEPTH:
        return f"it has {len(parts)} parts of 2 to {MAX_DEPTH}"
    for part in parts:
        if part in ("", ".", ".."):
            return 'a part of it is empty, "." or ".."'
        if len(part.encode()) > MAX_PART_BYTES or part != part.strip() or part.endswith("."):
            return "a part of it is too long, or begins or ends with a space or ends with a dot"
    return ""
