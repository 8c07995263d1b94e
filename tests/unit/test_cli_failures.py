"""The command line when something is wrong: one line on stderr that says what to do, an exit code, no traceback."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.domain.errors import ConfigError, KetchError
from engine.journal.lock import hold_state
from server import cli as command_line
from server.failures import CRASH_LOG, failure

TIMEOUT_S = 60


def ketch(*argv: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KETCH_")}
    return subprocess.run(
        [sys.executable, "-P", "-m", "server.cli", *map(str, argv)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        stdin=subprocess.DEVNULL,
        env=clean | (env or {}),
        start_new_session=True,  # no terminal to ask at
        check=False,
    )


def one_line(run: subprocess.CompletedProcess[str], code: int = 1) -> str:
    assert run.returncode == code, run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""
    lines = run.stderr.splitlines()
    assert len(lines) == 1, run.stderr
    return lines[0]


def test_help_is_printed_without_a_heavy_import():
    code = (
        "import sys; from click.testing import CliRunner; from server.cli import cli;"
        "print(CliRunner().invoke(cli, ['--help']).output);"
        "heavy = {'numba', 'numpy', 'pydantic', 'web3', 'eth_account', 'rich', 'anyio'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    run = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False, timeout=TIMEOUT_S
    )
    assert run.returncode == 0, run.stderr
    for command in command_line.cli.commands:
        assert f"  {command} " in run.stdout


def test_every_command_takes_state_and_json():
    for name, command in command_line.cli.commands.items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"--state", "--json"} <= options, name


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("up", "--trade"), "ketch up: No such option '--trade'."),
        (("up", "--trades", "0"), "ketch up: Invalid value for '--trades': 0 is not in the range x>=1."),
        (("start",), "ketch: No such command 'start'."),
        (("sweep",), "ketch sweep: Missing argument 'TOKEN'."),
        (("sweep", "WETH"), "ketch sweep: Invalid value for TOKEN: 'WETH' must be an address: 0x and 40 hex digits."),
    ],
)
def test_a_command_not_understood_is_one_line_and_code_2(argv: tuple[str, ...], said: str):
    line = one_line(ketch(*argv), code=2)
    assert line.startswith(said)
    assert line.endswith("--help.")


def test_an_unknown_chain_names_the_choices(tmp_path: Path):
    said = "ketch: unknown chain 'solana': choose one of ethereum (1), arbitrum (42161), base (8453), optimism (10)"
    assert one_line(ketch("demo", "--chain", "solana")) == said
    assert one_line(ketch("up", "--state", tmp_path, "--chain", "solana", "--rpc", "http://127.0.0.1:9")) == said


def test_a_corrupt_configuration_names_the_line(tmp_path: Path):
    (tmp_path / "ketch.toml").write_text("rpc = 'http://127.0.0.1:9'\nchain =\n")
    line = one_line(ketch("up", "--state", tmp_path))
    assert re.fullmatch(
        rf"ketch: {tmp_path}/ketch.toml is not valid TOML: .*\(at line 2, .*\): correct that line .*", line
    )


def test_an_unknown_setting_names_the_nearest(tmp_path: Path):
    line = one_line(ketch("up", "--state", tmp_path, env={"KETCH_RISK__MAX_LOSS_A_DAY": "1"}))
    assert 'did you mean "risk.max_loss_per_day_wei"?' in line


def test_without_an_endpoint_it_says_where_to_write_one(tmp_path: Path):
    assert "no rpc endpoint is set: write rpc" in one_line(ketch("up", "--state", tmp_path))
    assert "start one with: ketch devnet" in one_line(ketch("up", "--state", tmp_path, "--profile", "devnet"))


@pytest.mark.parametrize("command", [("venues",), ("resume",), ("sweep", "0x" + "00" * 20), ("doctor", "--drift")])
def test_what_needs_the_engine_says_that_none_runs(tmp_path: Path, command: tuple[str, ...]):
    assert one_line(ketch(*command, "--state", tmp_path)) == (
        f"ketch: no engine is running on {tmp_path}: ketch up --state {tmp_path}"
    )


def test_reducing_needs_the_engine_but_a_halt_does_not(tmp_path: Path):
    assert "no engine is running" in one_line(ketch("halt", "--reducing", "--state", tmp_path))
    run = ketch("halt", "--reason", "smoke", "--state", tmp_path, "--json")
    assert (run.returncode, run.stderr) == (0, "")
    assert "smoke" in (tmp_path / "HALT").read_text()


def test_the_secret_is_asked_for_at_a_terminal_or_read_from_a_file(tmp_path: Path):
    line = one_line(ketch("init", "--state", tmp_path, "--rpc", "http://127.0.0.1:9"))
    assert "asked for at a terminal, and there is none: run this in a terminal, or give --secret-file" in line
    line = one_line(ketch("init", "--state", tmp_path, "--rpc", "http://127.0.0.1:9", "--secret-file", tmp_path / "no"))
    assert line == f"ketch: cannot read {tmp_path / 'no'}: name a readable file of one line"


def test_a_demo_does_not_touch_the_history_of_another_run(tmp_path: Path):
    (tmp_path / "journal.sqlite").write_bytes(b"history")
    assert one_line(ketch("demo", "--state", tmp_path)) == (
        f"ketch: {tmp_path} holds the journal of another run: give --state an empty folder"
    )
    assert (tmp_path / "journal.sqlite").read_bytes() == b"history"


def test_a_closed_pipe_is_not_an_error(tmp_path: Path):
    argv = f"{sys.executable} -P -m server.cli doctor --state {tmp_path} | true; exit ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", argv], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert "Traceback" not in run.stderr
    assert "BrokenPipe" not in run.stderr


def _fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_args: object, **_kwargs: object) -> None:
        raise error

    monkeypatch.setattr("engine.config.load", load)


Failing = Callable[[BaseException], str]


@pytest.fixture
def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Failing:
    def run(error: BaseException) -> str:
        _fail_with(error, monkeypatch)
        result = CliRunner().invoke(command_line.cli, ["up", "--state", str(tmp_path), "--json"])
        assert result.exit_code == 1
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        return result.stderr.strip()

    return run


def test_a_bug_is_one_line_and_its_details_are_saved(failing: Failing, tmp_path: Path):
    line = failing(ZeroDivisionError("division\nby zero"))
    assert line == (f"ketch: this is a bug: ZeroDivisionError: division by zero (details in {tmp_path / CRASH_LOG})")
    assert "Traceback" in (tmp_path / CRASH_LOG).read_text()


def test_an_expected_error_inside_a_group_is_said_alone(failing: Failing, tmp_path: Path):
    inner = ExceptionGroup("tasks", [RuntimeError("a consequence"), ConfigError("the cause", next_step="mend it")])
    assert failing(ExceptionGroup("outer", [inner])) == "ketch: the cause: mend it"
    assert not (tmp_path / CRASH_LOG).exists()


@pytest.mark.parametrize("code", ["EROFS", "ENOSPC", "EACCES", "ENAMETOOLONG", "EADDRINUSE"])
def test_a_disk_that_cannot_be_used_is_not_a_bug(failing: Failing, code: str):
    import errno

    line = failing(OSError(getattr(errno, code), os.strerror(getattr(errno, code)), "/state/journal.sqlite"))
    assert line.startswith("ketch: cannot use /state/journal.sqlite: ")
    assert "bug" not in line


def test_details_go_to_the_temporary_folder_when_the_state_cannot_be_written(tmp_path: Path):
    said = failure(RuntimeError("x"), tmp_path / "missing").message
    assert re.search(r"details in .*ketch-crash\.log", said)


def test_every_expected_error_is_one_line():
    assert failure(KetchError("two\nlines"), Path()).message == "two lines"


def test_a_state_folder_has_one_owner(tmp_path: Path):
    with hold_state(tmp_path):
        run = subprocess.run(
            [
                sys.executable,
                "-c",
                f"from engine.journal.lock import *\nwith hold_state(Path({str(tmp_path)!r})): pass",
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
    assert f"owned by another engine, measured pid {os.getpid()}" in run.stderr
