"""The organisation's own device CAs: which of them a certificate comes from, and whose device it is.

What this must never do: let a path to one CA use the owner mapping of another, or pass on text of a certificate,
which until the path is verified is a stranger's and after that may name a person.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import verification
from cryptography.x509.oid import NameOID

from plugin.core.device import AttestationResult, Tier
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.ports import Appraisal, DeviceCa

MAX_CERTIFICATES = 8
MAX_CERTIFICATE = 8 * 1024
MIN_RSA_BITS = 2048
MAX_NAME = 256
UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What reading a certificate can raise."""

_SUBJECT: Mapping[str, x509.ObjectIdentifier] = {
    "subject_cn": NameOID.COMMON_NAME,
    "subject_uid": NameOID.USER_ID,
}
_SAN: Mapping[str, type[x509.DNSName | x509.RFC822Name | x509.UniformResourceIdentifier]] = {
    "san_dns": x509.DNSName,
    "san_email": x509.RFC822Name,
    "san_uri": x509.UniformResourceIdentifier,
}

_CA_PROFILE = verification.ExtensionPolicy.webpki_defaults_ca()
# The library's profile for clients with one thing relaxed: a device may be named in its subject alone, without a SAN.
# An extended key usage, where there is one, must name clientAuth.
_DEVICE_PROFILE = verification.ExtensionPolicy.webpki_defaults_ee().may_be_present(
    x509.SubjectAlternativeName, verification.Criticality.AGNOSTIC, None
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A device CA, ready to verify."""

    ca: DeviceCa
    anchors: frozenset[x509.Certificate]
    store: verification.Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A verified path, leaf first, anchor last, and the CA that it leads to."""

    authority: Authority
    certificates: tuple[x509.Certificate, ...]

    @property
    def leaf(self) -> x509.Certificate:
        """The device's own certificate."""
        return self.certificates[0]


def authorities(anchors: tuple[DeviceCa, ...], *, now: datetime) -> tuple[Authority, ...]:
    """Read the configured CAs. Raises ValueError: what can never verify anything is an error of the configuration."""
    if not anchors:
        raise ValueError("no device CA, expected at least one")
    found = tuple(_authority(ca, now=now) for ca in anchors)
    taken: dict[bytes, str] = {}
    for authority in found:
        keys = {spki(anchor.public_key()) for anchor in authority.anchors}
        for key in keys & taken.keys():
            raise ValueError(f"device CAs `{taken[key]}` and `{authority.ca.name}` have an anchor key in common")
        taken |= dict.fromkeys(keys, authority.ca.name)
    return found


def base64(text: str) -> bytes:
    """Decode base64 (RFC 4648 4) in its one canonical spelling. Raises ValueError."""
    octets = b64decode(text, validate=True)
    if b64encode(octets).decode() != text:  # the decoder drops bits that another spelling would hold
        raise ValueError("not canonical base64")
    return octets


def read_certificate(der: bytes) -> x509.Certificate:
    """Read a stranger's certificate. Raises Refused."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        # These are parsed on first use. Used here, so that nothing of a stranger's making fails later.
        _ = certificate.subject, certificate.issuer, certificate.extensions, certificate.public_key()
    except UNREADABLE:
        raise Refused(Reason.EVIDENCE_MALFORMED, "expected a certificate (RFC 5280)") from None
    # The parser lets a signature claim unused bits (X.690 8.6.2) that it has none of: a second spelling.
    if not der.endswith(b"\0" + certificate.signature):
        raise Refused(Reason.EVIDENCE_MALFORMED, "expected a signature of whole octets")
    return certificate


def find_path(
    among: tuple[Authority, ...],
    chain: tuple[x509.Certificate, ...],
    *,
    now: datetime,
    profile: verification.ExtensionPolicy = _DEVICE_PROFILE,
) -> Path:
    """Verify a chain, leaf first, each certificate issued by the next, the last by an anchor. Raises Refused.

    `profile` = what the leaf's extensions have to be, where it is no certificate of a client.
    """
    if not chain[0].not_valid_before_utc <= now < chain[0].not_valid_after_utc:
        raise Refused(Reason.EVIDENCE_EXPIRED, "the device certificate is not valid now")
    # Signatures first, from the anchors: a stranger's certificates can be made so that building a path costs 300 ms.
    if not _is_signed(chain, anchors=frozenset[x509.Certificate]().union(*(authority.anchors for authority in among))):
        raise Refused(
            Reason.EVIDENCE_CHAIN, "expected each certificate to be issued by the next, the last by an anchor"
        )
    paths = [path for authority in among if (path := _build(authority, chain, now=now, profile=profile))]
    if not paths:
        raise Refused(Reason.EVIDENCE_CHAIN, "the path to the anchor does not conform to RFC 5280")
    return nearest(paths)


def nearest(paths: list[Path]) -> Path:
    """Choose among the paths that a chain has to several CAs, whatever their order. Raises Refused.

    Where one CA stands below another the nearer one decides, so that a device cannot choose by what it leaves out.
    Where CAs that have certified each other are equally near, nobody can say which of them is meant.
    """
    shortest = min(len(path.certificates) for path in paths)
    found, *others = (path for path in paths if len(path.certificates) == shortest)
    if others:
        raise Refused(Reason.EVIDENCE_CHAIN, "two device CAs vouch for the chain and neither is nearer")
    return found


def vouch(path: Path, *, evidence_format: str, bound: bool) -> Appraisal:
    """Say what a verified path is worth. `bound` = the device has signed this join's transcript."""
    ca, leaf = path.authority.ca, path.leaf
    owner = owner_of(leaf, ca=ca)
    ends_at = min(certificate.not_valid_after_utc for certificate in path.certificates)
    result = AttestationResult(
        device_id=f"x509:{sha256(spki(leaf.public_key())).hexdigest()}",
        format=evidence_format,
        tier=Tier.WARNING if owner is None else ca.tier,
        bound=bound,
        managed=True,
        owner=owner,
        appraised_by=ca.name,
        expires_at=ends_at,
    )
    return Appraisal(
        result=result,
        path=tuple(certificate.public_bytes(Encoding.DER) for certificate in path.certificates),
        warn_from=ends_at - timedelta(days=ca.warn_days),
    )


def owner_of(leaf: x509.Certificate, *, ca: DeviceCa) -> str | None:
    """Map the certificate's name to an identity key; None where it has no name, several, or one that is not safe."""
    names = _names(leaf, name_from=ca.name_from)
    if len(names) != 1 or not isinstance(names[0], str):
        return None
    name = names[0]
    if name in ca.owners:
        return ca.owners[name]
    # `#` ends the issuer in an identity key, and what does not print can look like what it is not.
    if ca.owner_pattern is None or not name.isprintable() or "#" in name or not 1 <= len(name) <= MAX_NAME:
        return None
    return ca.owner_pattern.replace("{name}", name)


def spki(key: CertificatePublicKeyTypes) -> bytes:
    """Encode a public key (RFC 5280 4.1.2.7): the same key is the same device, whatever certificate it comes in."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _authority(ca: DeviceCa, *, now: datetime) -> Authority:
    if ca.name_from not in (*_SUBJECT, *_SAN):
        known = ", ".join(f"`{name}`" for name in (*_SUBJECT, *_SAN))
        raise ValueError(f"device CA `{ca.name}`: unknown `name_from` `{ca.name_from}`, expected one of {known}")
    issuer, _, subject = (ca.owner_pattern or "issuer#{name}").partition("#")
    if not issuer or "{name}" in issuer or "{name}" not in subject or "#" in subject:
        raise ValueError(f"device CA `{ca.name}`: expected `owner_pattern` like `https://idp.example.com#{{name}}`")
    try:
        anchors = x509.load_pem_x509_certificates(ca.certificates)
        problems = [problem for problem in map(_problem, anchors) if problem]
    except UNREADABLE as error:
        raise ValueError(f"device CA `{ca.name}`: expected certificates in PEM: {error}") from error
    if problems:
        raise ValueError(f"device CA `{ca.name}`: {problems[0]}")
    # One anchor that lives is enough: a service that cannot start again on the day an old one expires protects nobody.
    if all(anchor.not_valid_after_utc <= now for anchor in anchors):
        raise ValueError(f"device CA `{ca.name}`: every anchor has expired")
    return Authority(ca=ca, anchors=frozenset(anchors), store=verification.Store(anchors))


def _problem(anchor: x509.Certificate) -> str | None:
    """Say why no path can end here. A leaf among the anchors would even be trusted without any issuer."""
    serial = f"{anchor.serial_number:x}"
    try:
        is_ca = anchor.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        signs = anchor.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        is_ca = signs = False
    if not (is_ca and signs):
        return f"anchor `{serial}` is no CA certificate, expected basicConstraints and keyCertSign (RFC 5280 4.2.1)"
    match anchor.public_key():
        case rsa.RSAPublicKey(key_size=bits) if bits >= MIN_RSA_BITS:
            return None
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1() | ec.SECP384R1() | ec.SECP521R1()):
            return None
    return f"anchor `{serial}` has a key that is not accepted, expected RSA from {MIN_RSA_BITS} bits or a NIST curve"


def _is_signed(chain: tuple[x509.Certificate, ...], *, anchors: frozenset[x509.Certificate]) -> bool:
    top = chain[-1]
    if top not in anchors and not any(_is_issued(top, by=anchor) for anchor in anchors):
        return False
    return all(_is_issued(certificate, by=issuer) for certificate, issuer in reversed(list(pairwise(chain))))


def _is_issued(certificate: x509.Certificate, *, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (*UNREADABLE, InvalidSignature):
        return False
    return True


def _build(
    authority: Authority, chain: tuple[x509.Certificate, ...], *, now: datetime, profile: verification.ExtensionPolicy
) -> Path | None:
    builder = verification.PolicyBuilder().store(authority.store).time(now)
    policies = builder.extension_policies(ca_policy=_CA_PROFILE, ee_policy=profile)
    try:
        verified = policies.build_client_verifier().verify(chain[0], list(chain[1:]))
    except verification.VerificationError:  # its text quotes the certificate, so it goes nowhere
        return None
    return Path(authority=authority, certificates=tuple(verified.chain))


def _names(certificate: x509.Certificate, *, name_from: str) -> list[str | bytes]:
    if name_from in _SUBJECT:
        return [attribute.value for attribute in certificate.subject.get_attributes_for_oid(_SUBJECT[name_from])]
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*san.get_values_for_type(_SAN[name_from])]
