"""The policy's versions, for the command line: what is in force, what the settings would change, how it changes.

What tightens is taken by anyone's word, what loosens by the operator's signature alone.
"""

from pydantic import Field

from engine.domain.commands import ApplyPolicy, ReloadPolicy
from engine.params import Digest, Name, Nothing, Params
from engine.principals import Principal
from engine.queries.running import Answer, Running
from engine.risk.in_force import in_words
from engine.risk.loosening import changes, said
from engine.risk.versions import Version


class ApplyParams(Params):
    """What `policy_challenge` gave, signed."""

    previous: Digest
    hash: Digest
    expires_s: int
    nonce: Name
    signature: str = Field(max_length=132)


def shown(version: Version) -> Answer:
    """Show a version for people: its number, how it came, and every limit."""
    return {
        "version": version.number,
        "how": version.how,
        "hash": version.hash,
        "policy_hash": version.terms.risk.digest(),
        "terms": {name: said(value) for name, value in version.terms.flat().items()},
    }


async def policy(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """Show the policy in force, and what waits for the operator's signature."""
    here = engine.composition.policy
    return {**shown(here.version), **here.standing()}


async def policy_diff(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """Read the settings and say what they would change, without taking it; raises `ConfigError` for wrong ones."""
    here = engine.composition.policy
    found = changes(here.version.terms, here.read())
    return {"version": here.version.number, "changes": [in_words(change) for change in found]}


async def policy_reload(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """Read the settings again and take what tightens."""
    return await engine.command(ReloadPolicy(principal=principal.id))


async def policy_challenge(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """Say what the operator would sign to put in force what the settings wanted when they were last read."""
    here = engine.composition
    return here.policy.challenge(here.loop.market.head.timestamp_s)


async def policy_apply(engine: Running, params: ApplyParams, principal: Principal) -> Answer:
    """Put it in force, by the operator's signature over exactly that change."""
    return await engine.command(ApplyPolicy(principal=principal.id, **params.model_dump()))
