"""The one place that knows numba: where compiled code is kept, and how a function becomes compiled."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import platformdirs

P = ParamSpec("P")
R = TypeVar("R")

_VARIABLE = "NUMBA_CACHE_DIR"


def cache_folder() -> Path:
    """Name the folder for compiled code: NUMBA_CACHE_DIR, else the user's cache, else a temporary folder."""
    if chosen := os.environ.get(_VARIABLE):
        return Path(chosen)
    folder = platformdirs.user_cache_path("ketch") / "numba"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # no home, or a read-only one: compile once a boot rather than not at all
        return Path(tempfile.gettempdir()) / f"ketch-numba-{os.getuid()}"
    return folder


os.environ[_VARIABLE] = str(cache_folder())  # numba reads it when it is imported, which is the next line

import numba  # noqa: E402


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile on the first call and keep the machine code on disk; the types are those of the Python function."""
    return cast("Callable[P, R]", numba.njit(cache=True)(function))
