"""The toolsets: a literal table. Those in `DEFAULT` are served unless others are named."""

from collections.abc import Sequence

from engine.domain.errors import ConfigError
from tools import engine, knowledge, market, memory, misses, opportunities, risk, strategy, trading, wallet, workspace
from tools.spec import ToolSpec

TOOLSETS: dict[str, tuple[ToolSpec, ...]] = {
    "engine": engine.TOOLS,
    "market": market.TOOLS,
    "opportunities": opportunities.TOOLS,
    "misses": misses.TOOLS,
    "trading": trading.TOOLS,
    "risk": risk.TOOLS,
    "strategy": strategy.TOOLS,
    "wallet": wallet.TOOLS,
    "knowledge": knowledge.TOOLS,
    "memory": memory.TOOLS,
    "workspace": workspace.TOOLS,
}
DEFAULT = ("engine", "opportunities", "trading", "risk", "wallet")
EVERY = "all"


def chosen(names: Sequence[str]) -> list[ToolSpec]:
    """List the tools of the toolsets named ("all": every one; none: the default); raises `ConfigError` for others."""
    wanted = TOOLSETS if EVERY in names else names or DEFAULT
    unknown = [name for name in wanted if name not in TOOLSETS]
    if unknown:
        raise ConfigError(
            "there is no such toolset",
            measured=unknown[0],
            limit=", ".join(TOOLSETS),
            next_step="name some of these, comma-separated",
        )
    return [spec for name in TOOLSETS if name in wanted for spec in TOOLSETS[name]]
