"""The Vyper sources of the contracts that the engine deploys."""
