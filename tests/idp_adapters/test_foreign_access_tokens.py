"""Access tokens of a provider that others wrote and certified, bound to a key of the client and not."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256

import pytest

from idp_adapters.oidc import adapter
from plugin.core import base64url
from plugin.core.finding import Gap, Proven
from plugin.core.identity import Provenance
from plugin.core.join import DpopProof
from plugin.core.reasons import Reason
from plugin.core.token import AccessSettings, TokenKind
from plugin.core.transcript import Purpose
from plugin.jose.strict_json import read_object
from plugin.ports import IdpSettings
from tests.idp_adapters.foreign.provider import ForeignProvider, sign_in
from tests.idp_adapters.proving import House, house_for, refusal
from tests.joins import ROOM
from tests.jose.issuer import EC
from tests.jose.test_dpop import proof

pytestmark = pytest.mark.component("node-oidc-provider")

RESOURCE = "https://vestibule.example.com"


def settings(provider: ForeignProvider) -> IdpSettings:
    return IdpSettings(
        issuer=provider.issuer,
        audience=frozenset({"vestibule"}),
        algorithms=frozenset({"ES256"}),
        org="acme",
        tokens=frozenset({TokenKind.ID, TokenKind.ACCESS}),
        access=AccessSettings(resource=RESOURCE),
    )


@pytest.fixture
async def house(foreign_provider: ForeignProvider) -> AsyncIterator[House]:
    async with house_for(adapter(settings(foreign_provider))) as opened:
        yield opened


async def test_an_access_token_for_us_names_the_person(foreign_provider: ForeignProvider, house: House) -> None:
    tokens = await sign_in(foreign_provider, resource=RESOURCE)

    finding = await house.find(tokens.access_token)

    assert isinstance(finding, Proven)
    assert finding.value.key == f"{foreign_provider.issuer}#alice"
    assert finding.value.groups is None  # which it does not tell


async def test_an_access_token_counts_once(foreign_provider: ForeignProvider, house: House) -> None:
    tokens = await sign_in(foreign_provider, resource=RESOURCE)
    await house.find(tokens.access_token)

    assert refusal(await house.find(tokens.access_token)) == (Gap.REFUSED, Reason.TOKEN_REPLAYED)


async def test_an_access_token_for_anybody_else_is_refused(foreign_provider: ForeignProvider, house: House) -> None:
    tokens = await sign_in(foreign_provider)

    assert refusal(await house.find(tokens.access_token)) == (Gap.REFUSED, Reason.TOKEN_AUDIENCE)


async def test_an_access_token_of_another_client_is_refused(foreign_provider: ForeignProvider, house: House) -> None:
    tokens = await sign_in(foreign_provider, client_id="payroll", resource=RESOURCE)

    assert refusal(await house.find(tokens.access_token)) == (Gap.REFUSED, Reason.TOKEN_AUTHORIZED_PARTY)


async def test_without_its_choice_no_access_token_counts(foreign_provider: ForeignProvider) -> None:
    tokens = await sign_in(foreign_provider, resource=RESOURCE)
    cautious = replace(settings(foreign_provider), tokens=frozenset({TokenKind.ID}), access=None)

    async with house_for(adapter(cautious)) as house:
        finding = await house.find(tokens.access_token)

    assert refusal(finding) == (Gap.REFUSED, Reason.TOKEN_TYPE)


async def test_a_token_that_the_provider_has_bound_to_a_key_is_no_bearer_token(
    foreign_provider: ForeignProvider, house: House
) -> None:
    tokens = await sign_in(
        foreign_provider,
        resource=RESOURCE,
        prove=lambda uri: proof(htu=uri, iat=int(time.time()), ath=..., nonce=..., jti=str(time.time_ns())),
    )

    claims = read_object(base64url.decode(tokens.access_token.split(".")[1]))
    assert claims["cnf"] == {"jkt": EC.thumbprint()}
    assert refusal(await house.find(tokens.access_token)) == (Gap.REFUSED, Reason.TOKEN_CONFIRMATION)


async def test_it_counts_with_a_proof_of_its_key_for_this_join_and_that_proof_once(
    foreign_provider: ForeignProvider, house: House
) -> None:
    tokens = await sign_in(
        foreign_provider,
        resource=RESOURCE,
        prove=lambda uri: proof(htu=uri, iat=int(time.time()), ath=..., nonce=..., jti=str(time.time_ns())),
    )
    challenge = await house.challenges.issue(ROOM.alias, purpose=Purpose.JOIN)
    transcript = replace(challenge.transcript, unverified_token=tokens.access_token)
    signed = proof(
        htu=f"{house.challenges.origin}/v1/joins",
        iat=int(time.time()),
        ath=base64url.encode(sha256(tokens.access_token.encode()).digest()),
        nonce=f"{challenge.id}.{base64url.encode(transcript.digest())}",
    )
    shown = DpopProof(unverified_proof=signed, path="/v1/joins")

    finding = await house.find(tokens.access_token, dpop_proof=shown)

    assert isinstance(finding, Proven)
    assert finding.value.key == f"{foreign_provider.issuer}#alice"
    assert finding.value.provenance is Provenance.BOUND
    again = await house.find(tokens.access_token, dpop_proof=shown)
    assert refusal(again) == (Gap.REFUSED, Reason.EVIDENCE_CHALLENGE)
