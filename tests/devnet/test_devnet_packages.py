"""The pinned packages: no download addresses, all platforms, no second copy of a version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.devnet.node import ANVIL_VERSION
from engine.devnet.packages import artifact_of, linked
from engine.domain.errors import DevnetError
from engine.domain.units import Address

ROOT = Path(__file__).resolve().parents[2]


def _lock() -> dict[str, dict[str, object]]:
    return json.loads((ROOT / "package-lock.json").read_text())["packages"]


def test_the_lock_holds_no_download_addresses() -> None:
    assert not [name for name, entry in _lock().items() if "resolved" in entry]


@pytest.mark.parametrize("platform", ["linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64"])
def test_the_lock_has_an_anvil_for_each_platform(platform: str) -> None:
    entry = _lock()[f"node_modules/@foundry-rs/anvil-{platform}"]
    assert (entry["version"], entry["optional"]) == (ANVIL_VERSION, True)


def test_every_package_is_pinned_to_one_version() -> None:
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    assert all(version.removeprefix("npm:solc@")[0].isdigit() for version in wanted.values())


def test_links_libraries_at_their_places() -> None:
    code = "60" + "__$placeholder$__".ljust(40, "_") + "61"
    artifact = artifact_of("Uses", [], code, {"file.sol": {"Lib": [{"start": 1, "length": 20}]}})
    library = Address("0x" + "ab" * 20)
    assert linked(artifact, {"Lib": library}) == bytes.fromhex("60" + "ab" * 20 + "61")
    with pytest.raises(DevnetError, match="Lib"):
        linked(artifact, {})
