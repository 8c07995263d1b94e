"""Ask about the files in a process of its own, which is ended when it takes too long."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

import anyio

from engine.domain.errors import ControlError
from engine.workspace.roots import Roots

ANSWER_S: Final = 30.0


async def asked(roots: Roots, question: str, **params: Any) -> dict[str, Any]:
    """Return the answer; raises `ControlError` with its refusal, or when it took too long or failed."""
    given = {
        "folders": {name: str(path) for name, path in roots.folders.items()},
        "state": str(roots.state),
        "question": question,
        "params": params,
    }
    try:
        with anyio.fail_after(ANSWER_S):
            done = await anyio.run_process(
                [sys.executable, "-P", "-m", "engine.workspace"],
                input=json.dumps(given).encode(),
                stderr=subprocess.DEVNULL,
                check=False,
                env={"PATH": os.environ.get("PATH", "")},
            )
    except TimeoutError as error:
        raise ControlError(
            "reading the roots took too long",
            measured=f"{ANSWER_S:g} s",
            next_step="declare smaller roots",
            code="too_long",
        ) from error
    if done.returncode:
        raise ControlError(
            "reading the roots failed",
            measured=f"exit code {done.returncode}",
            next_step="declare smaller roots: memory and processor time are bounded",
            code="too_long",
        )
    return _answer(json.loads(done.stdout))


def _answer(said: Mapping[str, Any]) -> dict[str, Any]:
    if "refused" in said:
        refused: Mapping[str, str] = said["refused"]
        raise ControlError(refused["what"], next_step=refused["next_step"], code=refused["code"])
    return said["answer"]
