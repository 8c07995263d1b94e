"""The toolset "workspace": files under declared roots, the configuration explained and checked, changes of it proposed.

Reading many files takes a process of its own; the engine's loop waits for none of it.
"""

import os
from typing import Annotated

from anyio import to_thread
from pydantic import Field

from engine.config import FILE_NAME, Settings, stated
from engine.config_sources import Source, from_file, from_toml, lay, settle, stated_in
from engine.domain.commands import ApplySettings, ProposeSettings, RollBackSettings, SettingChange
from engine.domain.errors import ConfigError, ControlError
from engine.domain.printable import printable
from engine.params import Name, Nothing, Page, Params, Words
from engine.principals import Principal
from engine.queries.paging import before
from engine.queries.running import Answer, Running
from engine.workspace import proposals
from engine.workspace.asking import asked
from engine.workspace.edits import difference, edited
from engine.workspace.roots import MAX_PAGE_BYTES, read
from engine.workspace.settings import effects, explained
from engine.workspace.writing import written

FileName = Annotated[str, Field(min_length=1, max_length=1024)]
TomlValue = Annotated[str, Field(min_length=1, max_length=2_000)]


class FilesParams(Page):
    """Part of a name, and since when: a commit, or "kept"."""

    contains: str = Field(default="", max_length=200)
    changed_since: Annotated[str, Field(pattern=r"^[0-9A-Za-z~]{4,64}$")] | None = None


class FileParams(Params):
    """One file, and how far around it the picture goes."""

    name: FileName
    steps: int = Field(default=1, ge=0, le=3)


class ReadParams(Params):
    """One file, and which bytes of it."""

    name: FileName
    offset: int = Field(default=0, ge=0, le=2**40)
    limit: int = Field(default=8_192, ge=64, le=MAX_PAGE_BYTES)


class SettingsParams(Params):
    """Part of a setting's name."""

    about: str = Field(default="", max_length=80)


class TomlParams(Params):
    """Lines as they would stand in ketch.toml."""

    toml: str = Field(max_length=12_000)


class EditParams(Params):
    """A setting and its new value as TOML; null takes it out of ketch.toml."""

    setting: Name
    value: TomlValue | None


class ProposeParams(Params):
    """A change of ketch.toml, and why."""

    changes: tuple[EditParams, ...] = Field(min_length=1, max_length=16)
    reason: Words


class ProposalParams(Params):
    """One proposal."""

    proposal: Name


async def workspace_files(engine: Running, params: FilesParams, principal: Principal) -> Answer:
    """List files by how much they matter to the others, or those that changed."""
    first = before(params) or 0
    async with engine.reading_roots:
        return await asked(
            engine.roots,
            "files",
            contains=params.contains,
            changed_since=params.changed_since,
            first=first,
            limit=params.limit,
        )


async def workspace_file(engine: Running, params: FileParams, principal: Principal) -> Answer:
    """Show one file: what it says of itself, what it leads to and what leads to it."""
    async with engine.reading_roots:
        return await asked(engine.roots, "file", name=params.name, steps=params.steps)


async def workspace_read(engine: Running, params: ReadParams, principal: Principal) -> Answer:
    """Read a page of a file, as lines made harmless."""
    page = await to_thread.run_sync(lambda: read(engine.roots, params.name, offset=params.offset, limit=params.limit))
    if b"\0" in page.data:
        raise ControlError("this is not text", measured=params.name, next_step="read another file", code="not_text")
    after = page.offset + len(page.data)
    return {
        "file": params.name,
        "bytes": page.size,
        "offset": page.offset,
        "next_offset": after if after < page.size and page.data else None,
        "untrusted": {
            "text": [printable(line.expandtabs(4)) for line in page.data.decode(errors="replace").splitlines()]
        },
    }


async def workspace_settings(engine: Running, params: SettingsParams, principal: Principal) -> Answer:
    """Explain the settings: meaning, value, where it comes from, default. Endpoints and paths are not shown."""
    version = engine.composition.policy.version.number
    rows = explained(engine.settings, _sources(engine), f"the policy in force, version {version}")
    return {"settings": [row for row in rows if params.about.lower() in row["setting"]]}


async def workspace_validate(engine: Running, params: TomlParams, principal: Principal) -> Answer:
    """Check lines as if they stood in ketch.toml, over what it says; nothing is written."""
    try:
        tree = from_toml(_file(engine).encode(), Settings, FILE_NAME).values
        lay(tree, from_toml(params.toml.encode(), Settings, "your lines").values)
        after = settle(Settings, _sources(engine, Source("your lines", tree)))
    except ConfigError as error:
        return {
            "ok": False,
            "refused": printable(error.cause()),
            "next_step": printable(error.next_step),
            "effects": [],
        }
    return {"ok": True, "refused": "", "next_step": "workspace_propose", "effects": _effects(engine, after)}


