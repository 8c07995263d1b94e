"""The engine: everything that knows a chain, a market or money. Clients come in through `engine.app`."""

from engine.deferred import defer_bls

defer_bls()
