"""The pinned npm packages that set-up installs: where they lie, and the contract artifacts inside them."""

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.domain.errors import DevnetError
from engine.domain.units import Address

SETUP = "run `make setup`"
_BESIDE_THE_SOURCES = Path(__file__).resolve().parents[2] / ".node" / "node_modules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A compiled contract. `links` maps a library's name to the byte offsets its address takes in `bytecode`."""

    name: str
    constructor: tuple[str, ...]  # ABI types of the constructor's arguments
    bytecode: bytes
    links: Mapping[str, tuple[int, ...]]


def node_modules() -> Path:
    """Find the installed packages: $KETCH_NODE, else `.node/node_modules` here or beside the sources.

    Raises `DevnetError` when there are none.
    """
    named = os.environ.get("KETCH_NODE")
    places = [Path(named)] if named else [Path.cwd() / ".node" / "node_modules", _BESIDE_THE_SOURCES]
    for place in places:
        if place.is_dir():
            return place.resolve()
    raise DevnetError("the protocol packages are not installed", measured=f"no folder {places[-1]}", next_step=SETUP)


def package_version(package: str) -> str:
    """Return the installed version of `package`; raises `DevnetError` when it is missing."""
    return str(_read_json(f"{package}/package.json")["version"])


def load_artifact(path: str) -> Artifact:
    """Load the artifact at `path` below node_modules, in Hardhat's, Truffle's, Foundry's or solc's shape."""
    raw = _read_json(path)
    code: Any = raw.get("bytecode") or raw.get("evm", {}).get("bytecode", "")
    links: Any = raw.get("linkReferences", {})
    if isinstance(code, dict):
        links, code = code.get("linkReferences", {}), code["object"]
    return artifact_of(Path(path).stem, raw["abi"], str(code), links)


def artifact_of(name: str, abi: list[dict[str, Any]], code: str, links: Mapping[str, Any]) -> Artifact:
    """Make an artifact of a compiler's output. Unlinked places, which are not hexadecimal, become zeros."""
    constructor = next((entry for entry in abi if entry["type"] == "constructor"), {"inputs": []})
    offsets = {
        library: tuple(ref["start"] for ref in refs) for file in links.values() for library, refs in file.items()
    }
    digits = list(code.removeprefix("0x"))
    for starts in offsets.values():
        for start in starts:
            digits[2 * start : 2 * start + 40] = "0" * 40
    return Artifact(
        name=name,
        constructor=tuple(_abi_type(entry) for entry in constructor["inputs"]),
        bytecode=bytes.fromhex("".join(digits)),
        links=offsets,
    )


def linked(artifact: Artifact, libraries: Mapping[str, Address]) -> bytes:
    """Return the creation code with the libraries' addresses filled in; raises `DevnetError` when one is not given."""
    code = bytearray(artifact.bytecode)
    for library, starts in artifact.links.items():
        if library not in libraries:
            raise DevnetError(f"{artifact.name} needs the library {library}, which is not deployed")
        for start in starts:
            code[start : start + 20] = bytes.fromhex(libraries[library][2:])
    return bytes(code)


def multicall3_creation_code() -> bytes:
    """Read Multicall3's creation code out of viem's constants; raises `DevnetError` when it is not there."""
    path = node_modules() / "viem" / "_cjs" / "constants" / "contracts.js"
    found = re.search(r"multicall3Bytecode = '0x([0-9a-f]+)'", _read_text(path))
    if found is None:
        raise DevnetError("viem's constants hold no Multicall3", next_step=SETUP)
    return bytes.fromhex(found[1])


def node_executable() -> str:
    """Find Node.js: the one beside this Python (set-up puts it there), else the one on PATH."""
    beside = Path(sys.executable).parent / "node"
    found = str(beside) if beside.exists() else shutil.which("node")
    if found is None:
        raise DevnetError("Node.js is not installed", next_step=SETUP)
    return found


def _abi_type(entry: Mapping[str, Any]) -> str:
    """Spell an ABI entry's type for the encoder: a tuple becomes its members in brackets."""
    kind = str(entry["type"])
    if not kind.startswith("tuple"):
        return kind
    return "(" + ",".join(_abi_type(member) for member in entry["components"]) + ")" + kind.removeprefix("tuple")


def _read_json(path: str) -> dict[str, Any]:
    whole = node_modules() / path
    try:
        return json.loads(_read_text(whole))
    except json.JSONDecodeError as broken:
        raise DevnetError(f"{path} in the protocol packages is damaged", next_step=SETUP) from broken


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as missing:
        raise DevnetError("a protocol package is missing", measured=f"no file {path}", next_step=SETUP) from missing
