"""BLS curves, which nothing here signs with, are imported when somebody asks for them: half a second of every start.

eth_account imports eth_keyfile, which imports py_ecc's BLS for consensus-layer keystores (version 4). Those still work.
"""

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

BLS12_381_ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""The order r of BLS12-381's subgroups (draft-irtf-cfrg-pairing-friendly-curves, 4.2.1): eth_keyfile counts with it."""


class _Scheme:
    """Stands for a signature scheme of `py_ecc.bls` until it is used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(getattr(_real("py_ecc.bls"), self._name), name)


class _Deferred(ModuleType):
    """Stands for a module; whatever it does not hold itself is asked of the real one."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_real(self.__name__), name)


def _real(name: str) -> ModuleType:
    if isinstance(sys.modules.get(name), _Deferred):
        del sys.modules[name]
    return importlib.import_module(name)


def defer_bls() -> None:
    """Put the stand-ins where `import` looks first; what is imported already stays as it is."""
    package = find_spec("py_ecc")
    folders = package.submodule_search_locations if package else None
    for name, held in (
        ("py_ecc.bls", {"G2ProofOfPossession": _Scheme("G2ProofOfPossession")}),
        ("py_ecc.bls12_381", {"curve_order": BLS12_381_ORDER}),
    ):
        if name not in sys.modules:
            stand_in = _Deferred(name)
            stand_in.__path__ = [str(Path(folder) / name.rpartition(".")[2]) for folder in folders or ()]
            stand_in.__dict__.update(held)
            sys.modules[name] = stand_in
