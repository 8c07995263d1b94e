# pragma version 0.4.3
# pragma evm-version cancun
"""
@title A contract that calls whatever it is told to
@license MIT
@notice Stands for an operator with code, and for the stranger that a pool calls through.
"""


@external
def forward(target: address, data: Bytes[4096]):
    """
    @notice Calls `target`; a revert is passed on as it came.
    @param target Who is called.
    @param data With what.
    """
    raw_call(target, data)
