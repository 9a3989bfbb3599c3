"""Evidence format `ear`: what an outside verifier made of a device (RATS; EAT Attestation Results), as a JWT.

Payload: `{"jwt": "..."}`, signed by a key of the table's key set. Its `eat_nonce` is the transcript in base64url, so
that the result was made for this very join. Two profiles are read, each with its own spelling.

This must never believe more than the table's tier, take a result without our nonce, or fill in what was not said.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from plugin.attestation._members import expect, text
from plugin.core import base64url
from plugin.core.device import AttestationResult, Element, Evidence, Tier, Vector, worst
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.device_ports import EvidenceFormat, EvidenceSettings, Option
from plugin.jose.compact import MAX_TOKEN, read_json
from plugin.jose.keys import ALGORITHMS, KeySet, parse_jwks
from plugin.jose.verify import LEEWAY, MAX_SUBJECT, verify_signature
from plugin.ports import Appraisal

# Profile to the names of its claims: status, vector.
PROFILES: Mapping[str, tuple[str, str]] = {
    "tag:github.com,2023:veraison/ear": ("ear.status", "ear.trustworthiness-vector"),
    "tag:ietf.org,2026:rats/ear#04": ("ear_status", "ear_trustworthiness_vector"),
}
MAX_UEID = 64


class EarVerifier:
    """Reads the results of one outside verifier."""

    format = "ear"

    def __init__(
        self, keys: KeySet, *, name: str, tier: Tier, submod: str, max_age: timedelta, owner_claim: str, issuer: str
    ) -> None:
        self._keys = keys
        self._name = name
        self._tier = tier
        self._owner_claim = owner_claim
        self._issuer = issuer
        self._submod = submod
        self._max_age = max_age

    def appraise(self, evidence: Evidence, *, transcript: bytes, now: datetime) -> Appraisal:
        """Appraise in four steps: 1 signature, 2 nonce, 3 age, 4 result. Raises Refused."""
        # 1 signature
        expect(evidence.payload, "jwt")
        claims = self._verify(text(evidence.payload, "jwt", most=MAX_TOKEN))

        # 2 nonce
        nonce = base64url.encode(transcript)
        if claims.get("eat_nonce") not in (nonce, [nonce]):
            raise Refused(Reason.EVIDENCE_CHALLENGE, "expected the transcript as the only `eat_nonce`")

        # 3 age
        expires_at = self._find_end(claims, now=now)

        # 4 result
        status_name, vector_name = PROFILES.get(str(claims.get("eat_profile")), ("", ""))
        if not status_name:
            raise Refused(Reason.EVIDENCE_FORMAT, "expected a known `eat_profile`")
        appraisal = self._find_submod(claims)
        vector = {
            element: worst(tier, self._tier) for element, tier in _read_vector(appraisal.get(vector_name, {})).items()
        }
        status = _read_tier(appraisal.get(status_name))
        if status is None:
            raise Refused(Reason.EVIDENCE_FORMAT, "the verifier has not appraised the device")
        owner = self._find_owner(appraisal)
        # A device that nobody is known to own is never as good as affirming.
        cap = worst(self._tier, Tier.WARNING if owner is None else self._tier)
        result = AttestationResult(
            device_id=f"ear:{_read_ueid(appraisal.get('ueid', claims.get('ueid')), by=self._name)}",
            format=self.format,
            tier=worst(status, cap, *vector.values()),
            bound=True,
            managed=False,
            owner=owner,
            appraised_by=self._name,
            expires_at=expires_at,
            vector=vector,
        )
        return Appraisal(result=result)

    def _verify(self, unverified: str) -> Mapping[str, object]:
        try:
            return read_json(verify_signature(unverified, keys=self._keys, algorithms=ALGORITHMS).payload)
        except Refused as refused:
            reasons = {Reason.TOKEN_ALGORITHM, Reason.TOKEN_KEY, Reason.TOKEN_SIGNATURE}
            reason = Reason.EVIDENCE_SIGNATURE if refused.reason in reasons else Reason.EVIDENCE_MALFORMED
            raise Refused(reason, "expected a token that a key of the verifier has signed") from None

    def _find_end(self, claims: Mapping[str, object], *, now: datetime) -> datetime:
        issued, ends = claims.get("iat"), claims.get("exp")
        if not _is_moment(issued) or not (ends is None or _is_moment(ends)):
            raise Refused(Reason.EVIDENCE_MALFORMED, "expected `iat` and `exp` to be moments")
        issued_at = datetime.fromtimestamp(float(str(issued)), UTC)
        expires_at = issued_at + self._max_age
        if ends is not None:
            expires_at = min(expires_at, datetime.fromtimestamp(float(str(ends)), UTC))
        if issued_at > now + LEEWAY or expires_at <= now:
            raise Refused(Reason.EVIDENCE_EXPIRED, "expected a result of now")
        return expires_at

    def _find_owner(self, appraisal: Mapping[str, object]) -> str | None:
        subject = appraisal.get(self._owner_claim) if self._owner_claim else None
        # `#` ends the issuer in an identity key, and what does not print can look like what it is not.
        if not isinstance(subject, str) or not subject.isprintable() or "#" in subject:
            return None
        return f"{self._issuer}#{subject}" if 1 <= len(subject) <= MAX_SUBJECT else None

    def _find_submod(self, claims: Mapping[str, object]) -> Mapping[str, object]:
        submods = claims.get("submods")
        if not isinstance(submods, dict) or not submods:
            raise Refused(Reason.EVIDENCE_MALFORMED, "expected `submods`")
        # Of several, the table says which is meant: the caller could have one that is good beside one that is not.
        found = submods.get(self._submod) if self._submod else next(iter(submods.values()))
        if not isinstance(found, dict) or (not self._submod and len(submods) > 1):
            raise Refused(Reason.EVIDENCE_MALFORMED, "expected the one submodule that is meant")
        return found


def _is_moment(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**34


def _read_vector(value: object) -> Vector:
    known = {element.value: element for element in Element}
    if not isinstance(value, dict) or not value.keys() <= known.keys():
        raise Refused(Reason.EVIDENCE_MALFORMED, "expected a trustworthiness vector")
    tiers = {known[name]: _read_tier(said) for name, said in value.items()}
    return {element: tier for element, tier in tiers.items() if tier is not None}


def _read_tier(value: object) -> Tier | None:
    """Read a tier (AR4SI 2.3.2) by its name or its number; None = nothing is said."""
    if value == "none":
        return None
    if isinstance(value, str) and value in {tier.value for tier in Tier}:
        return Tier(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -128 <= value <= 127:  # noqa: PLR2004 - an int8
        raise Refused(Reason.EVIDENCE_MALFORMED, "expected a tier")
    return _tier_of(value if value >= 0 else -value - 1)


def _tier_of(size: int) -> Tier | None:
    """Map the size of a claim: -1 to 1 say nothing, negative numbers lie one further out."""
    floors = {Tier.CONTRAINDICATED: 96, Tier.WARNING: 32, Tier.AFFIRMING: 2}
    return next((tier for tier, floor in floors.items() if size >= floor), None)


def _read_ueid(value: object, *, by: str) -> str:
    """Read the device's name (RFC 9711 4.2.1), hashed with that of the verifier who gave it."""
    try:
        ueid = base64url.decode(value) if isinstance(value, str) else b""
    except ValueError:
        ueid = b""
    if not 1 <= len(ueid) <= MAX_UEID:
        raise Refused(Reason.EVIDENCE_MALFORMED, "expected `ueid`, in base64url")
    return sha256(by.encode() + b"\0" + ueid).hexdigest()


