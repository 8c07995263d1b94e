"""Commands that only look: from the running engine, else from the journal on disk."""

import os
from typing import Any

import click

from server.failures import Failed
from server.options import Session, with_session
from server.show import amount_text, facts, short, table


@click.command()
@with_session
def status(session: Session) -> None:
    """Show where the engine stands: state, chain, addresses, totals."""
    value = _status(session)
    session.result(value, lambda: facts(value))


@click.command()
@with_session
def trades(session: Session) -> None:
    """List every submission and how it ended."""
    value = _asked(session, "all_trades")
    if value is None:
        from engine.app import offline_status, offline_trades

        value = {"trades": offline_trades(session.state), "paper": offline_status(session.state)["paper"]}
    session.result(value, lambda: _trades_text(session, value))


@click.command()
@with_session
def misses(session: Session) -> None:
    """Show what others earned that this engine did not, by reason, with the money beside it."""
    value = _asked(session, "misses_summary")
    if value is None:
        from engine.app import offline_misses

        value = offline_misses(session.state)
    rows = [
        (row["reason"], row["misses"], row["net"]["human"], row["unvalued"] or "", row["what_would_help"])
        for row in value["by_reason"]
    ]
    session.result(value, lambda: table(("reason", "misses", "net", "unvalued", "what would help"), rows))


@click.command()
@with_session
def wallet(session: Session) -> None:
    """Show what the engine's accounts hold, and the gas float on every chain."""
    value = _asked(session, "wallet")
    if value is None:
        value = _wallet_of(session)
    session.result(value, lambda: _wallet_text(value))


def _wallet_of(session: Session) -> dict[str, Any]:
    """Ask the chains themselves when no engine runs."""
    from functools import partial

    import anyio

    from engine.app import offline_status, offline_wallet
    from engine.config import MANIFEST_NAME, load

    profile = "devnet" if (session.state / MANIFEST_NAME).exists() else None
    settings = load(session.state, environ=os.environ, given={"profile": profile})
    return anyio.run(partial(offline_wallet, settings, offline_status(session.state)["operator"]))


def _wallet_text(value: dict[str, Any]) -> str:
    accounts = [(row["role"], row["address"], row["native"]["human"], "") for row in value.get("accounts", ())]
    chains = [
        (
            row["chain"],
            "gas float",
            row["native"]["human"] if row["native"] else "unknown",
            row["why_unknown"] or ("short" if row["low"] else ""),
        )
        for row in value["chains"]
    ]
    return table(("where", "what", "native coin", ""), [*accounts, *chains])


@click.command()
@click.option("--rpc", help="Check against this endpoint instead of the engine's own.")
@click.option("--executor", help="The contract whose history this must be, as you know it from elsewhere.")
@with_session
def verify(session: Session, *, rpc: str | None, executor: str | None) -> None:
    """Check the journal against itself and the chain, independently of the engine's own accounting."""
    value = _verified(session, rpc, executor)
    session.result(value, lambda: facts(value))
    if not value["ok"]:
        raise Failed(f"the state does not verify: {worst(value)}")


def worst(verdict: dict[str, Any]) -> str:
    """Put the first fault of a verdict into words, with its row."""
    first, *others = sorted(verdict["findings"], key=lambda finding: finding["level"])  # faults, then notes
    row = "" if first["seq"] is None else f"row {first['seq']}: "
    measured = f", measured {first['measured']}, expected {first['expected']}" if first["measured"] else ""
    return f"{row}{first['what']}{measured}" + (f" (and {len(others)} more)" if others else "")


def _verified(session: Session, rpc: str | None, executor: str | None) -> dict[str, Any]:
    """Run the independent checker against the engine's endpoint, up to what a running engine has accounted for."""
    from engine.verify.verify import verify_state

    running = _asked(session, "status")
    if running is None:
        return verify_state(session.state, rpc or _settings_rpc(session), executor=executor).as_json()
    return verify_state(session.state, rpc or running["rpc"], at_block=running["settled"], executor=executor).as_json()


@click.command()
@with_session
def venues(session: Session) -> None:
    """List the exchanges that the engine trades on, and how many pools it follows on each."""
    from engine.control_client import call

    value = call(session.socket, "venues")
    session.result(value, lambda: facts(value))


def _asked(session: Session, method: str) -> dict[str, Any] | None:
    """Ask the engine; None when none runs."""
    from engine.control_client import NoDaemon, call

    try:
        return call(session.socket, method)
    except NoDaemon:
        return None


def _status(session: Session) -> dict[str, Any]:
    value = _asked(session, "status")
    if value is None:
        from engine.app import offline_status

        value = offline_status(session.state, _settings_rpc(session))
    return value


def _settings_rpc(session: Session) -> str | None:
    """Name the endpoint that an engine here would use; None when the settings name none."""
    from engine.config import MANIFEST_NAME, load
    from engine.domain.errors import ConfigError

    try:
        profile = "devnet" if (session.state / MANIFEST_NAME).exists() else None
        return load(session.state, environ=os.environ, given={"profile": profile}).rpc
    except ConfigError:
        return None


def _trades_text(session: Session, value: dict[str, Any]) -> str:
    names = {t["address"]: (t["symbol"], t["decimals"]) for t in _status(session).get("tokens") or ()}
    rows = [
        (
            trade["id"],
            trade["block"] if trade["block"] is not None else "–",
            trade["status"],
            amount_text(int(trade["realised"]), str(trade.get("token")), names) if trade["status"] == "filled" else "",
            trade["gas_paid_wei"],
            short(trade["tx_hash"]),
        )
        for trade in value["trades"]
    ]
    return table(("id", "block", "status", "realised", "gas wei", "transaction"), rows)
