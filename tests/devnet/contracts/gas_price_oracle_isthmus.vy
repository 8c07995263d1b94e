# pragma version 0.4.3
"""
@title Stand-in for the OP Stack's GasPriceOracle since Isthmus, and since Jovian once told so
@dev Answers `getL1Fee(bytes)` with one fee, and `getOperatorFee(uint256)` by the formulas of the specification. The
     real predeploy reads its scalars from L1Block; here they are set, so that a test can make the two differ.
"""

scalar: public(uint256)
constant_wei: public(uint256)
jovian: public(bool)


@external
def set_terms(scalar: uint256, constant_wei: uint256, jovian: bool):
    self.scalar = scalar
    self.constant_wei = constant_wei
    self.jovian = jovian


@external
@view
def getL1Fee(data: Bytes[8192]) -> uint256:
    return 10**12


@external
@view
def getOperatorFee(used: uint256) -> uint256:
    if self.jovian:
        return used * self.scalar * 100 + self.constant_wei
    return used * self.scalar // 10**6 + self.constant_wei
