"""The configuration: one frozen tree. Unknown settings are refused with the nearest right one named.

Sources, each over the one before: defaults, the local chain's manifest (profile devnet) or a chain's public defaults
(profile paper), STATE/ketch.toml, the environment (KETCH_RPC, KETCH_SCAN__MAX_HOPS), what the command line gave.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import platformdirs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from engine import config_sources
from engine.chains.feeds.feed import FeedKind
from engine.config_paper import paper_defaults
from engine.domain.decision import PrivateMode
from engine.domain.errors import ConfigError
from engine.domain.ordering import OrderingKind
from engine.domain.units import Address, ChainId
from engine.risk.policy import Policy, Wei
from engine.risk.terms import AgentSwitches, Terms

FILE_NAME = "ketch.toml"
MANIFEST_NAME = "devnet.json"


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain that Ketch knows: its id, its name, and other names that people use."""

    id: ChainId
    name: str
    aliases: tuple[str, ...] = ()


CHAINS = (
    Chain(ChainId(1), "ethereum", ("mainnet", "eth")),
    Chain(ChainId(42161), "arbitrum", ("arbitrum-one", "arb")),
    Chain(ChainId(8453), "base"),
    Chain(ChainId(10), "optimism", ("op", "op-mainnet")),
)


FEED_CHAINS: Mapping[FeedKind, frozenset[ChainId]] = {
    "heads": frozenset(chain.id for chain in CHAINS),
    "flashblocks": frozenset({ChainId(10), ChainId(8453)}),
    "flashblocks_rpc": frozenset({ChainId(10), ChainId(8453)}),
    "sequencer": frozenset({ChainId(42161)}),
}
"""Which chains each kind of feed tells of."""


def chain_named(given: str | int) -> Chain:
    """Find a chain by name, alias or id; raises `ConfigError` with the choices."""
    text = str(given).strip().lower()
    for chain in CHAINS:
        if text in {str(chain.id), chain.name, *chain.aliases}:
            return chain
    choices = ", ".join(f"{c.name} ({c.id})" for c in CHAINS)
    raise ConfigError(f"unknown chain {given!r}", next_step=f"choose one of {choices}")


def address(text: str) -> Address:
    """Read an address into the lower case that is used inside; raises `ValueError`."""
    if not re.fullmatch(r"0x[0-9a-fA-F]{40}", text):
        raise ValueError("must be an address: 0x and 40 hex digits")
    return Address(text.lower())


def relay_url(text: str) -> str:
    """Accept a relay's URL: https, or http on this very machine; raises `ValueError`."""
    parts = urlsplit(text)
    if not parts.hostname or not (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"))
    ):
        raise ValueError("must be an https:// URL: over plain http everybody on the way would see the trade")
    return text


