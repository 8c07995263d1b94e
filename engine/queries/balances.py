"""The hot key's balance on every chain that has an endpoint: asked at once, and None with its reason where unknown."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio
import httpx

from engine.config import Settings, chain_named
from engine.domain.units import Address
from engine.queries import views

ANSWER_WITHIN_S = 3.0
MAX_ANSWER_BYTES = 1 << 16

Row = dict[str, Any]


class _Unknown(Exception):
    """Why a balance is not known, in one line without the endpoint's credentials."""


def endpoints_of(settings: Settings) -> dict[str, str]:
    """Name every chain that can be asked, the engine's own first."""
    return {str(settings.chain): settings.rpc} | settings.wallet.endpoints


async def balances_on(endpoints: Mapping[str, str], holder: Address, *, warn_below_wei: int) -> list[Row]:
    """Ask every chain for the holder's native coin, all at once; one that fails says why and holds up no other."""
    rows: dict[str, Row] = {}

    async def one(name: str, url: str, client: httpx.AsyncClient) -> None:
        held_wei, why = None, None
        try:
            with anyio.fail_after(ANSWER_WITHIN_S):
                held_wei = await _balance(client, url, chain_named(name).id, holder)
        except TimeoutError:
            why = f"no answer within {ANSWER_WITHIN_S:g} s"
        except _Unknown as unknown:
            why = str(unknown)
        low = None if held_wei is None else held_wei < warn_below_wei
        rows[name] = {
            "chain": name,
            "chain_id": int(chain_named(name).id),
            "native": views.wei(held_wei),
            "low": low,
            "why_unknown": why,
        }

    async with (
        httpx.AsyncClient(timeout=ANSWER_WITHIN_S, trust_env=False) as client,
        anyio.create_task_group() as tasks,
    ):
        for name, url in endpoints.items():
            tasks.start_soon(partial(one, name, url, client))
    return [rows[name] for name in endpoints]


async def _balance(client: httpx.AsyncClient, url: str, chain_id: int, holder: Address) -> int:
    found = await _ask(client, url, "eth_chainId")
    if found != chain_id:
        raise _Unknown(f"the endpoint is of another chain: {found}, not {chain_id}")
    return await _ask(client, url, "eth_getBalance", holder, "latest")


async def _ask(client: httpx.AsyncClient, url: str, method: str, *params: str) -> int:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    held = bytearray()
    try:
        async with client.stream("POST", url, json=body) as answer:
            if answer.status_code != 200:
                raise _Unknown(f"{method}: HTTP {answer.status_code}")
            async for chunk in answer.aiter_bytes():
                held += chunk
                if len(held) > MAX_ANSWER_BYTES:
                    raise _Unknown(f"{method}: an answer without end")
        return int(httpx.Response(200, content=bytes(held)).json()["result"], 16)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _Unknown(f"{method}: {type(error).__name__}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise _Unknown(f"{method}: an answer that is no number") from error
