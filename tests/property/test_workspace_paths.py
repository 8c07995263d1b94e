"""Ten thousand names made up to get out of a root, links swapped under the reader's feet: no byte outside is served."""

from __future__ import annotations

import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.domain.errors import ControlError
from engine.workspace.names import spelled
from engine.workspace.roots import Roots, declared, read
from engine.workspace.walk import Walk

ATTACKS = 10_000
TURNS = 200
"""How often everything that is raced is swapped at least while one list of names is tried."""
CANARY = b"OUTSIDE! " * 64
INSIDE = b"inside. " * 64
SECRETS = ("operator.json", "hot-key.json", "journal.sqlite", "mcp.json", "mcp-tokens.json", "ketch.toml", "relay-key")
RACED = ("swap/page.md", "flip.md", "hard.md", "moving/page.md", "deep/swap/page.md")
UP = (
    "..",
    "../..",
    "%2e%2e",
    "%252e%252e",
    "..%2f",
    "....//",
    "..;",
    "．．",
    "‥",
    ".\u200b.",
    "..\\..",
    "\udcc0\udcae",
)
TOP = (
    "/",
    "//",
    "C:\\",
    "C:/",
    "\\\\host\\share\\",
    "\\\\?\\",
    "//?/",
    "file:///",
    "~/",
    "~root/",
    "\0",
    "/proc/self/root/",
)
PLACES = ("outside/canary.md", "canary.md", "state/operator.json", "etc/passwd", "outside", "fd/3", "cwd/canary.md")
INNER = (
    *("to-file.md", "to-folder/canary.md", "to-top/outside/canary.md", "linked.md", "pipe", "state/operator.json"),
    *("state/journal.sqlite", "other-engine/notes.md", "secret.md", ".hidden/canary.md", ".env", "id_rsa", "page.pem"),
    *("keystore/page.md", "holds-a-key.md", "holds-a-keystore.json", "loop/loop/canary.md", "deep/out/canary.md"),
    *("linked.md ", "linked.md.", "LINKED.MD", "linked.md::$DATA", "linked.md\0.md", "linked.md/", "./linked.md"),
)


@dataclass(slots=True)
class Tree:
    """A root with a page or two, and every known way out of it; what lies outside holds the canary in every line."""

    top: Path
    roots: Roots = field(init=False)

    def __post_init__(self) -> None:
        docs, outside, state = self.top / "docs", self.top / "outside", self.top / "docs" / "state"
        for folder in (docs / "deep", docs / "real", docs / "keystore", docs / ".hidden", outside, state):
            folder.mkdir(parents=True)
        (docs / "other-engine").mkdir()
        for page in (docs / "page.md", docs / "deep" / "page.md", docs / "real" / "page.md", docs / "plain.md"):
            page.write_bytes(INSIDE)
        for name in SECRETS:
            (state / name).write_bytes(CANARY)
        (state / "market-start.json").write_bytes(INSIDE)
        hidden = (
            "secret.md",
            ".hidden/canary.md",
            ".env",
            "id_rsa",
            "page.pem",
            "keystore/page.md",
            "other-engine/notes.md",
        )
        for name in (*hidden, "other-engine/journal.sqlite"):
            (docs / name).write_bytes(CANARY)
        (docs / "holds-a-key.md").write_bytes(INSIDE + b"-----BEGIN EC PRIVATE KEY-----\n" + CANARY)
        (docs / "holds-a-keystore.json").write_bytes(b'{"crypto": {"ciphertext": "' + CANARY + b'"}}')
        for name in ("canary.md", "page.md", "second.md"):
            (outside / name).write_bytes(CANARY)
        (docs / "to-file.md").symlink_to(outside / "canary.md")
        (docs / "to-folder").symlink_to(outside)
        (docs / "to-top").symlink_to("../..")
        (docs / "loop").symlink_to(".")
        (docs / "deep" / "out").symlink_to("../../outside")
        (docs / "linked.md").hardlink_to(outside / "second.md")
        os.mkfifo(docs / "pipe")
        (docs / "moving").mkdir()
        (docs / "moving" / "page.md").write_bytes(INSIDE)
        self.roots = declared({"docs": str(docs)}, state)

    @contextmanager
    def raced(self) -> Iterator[Counter[str]]:
        """Swap folders and files for links to the outside, and back, for as long as the block runs."""
        over, turns, before = threading.Event(), Counter[str](), sys.getswitchinterval()
        racer = threading.Thread(target=self._race, args=(over, turns))
        sys.setswitchinterval(1e-5)
        racer.start()
        try:
            yield turns
        finally:
            over.set()
            racer.join()
            sys.setswitchinterval(before)

    def _race(self, over: threading.Event, turns: Counter[str]) -> None:
        docs, outside = self.top / "docs", self.top / "outside"
        while not over.is_set():
            turns["all"] += 1
            for at in (docs, docs / "deep"):
                self._swapped(at / "swap", outside)
            self._flipped(docs / "flip.md", outside / "canary.md")
            with suppress(FileExistsError):
                os.link(outside / "page.md", docs / "hard.md")
            (docs / "hard.md").unlink()
            self._moved(docs / "moving", outside / "moving")

    def _swapped(self, at: Path, outside: Path) -> None:
        at.mkdir()
        (at / "page.md").write_bytes(INSIDE)
        at.rename(at.parent / "away")
        at.symlink_to(outside)
        at.unlink()
        (at.parent / "away" / "page.md").unlink()
        (at.parent / "away").rmdir()

    def _flipped(self, at: Path, canary: Path) -> None:
        fresh = at.parent / "fresh"
        fresh.write_bytes(INSIDE)
        fresh.replace(at)
        fresh.symlink_to(canary)
        fresh.replace(at)
        os.link(canary, fresh)
        fresh.replace(at)
        at.unlink()

    def _moved(self, at: Path, away: Path) -> None:
        at.rename(away)
        (away / "page.md").write_bytes(CANARY)
        (away / "page.md").write_bytes(INSIDE)
        away.rename(at)


