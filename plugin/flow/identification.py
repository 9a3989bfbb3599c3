"""From a token to the person whom it names: by one provider's settings, keys and table, and by nothing else.

It must never choose a provider by more than the issuer, nor judge how often or for how long a token counts.
"""

from collections.abc import Mapping
from datetime import datetime

from plugin.core.errors import Refused
from plugin.core.identity import Identity
from plugin.core.reasons import Reason
from plugin.jose.keys import KeySet
from plugin.jose.verify import UnverifiedToken, verify
from plugin.ports import IdpAdapter


def provider_of(unverified: UnverifiedToken, *, providers: Mapping[str, IdpAdapter]) -> IdpAdapter:
    """Find whose keys to ask for. Raises Refused before anybody is asked for a key that could not count."""
    provider = providers.get(unverified.issuer)
    if provider is None:
        raise Refused(Reason.TOKEN_ISSUER, "the issuer is not among the configured ones")
    if unverified.algorithm not in provider.settings.algorithms:
        raise Refused(Reason.TOKEN_ALGORITHM, f"expected one of {sorted(provider.settings.algorithms)}")
    return provider


def identify(unverified_token: str, *, provider: IdpAdapter, keys: KeySet, now: datetime) -> Identity:
    """Verify a token by its provider's keys, settings and table, and name its person. Raises Refused.

    Not checked here: age, replay, nonce, and whether they have signed out since. `vestibule doctor` asks the same.
    """
    expected = provider.settings
    claims = verify(
        unverified_token,
        keys=keys,
        issuer=expected.issuer,
        audience=expected.audience,
        algorithms=expected.algorithms,
        token_types=provider.token_types,
        now=now,
    )
    for claim, check in provider.checks.items():
        check(claim, claims.payload)
    return provider.identity(claims)
