"""Contracts that come as source: compiled once with the compiler version that the protocol itself used, then cached."""

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.devnet.cache import cache_folder, write_atomically
from engine.devnet.packages import SETUP, Artifact, artifact_of, node_executable, node_modules, package_version
from engine.domain.errors import DevnetError

SOLC_DEADLINE_S = 300
_SOLC_JS = Path(__file__).with_name("solc.js")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One package of source: `root` holds the folder `sources`; `contracts` maps names to their files below root."""

    package: str
    root: str
    sources: str
    contracts: Mapping[str, str]
    solc: str  # the compiler's package
    optimizer_runs: int


SUSHI_V2 = Source(
    package="@sushiswap/core",
    root="@sushiswap/core",
    sources="contracts/uniswapv2",
    contracts={
        "UniswapV2Factory": "contracts/uniswapv2/UniswapV2Factory.sol",
        "UniswapV2Router02": "contracts/uniswapv2/UniswapV2Router02.sol",
        "UniswapV2Pair": "contracts/uniswapv2/UniswapV2Pair.sol",
    },
    solc="solc0612",
    optimizer_runs=200,
)
MORPHO_BLUE = Source(
    package="@morpho-org/morpho-blue",
    root="@morpho-org/morpho-blue",
    sources="src",
    contracts={"Morpho": "src/Morpho.sol"},
    solc="solc0819",
    optimizer_runs=999999,  # the published bytecode went through the IR too, which takes five times as long
)


def compiled(source: Source) -> dict[str, Artifact]:
    """Return the contracts of `source` by name, compiling them when the cache has none.

    Raises `DevnetError` when the compiler fails or a package is missing.
    """
    kept = cache_folder() / f"{source.solc}-{source.package.split('/')[-1]}-{_key(source)}.json"
    try:
        output = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        output = _compile(source)
        write_atomically(kept, json.dumps(output).encode())
    return {
        name: artifact_of(name, output[name]["abi"], output[name]["evm"]["bytecode"]["object"], {})
        for name in source.contracts
    }


def _compile(source: Source) -> dict[str, Any]:
    root = node_modules() / source.root
    files = sorted((root / source.sources).rglob("*.sol"))
    settings = {
        "optimizer": {"enabled": True, "runs": source.optimizer_runs},
        "outputSelection": {file: {name: ["abi", "evm.bytecode.object"]} for name, file in source.contracts.items()},
    }
    asked = {
        "language": "Solidity",
        "sources": {str(file.relative_to(root)): {"content": file.read_text(encoding="utf-8")} for file in files},
        "settings": settings,
    }
    done = subprocess.run(
        [node_executable(), str(_SOLC_JS), str(node_modules() / source.solc)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        timeout=SOLC_DEADLINE_S,
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise DevnetError(f"{source.solc} failed", measured=said[-1] if said else done.returncode, next_step=SETUP)
    answer = json.loads(done.stdout)
    wrong = [error["formattedMessage"] for error in answer.get("errors", []) if error["severity"] == "error"]
    if wrong:
        raise DevnetError(f"{source.package} does not compile", measured=wrong[0].splitlines()[0], next_step=SETUP)
    return {name: answer["contracts"][file][name] for name, file in source.contracts.items()}


def _key(source: Source) -> str:
    parts = (repr(source), package_version(source.package), package_version(source.solc))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
