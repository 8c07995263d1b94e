"""Passphrases: the operator's from a terminal or a file, never from the environment; the hot key's from either."""

import getpass
from pathlib import Path

from engine.domain.errors import ConfigError

KEY_VARIABLE = "KETCH_KEY_PASSPHRASE"
OTHERWISE = "run this in a terminal, or give --secret-file"


def read_secret(what: str, file: Path | None, otherwise: str = OTHERWISE) -> str:
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
        raise ConfigError(f"{what} is asked for at a terminal, and there is none", next_step=otherwise) from error
    return getpass.getpass(f"{what}: ")


def hot_key_passphrase() -> str:
    """Read what opens the hot key, which holds a gas float only: from the environment, else at the terminal."""
    from engine.key_sources import take_variable

    named = take_variable(KEY_VARIABLE)
    return named or read_secret("the hot key's passphrase", None, f"run this in a terminal, or set {KEY_VARIABLE}")


def choose_secret(what: str, file: Path | None) -> str:
    """Ask for a new passphrase, twice at a terminal; raises `ConfigError` when the two differ or it is empty."""
    secret = read_secret(what, file)
    if not secret:
        raise ConfigError(f"{what} is empty", next_step="choose a passphrase")
    if file is None and read_secret(f"{what}, again", None) != secret:
        raise ConfigError("the two entries differ", next_step="run the command again")
    return secret
