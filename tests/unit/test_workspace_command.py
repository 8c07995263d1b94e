"""`ketch workspace` without an engine: files, what changed, documents checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenario.ketch_processes import ketch, refused, result


@pytest.fixture
def state(tmp_path: Path) -> Path:
    notes, state = tmp_path / "notes", tmp_path / "state"
    for folder in (notes, state):
        folder.mkdir()
    (notes / "a.md").write_text("# A\n\nSee [b](b.md).\n")
    (notes / "b.md").write_text("# B\n\nSet `scan.max_hops`.\n")
    (state / "ketch.toml").write_text(f'[workspace.roots]\nnotes = "{notes}"\n')
    return state


def test_files_are_listed_by_importance_and_what_changed_since_is_told(state: Path) -> None:
    listed = result("workspace", "files", "--state", state)
    assert [row["file"] for row in listed["files"]] == ["notes/b.md", "notes/a.md"]
    assert result("workspace", "keep", "--state", state) == {"kept": 2}
    (state.parent / "notes" / "a.md").write_text("# A\n")
    changed = result("workspace", "files", "--since", "kept", "--state", state)
    assert [row["file"] for row in changed["files"]] == ["notes/a.md"]
    one = ketch("workspace", "file", "notes/b.md", "--state", state)
    assert (one.returncode, "B. Set `scan.max_hops`." in one.stdout) == (0, True)


def test_documents_are_in_order_until_one_names_what_is_not_there(state: Path) -> None:
    assert result("workspace", "check", "--state", state) == {"findings": []}
    (state.parent / "notes" / "b.md").write_text("Run `ketch none`, ask `market_poools`, set `scan.hops`.\n")
    run = ketch("workspace", "check", "--state", state)
    assert run.returncode == 1
    assert "3 names in documents lead nowhere" in run.stderr
    for near in ("market_pools", "scan.max_hops"):
        assert near in run.stdout


def test_a_name_that_leads_out_and_a_missing_name_are_refused_in_one_line(state: Path) -> None:
    out = refused(ketch("workspace", "file", "notes/../state/ketch.toml", "--state", state))
    assert "that is not the name of a file" in out
    assert ketch("workspace", "file", "--state", state).returncode == 2