async def workspace_propose(engine: Running, params: ProposeParams, principal: Principal) -> Answer:
    """Write a change of ketch.toml down for the operator, with its difference. It is never applied by a tool."""
    proposals.check_quota(engine.composition.journal, principal.id)
    wanted = [(edit.setting, edit.value) for edit in params.changes]
    text = _file(engine)
    changes = proposals.changed(text, wanted)
    told = _what_comes_of(engine, text, changes)
    command = ProposeSettings(principal=principal.id, changes=changes, reason=printable(params.reason.expandtabs(4)))
    return {**await engine.command(command), **told}


async def workspace_proposals(engine: Running, params: Page, principal: Principal) -> Answer:
    """List what was proposed for ketch.toml, the newest first, and whether it is applied."""
    journal = engine.composition.journal
    applied = {one.proposal for one in proposals.standing(journal)}
    found = proposals.newest(journal, before_seq=before(params), limit=params.limit + 1)
    shown = found[: params.limit]
    return {
        "proposals": [
            {
                "proposal": (name := f"proposal-{entry.seq}"),
                "principal": entry.body["principal"],
                "changes": [f"{setting} = {value}" for setting, value in proposals.proposal(journal, name)],
                "applied": name in applied,
                "untrusted": {"text": entry.body["reason"]},
            }
            for entry in shown
        ],
        "next_cursor": str(shown[-1].seq) if len(found) > params.limit else None,
    }


async def workspace_proposal(engine: Running, params: ProposalParams, principal: Principal) -> Answer:
    """Show what a proposal would make of ketch.toml as it is now."""
    text = _file(engine)
    changes = proposals.changed(text, proposals.proposal(engine.composition.journal, params.proposal))
    return {"proposal": params.proposal, **_what_comes_of(engine, text, changes)}


async def workspace_apply(engine: Running, params: ProposalParams, principal: Principal) -> Answer:
    """Write a proposal into ketch.toml, once that is in the journal. What loosens a limit still takes the signature."""
    text = _file(engine)
    changes = proposals.changed(text, proposals.proposal(engine.composition.journal, params.proposal))
    told = _what_comes_of(engine, text, changes)
    command = ApplySettings(principal=principal.id, proposal=params.proposal, changes=changes)
    answer = await engine.command(command)
    _write(engine, changes)
    return {**answer, **told}


async def workspace_rollback(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """Take back what was applied last: the settings say again what they said before."""
    applied = proposals.standing(engine.composition.journal)
    if not applied:
        raise ControlError("no change is applied", next_step="see ketch workspace proposals", code="not_found")
    last, text = applied[-1], _file(engine)
    back = edited(text, proposals.edits_of(text, last.changes, back=True))
    told = _effects(engine, _settled(engine, back))
    command = RollBackSettings(principal=principal.id, applied=last.change, changes=last.changes)
    answer = await engine.command(command)
    _write(engine, last.changes, back=True)
    return {**answer, "proposal": last.proposal, "diff": difference(text, back), "effects": told}


def _what_comes_of(engine: Running, text: str, changes: tuple[SettingChange, ...]) -> Answer:
    """Say what changes would make of the file and of the settings; raises `ControlError` for what cannot be."""
    after = edited(text, proposals.edits_of(text, changes))
    for source in _sources(engine)[-2:]:
        over = [change.setting for change in changes if stated_in(source.values, change.setting)]
        if over:
            raise ControlError(
                f"{source.label} sets that over {FILE_NAME}",
                measured=", ".join(over),
                next_step="it would change nothing",
                code="invalid_params",
            )
    return {"diff": difference(text, after), "effects": _effects(engine, _settled(engine, after))}


def _settled(engine: Running, text: str) -> Settings:
    """Settle the settings with another text of ketch.toml; raises `ControlError` with what is wrong."""
    try:
        return settle(Settings, _sources(engine, from_toml(text.encode(), Settings, "the proposal")))
    except ConfigError as error:
        raise ControlError(error.cause(), next_step="see workspace_settings", code="invalid_params") from error


def _effects(engine: Running, after: Settings) -> list[str]:
    return effects(engine.settings, settle(Settings, _sources(engine)), after)


def _write(engine: Running, changes: tuple[SettingChange, ...], *, back: bool = False) -> None:
    """Change the file as it is at this moment: it may have been edited while the journal was written."""
    text = _file(engine)
    written(engine.state / FILE_NAME, edited(text, proposals.edits_of(text, changes, back=back)))


def _sources(engine: Running, file: Source | None = None) -> list[Source]:
    """Read the settings' sources as they are now, `file` in ketch.toml's place, under the profile that runs."""
    file = file or from_file(engine.state / FILE_NAME, Settings)
    says, profile = os.environ.get("KETCH_PROFILE") or file.values.get("profile", "live"), engine.configured.profile
    given = {} if says == profile else {"profile": profile}
    return stated(engine.state, environ=os.environ, given=given, file=file)


def _file(engine: Running) -> str:
    """Return the text of ketch.toml; raises `ControlError` where it is a link or not text."""
    path = engine.state / FILE_NAME
    try:
        if path.is_symlink():
            raise ControlError(f"{FILE_NAME} is a link", next_step="change the file that it leads to by hand")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ControlError(f"{FILE_NAME} cannot be read", next_step="see ketch doctor") from error
