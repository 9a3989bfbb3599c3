"""What a browser sends of a WebAuthn ceremony, read strictly before a library sees it.

Size and nesting are bounded here, JSON and CBOR have one reading, and every foreign exception becomes Refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509 import InvalidVersion
from webauthn import verify_authentication_response
from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException

from plugin.attestation._authenticator_data import MAX_CREDENTIAL, AuthenticatorData, read_authenticator_data
from plugin.attestation._members import MAX_OBJECT, cbor_map, expect, malformed, octets, octets_of
from plugin.attestation._x509 import MIN_RSA_BITS
from plugin.core import base64url
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.jose.strict_json import read_object

MAX_RSA_BITS = 4096
MAX_CLIENT_DATA = 2048
MAX_DATA = 2048
MAX_SIGNATURE = 1024
MAX_USER_HANDLE = 64
ALGORITHMS = (
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
)
# What py_webauthn, and below it cbor2 and cryptography, raise on what they cannot read.
FOREIGN = (
    InvalidSignature,
    InvalidVersion,
    WebAuthnException,
    UnsupportedAlgorithm,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientData:
    """What the browser says of the ceremony (WebAuthn 5.8.1). A `topOrigin` is there in a foreign frame only."""

    raw: bytes
    challenge: bytes
    origin: str
    is_cross_origin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """One ceremony. `raw_data` is what the authenticator signed, as it was signed."""

    payload: Mapping[str, object]
    credential_id: bytes
    client: ClientData
    raw_data: bytes
    data: AuthenticatorData


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """An attestation statement: its kind, and what it holds."""

    kind: str
    members: Mapping[object, object]


def read_registration(payload: Mapping[str, object]) -> tuple[Presented, Statement]:
    """Read a RegistrationResponseJSON. Raises Refused."""
    credential_id, response = _credential(payload)
    needed = {"clientDataJSON", "attestationObject"}
    # What a browser has taken out of the attestation object for the convenience of scripts: it is not read.
    repeated = {"authenticatorData", "publicKey", "publicKeyAlgorithm", "transports"}
    if not needed <= response.keys() <= needed | repeated:
        raise malformed("expected the response of a registration")
    attested = cbor_map(octets(response, "attestationObject", most=MAX_OBJECT))
    if attested.keys() != {"fmt", "attStmt", "authData"}:
        raise malformed("expected `fmt`, `attStmt` and `authData`")
    raw = octets_of(attested, "authData")
    data = read_authenticator_data(raw)
    if data.credential_id != credential_id or not data.cose_key:
        raise malformed("expected the credential that `id` names")
    public_key(data.cose_key)
    client = _client_data(response, kind="webauthn.create")
    kind, members = attested["fmt"], attested["attStmt"]
    if not isinstance(kind, str) or not isinstance(members, dict):
        raise malformed("expected an attestation statement")
    statement = Statement(kind=kind, members=members)
    return Presented(payload=payload, credential_id=credential_id, client=client, raw_data=raw, data=data), statement


def read_assertion(payload: Mapping[str, object]) -> Presented:
    """Read an AuthenticationResponseJSON. Raises Refused."""
    credential_id, response = _credential(payload)
    needed = {"clientDataJSON", "authenticatorData", "signature"}
    if not needed <= response.keys() <= needed | {"userHandle"}:
        raise malformed("expected the response of an authentication")
    octets(response, "signature", most=MAX_SIGNATURE)
    if response.get("userHandle") is not None:
        octets(response, "userHandle", most=MAX_USER_HANDLE)
    raw = octets(response, "authenticatorData", most=MAX_DATA)
    data = read_authenticator_data(raw)
    client = _client_data(response, kind="webauthn.get")
    return Presented(payload=payload, credential_id=credential_id, client=client, raw_data=raw, data=data)


def proven_counter(
    payload: Mapping[str, object], *, transcript: bytes, origin: str, rp_id: str, cose_key: bytes
) -> int:
    """Verify an assertion that was read, and return the counter that it signed. Raises Refused."""
    public_key(cose_key)
    try:
        verified = verify_authentication_response(
            credential=dict(payload),
            expected_challenge=transcript,
            expected_rp_id=rp_id,
            expected_origin=origin,
            credential_public_key=cose_key,
            credential_current_sign_count=-1,  # the counter is compared by the caller, with a reason of its own
            require_user_verification=True,
        )
    except FOREIGN:
        raise Refused(Reason.EVIDENCE_SIGNATURE, "the assertion could not be verified") from None
    return verified.new_sign_count


def public_key(cose_key: bytes) -> CertificatePublicKeyTypes:
    """Read a COSE key of an accepted algorithm and strength. Raises Refused."""
    try:
        decoded = decode_credential_public_key(cose_key)
        key = decoded_public_key_to_cryptography(decoded)
    except FOREIGN:
        raise Refused(Reason.EVIDENCE_KEY, "the credential's key cannot be read") from None
    match key, decoded.alg:
        case (ec.EllipticCurvePublicKey(curve=ec.SECP256R1()), COSEAlgorithmIdentifier.ECDSA_SHA_256) | (
            ed25519.Ed25519PublicKey(),
            COSEAlgorithmIdentifier.EDDSA,
        ):
            return key
        case rsa.RSAPublicKey(key_size=bits), COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256 if (
            MIN_RSA_BITS <= bits <= MAX_RSA_BITS
        ):
            return key
    raise Refused(Reason.EVIDENCE_KEY, "the credential's key is too weak or of an algorithm that is not accepted")


def _credential(payload: Mapping[str, object]) -> tuple[bytes, Mapping[str, object]]:
    optional = {"authenticatorAttachment", "clientExtensionResults"} & payload.keys()
    expect(payload, "id", "rawId", "type", "response", *optional)
    response = payload["response"]
    if payload["type"] != "public-key" or payload["id"] != payload["rawId"] or not isinstance(response, Mapping):
        raise malformed("expected a public key credential")
    return octets(payload, "rawId", most=MAX_CREDENTIAL), response


def _client_data(response: Mapping[str, object], *, kind: str) -> ClientData:
    raw = octets(response, "clientDataJSON", most=MAX_CLIENT_DATA)
    try:
        said = read_object(raw)
        challenge = base64url.decode(str(said.get("challenge")))
    except ValueError:
        raise malformed("expected client data in JSON") from None
    # WebAuthn 7.1 step 7 and 7.2 step 11: a signature for one ceremony is worth nothing for the other.
    if said.get("type") != kind:
        raise malformed(f"expected client data of `{kind}`")
    return ClientData(
        raw=raw,
        challenge=challenge,
        origin=str(said.get("origin")),
        is_cross_origin=said.get("crossOrigin", False) is not False or "topOrigin" in said,
    )
