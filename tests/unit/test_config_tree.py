"""Settings: what is read from where, and the one line that is said about each thing that cannot be used."""

import json
from pathlib import Path

import pydantic
import pytest

from engine.config import CHAINS, FILE_NAME, MANIFEST_NAME, Settings, chain_named, default_state_dir, load
from engine.domain.errors import ConfigError

RPC = 'rpc = "http://127.0.0.1:9"\n'
TOKEN = "0x" + "Ab" * 20
MANIFEST = {
    "format": 1,
    "chain_id": 8453,
    "rpc": "http://127.0.0.1:1",
    "ws": "ws://127.0.0.1:1",
    "control": "/state/devnet.sock",
    "start_block": 3,
    "native_wrapped": TOKEN,
    "tokens": [{"address": TOKEN, "symbol": "WETH", "decimals": 18}],
    "deployments": {"uniswap_v2": {"factory": TOKEN, "router": TOKEN}},
}


def read(state: Path, toml: str = RPC, given: dict[str, object] | None = None, **environ: str) -> Settings:
    (state / FILE_NAME).write_text(toml)
    return load(state, environ=environ, given=given)


def refusal(state: Path, toml: str = RPC, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(state, toml, **environ)
    line = str(caught.value)
    assert "\n" not in line
    assert "pydantic" not in line
    assert "http" not in line or "must be a URL" in line or "write rpc" in line
    return line


def test_each_source_goes_over_the_one_before(tmp_path: Path):
    toml = RPC + "[scan]\nmax_hops = 3\nmax_rounds = 3\nfloor_wei = 3\n"
    settings = read(
        tmp_path, toml, {"scan.floor_wei": 1, "rpc": None}, KETCH_SCAN__MAX_ROUNDS="2", KETCH_SCAN__FLOOR_WEI="2"
    )
    assert (settings.scan.max_hops, settings.scan.max_rounds, settings.scan.floor_wei) == (3, 2, 1)
    assert settings.rpc == "http://127.0.0.1:9"
    assert read(tmp_path, RPC).scan.max_hops == 4


def test_the_websocket_follows_the_endpoint_unless_given(tmp_path: Path):
    assert read(tmp_path, 'rpc = "https://node/key"').ws == "wss://node/key"
    assert read(tmp_path, 'rpc = "https://node/key"\nws = "ws://other"').ws == "ws://other"


def test_the_tree_is_frozen(tmp_path: Path):
    settings = read(tmp_path)
    with pytest.raises(pydantic.ValidationError):
        settings.rpc = "http://elsewhere"  # pyright: ignore
    with pytest.raises(pydantic.ValidationError):
        settings.scan.max_hops = 2  # pyright: ignore


def test_addresses_are_lower_case_inside(tmp_path: Path):
    settings = read(tmp_path, RPC + f'treasury = "{TOKEN}"\ndeployments.sushi_v2.factory = "{TOKEN}"')
    assert settings.treasury == TOKEN.lower()
    assert settings.deployments == {"sushi_v2": {"factory": TOKEN.lower()}}


def test_the_environment_gives_lists_and_tables(tmp_path: Path):
    settings = read(tmp_path, KETCH_BASE_TOKENS=f"{TOKEN}, {TOKEN}", KETCH_DEPLOYMENTS__SUSHI_V2__FACTORY=TOKEN)
    assert settings.base_tokens == (TOKEN.lower(),) * 2
    assert settings.deployments["sushi_v2"]["factory"] == TOKEN.lower()


def test_variables_of_others_are_not_settings(tmp_path: Path):
    assert read(tmp_path, PATH="/bin", KETCH_STATE="/elsewhere", KETCH_DATA="/data").chain == "arbitrum"


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.name)
def test_a_chain_has_several_names(chain):
    for name in (chain.name, chain.name.upper(), chain.id, str(chain.id), *chain.aliases):
        assert chain_named(name) == chain


def test_an_unknown_chain_is_refused_with_the_choices(tmp_path: Path):
    expected = "unknown chain 'solana': choose one of ethereum (1), arbitrum (42161), base (8453), optimism (10)"
    assert refusal(tmp_path, RPC + 'chain = "solana"') == expected
    assert refusal(tmp_path, KETCH_CHAIN="solana") == expected
    assert "unknown chain 5" in refusal(tmp_path, RPC + "chain = 5")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("max_hop", "scan.max_hops"), ("scan.max_hop", "scan.max_hops"), ("tresury", "treasury"), ("RPC", "rpc")],
)
def test_an_unknown_setting_is_refused_with_the_nearest_right_one(tmp_path: Path, wrong: str, right: str):
    line = refusal(tmp_path, f"{wrong} = 1\n" + RPC)
    assert line == f'unknown setting "{wrong}" in {tmp_path / FILE_NAME}: did you mean "{right}"?'