def _url(*schemes: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(rf"({'|'.join(schemes)})://[^\s/]+\S*", text):
            raise ValueError(f"must be a URL that begins with {' or '.join(f'{s}://' for s in schemes)}")
        return text

    return AfterValidator(check)


AddressText = Annotated[Address, AfterValidator(address)]
RelayUrl = Annotated[str, AfterValidator(relay_url)]
HttpUrl = Annotated[str, _url("http", "https")]
WsUrl = Annotated[str, _url("ws", "wss")]


class Scan(BaseModel):
    """How far the scanner looks. `floor_wei` is the least net profit, in wei, worth proving.

    With `prior` a cycle is left alone when trades like it lost more than they earned.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_hops: int = Field(default=4, ge=2, le=4)
    max_rounds: int = Field(default=4, ge=1, le=64)
    floor_wei: int = Field(default=0, ge=0)
    prior: bool = True


class Misses(BaseModel):
    """Whether to look at what others landed: one more question to the endpoint for a block with a possible cycle."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    watch: bool = True


class FeedTerms(BaseModel):
    """What tells of a block before it is there, and whether a pool that it touches is left alone until then."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FeedKind = "heads"
    url: WsUrl | None = None
    hold_back: bool = True


class Agents(BaseModel):
    """What agents may do besides reading. On a live profile both must be on before one of their trades is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trading: bool = False
    live_trading: bool = False
    ask_s: float = Field(default=45, ge=0.1, le=60)


class Wallet(BaseModel):
    """Where the hot key is and who signs with it; other chains' endpoints are only ever asked for balances.

    `signer_gas_per_day_wei` is the signer process's own cap; None is five times the policy's budget.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Literal["keystore", "keyring", "environment"] = "keystore"
    signer: Literal["engine", "process"] = "engine"
    signer_gas_per_day_wei: Wei | None = None
    warn_below_trades: int = Field(default=10, ge=0)
    endpoints: dict[str, HttpUrl] = Field(default_factory=dict)

    @field_validator("endpoints")
    @classmethod
    def _known_chains(cls, given: dict[str, str]) -> dict[str, str]:
        return {chain_named(name).name: url for name, url in given.items()}


class SubmissionTerms(BaseModel):
    """Where trades are sent. With `private` relays they go to those alone, unless `fall_back_to_public` says more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    private: tuple[RelayUrl, ...] = ()
    mode: PrivateMode = "private_transaction"
    fall_back_to_public: bool = False


class Tokens(BaseModel):
    """How long a token's check holds, and how often its code is looked at in between, in blocks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    valid_blocks: int = Field(default=20_000, ge=1)
    watch_blocks: int = Field(default=50, ge=1)


EmbeddingName = Literal["wordllama", "hashed"]
"""How the memory makes vectors of sentences: by a model's token vectors, or by hashing. Neither needs a network."""


class Archive(BaseModel):
    """Whether the journal is kept in stores that agents ask, and how much they may write into it themselves.

    Counted over the journal's whole life: what is deleted from a store stays in the journal.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: bool = True
    notes_per_principal: int = Field(default=20_000, ge=0)
    note_bytes_per_principal: int = Field(default=16_000_000, ge=0)
    note_bytes_in_all: int = Field(default=256_000_000, ge=0)
    embedding: EmbeddingName = "wordllama"


class Paper(BaseModel):
    """Which end of a trade on paper is its outcome: last in the next block, first in it, or where its fee puts it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    counts: Literal["pessimistic", "optimistic", "placed"] = "pessimistic"


class PoolsInUse(BaseModel):
    """Bounds of the search for pools that were swapped in lately, where no `start_block` names their beginning."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window_blocks: int = Field(default=1_000, ge=1)
    max_pools: int = Field(default=40, ge=2)


class Recording(BaseModel):
    """How much of what the engine took in is kept in memory for `ketch capture`, in bytes; 0 records nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_bytes: int = Field(default=32 << 20, ge=0, le=1 << 30)


class Workspace(BaseModel):
    """Which folders agents and people may read files of, by name; without any, the project's own docs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    roots: dict[str, str] = Field(default_factory=dict)

    @field_validator("roots")
    @classmethod
    def _plain_names_of_whole_paths(cls, given: dict[str, str]) -> dict[str, str]:
        for name, path in given.items():
            if not re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", name) or name == "state":
                raise ValueError(f'must have names of small letters, not "state": {name[:40]!r}')
            if not Path(path).is_absolute():
                raise ValueError(f"must be whole paths: {name}")
        return given


class Settings(BaseModel):
    """Everything that can be set. Addresses are lower case; `ws` follows `rpc` unless it is given."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    profile: Literal["devnet", "paper", "live"] = "live"
    chain: str | int = "arbitrum"
    rpc: HttpUrl
    ws: WsUrl = ""
    treasury: AddressText | None = None
    executor: AddressText | None = None
    start_block: int = Field(default=0, ge=0)
    native_wrapped: AddressText | None = None
    base_tokens: tuple[AddressText, ...] = ()
    deployments: dict[str, dict[str, AddressText]] = Field(default_factory=dict)
    lockstep_socket: str | None = None
    ordering: OrderingKind | Literal["auto"] = "auto"
    scan: Scan = Scan()
    feed: FeedTerms = FeedTerms()
    misses: Misses = Misses()
    risk: Policy = Policy()
    agents: Agents = Agents()
    wallet: Wallet = Wallet()
    submission: SubmissionTerms = SubmissionTerms()
    tokens: Tokens = Tokens()
    archive: Archive = Archive()
    paper: Paper = Paper()
    pools: PoolsInUse = PoolsInUse()
    recording: Recording = Recording()
    workspace: Workspace = Workspace()

    @field_validator("chain")
    @classmethod
    def _known_chain(cls, given: str | int) -> str:
        return chain_named(given).name

    @model_validator(mode="after")
    def _ws_follows_rpc(self) -> Self:
        if not self.ws:
            object.__setattr__(self, "ws", re.sub(r"^http", "ws", self.rpc))
        return self

    @model_validator(mode="after")
    def _relays_are_ethereums(self) -> Self:
        if self.submission.private and self.chain_id != 1:
            raise ValueError(f"submission.private is Ethereum's: the only door of {self.chain} is its sequencer")
        return self

    @model_validator(mode="after")
    def _paper_signs_for_itself(self) -> Self:
        if self.profile == "paper" and (self.wallet.signer == "process" or self.submission.private):
            raise ValueError("profile paper neither asks a signer nor tells a relay: leave wallet and submission out")
        return self

    @model_validator(mode="after")
    def _feed_is_the_chains(self) -> Self:
        kind, chains = self.feed.kind, FEED_CHAINS[self.feed.kind]
        if kind != "heads" and self.lockstep_socket:
            raise ValueError("feed.kind: a feed keeps no lockstep: one seed would not give one journal")
        if self.chain_id not in chains:
            names = " and ".join(chain.name for chain in CHAINS if chain.id in chains)
            raise ValueError(f"feed.kind: {kind} is told of {names}, not of {self.chain}")
        if bool(self.feed.url) != (kind != "heads"):
            raise ValueError(f"feed.url: {kind} takes " + ("a WebSocket URL" if kind != "heads" else "none"))
        return self

    @property
    def agents_may_trade(self) -> bool:
        """True when the operator let agents trade; on a live profile that takes two settings."""
        return self.agents.trading and (self.profile != "live" or self.agents.live_trading)

    @property
    def endpoint(self) -> str:
        """The one endpoint that profile paper works over: `ws` where it is set, else `rpc`."""
        return self.ws if "ws" in self.model_fields_set else self.rpc

    @property
    def terms(self) -> Terms:
        """What only the operator's signature loosens: the journal holds which of it is in force."""
        switches = AgentSwitches(trading=self.agents.trading, live_trading=self.agents.live_trading)
        return Terms(risk=self.risk, agents=switches)

    @property
    def chain_id(self) -> ChainId:
        """The id that the endpoint must report."""
        return chain_named(self.chain).id


def load(state: Path, *, environ: Mapping[str, str], given: Mapping[str, object] | None = None) -> Settings:
    """Read every source and return the tree; raises `ConfigError`, one line, naming the source and the setting.

    `given` is what the command line set, by dotted setting name; None values are as if absent.
    """
    return config_sources.settle(Settings, stated(state, environ=environ, given=given))


class _ArchiveAlone(BaseModel):
    """The settings `archive` without the rest of the tree."""

    archive: Archive = Archive()


def archive_terms(state: Path, *, environ: Mapping[str, str]) -> Archive:
    """Read the settings `archive` alone: they hold for a journal whose chain is gone too. Raises `ConfigError`."""
    found = (config_sources.from_file(state / FILE_NAME, Settings), config_sources.from_environment(environ, Settings))
    own = [config_sources.Source(s.label, {k: v for k, v in s.values.items() if k == "archive"}) for s in found]
    return config_sources.settle(_ArchiveAlone, own).archive


def stated(
    state: Path,
    *,
    environ: Mapping[str, str],
    given: Mapping[str, object] | None = None,
    file: config_sources.Source | None = None,
) -> list[config_sources.Source]:
    """Read every source, each over the one before; `file` stands in for ketch.toml. Raises `ConfigError`."""
    found = [
        file or config_sources.from_file(state / FILE_NAME, Settings),
        config_sources.from_environment(environ, Settings),
        config_sources.from_options(given or {}),
    ]
    profile = next((s.values["profile"] for s in reversed(found) if "profile" in s.values), "live")
    if profile == "devnet":
        found.insert(0, config_sources.from_manifest(state / MANIFEST_NAME))
    if profile == "paper":
        given_chain = next((s.values["chain"] for s in reversed(found) if "chain" in s.values), "arbitrum")
        chain = chain_named(given_chain)
        found.insert(0, paper_defaults(chain.id, chain.name, environ))
    if not any("rpc" in s.values for s in found):
        raise _no_endpoint(state, devnet=profile == "devnet")
    return found


def default_state_dir() -> Path:
    """Name the folder that holds journal, keys and settings when --state is not given."""
    return platformdirs.user_data_path("ketch", appauthor=False)


def _no_endpoint(state: Path, *, devnet: bool) -> ConfigError:
    if devnet:
        return ConfigError(f"no local chain in {state}", next_step=f"start one with: ketch devnet --state {state}")
    return ConfigError(
        "no rpc endpoint is set", next_step=f'write rpc = "https://…" in {state / FILE_NAME} or set KETCH_RPC'
    )
