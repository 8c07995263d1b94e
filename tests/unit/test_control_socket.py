"""The control socket, spoken to by its own client and by clients that misbehave."""

import json
import os
import socket
import stat
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import pytest

from engine.control import MAX_CLIENTS, MAX_LINE_BYTES, SOCKET_NAME, Feed, serve
from engine.control_client import NoDaemon, call, follow
from engine.control_path import MAX_PATH_BYTES, reachable
from engine.domain.errors import ConfigError, ControlError
from engine.principals import Principal


async def answer(method: str, params: dict[str, Any], principal: Principal) -> dict[str, Any]:
    match method:
        case "echo":
            return {"params": params, "principal": principal.id}
        case "slow":
            await anyio.sleep(params["s"])
            return {}
        case "refuse":
            raise ConfigError("the limit cannot be loosened", measured=3, limit=2)
        case "bug":
            raise ZeroDivisionError("secret detail")
        case "unspeakable":
            return {"bytes": b"\x00"}
        case "big":
            return {"text": "x" * params["n"]}
        case _:
            raise ControlError(f"unknown method {method!r}")


@contextmanager
def serving(path: Path) -> Generator[Callable[[dict[str, Any]], object]]:
    """Run a server on `path`; yields a function that publishes an event."""
    feed = Feed()
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_serving(path, feed)),
    ):
        yield lambda event: portal.call(feed.publish, event)


@contextmanager
def raw(path: Path) -> Generator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(10)
        with reachable(path) as short:
            sock.connect(short)
        yield sock


def read_line(sock: socket.socket) -> dict[str, Any]:
    with sock.makefile("rb") as lines:
        return json.loads(lines.readline())


@asynccontextmanager
async def _serving(path: Path, feed: Feed) -> AsyncGenerator[None]:
    async with anyio.create_task_group() as tasks:
        await tasks.start(serve, path, answer, feed)
        yield
        tasks.cancel_scope.cancel()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / SOCKET_NAME


def test_answers_and_names_the_caller_from_the_kernel(path: Path):
    with serving(path):
        result = call(path, "echo", {"a": 1, "principal": "root"})
    assert result["params"] == {"a": 1, "principal": "root"}
    assert f"uid:{os.getuid()}" in result["principal"]
    assert f"pid:{os.getpid()}" in result["principal"]


def test_only_the_owner_can_open_the_socket_and_its_folder(path: Path):
    with serving(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_leaves_no_socket_behind(path: Path):
    with serving(path):
        assert path.exists()
    assert not path.exists()


def test_a_state_folder_may_have_any_length(tmp_path: Path):
    path = tmp_path / ("long" * 30) / ("longer" * 30) / SOCKET_NAME
    assert len(os.fsencode(path)) > 2 * MAX_PATH_BYTES
    with serving(path):
        assert call(path, "echo")["params"] == {}
        assert path.is_socket()
    assert not path.exists()


def test_says_that_no_engine_runs(path: Path):
    with pytest.raises(NoDaemon, match=r"no engine is running on .*: ketch up --state"):
        call(path, "status")
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as dead, reachable(path) as short:
        dead.bind(short)
    with pytest.raises(NoDaemon):
        call(path, "status")


def test_replaces_the_socket_of_a_dead_daemon(path: Path):
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as dead, reachable(path) as short:
        dead.bind(short)
    with serving(path):
        assert call(path, "echo")["params"] == {}


def test_refuses_to_replace_a_living_daemon_or_a_file(path: Path):
    with serving(path):
        with pytest.raises(ControlError, match="another engine answers"):
            anyio.run(serve, path, answer, Feed())
        assert call(path, "echo")["params"] == {}
    path.write_text("mine")
    with pytest.raises(ControlError, match="in the way"):
        anyio.run(serve, path, answer, Feed())
    assert path.read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ControlError, match=r"cannot open .* \(Not a directory\): choose another --state"):
        anyio.run(serve, tmp_path / "file" / "state" / SOCKET_NAME, answer, Feed())


def test_passes_on_the_engines_own_line(path: Path):
    with serving(path), pytest.raises(ControlError, match=r"^the limit cannot be loosened, measured 3, limit 2$"):
        call(path, "refuse")


