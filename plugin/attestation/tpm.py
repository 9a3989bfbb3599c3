"""Evidence format `tpm`: a TPM 2.0 that is enrolled once and quotes its PCRs over the transcript at every join.

All members are base64url without padding but the chain, which is as in `x5c` (base64 of DER, leaf first).

- first round: `{"ek_chain": [...], "ak_public": "..."}`, the endorsement certificate up to an anchor, and the
  attestation key as TPM2B_PUBLIC. The answer: `{"id_object": "...", "encrypted_secret": "..."}`, two TPM2B.
- to enrol: `{"secret": "...", "quote": "...", "signature": "...", "pcrs": "..."}`: what TPM2_ActivateCredential gave,
  TPMS_ATTEST, TPMT_SIGNATURE, and the values of the quoted PCRs one after the other as `tpm2_pcrread -o` writes them.
- to join: `{"ak_name": "...", "quote": "...", "signature": "...", "pcrs": "..."}`.

An attestation key alone proves nothing, since software can make one. So it is pinned by its name, which the TPM of
the endorsement certificate has vouched for: never by what a later payload says of it.
"""

import hmac
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import new as new_hash
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import verification

from plugin.attestation._members import chain, expect, malformed, octets
from plugin.attestation._tpm_credential import hash_secret, make_credential
from plugin.attestation._tpm_structures import (
    HASHES,
    AttestationKey,
    Quote,
    read_attestation_key,
    read_quote,
    verify_signature,
)
from plugin.attestation._vector import capped
from plugin.attestation._x509 import (
    UNREADABLE,
    Authority,
    authorities,
    find_path,
)
from plugin.core import base64url
from plugin.core.device import Element, EnrolledDevice, Evidence, Tier, Vector, worst
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.device_ports import Attested, EvidenceFormat, EvidenceSettings, KeyProof, Option
from plugin.ports import DeviceCa, Json

MAX_STRUCTURE = 1024
MAX_PCRS = 4 * 24 * 64
SECRET = 32
EK_CERTIFICATE = x509.ObjectIdentifier("2.23.133.8.1")  # tcg-kp-EKCertificate

