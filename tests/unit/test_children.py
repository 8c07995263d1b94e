"""Children of a supervisor: their words, their end, and an end that comes with the supervisor's."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import anyio
import psutil
import pytest

from server.children import Child, child, split_lines
from server.failures import cause_of

DEADLINE_S = 20.0

QUIET = "import sys; sys.stdin.read()"
STUBBORN = (
    "import signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(60)"
)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def eventually_gone(pid: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.NoSuchProcess:
            return
    pytest.fail(f"process {pid} is still there")


def test_a_child_ends_with_its_context():
    async def run() -> int:
        async with child("a child", python(QUIET)) as running:
            return running.process.pid

    eventually_gone(anyio.run(run))


def test_a_child_that_ignores_the_request_is_made_to_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("server.children.GRACE_S", 0.1)

    async def run() -> int | None:
        async with child("a child", python(STUBBORN)) as running:
            async for line in running.lines():
                assert line == "up"
                break
        return running.process.returncode

    assert anyio.run(run) == -signal.SIGKILL


def test_a_child_ends_when_the_context_fails():
    pids: list[int] = []

    async def run() -> None:
        async with child("a child", python(QUIET)) as running:
            pids.append(running.process.pid)
            raise LookupError

    with pytest.raises(ExceptionGroup) as caught:
        anyio.run(run)
    assert isinstance(cause_of(caught.value), LookupError)
    eventually_gone(pids[0])


def test_what_a_child_writes_is_passed_on_but_its_failure_is_kept(capsys: pytest.CaptureFixture[str]):
    async def run() -> Child:
        async with child(
            "a child", python("import sys; sys.stderr.write('a log line\\nketch: no such chain\\n')")
        ) as one:
            await one.ended()
        return one

    ended = anyio.run(run)
    assert ended.how_it_ended() == "no such chain"
    assert capsys.readouterr().err == "a log line\n"


@pytest.mark.parametrize(
    ("code", "said"),
    [("raise SystemExit(3)", "exit code 3"), ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL")],
)
def test_a_child_that_says_nothing_is_described_by_how_it_ended(code: str, said: str):
    async def run() -> str:
        async with child("a child", python(code)) as one:
            await one.ended()
        return one.how_it_ended()

    assert anyio.run(run) == said


def test_a_child_ends_when_its_supervisor_is_killed():
    code = (
        "import anyio, sys\nfrom server.children import child\n"
        "async def run():\n"
        f"    async with child('a child', [sys.executable, '-c', {QUIET!r}]) as one:\n"
        "        print(one.process.pid, flush=True)\n"
        "        await anyio.sleep_forever()\n"
        "anyio.run(run)\n"
    )
    with subprocess.Popen(python(code), stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        supervisor.kill()
    eventually_gone(pid)


def test_an_interrupt_at_the_terminal_reaches_the_supervisor_only():
    async def run() -> int:
        async with child("a child", python(QUIET)) as running:
            return os.getpgid(running.process.pid)

    assert anyio.run(run) != os.getpgid(0)


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 100])
def test_lines_are_whole_however_they_arrive(cut: int):
    text = "one\n\nthree \N{EURO SIGN}\n" + json.dumps({"n": 4})

    async def chunks() -> AsyncIterator[str]:
        for start in range(0, len(text), cut):
            yield text[start : start + cut]

    async def run() -> list[str]:
        return [line async for line in split_lines(chunks())]

    assert anyio.run(run) == text.split("\n")
