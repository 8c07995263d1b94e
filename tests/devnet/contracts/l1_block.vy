# pragma version 0.4.3
"""
@title Stand-in for the OP Stack's L1Block: the operator fee's two parameters alone
"""

operatorFeeScalar: public(uint32)
operatorFeeConstant: public(uint64)


@external
def set_terms(scalar: uint32, constant_wei: uint64):
    self.operatorFeeScalar = scalar
    self.operatorFeeConstant = constant_wei
