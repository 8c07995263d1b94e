# pragma version 0.4.3
# Borrows from every lender for nothing and pays back what each asks.

from ethereum.ercs import IERC20

borrowed: public(uint256)
fee: public(uint256)


@external
def executeOperation(asset: address, amount: uint256, premium: uint256, initiator: address, data: Bytes[32]) -> bool:
    self.borrowed = staticcall IERC20(asset).balanceOf(self) - premium
    self.fee = premium
    extcall IERC20(asset).approve(msg.sender, amount + premium)
    return True


@external
def receiveFlashLoan(
    tokens: DynArray[address, 4], amounts: DynArray[uint256, 4], fees: DynArray[uint256, 4], data: Bytes[32]
):
    self.borrowed = staticcall IERC20(tokens[0]).balanceOf(self)
    self.fee = fees[0]
    extcall IERC20(tokens[0]).transfer(msg.sender, amounts[0] + fees[0])


@external
def onMorphoFlashLoan(assets: uint256, data: Bytes[32]):
    token: address = convert(slice(data, 0, 32), address)
    self.borrowed = staticcall IERC20(token).balanceOf(self)
    self.fee = 0
    extcall IERC20(token).approve(msg.sender, assets)


@external
def borrow_from_morpho(morpho: address, token: address, amount: uint256):
    raw_call(
        morpho,
        abi_encode(token, amount, convert(96, uint256), convert(32, uint256), token, method_id=method_id("flashLoan(address,uint256,bytes)")),
    )
