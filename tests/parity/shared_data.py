"""The shared market data: $KETCH_DATA, else ../shared/data beside the repository. Every record of a file is a case."""

import gzip
import json
import lzma
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".xz": lzma.open}


def folder() -> Path:
    """Return where the data should be; it may not be there."""
    named = os.environ.get("KETCH_DATA")
    return Path(named) if named else REPOSITORY.parent / "shared" / "data"


def why_missing(name: str) -> str | None:
    """Return the reason to skip when this file is not in the folder."""
    path = folder() / name
    return None if path.exists() else f"shared data: {path} is not there (KETCH_DATA names another folder)"


def load(name: str) -> Any:
    """Read a .json or .jsonl file, plain, .gz or .xz; a .jsonl file gives a list of its lines."""
    path = folder() / name
    with OPENERS.get(path.suffix, open)(path, "rt", encoding="utf-8") as file:
        if ".jsonl" in path.suffixes:
            return [json.loads(line) for line in file if line.strip()]
        return json.load(file)


def files(subfolder: str) -> list[str]:
    """List the files of a subfolder, by name, relative to the data folder."""
    return sorted(f"{subfolder}/{path.name}" for path in (folder() / subfolder).glob("*.json*"))


def cases(name: str, each: Callable[[Any], Iterable[Any]]) -> list[Any]:
    """Turn a file into parameters: all that `each` makes of it, or one skipped case with the reason.

    `each` takes the file's content and returns `pytest.param`s (or plain values); used at collection.
    """
    reason = why_missing(name)
    if reason:
        return [pytest.param(None, id=name, marks=pytest.mark.skip(reason=reason))]
    return list(each(load(name)))


def not_built(value: Any, case_id: str, what: str) -> Any:
    """A case of a family that has no venue yet: skipped by name."""
    return pytest.param(value, id=case_id, marks=pytest.mark.skip(reason=f"{what}: this family is not built yet"))


def numbered(prefix: str, values: Iterable[Any]) -> Iterator[Any]:
    """Name plain cases by their place in the file."""
    for number, value in enumerate(values):
        yield pytest.param(value, id=f"{prefix}-{number}")
