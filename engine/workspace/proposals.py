"""Changes of ketch.toml that were proposed, applied and rolled back, as the journal has them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from engine.config import Settings
from engine.config_sources import settings_in
from engine.domain.commands import SettingChange
from engine.domain.errors import ControlError
from engine.journal import ancestry
from engine.journal.journal import Entry, Journal
from engine.workspace.edits import FILE, as_toml, stated_value, value_of

OPEN_PROPOSALS: Final = 32
"""The most that one principal may have proposed and not applied, of the newest commands."""
TABLES: Final = ("scan", "misses", "risk", "tokens")
PROPOSABLE: Final = frozenset(
    {
        "agents.ask_s",
        "wallet.warn_below_trades",
        *(name for name in settings_in(Settings) if name.split(".")[0] in TABLES and "." in name),
    }
)
"""What a proposal may be about: no endpoint, address, key, relay, path or switch that lets agents trade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A change that stands in ketch.toml: the entry that says so, and the proposal that it was."""

    change: str
    proposal: str
    changes: tuple[SettingChange, ...]


def changed(text: str, wanted: Sequence[tuple[str, str | None]]) -> tuple[SettingChange, ...]:
    """Put what is wanted beside what the file says; raises `ControlError` for what no proposal may be about."""
    found: list[SettingChange] = []
    for setting, value in wanted:
        if setting not in PROPOSABLE:
            raise ControlError(
                "there is no such setting to propose for",
                measured=setting,
                limit=", ".join(sorted(PROPOSABLE)),
                next_step="see workspace_settings",
                code="invalid_params",
            )
        after = None if value is None else as_toml(value_of(value))
        found.append(SettingChange(setting=setting, before=stated_value(text, setting), after=after))
    if all(change.before == change.after for change in found):
        raise ControlError(f"that is what {FILE} says", next_step="see workspace_settings", code="invalid_params")
    return tuple(found)


def edits_of(text: str, changes: Sequence[SettingChange], *, back: bool = False) -> list[tuple[str, str | None]]:
    """Return the edits that make changes, or with `back` undo them, of a file as it is now.

    Raises `ControlError` where the file says neither what it said before nor what it said after.
    """
    for change in changes:
        if stated_value(text, change.setting) not in (change.before, change.after):
            raise ControlError(
                f"{FILE} has been changed by hand since",
                measured=f"{change.setting} = {stated_value(text, change.setting)}",
                limit=f"{change.before} or {change.after}",
                next_step="change it by hand, or propose anew",
                code="changed_since",
            )
    return [(change.setting, change.before if back else change.after) for change in changes]


def proposal(journal: Journal, name: str) -> tuple[tuple[str, str | None], ...]:
    """Return what a proposal wants, whichever tool made it; raises `ControlError` when there is none of that name."""
    seq = ancestry.place(name)
    entry = journal.entry(seq) if seq is not None and name.startswith("proposal-") else None
    body = entry.body if entry is not None and entry.kind == "command" else {}
    match body.get("type"):
        case "Propose":
            return ((body["parameter"], body["value"]),)
        case "ProposeSettings":
            return tuple((change["setting"], change["after"]) for change in body["changes"])
        case _:
            raise ControlError(
                "there is no such proposal", measured=name[:80], next_step="ketch workspace proposals", code="not_found"
            )


def standing(journal: Journal) -> list[Applied]:
    """List the changes that are applied and not rolled back, the oldest first."""
    found: list[Applied] = []
    for entry in reversed(list(_of(journal, "ApplySettings", "RollBackSettings"))):
        body = entry.body
        if body["type"] == "ApplySettings":
            made = tuple(SettingChange(**change) for change in body["changes"])
            found.append(Applied(change=f"change-{entry.seq}", proposal=body["proposal"], changes=made))
        else:
            found = [one for one in found if one.change != body["applied"]]
    return found


def newest(journal: Journal, *, before_seq: int | None, limit: int) -> list[Entry]:
    """List the newest proposals of either tool."""
    found: list[Entry] = []
    for entry in _of(journal, "Propose", "ProposeSettings", before_seq=before_seq):
        found.append(entry)
        if len(found) == limit:
            break
    return found


def check_quota(journal: Journal, principal: str) -> None:
    """Raise `ControlError` when a principal has as many open proposals as it may have."""
    applied = {one.proposal for one in standing(journal)}
    recent = ancestry.newest(journal, "command", limit=ancestry.WINDOW)
    mine = [
        entry
        for entry in recent
        if entry.body["type"] == "ProposeSettings"
        and entry.body["principal"] == principal
        and f"proposal-{entry.seq}" not in applied
    ]
    if len(mine) >= OPEN_PROPOSALS:
        raise ControlError(
            "you have proposed as much as one may",
            measured=f"{len(mine)} open proposals",
            limit=OPEN_PROPOSALS,
            next_step="wait for the operator",
            code="quota",
        )


def _of(journal: Journal, *types: str, before_seq: int | None = None) -> Iterator[Entry]:
    """Yield commands of these types, the newest first."""
    for entry in ancestry.backwards(journal, "command", before_seq=before_seq):
        if entry.body["type"] in types:
            yield entry
