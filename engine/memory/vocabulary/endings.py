"""How things ended, as people say it. `a/b` is either word, `_` is no word; what says nothing (a, was) is left out.

Words are compared by their stems and numbers by their digits, so inflections are not listed.
"""

from collections.abc import Mapping
from typing import Final

FAILED: Final = ("refused", "reverted", "cancelled", "replaced")

STATUSES: Final[Mapping[tuple[str, ...], str]] = {
    ("filled",): "filled|fill|paid|pay|paid off/out/up|paying|paid for itself/themselves|profitable|profit|"
    "profitably|"
    "made/make/making/earned/brought/netted/banked/booked/turned/returned/yielded/delivered/locked/took/showed/"
    "realised "
    "_/us/in/home/out money/profit/gain/gains/cash/surplus/return/plus/something|money maker|moneymaker|money "
    "spinner|"
    "turned/worked/came/went out/off/through well/fine/right/good/nicely/great|worked/work out/_|"
    "came/come/pulled good/off|"
    "came/come back/out/home/away with gain/profit/more/surplus/plus/something|came/come out/back "
    "ahead/richer/up/green|"
    "with gain/profit/plus/surplus|in profit/black/green/plus/money|ended/closed/finished/landed/settled/wound "
    "up in/_/on/with "
    "profit/green/black/plus/gain/up/ahead/money/well/happily/good/winner|success|succeed|successful|successfully|"
    "win|winner|winning|won|worked as planned/intended/hoped|went/go to plan|went/go "
    "through/well/smoothly/right/fine|"
    "landed|land|settled|executed|completed|complete|gained|gain|banked|bagged|pocketed|cashed in|cleared|"
    "took/take home|"
    "left/put/added/dropped something/money/profit/gain in/into/to/with/for/_ "
    "purse/pocket/bank/treasury/wallet/till/coffers/us|"
    "earned/earn keep/_/money|rewarded|rewarding|fruitful|bore fruit|gainful|net positive/gain|positive|"
    "brought/bring home bacon|hit jackpot|payday|paid dividend|in money|money in bank|made/make good/it/killing|"
    "made/make worthwhile|confirmed with profit|filled ones/one|went/go our way|positive "
    "result/outcome/return/pnl/net|"
    "good result/outcome|happy ending|to our advantage|we profited/won/gained/earned/pocketed/banked|grew "
    "balance/treasury|"
    "left/made us richer|left us better off|better off|enriched us|added to balance/treasury|did/do well|delivered|"
    "came through|was executed successfully|carried through|realised|captured|harvested|gave return|ended up "
    "ahead|green|"
    "generated/produced/made/brought/gave income/revenue/profit/money|turned/turn profit|in our favour/favor|"
    "paid us|paying trades|nets|netted|net",
    ("reverted",): "reverted|revert|reversion|rolled/roll/roll back/_ back|unwound by chain|bounced|bounce|"
    "failed/fail/died/crashed/collapsed/broke/aborted/blew/exploded/errored/fell on/up/out/apart/over/_ "
    "chain/onchain|"
    "failed/fail/died/blew/broke/exploded/crashed up/_ after/when/once/while/upon/during "
    "mined/mining/inclusion/execution/landing/broadcast|"
    "blew/blow/blown up|"
    "cost/burnt/wasted/lost/spent/paid/ate _/only gas/fee for nothing/naught/_|cost/burn/waste/lose/pay/spend "
    "gas and/but/without bring/make/earn/return/_ nothing/gain/profit/result|brought nothing|gas and brought "
    "nothing|wasted/lost gas|"
    "mined/included/landed/onchain in/for/to/but/and/only/with/as "
    "vain/nothing/no/failed/failure/revert/reverted/error|"
    "mined but failed|in vain|undone|undid|threw|thrown out by/at chain/evm/contract/node|thrown|throw "
    "error/exception|"
    "failed/bad/unsuccessful transaction/tx/transactions/receipt/execution|status 0/zero|execution "
    "revert/failed/error|"
    "ended/end/finished/came/resulted/closed in/with/back/as revert/reverted/rollback/failed transaction|hit revert|"
    "chain/evm/contract/executor/blockchain/network rejected/refused/undid/threw/aborted/bounced/reversed|"
    "rejected/refused/undone/thrown/reversed/aborted/turned back/down/_ by/on "
    "chain/evm/contract/executor/blockchain/network|"
    "aborted|abort|reversed|reverse|backfired|burnt|crash|crashed|failed/fail in/at block/execution|"
    "went/go through but failed|sent but failed/reverted|failed once/after/when sent|failed live|unwound|unwind|"
    "required failed|require failed|assert failed|fell flat on chain|fell over|tripped guard/check/assertion",
    (
        "refused",
    ): "refused|refuse|refusal|rejected|reject|rejection|turned/knocked/shot/voted/struck/waved down/away/back/off|"
    "declined|decline|let through|let go/out/pass out/through/_|own rules|against rules/policy|rule said no|"
    "said/say/saying no|say no to|"
    "blocked|block by us|stopped|stop|vetoed|veto|denied|deny|held/kept back/up|hold back|not allow/permit/let "
    "through/clear/"
    "pass/approve/accept/authorise/sign/send|"
    "disallow|disallowed|not sent|never sent/signed/allowed/approved/left/permitted/cleared/submitted|prevented|"
    "prevent|barred|bar|banned|forbidden|forbid|prohibited|filtered/screened/weeded/ruled/thrown/kicked out|"
    ""
    ""
    "fell to rules before signing|stopped/killed/shelved/dropped/spiked/binned before "
    "signing/sent/sending/signature/broadcast/submission|"
    "before signing|risk review/check/rule/policy/desk/engine/control/gate/officer "
    "stop/said/no/block/reject/kill/veto/"
    "turned/refuse/decline/caught/hold/throw/_|review stop/block/reject|failed/fail/not pass "
    "review/check/vetting/risk/muster|"
    "did/not clear hurdle/bar|held back by limit|limit held/stopped/blocked/caught/forbade|over/broke/exceeded limit|"
    "overruled|ruled out|not go/went ahead|did we pass on|passed up by rule|withheld|withhold|kept from going/sent|"
    "nixed|quashed|axed|spiked|nipped in bud|squashed|thumbs down|red light|no green light|kibosh|"
    "not touch/execute|guard/guardrail/safeguard/policy/gate blocked/stopped/caught/refused/_|"
    "kept out|sent back/away|bounced by rules|unapproved|not approved|disapproved|shot down by risk|shut/close "
    "out by us|"
    "vetting|prevented from|halted before|intercepted|stymied|thwarted by rules|refrained|opted against|"
    "did engine reject/refuse/block/stop/decline/veto|stood in way|not get past/through/by|never "
    "got/made/went/get past/out/through/off",
    ("missed",): "missed|miss|beaten|beat us|rival|competitor|competition|"
    "someone/somebody/others/another/anyone else|"
    "opponent|adversary|other/another/faster/rival/competing/third "
    "bot/searcher/trader/arbitrageur/party/player/arber/team|"
    ""
    "else/other/rival/competitor pocket/hands/wallet|slipped/got/escaped/ran/flew "
    "away/by/past/through _/from/fingers|slip through finger|"
    "grabbed|grab|snapped/scooped/gobbled/picked/hoovered/swooped/lapped/taken/eaten/mopped up|snap up|snatched|"
    "snatch|nabbed|"
    "swiped|stolen|steal|pinched|poached|nicked|hijacked|sniped|scooped|pipped|pip to post|"
    "others land/took/take/got/won/beat/grabbed/were/did/made/executed/landed|got/get there/in/to "
    "before/first/it|got there first|"
    "ahead of us|before us/we|beat us to it/punch|"
    "front run|frontrun|front ran|lost to|lose out/race/_|lose race|outraced|outrun|outpaced|outsmarted|"
    "outcompeted|outmanoeuvred|"
    "failed/fail to catch/capture/get/seize/grab/take/win|let slip/slip/get/go away/by|slipped|got away|gone "
    "before|too slow to catch|"
    "came/come/were second|runner up|taken by others|belonged/belong to others|never got chance/hold|"
    "not catch/win/reach in time/_|escaped|elude|eluded|passed us by|forgone|foregone|"
    "lost opportunity/chance/race|missed out/chance/opportunity|someone faster|faster than us|quicker|first to it|"
    "did others take/win/get|had our lunch|ate our lunch|undercut|overtaken by rival",
    (
        "cancelled",
    ): "cancelled|cancel|cancellation|withdraw|withdrawal|yank|yanked|called/call/pulled/took/taken/take/drew "
    "off/back/out|"
    "take back ourselves|took it back|pulled/pull plug/_|pulled/pull back/out/it|recalled|recall|rescinded|revoked|"
    "scratched|retracted|retract|backed/back out|annulled|aborted by us|voided|void|stopped after sent|own cancel|"
    "changed/change mind|took/take off mempool|reclaimed|killed ourselves|nullified|bailed out|gave/give up|"
    "abandoned|"
    "pulled from mempool|dropped by us|undo ourselves|reneged|walked away|called a halt to|scrubbed",
    ("replaced",): "replaced|replace|replacement|superseded|supersede|nonce taken/used/reused/spent/gone|"
    "overtaken by another/own/newer transaction/tx|swapped out for another|same nonce|bumped by|"
    "substituted|overwritten|displaced|another transaction took place/slot/nonce|supplanted|resubmitted|"
    "ousted|took/taken place by/of|gave way to|pushed aside|crowded out|another with same nonce|stand in",
    ("open",): "open|still open|pending|in air|unresolved|unsettled|waiting/wait for "
    "receipt/block/mining/confirmation|"
    "not/yet mined yet/_|still/yet out/waiting/unconfirmed|unconfirmed|in mempool|outstanding|awaiting "
    "confirmation/receipt|"
    "undecided|unfinished|not finished/settled/confirmed/resolved yet/_|ongoing|hanging|in limbo|underway",
    (
        "seen",
    ): "not/never asked/ask for/_|ignored|passed/skipped over|skipped|skip|left alone/untouched/lying|not/never "
    "pursued/"
    "attempted/tried/acted/followed/requested/chased/taken on/up/_|only seen/spotted/noticed|merely "
    "seen/observed|just seen/observed/watched|"
    "observed only|no action taken|not act on|spotted but not|untouched|unattempted|never went after|let lie|"
    "disregarded|bypassed|only looked at",
    FAILED: "failed|failure|fail|went/go wrong/bad/sour/awry/south/badly/pear|not "
    "work/pay/succeed/land/profit/execute/complete out/off/_|"
    "unsuccessful|trouble|lost/lose/losing/bled money|"
    "fell through/flat|flopped|flop|came to nothing/naught|fizzled|unprofitable|no good|did badly|ended badly|"
    "loser|losing|bad ending/outcome/result|disappointed|flunked|misfired|not go/went through/well/our way|"
    "botched|bombed|went nowhere|got nowhere|without success|unlucky|never "
    "paid/worked/succeeded/completed/landed|doomed|problem",
}

ORIGINS: Final[Mapping[tuple[str, ...], str]] = {
    ("agent",): "agent|assistant|language model|llm|ai|model asked/requested|claude|chatbot|copilot|requested "
    "through/over/by mcp|"
    "client asked/requested|mcp client/request|through/over/via mcp|mcp|by request|on demand|hand/manually "
    "requested/asked/placed|asked for by|bot asked|ai requested|"
    "external/outside request/caller",
    ("engine",): "engine own/itself|own scanner/engine/search/idea/find|found/spotted/discovered by "
    "engine/scanner/us/ourselves|by "
    "ourselves|own initiative|self found/initiated/started/directed|autonomous|autonomously|scanner "
    "found/spotted|automatic|"
    "automatically|unprompted",
    ("rival",): "rival|competitor|competition|somebody/someone else|other/another bot/searcher|beaten|missed|snatched",
}
