"""Evidence format `spiffe`: an X.509-SVID of one trust domain, with proof of possession of its key.

The payload is that of `x509`: `{"chain": [...], "alg": "ES256", "signature": "..."}`. The device is its SPIFFE ID,
whose key changes by the hour. An SVID names a workload or a node and never a person: nobody owns it.

It must never take a certificate that names two, or a path that the table does not list.
"""

import re
from datetime import UTC, datetime
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from plugin.attestation._signed_chain import read_signed_chain, verify_possession
from plugin.attestation._x509 import Authority, authorities, find_path
from plugin.core.device import AttestationResult, Evidence, Tier, worst
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.device_ports import EvidenceFormat, EvidenceSettings, Option
from plugin.ports import Appraisal, DeviceCa

TRUST_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")  # SPIFFE-ID 2.1
PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+)+")  # SPIFFE-ID 2.2
MAX_ID = 2048


class SpiffeVerifier:
    """Appraises SVIDs against the bundle of their trust domain."""

    format = "spiffe"

    def __init__(
        self, among: tuple[Authority, ...], *, name: str, tier: Tier, trust_domain: str, paths: tuple[str, ...]
    ) -> None:
        self._authorities = among
        self._name = name
        # A device that nobody is known to own is never as good as affirming.
        self._tier = worst(tier, Tier.WARNING)
        self._prefix = f"spiffe://{trust_domain}"
        self._paths = paths

    def appraise(self, evidence: Evidence, *, transcript: bytes, now: datetime) -> Appraisal:
        """Appraise in four steps: 1 read, 2 path, 3 name, 4 signature. Raises Refused."""
        # 1 read
        presented = read_signed_chain(evidence.payload)

        # 2 path
        path = find_path(self._authorities, presented.chain, now=now)

        # 3 name
        spiffe_id = self._read_id(path.leaf)

        # 4 signature
        verify_possession(path.leaf.public_key(), presented=presented, message=transcript)
        result = AttestationResult(
            device_id=f"spiffe:{sha256(spiffe_id.encode()).hexdigest()}",
            format=self.format,
            tier=self._tier,
            bound=True,
            managed=True,
            owner=None,
            appraised_by=self._name,
            expires_at=min(certificate.not_valid_after_utc for certificate in path.certificates),
        )
        return Appraisal(
            result=result,
            path=tuple(certificate.public_bytes(Encoding.DER) for certificate in path.certificates),
        )

    def _read_id(self, leaf: x509.Certificate) -> str:
        """Read the one SPIFFE ID (X.509-SVID 2, 4, 5.2)."""
        try:
            san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
        except x509.ExtensionNotFound:
            raise _refused("expected a SPIFFE ID and a key usage") from None
        ids = san.get_values_for_type(x509.UniformResourceIdentifier)
        if len(ids) != 1 or len(ids[0]) > MAX_ID:
            raise _refused("expected exactly one URI")
        if not usage.digital_signature or usage.key_cert_sign or usage.crl_sign:
            raise _refused("expected a key for signatures, and not for certificates")
        path = ids[0].removeprefix(self._prefix)
        if path == ids[0] or not PATH.fullmatch(path):
            raise _refused("expected a SPIFFE ID of the configured trust domain")
        if not any(_is_listed(path, pattern=pattern) for pattern in self._paths):
            raise _refused("expected a path that is listed")
        return ids[0]


def _is_listed(path: str, *, pattern: str) -> bool:
    return path == pattern or (pattern.endswith("/*") and path.startswith(pattern[:-1]))


def _refused(detail: str) -> Refused:
    return Refused(Reason.EVIDENCE_CHAIN, detail)


def _build(settings: EvidenceSettings) -> SpiffeVerifier:
    if not settings.roots:
        raise ValueError("no `roots_files`, expected the bundle of the trust domain")
    trust_domain, paths = settings.options["trust_domain"], settings.options["paths"]
    if not isinstance(trust_domain, str) or not TRUST_DOMAIN.fullmatch(trust_domain):
        raise ValueError("unexpected `trust_domain`, expected one like `example.com`")
    if not isinstance(paths, tuple) or not paths:
        raise ValueError("no path in `paths`, expected at least one")
    if not all(PATH.fullmatch(path.removesuffix("/*")) for path in paths):
        raise ValueError("unexpected path in `paths`, expected such as `/laptop/17` or `/laptop/*`")
    ca = DeviceCa(name=settings.name, certificates=b"\n".join(settings.roots), name_from="san_uri", tier=settings.tier)
    return SpiffeVerifier(
        authorities((ca,), now=datetime.now(UTC)),
        name=settings.name,
        tier=settings.tier,
        trust_domain=trust_domain,
        paths=paths,
    )


evidence = EvidenceFormat(
    options={
        "trust_domain": Option(kind="text", about="the trust domain, such as `example.com`"),
        "paths": Option(kind="texts", about="the paths that count, exactly or with `/*` at the end"),
    },
    build=_build,
)
