"""The local chain's accounts. All are throw-away: their keys are public, and the chain is on loopback only."""

from eth_utils.crypto import keccak

from engine.domain.units import Address

MNEMONIC = "test test test test test test test test test test test junk"  # every local node's
COUNT = 24
BALANCE_ETHER = 100_000_000

DEPLOYER = 0
TRADERS = range(1, 9)
RIVALS = range(12, 24)

FAUCET_KEY = "0x" + keccak(text="ketch devnet faucet").hex()
FAUCET = Address("0xad8e1adac80ca2bf2235bdc251fe4946c321078e")  # of that key; a test holds them together

FLAGS = ("--mnemonic", MNEMONIC, "--accounts", str(COUNT), "--balance", str(BALANCE_ETHER))
"""How anvil is told to hold these accounts, so that it signs for them."""
