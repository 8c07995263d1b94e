"""Contracts of our own: compiled from their source, once per source and compiler."""

import contextlib
import json
import os
import tempfile
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from platformdirs import user_cache_dir


def compiled(folder: Path, name: str) -> dict[str, Any]:
    """Return `abi`, `init_code`, `runtime` and storage `slots` of NAME.vy in `folder`.

    From the cache when all sources of the folder and the compiler are those of last time.
    """
    path = cache_dir() / f"{name}-{_fingerprint(folder)}.json"
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    text = _compile(folder, name)
    with contextlib.suppress(OSError):  # a cache that cannot be written costs the next start a compilation, no more
        _write_atomically(path, text)
    return json.loads(text)


def cache_dir() -> Path:
    """Name the cache folder: $KETCH_CACHE, else the user's."""
    return Path(os.environ.get("KETCH_CACHE") or user_cache_dir("ketch"))


def _compile(folder: Path, name: str) -> str:
    from vyper import compile_code  # takes 0.5 s to import and is not needed when the cache answers
    from vyper.compiler.input_bundle import FilesystemInputBundle

    made = compile_code(
        (folder / f"{name}.vy").read_text(encoding="utf-8"),
        input_bundle=FilesystemInputBundle([folder]),
        output_formats=["abi", "bytecode", "bytecode_runtime", "layout"],
    )
    slots = {of: entry["slot"] for of, entry in made["layout"].get("storage_layout", {}).items()}
    return json.dumps(
        {"abi": made["abi"], "init_code": made["bytecode"], "runtime": made["bytecode_runtime"], "slots": slots}
    )


def _fingerprint(folder: Path) -> str:
    digest = sha256(version("vyper").encode() + b" runtime")
    for source in sorted(folder.glob("*.vy")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:24]


def _write_atomically(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name, delete=False, encoding="utf-8") as file:
        file.write(text)
    Path(file.name).replace(path)