def attack(dice: random.Random) -> str:
    """Make one name up: a raced one, one of the tree's ways out, or a path of steps up, encodings and forms."""
    kind = dice.random()
    if kind < 0.35:
        return f"docs/{dice.choice(RACED)}"
    if kind < 0.6:
        return f"docs/{dice.choice(INNER)}"
    if kind < 0.65:
        return f"state/{dice.choice((*SECRETS, 'market-start.json', '../page.md'))}"
    steps = "/".join(dice.choice(UP) for _ in range(dice.randint(1, 6)))
    name = f"{dice.choice(('docs/', 'docs/deep/', 'docs/to-folder/', 'state/', '', *TOP))}{steps}/{dice.choice(PLACES)}"
    return name.replace("/", dice.choice(("/", "/", "/", "\\", "%2f", "∕", "//"))) if dice.random() < 0.3 else name


def attacks(
    dice: random.Random, turns: Counter[str], least: int, met: Callable[[], bool] = lambda: True
) -> Iterator[str]:
    """Make up so many names, and go on until the racing thread has had its turns and the two have met."""
    for made in range(50 * least):
        if made >= least and turns["all"] >= TURNS and met():
            return
        yield attack(dice)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.mark.parametrize("seed", [1, 2])
def test_no_name_made_up_and_no_race_serves_a_byte_outside_the_roots(tree: Tree, seed: int) -> None:
    dice = random.Random(seed)
    ended: Counter[str] = Counter()

    def met() -> bool:
        return any(ended[f"served docs/{place}"] for place in ("swap", "deep/swap", "moving"))

    with tree.raced() as turns:
        for name in attacks(dice, turns, ATTACKS // 2, met):
            try:
                page = read(tree.roots, name, offset=dice.choice((0, 0, 9)), limit=dice.choice((64, 4_096)))
            except ControlError as refused:
                assert "OUTSIDE" not in refused.line()
                ended["refused"] += 1
                continue
            assert b"OUTSIDE" not in page.data, name
            assert page.data in INSIDE, name
            ended[f"served {name.rpartition('/')[0]}"] += 1
    assert ended["refused"] > ATTACKS // 4
    assert ended["served state"]
    assert met(), "nothing that is raced was ever served: the race tried nothing"


def test_a_reader_that_only_joins_and_opens_is_led_out_by_the_same_attacks(tree: Tree) -> None:
    dice = random.Random(3)
    led_out: Counter[str] = Counter()
    with tree.raced() as turns:
        for name in attacks(dice, turns, ATTACKS // 10):
            path = tree.top / name
            if name.endswith("pipe"):
                continue
            with suppress(OSError, ValueError):
                if CANARY[:9] in path.read_bytes():
                    led_out["raced" if name.removeprefix("docs/") in RACED else "made up"] += 1
    assert led_out["raced"]
    assert led_out["made up"] > 20


def test_a_listing_made_while_links_are_swapped_holds_no_byte_of_the_outside(tree: Tree) -> None:
    listed: Counter[str] = Counter()
    with tree.raced():
        for _ in range(150):
            for file in Walk(tree.roots).all():
                assert file.data is not None
                assert b"OUTSIDE" not in file.data, file.name
                listed[file.name] += 1
    assert listed["docs/page.md"] == listed["docs/deep/page.md"] == listed["state/market-start.json"] == 150
    never = {f"docs/{name}" for name in INNER} | {f"docs/state/{name}" for name in SECRETS}
    assert never.isdisjoint(listed)


def test_a_hard_link_to_the_outside_is_refused_and_served_again_when_the_other_name_is_gone(tree: Tree) -> None:
    twice = tree.top / "docs" / "twice.md"
    twice.hardlink_to(tree.top / "docs" / "plain.md")
    for name in ("docs/twice.md", "docs/plain.md", "docs/linked.md"):
        with pytest.raises(ControlError, match="a second name"):
            read(tree.roots, name)
    twice.unlink()
    assert read(tree.roots, "docs/plain.md").data == INSIDE


def test_a_second_name_that_is_taken_away_right_after_the_opening_does_not_help(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def opening(path: str, flags: int, dir_fd: int | None = None) -> int:
        found = opened(path, flags, dir_fd=dir_fd)
        if path == "linked.md":
            (tree.top / "docs" / "linked.md").unlink()  # the file outside has one name now, as an ordinary one has
        return found

    monkeypatch.setattr(os, "open", opening)
    with pytest.raises(ControlError, match="moved while it was read"):
        read(tree.roots, "docs/linked.md")


def test_a_folder_that_is_moved_out_while_it_is_walked_serves_nothing_of_where_it_went(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def opening(path: str, flags: int, dir_fd: int | None = None) -> int:
        if path == "page.md":
            (tree.top / "docs" / "moving").rename(tree.top / "outside" / "moving")
            (tree.top / "outside" / "moving" / "page.md").write_bytes(CANARY)
        return opened(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", opening)
    with pytest.raises(ControlError, match="moved while it was read"):
        read(tree.roots, "docs/moving/page.md")


def test_a_state_folder_is_known_by_what_it_is_also_before_it_has_a_journal(tree: Tree) -> None:
    (tree.roots.state / "journal.sqlite").unlink()
    (tree.roots.state / "notes.md").write_bytes(CANARY)
    for name in ("docs/state/notes.md", "state/notes.md"):
        with pytest.raises(ControlError, match="never served"):
            read(tree.roots, name)


def test_a_root_that_is_replaced_by_a_link_after_it_was_declared_serves_nothing(tree: Tree) -> None:
    docs = tree.top / "docs"
    docs.rename(tree.top / "was")
    docs.symlink_to(tree.top / "outside")
    with pytest.raises(ControlError, match="replaced by a link"):
        read(tree.roots, "docs/canary.md")


def test_a_root_within_the_state_folder_serves_nothing(tree: Tree) -> None:
    inner = tree.roots.state / "exports"
    inner.mkdir()
    (inner / "page.md").write_bytes(CANARY)
    with pytest.raises(ControlError, match="within the state folder"):
        read(declared({"exports": str(inner)}, tree.roots.state), "exports/page.md")


def test_the_state_folder_shows_the_same_two_files_whatever_root_leads_to_it(tree: Tree) -> None:
    around = declared({"docs": str(tree.top)}, tree.roots.state)
    names = {file.name for file in Walk(around).all()}
    assert {name for name in names if "state/" in name} == {
        "docs/docs/state/market-start.json",
        "state/market-start.json",
    }


@pytest.mark.parametrize("name", ["docs/deep/page.md", "docs/A page, with (marks)!.md", "docs/größe.md", "docs/%41.md"])
def test_an_ordinary_name_is_taken_as_it_is_written(name: str) -> None:
    assert "/".join(spelled(name)) == name
