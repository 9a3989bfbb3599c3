"""Evidence format `x509`: a device certificate of the organisation's own CA, with proof of possession of its key.

Payload: `{"chain": [...], "alg": "ES256", "signature": "..."}`, nothing else.

- `chain`: certificates as in `x5c` (RFC 7515 4.1.6): base64 of DER, leaf first, each issued by the next, up to the
  configured anchor, which may be left out. A certificate that has no part in that path is refused, not ignored.
- `alg`: `ES256`, `ES384`, `PS256`, `RS256` (RFC 7518), or `EdDSA` with Ed25519 (RFC 8037).
- `signature`: base64url without padding, over the 32 bytes of the transcript as the message, in the form of JWS:
  for ECDSA that is r and s side by side at full width (RFC 7518 3.4). A DER signature is refused.

What this does not do: ask whether a certificate was revoked (the path goes out beside the result, for those who do),
or whether its key lives in hardware.
"""

from datetime import UTC, datetime

from plugin.attestation._signed_chain import read_signed_chain, verify_possession
from plugin.attestation._x509 import Authority, authorities, find_path, vouch
from plugin.core.device import Evidence
from plugin.ports import Appraisal, DeviceCa


def verifier(anchors: tuple[DeviceCa, ...]) -> "X509Verifier":
    """Build the verifier. Raises ValueError where a CA could never verify anything, an expired one included."""
    return X509Verifier(authorities(anchors, now=datetime.now(UTC)))


class X509Verifier:
    """Appraises device certificates against the configured CAs."""

    format = "x509"

    def __init__(self, among: tuple[Authority, ...]) -> None:
        self._authorities = among

    def appraise(self, evidence: Evidence, *, transcript: bytes, now: datetime) -> Appraisal:
        """Appraise in four steps: 1 read, 2 path, 3 signature, 4 owner. Raises Refused."""
        # 1 read
        presented = read_signed_chain(evidence.payload)

        # 2 path
        path = find_path(self._authorities, presented.chain, now=now)

        # 3 signature
        verify_possession(path.leaf.public_key(), presented=presented, message=transcript)

        # 4 owner
        return vouch(path, evidence_format=self.format, bound=True)
