"""What the operator allows: one frozen table of limits, whose digest is signed, journaled and quoted by decisions."""

import hashlib
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from engine.domain.hops import PPM
from engine.domain.units import Address, ChainId
from engine.journal.canonical import dumps

KNOWN_CHAINS = (ChainId(1), ChainId(10), ChainId(8453), ChainId(42161))


def _whole(given: object) -> object:
    """Take an int or its decimal text. A float or a bool where wei belong is a mistake in units, never rounded."""
    if isinstance(given, str) and re.fullmatch(r"[0-9][0-9_]*", given):
        return int(given)
    if isinstance(given, bool) or not isinstance(given, int):
        raise ValueError("must be a whole number, in the smallest unit")
    return given


def _address(text: str) -> Address:
    if not re.fullmatch(r"0x[0-9a-fA-F]{40}", text):
        raise ValueError("must be an address: 0x and 40 hex digits")
    return Address(text.lower())


Wei = Annotated[int, BeforeValidator(_whole), Field(ge=0, lt=2**256)]
Share = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=PPM)]
Count = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=1_000_000)]
Chains = Annotated[
    tuple[Annotated[ChainId, BeforeValidator(_whole)], ...], AfterValidator(lambda c: tuple(sorted({*c})))
]
Tokens = Annotated[
    tuple[Annotated[Address, AfterValidator(_address)], ...], AfterValidator(lambda t: tuple(sorted({*t})))
]
Names = Annotated[tuple[str, ...], AfterValidator(lambda n: tuple(sorted({*n})))]


class Policy(BaseModel):
    """The limits of one engine. Defaults suit a hot wallet of some 0.2 native coin ($600) that borrows its capital.

    With them a day can cost a twentieth of that wallet, and one trade a fiftieth, whatever happens; the principal is
    borrowed within the transaction and the contract holds its floor, so the notional is a cap on blunders, not on loss.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_notional_wei: Wei = 50 * 10**18
    """Most that one trade may put in, valued in the native coin."""
    min_net_profit_wei: Annotated[int, BeforeValidator(_whole), Field(ge=1, lt=2**256)] = 10**13
    """Least profit after gas, L1 fee, flash fee and bid."""
    max_gas_wei: Wei = 4 * 10**15
    """Most that one transaction may pay for gas: gas limit × max fee, and twice the L1 fee expected."""
    gas_budget_per_day_wei: Wei = 2 * 10**16
    """Most gas a day, what is open counted at its worst. The day is the chain's: timestamp // 86400."""
    max_loss_per_day_wei: Wei = 10**16
    """Most that a day's losing trades may lose together; winning trades buy no room."""
    approval_above_wei: Wei = 10**18
    """Most that an agent's trade may put in, valued in the native coin, without the operator's signature for it."""
    max_open_intents: Annotated[int, BeforeValidator(_whole), Field(ge=1, le=1_000)] = 4
    """Most transactions signed and not yet ended."""
    max_notional_per_day_wei: Wei = 1_000 * 10**18
    """Most that a day's trades may put in together, filled and open ones, valued in the native coin. A state folder is
    of one chain, so this and every cap beside it is also the cap of that chain."""
    max_notional_per_token_per_day_wei: Wei = 500 * 10**18
    """Most that a day's trades which begin in the same token may put in together."""
    max_notional_per_venue_per_day_wei: Wei = 500 * 10**18
    """Most that a day's trades which pass the same venue may put in together; a trade counts whole at each venue."""
    max_exposure_wei: Wei = 2 * 10**17
    """Most own capital in all open trades together, valued in the native coin; what is borrowed is none."""
    halt_at_loss_share_ppm: Share = 800_000
    """Share of max_loss_per_day_wei at which the day's losses halt trading until the operator resumes."""
    halt_at_losses_in_a_row: Count = 5
    """Losing trades in a row that halt trading until the operator resumes."""
    max_trades_per_minute: Count = 30
    """Most trades in any minute of the chain's time."""
    agent_trades_per_minute: Count = 6
    """Most trades of one agent in any minute of the chain's time."""
    agent_notional_per_day_wei: Wei = 20 * 10**18
    """Most that one agent's trades may put in together in a day."""
    agent_gas_per_day_wei: Wei = 5 * 10**15
    """Most gas of one agent's trades in a day, what is open counted at its worst."""
    agents_gas_per_day_wei: Wei = 10**16
    """Most gas of all agents' trades together in a day: an agent that attaches again under a new name gains nothing."""
    allowed_chains: Chains = KNOWN_CHAINS
    allowed_tokens: Tokens | None = None
    """Tokens that a route may touch; None for every route whose profit token has a known price."""
    allowed_deployments: Names | None = None
    """Venues that a route may pass, such as "uniswap_v2"; None for all that are configured."""
    bid_share_ppm: Share = 100_000
    """Share of the expected net profit that is bid as priority fee, in millionths."""
    floor_share_ppm: Share = 500_000
    """Share of the proven profit that the contract's floor holds at least, in millionths."""

    def digest(self) -> str:
        """Return the policy hash: sha256 of the canonical JSON, 0x hex."""
        return "0x" + hashlib.sha256(dumps(self.model_dump())).hexdigest()
