"""Answer one question about the files, in a process of its own: the engine's loop never waits for a large folder.

The question is JSON on standard input, the answer JSON on standard output. Bounds: memory, time, files, bytes.
"""

import json
import os
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from engine.domain.errors import ControlError
from engine.workspace.changes import since
from engine.workspace.diagrams import mermaid, neighbourhood
from engine.workspace.index import Index, indexed
from engine.workspace.names import spelled
from engine.workspace.roots import Roots

MAX_MEMORY: Final = 1 << 30
MAX_CPU_S: Final = 20
MAX_NAMED: Final = 100
Answer = dict[str, Any]


def files(index: Index, roots: Roots, *, contains: str, changed_since: str | None, first: int, limit: int) -> Answer:
    """List files by importance, those whose name contains a text, those that changed since a mark."""
    told = since(index, roots, changed_since) if changed_since else None
    new = {*told.added, *told.changed} if told else set(index.files)
    names = [name for name in index.by_importance if contains.lower() in name.lower() and name in new]
    return {
        "files": [_row(index, name) for name in names[first : first + limit]],
        "total": len(names),
        "removed": [] if told is None else [*told.removed[:MAX_NAMED]],
        "left_out": dict(index.left_out),
        "next_cursor": str(first + limit) if first + limit < len(names) else None,
    }


def file(index: Index, roots: Roots, *, name: str, steps: int) -> Answer:
    """Show one file: what it says of itself, what it leads to, what leads to it, and a picture of that."""
    spelled(name)
    entry = index.files.get(name)
    if entry is None:
        raise ControlError(
            "there is no such file", measured=name, next_step="take a name from workspace_files", code="not_found"
        )
    leads_to = {one: found.leads_to for one, found in index.files.items()}
    near = neighbourhood(name, steps, leads_to, index.dependents)
    return {
        **_row(index, name),
        "digest": entry.digest(),
        "leads_to": [*entry.leads_to[:MAX_NAMED]],
        "dependents": index.dependents[name][:MAX_NAMED],
        "mermaid": mermaid(near, leads_to),
        "untrusted": {"text": entry.summary.says, "symbols": [*entry.summary.symbols]},
    }


def _row(index: Index, name: str) -> Answer:
    entry = index.files[name]
    return {
        "file": name,
        "bytes": entry.size,
        "kind": entry.summary.kind,
        "importance_ppm": round(index.importance[name] * 1_000_000),
        "dependents_count": len(index.dependents[name]),
        "untrusted": {"text": entry.summary.says},
    }


QUESTIONS: Final[Mapping[str, Callable[..., Answer]]] = {"files": files, "file": file}


def main() -> None:
    """Answer the question on standard input; a refusal is an answer too."""
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
    asked = json.load(sys.stdin)
    roots = Roots(folders={name: Path(path) for name, path in asked["folders"].items()}, state=Path(asked["state"]))
    try:
        answer = {"answer": QUESTIONS[asked["question"]](indexed(roots), roots, **asked["params"])}
    except ControlError as refused:
        answer = {
            "refused": {"what": refused.cause(), "next_step": refused.next_step, "code": refused.code},
        }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
