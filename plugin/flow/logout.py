"""Back-channel logout (OpenID Connect Back-Channel Logout 1.0): a provider tells who has signed out.

It may be told by anybody, and it believes what a configured provider has signed.
"""

from collections.abc import Mapping

from plugin.flow.identification import provider_of
from plugin.flow.provider_keys import ProviderKeys
from plugin.flow.sign_outs import SignOuts
from plugin.jose.logout_token import verify_logout
from plugin.jose.verify import read_unverified
from plugin.ports import Clock, IdpAdapter


class Logout:
    """Takes logout tokens of the configured providers."""

    def __init__(
        self, *, providers: Mapping[str, IdpAdapter], keys: ProviderKeys, sign_outs: SignOuts, clock: Clock
    ) -> None:
        self._providers = providers
        self._keys = keys
        self._sign_outs = sign_outs
        self._clock = clock

    async def take(self, unverified_token: str) -> str:
        """Sign out whom a logout token names, and return its issuer. Raises Refused and Unavailable."""
        unverified = read_unverified(unverified_token)
        expected = provider_of(unverified, providers=self._providers).settings
        token = verify_logout(
            unverified_token,
            keys=await self._keys.keys(expected.issuer, key_id=unverified.key_id),
            issuer=expected.issuer,
            audience=expected.audience,
            algorithms=expected.algorithms,
            now=self._clock(),
        )
        await self._sign_outs.note(token, issuer=expected.issuer)
        return expected.issuer
