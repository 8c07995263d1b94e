"""The compiled contract: cached by its sources, written whole, and documented to the last argument."""

import re
import sys
from pathlib import Path

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from engine.domain.units import ZERO_ADDRESS, Address
from engine.execution.artifact import CONTRACTS, ExecutorArtifact, deploy_data, executor_artifact, state_diff

OPERATOR, TOKEN = Address("0x" + "a1" * 20), Address("0x" + "b2" * 20)
MADE = ExecutorArtifact(abi=(), init_code=b"\x60\x00", slots={"operator": 0, "profit_tokens": 1})
TINY = """# pragma version 0.4.3
operator: public(address)


@external
def go():
    assert msg.sender == self.operator, "nobody"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder of sources that compile at once, and a cache of its own."""
    monkeypatch.setenv("KETCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "executor.vy").write_text(TINY, encoding="utf-8")
    return tmp_path / "sources"


def test_the_cache_answers_without_the_compiler(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = executor_artifact(folder)
    monkeypatch.setitem(sys.modules, "vyper", None)
    assert executor_artifact(folder) == made
    assert made.slots == {"operator": 0}


def test_the_cache_holds_whole_files_only(folder: Path) -> None:
    executor_artifact(folder)
    (kept,) = (folder.parent / "cache").iterdir()
    assert kept.suffix == ".json"


def test_a_changed_source_is_compiled_again(folder: Path) -> None:
    was = executor_artifact(folder)
    (folder / "executor.vy").write_text(TINY.replace('"nobody"', '"somebody"'), encoding="utf-8")
    assert executor_artifact(folder).init_code != was.init_code
    (folder / "executor.vy").write_text(TINY, encoding="utf-8")
    assert executor_artifact(folder) == was


def test_a_cache_that_cannot_be_written_costs_a_compilation_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KETCH_CACHE", str(folder / "executor.vy" / "below a file"))
    assert executor_artifact(folder).abi


def test_deployment_names_the_parties_in_order() -> None:
    data = deploy_data(TOKEN, OPERATOR, artifact=MADE)
    assert data == MADE.init_code + encode(["address"] * 5, [TOKEN, OPERATOR, *(ZERO_ADDRESS,) * 3])


def test_overridden_storage_lies_where_the_compiler_put_it() -> None:
    slot = keccak(encode(["uint256", "address"], [1, TOKEN]))
    assert state_diff(OPERATOR, [TOKEN], artifact=MADE) == {
        f"0x{0:064x}": "0x" + "00" * 12 + "a1" * 20,
        "0x" + slot.hex(): f"0x{1:064x}",
    }


@pytest.mark.parametrize("source", sorted(CONTRACTS.glob("*.vy")), ids=lambda source: source.stem)
def test_every_function_tells_its_arguments_and_its_return(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    assert re.search(r'^"""\n@title .+\n@license MIT\n@notice ', text, re.M)
    functions = re.findall(r'^def (\w+)\(([^:]*?(?::[^)]*?)*)\)(?: -> ([^:]+))?:\n    """(.*?)"""', text, re.M | re.S)
    assert len(functions) == len([line for line in text.splitlines() if line.startswith("def ")])
    for name, arguments, returned, said in functions:
        assert "@notice " in said, name
        named = re.findall(r"(\w+): ", arguments)
        assert re.findall(r"@param (\w+) ", said) == named, name
        assert ("@return " in said) is bool(returned), name


@pytest.mark.parametrize("source", sorted(CONTRACTS.glob("*.vy")), ids=lambda source: source.stem)
def test_declarations_keep_their_order(source: Path) -> None:
    order = ("import|from", "initializes|uses", "exports", "interface", "struct", r"\w+: constant", r"\w+: public\(imm")
    order += (r"\w+: public\((?!imm)", r"\w+: transient", "event", "@deploy", "@external", "@internal")
    found = [
        next(place for place, pattern in enumerate(order) if re.match(pattern, line))
        for line in source.read_text(encoding="utf-8").splitlines()
        if any(re.match(pattern, line) for pattern in order)
    ]
    assert found == sorted(found)