References = Mapping[str, Mapping[int, frozenset[bytes]]]
"""Bank to PCR to the values that are good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Quoted:
    quote: Quote
    tier: Tier
    vector: Vector


class TpmFormat:
    """Enrols TPMs by the certificates of their makers, and verifies their quotes."""

    format = "tpm"

    def __init__(
        self, among: tuple[Authority, ...], *, tier: Tier, references: References, mismatch: Tier, reattest: bool
    ) -> None:
        self._authorities = among
        self._tier = tier
        self._references = references
        self._mismatch = mismatch
        self._reattest = reattest

    def begin(self, payload: Json, *, now: datetime) -> tuple[Json, Json]:
        """Verify the endorsement certificate, and hide a secret that only its TPM can show for this key."""
        expect(payload, "ek_chain", "ak_public")
        public = octets(payload, "ak_public", most=MAX_STRUCTURE)
        key = read_attestation_key(public)
        path = find_path(self._authorities, chain(payload, "ek_chain"), now=now, profile=_PERMIT_ALL)
        _check_endorsement(path.leaf)
        secret = secrets.token_bytes(SECRET)
        made = make_credential(path.leaf.public_key(), name=key.name, secret=secret, random=secrets.token_bytes)
        answer = {
            "id_object": base64url.encode(made.id_object),
            "encrypted_secret": base64url.encode(made.encrypted_secret),
        }
        path_der = [certificate.public_bytes(Encoding.DER) for certificate in path.certificates]
        kept = {
            "secret_hash": hash_secret(secret),
            "ak_public": base64url.encode(public),
            "path": [base64url.encode(der) for der in path_der],
        }
        return answer, kept

    def enrol(self, evidence: Evidence, *, transcript: bytes, kept: Json | None, now: datetime) -> Attested:  # noqa: ARG002 - the path was verified when it began
        """Appraise in three steps: 1 the secret, 2 the quote, 3 what is put on record. Raises Refused."""
        expect(evidence.payload, "secret", "quote", "signature", "pcrs")
        if kept is None:
            raise malformed("expected the second of two rounds")
        # 1 the secret: this key, in the TPM of that certificate
        given = hash_secret(octets(evidence.payload, "secret", most=SECRET))
        if not hmac.compare_digest(given, str(kept["secret_hash"])):
            raise Refused(Reason.EVIDENCE_SIGNATURE, "the TPM has not shown the secret")

        # 2 the quote
        key = read_attestation_key(base64url.decode(str(kept["ak_public"])))
        quoted = self._appraise(evidence.payload, key=key, transcript=transcript)

        # 3 what is put on record
        path = tuple(base64url.decode(text) for text in _texts(kept["path"]))
        return Attested(
            device_id=_device_id(key.name),
            key={
                "ak_public": str(kept["ak_public"]),
                "ak_name": base64url.encode(key.name),
                "resets": quoted.quote.resets,
                "restarts": quoted.quote.restarts,
            },
            tier=quoted.tier,
            vector=quoted.vector,
            path=path,
            claims={"ek_certificate_sha256": sha256(path[0]).hexdigest(), "firmware": f"{quoted.quote.firmware:016x}"},
        )

    def device_id(self, evidence: Evidence) -> str:
        """Name the device by the name of its attestation key."""
        return _device_id(octets(evidence.payload, "ak_name", most=2 + 64))

    def prove(self, evidence: Evidence, *, transcript: bytes, device: EnrolledDevice, now: datetime) -> KeyProof:  # noqa: ARG002 - a quote has no time of its own
        """Verify a quote by the key on record, and that it is still the key of this name. Raises Refused."""
        expect(evidence.payload, "ak_name", "quote", "signature", "pcrs")
        key = read_attestation_key(base64url.decode(str(device.key["ak_public"])))
        # A public area is covered by no signature: with other attributes it is another key under another name.
        if _device_id(key.name) != device.id or self.device_id(evidence) != device.id:
            raise Refused(Reason.EVIDENCE_KEY, "the attestation key is not the enrolled one")
        quoted = self._appraise(evidence.payload, key=key, transcript=transcript)
        counts = (device.key["resets"], device.key["restarts"])
        vector = capped(quoted.vector, by=device.vector)
        return KeyProof(
            tier=worst(quoted.tier, device.tier, *vector.values()),
            vector=vector,
            reset=self._reattest and (quoted.quote.resets, quoted.quote.restarts) != counts,
        )

    def _appraise(self, payload: Json, *, key: AttestationKey, transcript: bytes) -> _Quoted:
        attest = octets(payload, "quote", most=MAX_STRUCTURE)
        verify_signature(octets(payload, "signature", most=MAX_STRUCTURE), key=key, message=attest)
        quote = read_quote(attest)
        if not hmac.compare_digest(quote.extra, transcript):
            raise Refused(Reason.EVIDENCE_SIGNATURE, "the quote does not cover this transcript")
        values = _read_pcrs(octets(payload, "pcrs", most=MAX_PCRS), quote=quote, digest=HASHES[key.hash][0])
        vector = {Element.INSTANCE_IDENTITY: self._tier, Element.HARDWARE: self._tier}
        if self._references:
            good = _fits(values, references=self._references)
            vector[Element.CONFIGURATION] = self._tier if good else worst(self._mismatch, self._tier)
        return _Quoted(quote=quote, tier=worst(self._tier, *vector.values()), vector=vector)


_PERMIT_ALL = verification.ExtensionPolicy.permit_all()  # an endorsement certificate is no client's: checked below


def _device_id(name: bytes) -> str:
    return f"tpm:{name.hex()}"


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []


def _check_endorsement(leaf: x509.Certificate) -> None:
    """Expect an endorsement certificate (TCG EK Credential Profile 3.2): no CA, and for this purpose."""
    try:
        usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        is_ca = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, *UNREADABLE):
        raise Refused(Reason.EVIDENCE_CHAIN, "expected an endorsement certificate of a TPM") from None
    if is_ca or EK_CERTIFICATE not in usages:
        raise Refused(Reason.EVIDENCE_CHAIN, "expected an endorsement certificate of a TPM")


def _read_pcrs(values: bytes, *, quote: Quote, digest: str) -> Mapping[tuple[str, int], bytes]:
    """Tell the PCRs apart, after the quote has vouched for all of them (Part 2, 10.12.1)."""
    if not hmac.compare_digest(new_hash(digest, values).digest(), quote.digest):
        raise Refused(Reason.EVIDENCE_SIGNATURE, "the PCRs are not those that were quoted")
    places = [(bank, index) for bank, indexes in quote.selection for index in indexes]
    found, at = {}, 0
    for bank, index in places:
        size = new_hash(bank).digest_size
        found[bank, index] = values[at : at + size]
        at += size
    if at != len(values):
        raise malformed("expected one value for each quoted PCR")
    return found


def _fits(values: Mapping[tuple[str, int], bytes], *, references: References) -> bool:
    """Compare with the references. What has a reference and was not quoted is hidden: Refused."""
    expected = {(bank, index): good for bank, pcrs in references.items() for index, good in pcrs.items()}
    if not expected.keys() <= values.keys():
        raise malformed("expected a quote of every PCR that has a reference")
    return all(values[place] in good for place, good in expected.items())


def _read_references(content: bytes) -> References:
    """Read a TOML file: a table for each bank, in it lists of hexadecimal digests by PCR. Raises ValueError."""
    if not content:
        return {}
    banks = tomllib.loads(content.decode())
    if not all(isinstance(pcrs, dict) for pcrs in banks.values()):
        raise ValueError("expected tables `sha256`, `sha384` or `sha512` of lists of digests by PCR")
    found = {bank: {int(index): _good(bank, values) for index, values in pcrs.items()} for bank, pcrs in banks.items()}
    if not any(found.values()):
        raise ValueError("no reference in `references_file`, expected at least one")
    return found


def _good(bank: str, values: object) -> frozenset[bytes]:
    if bank not in {name for name, _ in HASHES.values()} or not isinstance(values, list) or not values:
        raise ValueError("expected lists of digests by PCR in tables `sha256`, `sha384` or `sha512`")
    good = frozenset(bytes.fromhex(value) for value in values)
    if any(len(value) != new_hash(bank).digest_size for value in good):
        raise ValueError(f"expected digests of {new_hash(bank).digest_size} octets in bank `{bank}`")
    return good


def _build(settings: EvidenceSettings) -> TpmFormat:
    pem = b"\n".join(settings.roots)
    ca = DeviceCa(name=settings.name, certificates=pem, name_from="subject_cn", tier=settings.tier)
    if not settings.roots:
        raise ValueError("no `roots_files`, expected the makers of TPMs")
    references, mismatch = settings.options["references_file"], settings.options["mismatch"]
    if mismatch not in (Tier.WARNING.value, Tier.CONTRAINDICATED.value):
        raise ValueError("unexpected `mismatch`, expected `warning` or `contraindicated`")
    return TpmFormat(
        authorities((ca,), now=datetime.now(UTC)),
        tier=settings.tier,
        references=_read_references(references if isinstance(references, bytes) else b""),
        mismatch=Tier(mismatch),
        reattest=bool(settings.options["reattest_on_reset"]),
    )


evidence = EvidenceFormat(
    options={
        "references_file": Option(kind="file", about="the good values of PCRs, by bank and index", default=b""),
        "mismatch": Option(kind="text", about="what a device with other values is worth", default="contraindicated"),
        "reattest_on_reset": Option(kind="flag", about="whether a restart asks for a new attestation", default=True),
    },
    build=_build,
)
