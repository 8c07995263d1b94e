"""What changed under the roots: since a commit of their own repository, or since their digests were kept.

Of git only the list of a commit's files is asked: no hook, filter, pager, helper or remote of a repository's
configuration has a part in that. The contents are compared here.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from engine.domain.errors import ControlError
from engine.workspace.index import Index
from engine.workspace.names import withheld
from engine.workspace.roots import STATE_ROOT, Roots
from engine.workspace.writing import written

KEPT_FILE = "workspace-kept.json"
KEPT: Final = "kept"
COMMIT: Final = re.compile(r"[0-9a-fA-F]{7,64}|HEAD(~[0-9]{1,4})?")
GIT_S: Final = 10.0
GIT_ENVIRONMENT: Final[Mapping[str, str]] = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
BORROWED: Final = ("objects/info/alternates", "commondir", "objects/info/http-alternates")
"""What makes a repository read another one's objects: such a one is not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Names of files that were added, changed or removed since `since`."""

    since: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def shown(self) -> dict[str, object]:
        """Return them as an answer does."""
        return asdict(self)


def keep(index: Index, state: Path) -> int:
    """Write the digest of every file into the state folder, whole or not at all; returns how many."""
    digests = {name: entry.digest() for name, entry in index.files.items()}
    written(state / KEPT_FILE, json.dumps(digests, indent=0, sort_keys=True))
    return len(digests)


def since(index: Index, roots: Roots, mark: str) -> Changes:
    """Say what changed since a commit, or since the digests were kept; raises `ControlError` when it cannot be said."""
    if mark == KEPT:
        now: dict[str, str | None] = {name: entry.digest() for name, entry in index.files.items()}
        return _between(mark, _kept(roots.state), now)
    if not COMMIT.fullmatch(mark):
        raise ControlError(
            "that is no commit",
            measured=mark[:80],
            limit='7 to 64 hex digits, HEAD, HEAD~3, or "kept"',
            next_step='ask with "HEAD", or "kept" after ketch workspace keep',
            code="invalid_params",
        )
    before: dict[str, str | None] = {}
    now = {}
    asked = False
    for root in sorted(set(roots.folders) - {STATE_ROOT}):
        tree = _committed(roots.folders[root], mark)
        if tree is None:
            continue
        asked = True
        before |= {f"{root}/{path}": blob for path, blob in tree.items()}
        length = len(next(iter(tree.values()), "0" * 40))
        mine = (entry for name, entry in index.files.items() if name.startswith(f"{root}/"))
        now |= {entry.name: entry.blob(length) for entry in mine}
    if not asked:
        raise ControlError(
            "no root is in a git repository of its own that has this commit",
            measured=mark,
            next_step='name another commit, or ask for "kept" after ketch workspace keep',
            code="not_found",
        )
    return _between(mark, before, now)


def _between(mark: str, before: Mapping[str, str | None], now: Mapping[str, str | None]) -> Changes:
    both = before.keys() & now.keys()
    return Changes(
        since=mark,
        added=tuple(sorted(now.keys() - before.keys())),
        changed=tuple(sorted(name for name in both if before[name] != now[name])),
        removed=tuple(sorted(before.keys() - now.keys())),
    )


def _kept(state: Path) -> dict[str, str | None]:
    try:
        found: dict[str, str | None] = json.loads((state / KEPT_FILE).read_bytes())
    except FileNotFoundError:
        raise ControlError(
            "no digests were kept", next_step="keep them first: ketch workspace keep", code="not_found"
        ) from None
    except ValueError as error:
        raise ControlError(
            f"{KEPT_FILE} is not what was kept", next_step="keep the digests again: ketch workspace keep"
        ) from error
    return found


def _committed(folder: Path, commit: str) -> dict[str, str] | None:
    """Map a folder's files as of a commit to git's names of their contents; None where no repository of its own says.

    A file that is never served is left out, as it is from the index.
    """
    git = shutil.which("git")
    top = next((at for at in (folder, *folder.parents) if (at / ".git").exists()), None)
    if git is None or top is None:
        return None
    store = top / ".git"
    if store.is_symlink() or not store.is_dir() or any((store / name).exists() for name in BORROWED):
        return None
    under = folder.relative_to(top).as_posix()
    listed = subprocess.run(
        [git, "--no-pager", f"--git-dir={store}", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
        + ["ls-tree", "-r", "-z", "--full-tree", f"{commit}^{{commit}}", "--"]
        + ([] if under == "." else [f"{under}/"]),
        env={"PATH": os.environ.get("PATH", ""), **GIT_ENVIRONMENT},
        capture_output=True,
        check=False,
        timeout=GIT_S,
    )
    if listed.returncode:
        return None
    found: dict[str, str] = {}
    for line in listed.stdout.decode(errors="replace").split("\0"):
        about, _, path = line.partition("\t")
        mode, _, blob = about.partition(" blob ")
        path = path.removeprefix("" if under == "." else f"{under}/")
        if mode.startswith("100") and blob and path.isprintable() and not any(map(withheld, path.split("/"))):
            found[path] = blob
    return found
