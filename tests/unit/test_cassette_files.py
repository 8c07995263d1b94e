"""What is no cassette, or one that somebody made to do harm, is refused in one line."""

from __future__ import annotations

import json
import lzma
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.errors import KetchError
from engine.replay import cassette as files
from engine.replayed import played
from server.cli import cli
from tests.cassettes.test_cassettes import CASSETTES

GOOD = CASSETTES[0].read_bytes()
HEAD = GOOD.partition(b"\n")[0] + b"\n"


def body() -> dict[str, Any]:
    return json.loads(lzma.decompress(GOOD[len(HEAD) :]))


def packed(changed: dict[str, Any]) -> bytes:
    return HEAD + lzma.compress(json.dumps(changed).encode(), preset=0)


def line_for(data: bytes) -> str:
    """Play a file as `ketch replay` does, and return the one line that it is refused with."""
    with pytest.raises(KetchError) as refused:
        anyio.run(played, files.unpack(data, "the file"))
    line = refused.value.line()
    assert "\n" not in line
    return line


def bomb() -> bytes:
    return HEAD + lzma.compress(b" " * (files.MAX_BYTES + (1 << 20)), preset=1)


def deep() -> bytes:
    return HEAD + lzma.compress(b"[" * 200_000 + b"]" * 200_000, preset=0)


def deep_behind_texts() -> bytes:
    return HEAD + lzma.compress(b'["]]]]\\"]]",' * 100_000 + b"1" + b"]" * 100_000, preset=0)


class Runs:
    """What a reader that trusts would run."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return Path.touch, ("it-ran",)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no ketch cassette"),
        (b"\x7fELF" + bytes(500), "is no ketch cassette"),
        (pickle.dumps({"a": 1}), "is no ketch cassette"),
        (files.MAGIC + b"99\n" + GOOD[len(HEAD) :], "has another format"),
        (HEAD, "is cut short"),
        (GOOD[: len(GOOD) // 2], "is cut short"),
        (GOOD[:-1], "is cut short"),
        (HEAD + pickle.dumps(Runs), "is damaged"),
        (HEAD + lzma.compress(b"not json"), "is damaged"),
        (HEAD + lzma.compress(b"[]"), "is damaged"),
        (HEAD + lzma.compress(b"{}"), "is damaged"),
        (bomb(), "is too large once unpacked"),
        (deep(), "is nested too deeply"),
        (deep_behind_texts(), "is nested too deeply"),
        (HEAD + bytes(files.MAX_FILE_BYTES), "is too large"),
    ],
    ids=lambda given: given.replace(" ", "-") if isinstance(given, str) else "",
)
def test_a_file_that_is_none_is_refused_in_one_line(data: bytes, said: str) -> None:
    assert said in line_for(data)


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b["head"].update(c="Path"),
        lambda b: b["head"].update(c="Popen"),
        lambda b: b["pools"][0].update(c="Log"),
        lambda b: b["pools"][0]["v"].update(id={"i": "9" * 4_000}),
        lambda b: b["beginning"][0].update(body="{}"),
        lambda b: b["beginning"][-1].update(hash="0x00"),
        lambda b: b["beginning"].clear(),
        lambda b: b["recorded"].clear(),
        lambda b: b["settings"].update(rpc="file:///etc/passwd"),
        lambda b: b["settings"].update(surprise=1),
        lambda b: b["rows"].update(intents=[{"intent_id": {"a": 1}, "seq": 1}]),
        lambda b: b["rows"].clear(),
        lambda b: b["memory"]["loop"].update(_funds=None, _lenders=None),
        lambda b: b["items"][0].update(taken={"c": "Terms", "v": {}}),
        lambda b: b["items"][0].update(taken=None),
        lambda b: b["items"].reverse(),
        lambda b: b["items"].append(b["items"][0]),
        lambda b: b["items"][0].update(heard=[[["eth_call"], []]]),
    ],
)
def test_a_cassette_that_does_not_fit_together_is_refused_in_one_line(change: Callable[[dict[str, Any]], Any]) -> None:
    changed = body()
    change(changed)
    assert line_for(packed(changed))


@given(at=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_changes_nothing(at: int, bit: int) -> None:
    flipped = bytearray(GOOD)
    flipped[at] ^= 1 << bit
    try:
        files.unpack(bytes(flipped), "the file")
    except KetchError as refused:
        assert "\n" not in refused.line()


def test_the_command_says_it_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.cassette"
    file.write_bytes(GOOD[:1_000])
    result = CliRunner().invoke(cli, ["replay", str(file), "--state", str(tmp_path)])
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "Traceback" not in result.output
    assert not (tmp_path / "crash.log").exists()