def _build(settings: EvidenceSettings) -> EarVerifier:
    if len(settings.roots) != 1:
        raise ValueError("expected one key set of the verifier in `roots_files`")
    max_age = settings.options["max_age_s"]
    if not isinstance(max_age, int) or not 0 < max_age <= 24 * 3600:
        raise ValueError("unexpected `max_age_s`, expected 1 to 86400")
    owner_claim, issuer = str(settings.options["owner_claim"]), str(settings.options["owner_issuer"])
    if bool(owner_claim) != bool(issuer) or "#" in issuer:
        raise ValueError("expected `owner_claim` and `owner_issuer` together, or neither")
    return EarVerifier(
        parse_jwks(settings.roots[0]),
        name=settings.name,
        tier=settings.tier,
        submod=str(settings.options["submod"]),
        max_age=timedelta(seconds=max_age),
        owner_claim=owner_claim,
        issuer=issuer,
    )


evidence = EvidenceFormat(
    options={
        "submod": Option(kind="text", about="the submodule that is meant; empty = the only one", default=""),
        "max_age_s": Option(kind="number", about="the age from which a result counts no more", default=300),
        "owner_claim": Option(kind="text", about="the submodule's claim that names the owner's subject", default=""),
        "owner_issuer": Option(kind="text", about="the issuer of that subject", default=""),
    },
    build=_build,
)
