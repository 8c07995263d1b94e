"""`ketch doctor`: what is right and wrong with this machine, state folder and chain."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from server.commands.daemon import settings_options
from server.failures import Failed
from server.options import Session, with_session
from server.show import facts, table

if TYPE_CHECKING:
    from engine.config import Settings

LEAST_FREE_BYTES = 1 << 30
Given = dict[str, str | None]
"""The settings that the command line gave."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. `ok` is None for what could not be measured, or does not apply."""

    check: str
    ok: bool | None
    found: str
    next_step: str = ""


@click.command()
@click.option("--drift", is_flag=True, help="Have the engine re-read every pool at one block and compare.")
@settings_options
@with_session
def doctor(session: Session, *, drift: bool, profile: str | None, chain: str | None, rpc: str | None) -> None:
    """Check the machine, the state folder and the chain; with --profile paper the endpoint, end to end."""
    if drift:
        from engine.control_client import call

        measured = call(session.socket, "drift", timeout_s=120)
        session.result(measured, lambda: facts(measured))
        if not measured["ok"]:
            raise Failed("pools differ from the chain: see the differences above")
        return
    given = {"profile": profile, "chain": chain, "rpc": rpc}
    findings = list(_endpoint(session, given) if profile == "paper" else _findings(session, given))
    value: dict[str, Any] = {"ok": all(f.ok is not False for f in findings), "checks": [asdict(f) for f in findings]}
    session.result(value, lambda: _text(findings))
    if not value["ok"]:
        raise Failed("not everything is in order: see the checks above")


def _findings(session: Session, given: Given) -> Iterator[Finding]:
    settings: list[Settings] = []
    yield _checked("state folder", lambda: _state_folder(session))
    yield _checked("settings", lambda: _settings(session, settings, given))
    yield _checked("chain", lambda: _chain(settings[0])) if settings else Finding("chain", None, "no settings")
    yield _checked("journal", lambda: _journal(session))
    yield _checked("engine", lambda: _engine(session))
    yield _checked("feed", lambda: _feed(session))
    yield _checked("local chains", _local_chains)


def _checked(name: str, check: Callable[[], Finding | str]) -> Finding:
    from engine.domain.errors import KetchError

    try:
        found = check()
    except KetchError as error:
        return Finding(name, False, error.what, error.next_step)
    return found if isinstance(found, Finding) else Finding(name, True, found)


def _state_folder(session: Session) -> Finding | str:
    state = session.state
    if not state.exists():
        return Finding("state folder", None, f"{state} does not exist yet", "ketch init makes it")
    if not state.is_dir() or not os.access(state, os.W_OK | os.X_OK):
        return Finding("state folder", False, f"{state} cannot be written", "correct it, or choose another --state")
    free = shutil.disk_usage(state).free
    if free < LEAST_FREE_BYTES:
        return Finding("state folder", False, f"{free >> 20} MiB free", "free some space on its disk")
    return f"{state}, {free >> 30} GiB free"


def _endpoint(session: Session, given: Given) -> Iterator[Finding]:
    """Check the endpoint that profile paper would use; what it lacks is marked –, with what is done instead."""
    import anyio

    from engine.chains.checkup import Row, checkup
    from engine.chains.endpoints import redacted
    from engine.chains.public import open_public
    from engine.clocks import SystemClock

    settings: list[Settings] = []
    yield _checked("settings", lambda: _settings(session, settings, given))
    rows: list[Row] = []

    async def ask() -> None:
        async with open_public(settings[0].endpoint) as endpoint:
            rows.extend([row async for row in checkup(endpoint, settings[0].chain_id, SystemClock(), endpoint.waited)])

    def reached() -> str:
        anyio.run(ask)
        return redacted(settings[0].endpoint)

    if settings:
        yield _checked("endpoint", reached)
    yield from (Finding(row.check, row.ok, row.found, row.otherwise) for row in rows)


def _settings(session: Session, into: "list[Settings]", given: Given) -> str:
    from engine.config import MANIFEST_NAME, load

    local = (session.state / MANIFEST_NAME).exists() and given["profile"] is None
    into.append(load(session.state, environ=os.environ, given={**given, **({"profile": "devnet"} if local else {})}))
    return f"profile {into[0].profile}, chain {into[0].chain}"


def _chain(settings: "Settings") -> Finding | str:
    import anyio

    from engine.chains.endpoints import open_endpoint

    async def ask() -> tuple[int, int]:
        async with open_endpoint(settings.ws) as endpoint:
            answers = await endpoint.batch([("eth_chainId", ()), ("eth_blockNumber", ())])
            return int(answers[0], 16), int(answers[1], 16)

    chain_id, block = anyio.run(ask)
    if chain_id != settings.chain_id:
        found = f"the endpoint serves chain {chain_id}, not {settings.chain} ({settings.chain_id})"
        return Finding("chain", False, found, "correct chain or rpc in the settings")
    return f"chain {chain_id} at block {block}"


def _journal(session: Session) -> Finding | str:
    from engine.journal.journal import JOURNAL_FILE, Journal

    path = session.state / JOURNAL_FILE
    if not path.exists():
        return Finding("journal", None, "none yet", "the engine begins one")
    seq, head = Journal.read(path).head
    return f"{seq} entries, head {head[:18]}…"


def _engine(session: Session) -> Finding | str:
    from engine.control_client import NoDaemon, call

    try:
        value = call(session.socket, "status", timeout_s=10)
    except NoDaemon as error:
        return Finding("engine", None, error.what, error.next_step)
    return f"running, {value['state']}"


def _feed(session: Session) -> Finding | str:
    """Say what the running engine hears before a block is there; nothing is connected to from here."""
    from engine.control_client import NoDaemon, call

    try:
        feed = call(session.socket, "status", timeout_s=10)["feed"]
    except NoDaemon as error:
        return Finding("feed", None, "only a running engine reads one", error.next_step)
    if feed["kind"] == "heads":
        return Finding("feed", None, "none: standard heads and logs")
    early = f"{feed['lead_ms']['p50']} ms before its block (median of {feed['blocks_told']})"
    torn = f"{feed['gaps']} gaps, {feed['refused']} refused, {feed['connections']} connections"
    found = f"{feed['kind']}, {early}, {torn}"
    if not feed["connected"] or not feed["believed"]:
        what = feed["why"] or f"{feed['untrue_blocks']} of the last blocks did not hold what it told"
        return Finding("feed", False, f"{found}; not heeded: {what}", "the engine goes by its heads: correct feed.url")
    return found


def _local_chains() -> Finding | str:
    from engine.devnet.node import anvil_executable
    from engine.domain.errors import DevnetError

    try:
        return anvil_executable()
    except DevnetError as error:
        return Finding("local chains", None, error.what, error.next_step)


def _text(findings: list[Finding]) -> str:
    marks = {True: "ok", False: "WRONG", None: "–"}
    return table(("check", "", "found", "next step"), [(f.check, marks[f.ok], f.found, f.next_step) for f in findings])
