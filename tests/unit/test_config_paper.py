"""Profile paper needs nothing but its name: endpoint, coins and limits of each chain are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import CHAINS, Chain, load
from engine.config_paper import PUBLIC_ENDPOINTS, endpoint_variable
from engine.config_sources import NOT_SETTINGS
from engine.domain.errors import ConfigError
from engine.initialise import address_book
from engine.venues.deployments import deployments_in


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.name)
def test_a_chains_name_is_enough(tmp_path: Path, chain: Chain) -> None:
    settings = load(tmp_path, environ={}, given={"profile": "paper", "chain": chain.name})
    assert settings.endpoint == PUBLIC_ENDPOINTS[chain.id]
    assert settings.native_wrapped == settings.base_tokens[0]
    assert len(set(settings.base_tokens)) == len(settings.base_tokens) >= 2
    assert settings.risk.halt_at_losses_in_a_row == 10_000
    assert deployments_in(address_book(settings))


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.name)
def test_ones_own_endpoint_comes_from_the_environment_and_a_nearer_one_lies_over_it(
    tmp_path: Path, chain: Chain
) -> None:
    own = {endpoint_variable(chain.name): "https://mine.example/key"}
    assert own.keys() <= NOT_SETTINGS
    paper: dict[str, object] = {"profile": "paper", "chain": chain.id}
    assert load(tmp_path, environ=own, given=paper).endpoint == "https://mine.example/key"
    assert load(tmp_path, environ=own, given=paper | {"rpc": "http://127.0.0.1:9"}).endpoint == "http://127.0.0.1:9"
    given_ws = paper | {"ws": "ws://127.0.0.1:9"}
    assert load(tmp_path, environ=own, given=given_ws).endpoint == "ws://127.0.0.1:9"


def test_no_other_profile_takes_an_endpoint_from_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no rpc endpoint"):
        load(tmp_path, environ={"KETCH_RPC_ARBITRUM": "https://mine.example"}, given={"profile": "live"})


@pytest.mark.parametrize(
    "toml", ['wallet.signer = "process"', 'chain = "ethereum"\nsubmission.private = ["https://relay.example"]']
)
def test_paper_asks_no_signer_and_tells_no_relay(tmp_path: Path, toml: str) -> None:
    (tmp_path / "ketch.toml").write_text(f'profile = "paper"\n{toml}\n')
    with pytest.raises(ConfigError, match="neither asks a signer nor tells a relay"):
        load(tmp_path, environ={})
