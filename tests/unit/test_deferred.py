"""What a start leaves out is there when somebody asks for it."""

import subprocess
import sys

KEYSTORE = """
import sys, engine.app
assert "py_ecc.optimized_bls12_381" not in sys.modules
import eth_keyfile
secret = (5).to_bytes(32, "big")
made = eth_keyfile.create_keyfile_json(secret, b"x", version=4, kdf="pbkdf2", iterations=1)
assert eth_keyfile.decode_keyfile_json(made, b"x") == secret
assert made["pubkey"].startswith("b0e7791fb972fe014159aa33a98622da3cdc98ff707965e536d8636b5fcc5ac7")
import py_ecc.bls12_381
from engine.deferred import BLS12_381_ORDER
assert py_ecc.bls12_381.G1 and py_ecc.bls12_381.curve_order == BLS12_381_ORDER
import py_ecc.bls.ciphersuites
"""
FIRST = """
import py_ecc.bls, py_ecc.bls12_381, engine
assert py_ecc.bls.G2ProofOfPossession.SkToPk(5)
assert "py_ecc.optimized_bls12_381" in sys.modules
"""


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr


def test_an_engine_starts_without_bls_curves_and_a_bls_keystore_still_opens() -> None:
    assert python(KEYSTORE) == ""


def test_who_imported_the_curves_first_keeps_them() -> None:
    assert python("import sys" + FIRST) == ""
