"""Everything that can wake the mining loop: the clock, a signal, the parent's end, an engine that is done."""

import contextlib
import os
import selectors
import signal
import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Literal

import msgspec

from engine.domain.errors import DevnetError

MAX_LINE_BYTES = 4_096


class _Done(msgspec.Struct, frozen=True):
    done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An engine has finished with block `number`; `answer` tells it what came of that."""

    number: int
    client: socket.socket

    def answer(self, *, ok: bool, head: int) -> None:
        """Reply on the engine's connection; a connection that is gone is nobody's loss."""
        with contextlib.suppress(OSError):
            self.client.sendall(msgspec.json.encode({"ok": ok, "head": head}) + b"\n")


Wake = Literal["stopped", "parent gone"] | Done


@dataclass(slots=True)
class Wakes:
    """What `wakes` opened. `wait` returns what has happened since, or nothing once the time is over."""

    _selector: selectors.BaseSelector
    _buffers: dict[socket.socket, bytes] = field(default_factory=dict[socket.socket, bytes])

    def wait(self, timeout_s: float) -> list[Wake]:
        """Wait for the next events for at most `timeout_s`."""
        woken: list[Wake] = []
        for key, _ in self._selector.select(max(0.0, timeout_s)):
            source = key.fileobj
            if key.data == "listener":
                assert isinstance(source, socket.socket)
                self._accept(source)
            elif key.data == "client":
                assert isinstance(source, socket.socket)
                woken += self._read(source)
            elif not os.read(key.fd, MAX_LINE_BYTES):
                woken.append("parent gone")
            elif key.data == "signal":
                woken.append("stopped")
        return woken

    def _accept(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        self._buffers[client] = b""
        self._selector.register(client, selectors.EVENT_READ, "client")

    def _read(self, client: socket.socket) -> list[Wake]:
        try:
            received = client.recv(MAX_LINE_BYTES)
        except OSError:
            received = b""
        *lines, rest = (self._buffers[client] + received).split(b"\n")
        try:
            woken: list[Wake] = [Done(number=msgspec.json.decode(x, type=_Done).done, client=client) for x in lines]
        except msgspec.DecodeError:
            received, woken = b"", []  # it does not speak our language
        if not received or len(rest) > MAX_LINE_BYTES:
            self.close_client(client)
        else:
            self._buffers[client] = rest
        return woken

    def close_client(self, client: socket.socket) -> None:
        """Hang up on one engine."""
        self._selector.unregister(client)
        del self._buffers[client]
        client.close()

    def close(self) -> None:
        """Hang up on everybody."""
        for client in list(self._buffers):
            self.close_client(client)
        self._selector.close()


@contextmanager
def wakes(control: Path | None, *, with_parent: bool) -> Generator[Wakes]:
    """Listen on the socket `control` if there is one, for SIGINT and SIGTERM, and `with_parent` on standard input.

    Must run in the main thread. Raises `DevnetError` when the socket cannot be made.
    """
    with contextlib.ExitStack() as opened:
        selector = selectors.DefaultSelector()
        listening = Wakes(selector)
        opened.callback(listening.close)
        selector.register(opened.enter_context(_signals()), selectors.EVENT_READ, "signal")
        if with_parent:
            selector.register(sys.stdin.fileno(), selectors.EVENT_READ, "parent")
        if control:
            selector.register(opened.enter_context(_listener(control)), selectors.EVENT_READ, "listener")
        yield listening


@contextmanager
def _listener(path: Path) -> Generator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            listener.bind(str(path))
        except OSError as error:
            raise DevnetError("the control socket cannot be made", measured=f"{path}: {error.strerror}") from error
        finally:
            os.umask(mask)
        listener.listen()
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def _signals() -> Generator[socket.socket]:
    """Yield a socket that becomes readable with the first SIGINT or SIGTERM."""
    reader, writer = socket.socketpair()
    for end in (reader, writer):
        end.setblocking(False)

    def ignore(_number: int, _frame: FrameType | None) -> None:
        """The wake-up descriptor says it already."""

    previous = [(number, signal.signal(number, ignore)) for number in (signal.SIGINT, signal.SIGTERM)]
    wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, action in previous:
            signal.signal(number, action)
        reader.close()
        writer.close()