def test_an_unknown_variable_is_refused_with_the_nearest_setting(tmp_path: Path):
    line = refusal(tmp_path, KETCH_SCAN__MAX_HOP="3")
    assert (
        line == 'unknown setting "scan.max_hop" in the environment (KETCH_SCAN__MAX_HOP): did you mean "scan.max_hops"?'
    )


def test_a_setting_like_no_other_is_answered_with_all(tmp_path: Path):
    assert ": the settings are profile, chain, rpc," in refusal(tmp_path, RPC + "zzzzzz = 1")


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        (RPC + '[scan]\nmax_hops = "3"', "scan.max_hops must be a whole number"),
        (RPC + "[scan]\nmax_hops = 3.0", "scan.max_hops must be a whole number"),
        (RPC + "[scan]\nmax_hops = true", "scan.max_hops must be a whole number"),
        (RPC + "[scan]\nmax_hops = 9", "scan.max_hops must be less than or equal to 4"),
        (RPC + "scan = 3", "scan must be a table"),
        (RPC + 'base_tokens = "0x"', "base_tokens must be a list"),
        (RPC + 'base_tokens = ["0x"]', "base_tokens must be an address: 0x and 40 hex digits"),
        (RPC + "base_tokens = [3]", "base_tokens must be text"),
        (RPC + "treasury = 1979-05-27", "treasury must be an address: 0x and 40 hex digits"),
        (RPC + "deployments.sushi_v2.factory = 3", "deployments.sushi_v2.factory must be text"),
        (RPC + 'profile = "test"', "profile must be 'devnet', 'paper' or 'live'"),
        ("rpc = 3", "rpc must be text"),
        ('rpc = "127.0.0.1:9"', "rpc must be a URL that begins with http:// or https://"),
        ('rpc = "http://"', "rpc must be a URL that begins with http:// or https://"),
    ],
)
def test_a_wrong_value_is_named_with_its_place_in_one_line(tmp_path: Path, toml: str, said: str):
    assert refusal(tmp_path, toml) == f"{said} (in {tmp_path / FILE_NAME})"


def test_a_wrong_variable_is_named_with_its_place(tmp_path: Path):
    assert refusal(tmp_path, KETCH_SCAN__MAX_HOPS="many") == "scan.max_hops must be a whole number (in the environment)"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"rpc = 'a'\nchain = \n", "at line 2"),
        (b"rpc = 'a'\n[scan\n", "at line 2"),
        (b"rpc = 'a'\n\nchain = '\xff'\n", "not UTF-8 text (at line 3)"),
        (b"\x00" * 100, "at line 1"),
        (b"a = " + b"[" * 100_000, "nested too deeply"),
        (b"rpc = 'a'\nrpc = 'b'", "at line 2"),
    ],
)
def test_a_corrupt_file_is_named_with_the_line(tmp_path: Path, content: bytes, said: str):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, environ={})
    line = str(caught.value)
    assert line.startswith(f"{tmp_path / FILE_NAME} is not valid TOML: ")
    assert said in line or (said == "at line 2" and "at end of document" in line)
    assert "\n" not in line


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path):
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(ConfigError, match=r"cannot read .*ketch\.toml \(Is a directory\)"):
        load(tmp_path, environ={})


def test_without_an_endpoint_it_says_where_to_write_one(tmp_path: Path):
    line = refusal(tmp_path, "")
    assert line == f'no rpc endpoint is set: write rpc = "https://…" in {tmp_path / FILE_NAME} or set KETCH_RPC'


def test_on_a_local_chain_the_manifest_fills_what_is_not_set(tmp_path: Path):
    (tmp_path / MANIFEST_NAME).write_text(json.dumps(MANIFEST))
    settings = read(tmp_path, "start_block = 9", {"profile": "devnet"})
    assert (settings.chain, settings.rpc, settings.start_block) == ("base", "http://127.0.0.1:1", 9)
    assert settings.base_tokens == (TOKEN.lower(),)
    assert settings.lockstep_socket == "/state/devnet.sock"
    assert settings.deployments["uniswap_v2"]["router"] == TOKEN.lower()


def test_a_live_profile_never_reads_a_local_chains_manifest(tmp_path: Path):
    (tmp_path / MANIFEST_NAME).write_text(json.dumps(MANIFEST))
    assert "no rpc endpoint is set" in refusal(tmp_path, "")


def test_says_how_to_start_a_local_chain_when_there_is_none(tmp_path: Path):
    line = refusal(tmp_path, 'profile = "devnet"')
    assert line == f"no local chain in {tmp_path}: start one with: ketch devnet --state {tmp_path}"


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"chain_id": 1', '{"tokens": 3}'])
def test_a_corrupt_manifest_is_one_line(tmp_path: Path, content: str):
    (tmp_path / MANIFEST_NAME).write_text(content)
    line = refusal(tmp_path, 'profile = "devnet"')
    assert line == f"{tmp_path / MANIFEST_NAME} is not a local chain's manifest: start the chain again"


def test_the_default_state_folder_is_the_users():
    assert default_state_dir().name == "ketch"
    assert default_state_dir().is_absolute()
