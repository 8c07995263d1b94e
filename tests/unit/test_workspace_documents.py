"""Documents that name what is not there are found out, each with the line and the nearest thing that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.workspace.documents import Known, stale, stale_in
from engine.workspace.roots import declared

KNOWN = Known(
    commands={"status": {"--state"}, "policy": {"--secret-file"}},
    tools=["market_pools", "market_gas", "halt", "get_trade"],
    others=["market_prices"],
)
FILES = {"r/engine/loop.py", "r/docs/security.md", "r/docs/how.md", "r/engine", "r/docs"}


def found(text: str) -> list[tuple[str, str]]:
    return [(finding.names, finding.nearest) for finding in stale_in("r/docs/how.md", text, FILES, KNOWN)]


@pytest.mark.parametrize(
    ("text", "names", "nearest"),
    [
        ("see [it](secrets.md)", "secrets.md", ""),
        ("`engine/lop.py` runs", "engine/lop.py", "r/engine/loop.py"),
        ("in `engines/`", "engines/", "r/engine"),
        ("`scan.max_hop` is", "scan.max_hop", "scan.max_hops"),
        ("`KETCH_SCAN__MAX_HOP`", "KETCH_SCAN__MAX_HOP", "KETCH_SCAN__MAX_HOPS"),
        ("run `ketch statu`", "ketch statu", "ketch status"),
        ("run `ketch policy apply --secret`", "--secret", "--secret-file"),
        ("ask `market_pool`", "market_pool", "market_pools"),
    ],
)
def test_what_is_not_there_is_found_with_the_nearest_that_is(text: str, names: str, nearest: str) -> None:
    assert found(text) == [(names, nearest)]


@pytest.mark.parametrize(
    "text",
    [
        "see [it](security.md#what-holds) and [out](https://example.org/none.md) and [up](#here)",
        "`engine/loop.py`, `loop.py`, `engine/*.py`, `engine/`, `scan.max_hops`, `scan`, `wallet.endpoints`",
        "`KETCH_SCAN__MAX_HOPS`, `KETCH_STATE`, `KETCH_WALLET__ENDPOINTS__CHAIN`, `deployments.uniswap_v2.factory`",
        "`ketch status --state DIR`, `ketch --help`, `halt`, `market_gas`, `market_prices`, `get_it`, `tokens.sqlite`",
        "```sh\nketch none --nothing\n```\n",
    ],
)
def test_what_is_there_and_what_is_only_an_example_is_not(text: str) -> None:
    assert found(text) == []


def test_the_line_is_told_also_behind_a_block_of_code(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A\n\n```sh\nketch up\n```\n\nsee `scan.none`\n")
    (only,) = stale(declared({"docs": str(tmp_path / "docs")}, tmp_path / "state"), KNOWN)
    assert (only.document, only.line, only.why) == ("docs/a.md", 7, "there is no such setting")
