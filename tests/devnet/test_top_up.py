"""The hot key's gas float, brought to its target: said on any chain, done on a local one."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from engine.initialise import LOCAL_GAS_FLOAT_WEI
from engine.top_up import top_up
from tests.conftest import LocalChain
from tests.engine_on_chain import prepare, settings_of

pytestmark = pytest.mark.node

MISSING_WEI = 10**18 + 7


def test_a_local_chains_faucet_brings_the_float_to_the_target_and_no_further(chain: LocalChain, tmp_path: Path) -> None:
    async def run() -> None:
        settings = settings_of(chain, tmp_path)
        await prepare(chain, tmp_path, settings)
        enough = await top_up(settings, state=tmp_path, target_wei=LOCAL_GAS_FLOAT_WEI)
        assert (enough["send_wei"], enough["sent"]) == ("0", False)
        chain.rpc.call("evm_setAutomine", True)
        target_wei = LOCAL_GAS_FLOAT_WEI + MISSING_WEI
        done = await top_up(settings, state=tmp_path, target_wei=target_wei)
        assert (done["send_wei"], done["sent"]) == (str(MISSING_WEI), True)
        assert int(chain.rpc.call("eth_getBalance", done["operator"], "latest"), 16) == target_wei
        again = await top_up(settings, state=tmp_path, target_wei=target_wei)
        assert (again["send_wei"], again["sent"]) == ("0", False)

    with chain.reverted():
        try:
            anyio.run(run)
        finally:
            chain.rpc.call("evm_setAutomine", False)