@pytest.mark.parametrize("method", ["bug", "unspeakable"])
def test_a_bug_in_one_request_neither_leaks_nor_ends_the_daemon(path: Path, method: str):
    with serving(path):
        with pytest.raises(ControlError, match="failed inside the engine") as caught:
            call(path, method)
        assert "secret" not in str(caught.value)
        assert call(path, "echo")["params"] == {}


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"{", b"[]", b"3", b"\xff\xfe", b"[" * 100_000, b"9" * 5000),
        *(b'{"method": 3}', b'{"method": "echo", "params": []}', b'{"params": {}}'),
        b'{"method": "echo", "principal": "root"}',
    ],
)
def test_a_malformed_line_is_answered_and_the_conversation_goes_on(path: Path, line: bytes):
    with serving(path), raw(path) as sock:
        sock.sendall(line + b"\n")
        assert read_line(sock)["error"]["code"] == "malformed"
        sock.sendall(b'{"method": "echo"}\n')
        assert read_line(sock)["ok"]


def test_an_oversized_line_is_refused(path: Path):
    with serving(path):
        with pytest.raises(ControlError, match="at most 1048576 bytes"):
            call(path, "echo", {"text": "x" * (MAX_LINE_BYTES + 1)})
        assert len(call(path, "big", {"n": 3 * MAX_LINE_BYTES})["text"]) == 3 * MAX_LINE_BYTES


def test_a_client_that_dies_disturbs_nobody(path: Path):
    with serving(path):
        for started in (
            b"",
            b'{"method": "ec',
            b'{"method": "slow", "params": {"s": 0.05}}\n',
            b'{"method": "follow"}\n',
        ):
            with raw(path) as sock:
                sock.sendall(started)
        assert call(path, "slow", {"s": 0.1}) == {}


def test_many_clients_are_served_at_once_and_too_many_are_told(path: Path):
    with serving(path):
        with ExitStack() as attached:
            socks = [attached.enter_context(raw(path)) for _ in range(MAX_CLIENTS)]
            for sock in socks:
                sock.sendall(b'{"method": "echo"}\n')
            assert all(read_line(sock)["ok"] for sock in socks)
            with pytest.raises(ControlError, match="clients are attached already"):
                call(path, "echo")
        for _ in range(100):  # the server notices on its next turns
            try:
                assert call(path, "slow", {"s": 0.01}) == {}
                break
            except ControlError:
                continue
        else:
            pytest.fail("places were not given back")


def test_says_when_the_engine_does_not_answer_in_time(path: Path):
    with serving(path), pytest.raises(ControlError, match=r"did not answer, measured 0\.05 s"):
        call(path, "slow", {"s": 5}, timeout_s=0.05)


def test_followers_get_every_event_in_order_until_the_daemon_ends(path: Path):
    seen: list[dict[str, Any]] = []
    with serving(path) as publish:
        events = follow(path)
        sent = [{"event": "block", "number": n} for n in range(50)]
        with raw(path) as other:  # a follower that never reads holds nobody up
            other.sendall(b'{"method": "follow"}\n')
            first = _first(events, publish)
            for event in sent:
                publish(event)
            seen = [first] + [next(events) for _ in sent]
    assert [e for e in seen if e["event"] == "block"] == sent
    assert list(events) == []


def test_a_slow_follower_loses_the_oldest_events_only(path: Path):
    with serving(path) as publish:
        events = follow(path)
        _first(events, publish)
        big = "x" * 100_000  # more than the kernel holds for a socket
        for n in range(2000):
            publish({"event": "block", "number": n, "pad": big})
        numbers = []
        while not numbers or numbers[-1] != 1999:
            numbers.append(next(events)["number"])
    assert len(numbers) < 2000
    assert numbers == sorted(set(numbers))


def _first(events: Iterator[dict[str, Any]], publish: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Attach a follower (its generator starts on the first read) and return the event that proved it."""
    attached = threading.Event()

    def knock() -> None:
        while not attached.wait(0.01):
            publish({"event": "knock"})

    thread = threading.Thread(target=knock)
    thread.start()
    first = next(events)
    attached.set()
    thread.join()
    return first
