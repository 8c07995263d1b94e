"""Bad input where the machine, the disk or the chain is what is wrong: one line, no traceback, nothing lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.devnet.packages import node_modules
from tests.scenario.ketch_processes import END_S, argv, clean_env, ketch, refused

pytestmark = pytest.mark.node


def test_an_unreachable_endpoint_says_what_to_check(tmp_path: Path):
    line = refused(ketch("up", "--rpc", "http://127.0.0.1:9", "--state", tmp_path / "new"))
    assert line.startswith("ketch: cannot reach the chain at ws://127.0.0.1:9")
    assert "KETCH_RPC" in line
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["engine.lock"]


def test_without_the_packages_it_says_how_to_install_them(tmp_path: Path):
    for command in ("demo", "devnet"):
        missing = {"KETCH_NODE": str(tmp_path / "none"), "KETCH_CACHE": str(tmp_path), "PATH": "/nowhere"}
        line = refused(ketch(command, "--state", tmp_path / command, **missing))
        assert "the protocol packages are not installed" in line
        assert line.endswith("run `make setup`")


def test_without_anvil_it_says_which_and_how_to_install_it(tmp_path: Path):
    for package in node_modules().iterdir():
        if package.name != "@foundry-rs":
            (tmp_path / "packages" / package.name).parent.mkdir(exist_ok=True)
            (tmp_path / "packages" / package.name).symlink_to(package)
    missing = {"KETCH_NODE": str(tmp_path / "packages"), "PATH": "/nowhere"}
    line = refused(ketch("demo", "--state", tmp_path / "state", **missing))
    assert line.startswith("ketch: anvil 1.7.1 is not installed")
    assert line.endswith("run `make setup`")


@pytest.mark.parametrize("command", [("up", "--rpc", "http://127.0.0.1:9"), ("demo",), ("devnet",), ("halt",)])
def test_a_file_in_the_way_of_the_folder_is_one_line(tmp_path: Path, command: tuple[str, ...]):
    (tmp_path / "file").write_text("mine")
    line = refused(ketch(*command, "--state", tmp_path / "file" / "state"))
    assert str(tmp_path / "file") in line
    assert "bug" not in line
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("command", [("up", "--rpc", "http://127.0.0.1:9"), ("demo",), ("devnet",), ("halt",)])
def test_a_read_only_disk_is_one_line(tmp_path: Path, command: tuple[str, ...]):
    run = _mounted("ro", tmp_path, *command, "--state", tmp_path)
    line = refused(run)
    assert "bug" not in line
    assert any(word in line.lower() for word in ("read-only", "permission", "cannot")), line


def test_a_full_disk_is_one_line(tmp_path: Path):
    run = _mounted("size=64k", tmp_path, "demo", "--trades", "1", "--rivals", "0", "--state", tmp_path)
    line = refused(run)
    assert "bug" not in line
    assert "journal" in line  # whose disk it is: what else it says is the journal's own matter


def _mounted(options: str, at: Path, *given: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command that sees a disk of its own at `at`; only root may, and only where mounts are allowed."""
    if not shutil.which("unshare") or os.geteuid() != 0:
        if options != "ro":
            pytest.skip("a disk of its own needs root and mount namespaces")
        at.chmod(0o555)
        return ketch(*given)
    script = f'mount -t tmpfs -o {options} tmpfs "$0" && exec "$@"'
    probe = ["unshare", "--mount", "sh", "-c", script, str(at)]
    if subprocess.run([*probe, "true"], capture_output=True, check=False).returncode:
        pytest.skip("mount namespaces are not allowed here")
    return subprocess.run(
        [*probe, *argv(*given)],
        capture_output=True,
        text=True,
        timeout=END_S,
        stdin=subprocess.DEVNULL,
        env=clean_env(),
        check=False,
    )
