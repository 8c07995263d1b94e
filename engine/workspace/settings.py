"""The configuration explained: what each setting means, what it is, where that comes from; and checked before it is."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from engine.config import Settings
from engine.config_sources import PREFIX, Source, settings_in, settle, stated_in
from engine.risk.loosening import changes
from engine.workspace.edits import as_toml
from engine.workspace.meanings import MEANINGS

NOT_SHOWN: Final = "set, not shown"
ENDPOINTS: Final = frozenset(
    {"rpc", "ws", "lockstep_socket", "wallet.endpoints", "submission.private", "workspace.roots"}
)
"""Settings whose values may hold a provider's key or a path. What looks like one is not shown elsewhere either."""
AT_START: Final = "the command line, or what the sources said at the start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One setting: `waits` is what the sources say now where that is not what is in effect."""

    setting: str
    meaning: str
    value: str
    source: str
    default: str
    environment: str
    waits: str | None = None


def explained(in_effect: Settings, sources: Sequence[Source], policy: str) -> list[dict[str, Any]]:
    """Explain every setting; `policy` names the policy in force. Raises `ConfigError` when the sources are wrong."""
    now = settle(Settings, sources)
    limits = in_effect.terms.flat().keys()
    rows: list[dict[str, Any]] = []
    for setting in settings_in(Settings):
        stated = next((s.label for s in reversed(sources) if stated_in(s.values, setting)), "default")
        value, says = at(in_effect, setting), at(now, setting)
        other = policy if setting in limits else AT_START
        row = Explained(
            setting=setting,
            meaning=MEANINGS.get(setting, ""),
            value=shown(setting, value),
            source=stated.rpartition("/")[2] if value == says else other,
            default=shown(setting, default_of(setting)),
            environment=PREFIX + setting.upper().replace(".", "__"),
            waits=None if value == says else shown(setting, says),
        )
        rows.append(asdict(row))
    return rows


def effects(in_effect: Settings, before: Settings, after: Settings) -> list[str]:
    """Say what a change of the sources, from `before` to `after`, changes of what is in effect, and when it counts."""
    loosens = {change.name: change.loosens for change in changes(in_effect.terms, after.terms)}
    told: list[str] = []
    for setting in settings_in(Settings):
        old, new = at(in_effect, setting), at(after, setting)
        if at(before, setting) == new:
            continue
        when = "at the next start"
        if setting in loosens:
            when = "loosens: waits for ketch policy apply" if loosens[setting] else "tightens: ketch policy reload"
        told.append(f"{setting}: {shown(setting, old)} -> {shown(setting, new)} ({when})")
    return told


def at(settings: BaseModel, setting: str) -> Any:
    """Return a setting's value."""
    value: Any = settings
    for part in setting.split("."):
        value = getattr(value, part)
    return value


def default_of(setting: str) -> Any:
    """Return what a setting is when nothing says otherwise."""
    *tables, last = setting.split(".")
    model: Any = Settings
    for table in tables:
        model = model.model_fields[table].annotation
    return model.model_fields[last].get_default(call_default_factory=True)


def shown(setting: str, value: Any) -> str:
    """Write a value as TOML does; an endpoint or a path is not shown."""
    if value is None or value is PydanticUndefined:
        return "none"
    text = as_toml(value)
    hidden = setting in ENDPOINTS or "://" in text or text.startswith('"/')
    return NOT_SHOWN if hidden and value else text
