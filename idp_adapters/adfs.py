"""AD FS: the person by `sub`, the sign-in by `authmethod` and its list; `sid` is a Windows account, no session.

It must never take an access token: AD FS issues those under another issuer, and both kinds may have a scope. Claims are
those of learn.microsoft.com/windows-server/identity/ad-fs/development/ad-fs-openid-connect-oauth-concepts.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain

from idp_adapters._id_token import ID_TOKEN, Provider, completed, level, person
from plugin.core.identity import Identity, Level
from plugin.core.reasons import Reason
from plugin.jose.claims import Check, SignedClaims, equals, optional, text_or_texts
from plugin.ports import IdpAdapter, IdpSettings

CHECKS: Mapping[str, Check] = {
    **{claim: check for claim, check in ID_TOKEN.items() if claim != "scp"},  # which its ID tokens have as well
    "ver": equals("1.0", otherwise=Reason.TOKEN_TYPE),
}


# The method that was used, and all of them where several were: the latter by an issuance rule, under either name.
METHODS = ("authmethod", "authnmethodsreferences", "http://schemas.microsoft.com/claims/authnmethodsreferences")
# What AD FS puts among the methods where there was a second factor.
SECOND_FACTOR = "http://schemas.microsoft.com/claims/multipleauthn"


def adapter(settings: IdpSettings) -> IdpAdapter:
    """Build the adapter. Raises ValueError for settings that could never be safe."""
    # `http://HOST/adfs/services/trust` issues the access tokens.
    is_right = settings.issuer.endswith("/adfs")
    wrong = () if is_right else (f"got issuer `{settings.issuer}`, expected `https://HOST/adfs`",)
    return Provider(
        settings=completed(settings, wrong=wrong, amr={SECOND_FACTOR: Level.MULTI_FACTOR}), checks=CHECKS, name=identity
    )


def identity(claims: SignedClaims, settings: IdpSettings) -> Identity:
    """Name the person."""
    somebody = person(claims, settings)
    told = (optional(text_or_texts, claim, payload=claims.payload) or () for claim in METHODS)
    methods = tuple(dict.fromkeys(chain(somebody.amr, *told)))
    acr = () if somebody.acr is None else (somebody.acr,)
    return replace(somebody, amr=methods, level=level(settings, acr=acr, amr=methods), session_id=None)
