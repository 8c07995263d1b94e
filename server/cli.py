"""The `ketch` command. Results go to stdout, all else to stderr; heavy imports wait until a command needs them."""

import contextlib
import logging
import os
import sys
from collections.abc import Sequence

import click

from server.commands import (
    access,
    approvals,
    bench,
    cassettes,
    daemon,
    demo,
    devnet,
    doctor,
    init,
    keys,
    knowledge,
    mcp,
    memory,
    money,
    policy,
    reads,
    signer,
    tokens,
    workspace,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.version_option(package_name="ketch", prog_name="ketch")
def cli() -> None:
    """Find and take arbitrage between decentralised exchanges, with every wei accounted for."""


for _command in (
    init.init,
    keys.rotate_key,
    keys.top_up,
    daemon.up,
    signer.signer,
    mcp.mcp,
    access.access,
    bench.bench,
    memory.memory,
    demo.demo,
    devnet.devnet,
    reads.status,
    reads.trades,
    reads.misses,
    reads.wallet,
    knowledge.knowledge,
    money.halt,
    money.resume,
    approvals.approvals,
    approvals.approve,
    approvals.deny,
    policy.policy,
    reads.verify,
    cassettes.capture,
    cassettes.replay,
    reads.venues,
    tokens.tokens,
    doctor.doctor,
    money.sweep,
    workspace.workspace,
):
    cli.add_command(_command)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 not understood, 130 interrupted."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    sys.exit(_run(argv))


def _run(argv: Sequence[str] | None) -> int:
    try:
        code = cli.main(args=argv, prog_name="ketch", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "ketch"
        click.echo(f"{path}: {' '.join(error.format_message().split())} See {path} --help.", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("ketch: interrupted", err=True)
        return 130
    except BrokenPipeError:
        with contextlib.suppress(OSError):  # so that the interpreter's last flush has somewhere to go
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    main()
