"""The operator's passphrase, from a terminal or a file; never from an argument or the environment, which others see."""

import getpass
from pathlib import Path

from engine.domain.errors import ConfigError


def read_secret(prompt: str, file: Path | None) -> str:
    """Ask at the terminal, or read the first line of `file`; raises `ConfigError` when there is neither."""
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").split("\n", 1)[0]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read {file}", next_step="name a readable file of one line") from error
    try:
        with Path("/dev/tty").open(encoding="utf-8"):
            pass
    except OSError as error:
        raise ConfigError(
            "the operator's secret is asked for at a terminal, and there is none",
            next_step="run this in a terminal, or give --secret-file",
        ) from error
    return getpass.getpass(f"{prompt}: ")


def choose_secret(prompt: str, file: Path | None) -> str:
    """Ask for a new passphrase twice; raises `ConfigError` when the two differ or it is empty."""
    secret = read_secret(prompt, file)
    if not secret:
        raise ConfigError("the operator's secret is empty", next_step="choose a passphrase")
    if file is None and read_secret(f"{prompt} (again)", None) != secret:
        raise ConfigError("the two entries differ", next_step="try again")
    return secret
