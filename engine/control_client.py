"""The thin client's half of the control socket: blocking, for the command line."""

import json
import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from engine.control_path import reachable
from engine.domain.errors import ControlError

CONNECT_S = 5.0
MAX_ANSWER_BYTES = 1 << 28


class NoDaemon(ControlError):
    """no engine is running on this state folder"""


def call(path: Path, method: str, params: dict[str, Any] | None = None, timeout_s: float = 30.0) -> dict[str, Any]:
    """Ask the daemon one thing; raises `NoDaemon`, or `ControlError` with the daemon's own line."""
    with _connected(path) as sock:
        sock.settimeout(timeout_s)
        lines = _ask(sock, method, params or {})
        return _answer(lines, path, timeout_s)


def follow(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the daemon's events until it ends; raises as `call` does."""
    with _connected(path) as sock:
        lines = _ask(sock, "follow", {})
        _answer(lines, path, CONNECT_S)
        sock.settimeout(None)
        try:
            for line in lines:
                yield _object(line, path)
        except ConnectionError:
            return


@contextmanager
def _connected(path: Path) -> Generator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(CONNECT_S)
        try:
            with reachable(path) as short:
                sock.connect(short)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
            state = path.parent
            raise NoDaemon(f"no engine is running on {state}", next_step=f"ketch up --state {state}") from error
        except TimeoutError as error:
            raise ControlError(f"the engine on {path} does not answer", next_step="see its log") from error
        except OSError as error:
            raise ControlError(f"cannot open {path} ({error.strerror})") from error
        yield sock


def _ask(sock: socket.socket, method: str, params: dict[str, Any]) -> Iterator[bytes]:
    try:
        sock.sendall(json.dumps({"method": method, "params": params}).encode() + b"\n")
    except (BrokenPipeError, ConnectionResetError):
        pass  # the daemon may have said why before it closed: its line is read below
    except TimeoutError as error:
        raise ControlError("the engine does not take the request", next_step="see its log") from error
    return _lines(sock)


def _lines(sock: socket.socket) -> Iterator[bytes]:
    held = bytearray()
    while chunk := sock.recv(1 << 16):
        start = len(held)
        held += chunk
        while (end := held.find(b"\n", start)) >= 0:
            yield bytes(held[:end])
            del held[: end + 1]
            start = 0
        if len(held) > MAX_ANSWER_BYTES:
            raise ControlError("the engine's answer is too long", measured=len(held), limit=MAX_ANSWER_BYTES)


def _answer(lines: Iterator[bytes], path: Path, timeout_s: float) -> dict[str, Any]:
    try:
        line = next(lines, None)
    except TimeoutError as error:
        raise ControlError("the engine did not answer", measured=f"{timeout_s:g} s", next_step="see its log") from error
    except ConnectionError:
        line = None
    if line is None:
        raise ControlError("the engine closed the connection before it answered", next_step="see its log")
    answer = _object(line, path)
    if answer.get("ok") is True and isinstance(answer.get("result"), dict):
        return cast("dict[str, Any]", answer["result"])
    error = answer.get("error")
    said = cast("dict[str, object]", error) if isinstance(error, dict) else {}
    if "message" not in said:
        raise ControlError(f"{path} does not speak as an engine does")
    raise ControlError(
        str(said.get("cause") or said["message"]),
        next_step=str(said.get("next_step") or ""),
        code=str(said.get("code") or ""),
        example=said.get("example"),
    )


def _object(line: bytes, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ControlError(f"{path} does not speak as an engine does")
    return cast("dict[str, Any]", value)
