"""The Vyper source of the probe: never deployed, put beside a token by a code override."""
