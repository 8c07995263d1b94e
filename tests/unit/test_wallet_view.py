"""The gas float: on every chain at once, unknown with a reason, and short said once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anyio

from engine.domain.units import Address
from engine.gas_float import GasFloat
from engine.queries.balances import balances_on

HOLDER = Address("0x" + "cc" * 20)


@contextmanager
def endpoint(answers: dict[str, str], *, delay_s: float = 0.0, body: bytes | None = None) -> Generator[str]:
    """Serve JSON-RPC on loopback."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(delay_s)
            said = body or json.dumps({"jsonrpc": "2.0", "id": 1, "result": answers.get(asked["method"])}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *said: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v2/a-providers-secret"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def asked(**endpoints: str) -> dict[str, dict[str, object]]:
    rows = anyio.run(lambda: balances_on(endpoints, HOLDER, warn_below_wei=100))
    assert [row["chain"] for row in rows] == list(endpoints)
    return {row["chain"]: row for row in rows}


def test_every_chain_is_asked_at_once_and_one_that_fails_holds_up_no_other() -> None:
    with (
        endpoint({"eth_chainId": "0x1", "eth_getBalance": "0x64"}, delay_s=0.3) as ethereum,
        endpoint({"eth_chainId": "0x1", "eth_getBalance": "0x64"}) as misnamed,
        endpoint({"eth_chainId": hex(10), "eth_getBalance": "0x63"}, delay_s=0.3) as optimism,
    ):
        began = time.monotonic()
        rows = asked(ethereum=ethereum, optimism=optimism, base=misnamed, arbitrum="http://127.0.0.1:9/key")
        assert time.monotonic() - began < 3
    assert rows["ethereum"]["native"] == {"wei": "100", "human": "0.0000000000000001"}
    assert (rows["ethereum"]["low"], rows["optimism"]["low"]) == (False, True)
    for name, why in (("base", "another chain: 1, not 8453"), ("arbitrum", "ConnectError")):
        assert (rows[name]["native"], rows[name]["low"]) == (None, None), "unknown is not zero"
        assert why in str(rows[name]["why_unknown"])
    assert "a-providers-secret" not in json.dumps(rows)


def test_answers_that_are_no_balance_are_unknown_with_the_reason() -> None:
    for body, why in (
        (b"hello", "no number"),
        (b"[]", "no number"),
        (b'{"error": {"code": -1}}', "no number"),
        (b"x" * 200_000, "without end"),
    ):
        with endpoint({}, body=body) as odd:
            row = asked(ethereum=odd)["ethereum"]
            assert row["native"] is None
            assert why in str(row["why_unknown"])


def test_a_short_float_is_said_once_a_crossing() -> None:
    watched = GasFloat(HOLDER, warn_below_wei=100)
    assert (watched.low, watched.shown()["held_wei"]) == (False, None)
    said = [watched.seen(held) is not None for held in (150, 100, 99, 50, 0, 100, 99, 98)]
    assert said == [False, False, True, False, False, False, True, False]
    assert GasFloat(HOLDER, warn_below_wei=100).seen(99) == {
        "event": "gas float low", "operator": HOLDER, "held_wei": "99", "warn_below_wei": "100", "low": True
    }  # fmt: skip
