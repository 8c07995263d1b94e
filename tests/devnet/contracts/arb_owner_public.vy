# pragma version 0.4.3
"""
@title Stand-in for ArbOS' ArbOwnerPublic at 0x6b
@notice Says whether tips are collected, as a test set it; every other method of the precompile is left out.
"""

collects: bool


@external
def set_collects(yes: bool):
    self.collects = yes


@external
@view
def getCollectTips() -> bool:
    return self.collects
