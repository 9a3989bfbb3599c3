"""Attestation statements of WebAuthn (section 8), after their chain was verified against our roots.

Of `packed`, `tpm` and `fido-u2f` the library verifies the statement, without a root, so that it decides about no chain.
`apple` is verified here, where the library would add a root of its own. What is not named here is refused.
"""

from hashlib import sha256

from cryptography import x509
from cryptography.x509.oid import ExtensionOID
from webauthn import verify_registration_response

from plugin.attestation._members import malformed
from plugin.attestation._webauthn import ALGORITHMS, FOREIGN, Presented, Statement, public_key
from plugin.attestation._x509 import spki
from plugin.core.errors import Refused
from plugin.core.reasons import Reason

AAGUID = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
APPLE_NONCE = x509.ObjectIdentifier("1.2.840.113635.100.8.2")
_APPLE_NONCE_HEAD = bytes.fromhex("3024a1220420")
_AAGUID_HEAD = bytes.fromhex("0410")
# Kind -> the members that it has, those of one without a chain being `none` and `packed` as self attestation.
_MEMBERS: dict[str, tuple[set[str], ...]] = {
    "none": (set(),),
    "packed": ({"alg", "sig"}, {"alg", "sig", "x5c"}),
    "tpm": ({"ver", "alg", "x5c", "sig", "certInfo", "pubArea"},),
    "fido-u2f": ({"sig", "x5c"},),
    "apple": ({"x5c"}, {"alg", "x5c"}),
}


def verify_statement(
    presented: Presented,
    statement: Statement,
    *,
    leaf: x509.Certificate | None,
    transcript: bytes,
    origin: str,
    rp_id: str,
) -> None:
    """Verify the statement of a ceremony that was checked. `leaf` None = nobody vouches for the key. Raises Refused."""
    if statement.members.keys() not in _MEMBERS.get(statement.kind, ()):
        raise malformed("expected an attestation statement of a known kind, with its own members")
    if leaf is not None:
        _check_certificate(leaf, aaguid=presented.data.aaguid)
    if statement.kind == "apple" and leaf is not None:
        _verify_apple(presented, leaf=leaf)
        return
    try:
        verify_registration_response(
            credential=dict(presented.payload),
            expected_challenge=transcript,
            expected_rp_id=rp_id,
            expected_origin=origin,
            require_user_verification=True,
            supported_pub_key_algs=list(ALGORITHMS),
        )
    except FOREIGN:
        raise Refused(Reason.EVIDENCE_SIGNATURE, "the attestation statement could not be verified") from None


def _check_certificate(leaf: x509.Certificate, *, aaguid: bytes) -> None:
    """WebAuthn 8.2.1 and 8.3.1: no CA attests, and where the certificate names a model, it is this one."""
    held = {extension.oid: extension.value for extension in leaf.extensions}
    constraints = held.get(ExtensionOID.BASIC_CONSTRAINTS)
    if isinstance(constraints, x509.BasicConstraints) and constraints.ca:
        raise Refused(Reason.EVIDENCE_CHAIN, "a CA does not attest by itself")
    named = held.get(AAGUID)
    if isinstance(named, x509.UnrecognizedExtension) and named.value != _AAGUID_HEAD + aaguid:
        raise Refused(Reason.EVIDENCE_KEY, "the certificate is of another model than the authenticator")


def _verify_apple(presented: Presented, *, leaf: x509.Certificate) -> None:
    """WebAuthn 8.8: the certificate was made for this ceremony and this key."""
    nonce = sha256(presented.raw_data + sha256(presented.client.raw).digest()).digest()
    values = [extension.value for extension in leaf.extensions if extension.oid == APPLE_NONCE]
    expected = x509.UnrecognizedExtension(APPLE_NONCE, _APPLE_NONCE_HEAD + nonce)
    if values != [expected] or spki(leaf.public_key()) != spki(public_key(presented.data.cose_key)):
        raise Refused(Reason.EVIDENCE_SIGNATURE, "the certificate was not made for this key and ceremony")
