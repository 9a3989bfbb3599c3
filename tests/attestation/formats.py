"""Formats that are built from a table, and devices that were enrolled with them."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from plugin.core.device import DeviceState, EnrolledDevice, Evidence, Tier
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.device_ports import Attested, EnrolmentFormat, EvidenceFormat, EvidenceSettings, KeyProof
from plugin.ports import AttestationVerifier

RP_ID = "localhost"


def build(
    what: EvidenceFormat,
    *roots: bytes,
    origin: str = "http://localhost:8765",
    rp_id: str = RP_ID,
    tier: Tier = Tier.AFFIRMING,
    **options: object,
) -> EnrolmentFormat | AttestationVerifier:
    """Build a format as the configuration would, with its defaults."""
    defaults = {name: option.default for name, option in what.options.items() if option.default is not None}
    settings = EvidenceSettings(
        name="phones",
        roots=roots,
        tier=tier,
        rp_id=rp_id,
        origin=origin,
        options=defaults | options,  # type: ignore[arg-type] # a table of tests
    )
    return what.build(settings)


def build_enrolling(what: EvidenceFormat, *roots: bytes, **how: object) -> EnrolmentFormat:
    """Build a format that enrols devices."""
    built = build(what, *roots, **how)  # type: ignore[arg-type] # a table of tests
    assert not hasattr(built, "appraise")
    return built  # type: ignore[return-value] # it has no `appraise`


def evidence(payload: Mapping[str, object], *, kind: str = "any") -> Evidence:
    return Evidence(format=kind, payload=payload, challenge_id="any")


def enrolled(attested: Attested, *, now: datetime, kind: str) -> EnrolledDevice:
    return EnrolledDevice(
        id=attested.device_id,
        format=kind,
        key=attested.key,
        owner="https://sso.example.com#alice",
        name="phone",
        state=DeviceState.ACTIVE,
        tier=attested.tier,
        vector=attested.vector,
        serial=attested.serial,
        counter=attested.counter,
        appraised_by="phones",
        enrolled_at=now,
        attested_at=now,
        expires_at=now + timedelta(days=90),
    )


def enrol(verifier: EnrolmentFormat, payload: dict[str, object], *, transcript: bytes, now: datetime) -> Attested:
    return verifier.enrol(evidence(payload, kind=verifier.format), transcript=transcript, kept=None, now=now)


def prove(
    verifier: EnrolmentFormat, payload: dict[str, object], *, transcript: bytes, device: EnrolledDevice, now: datetime
) -> KeyProof:
    presented = evidence(payload, kind=verifier.format)
    assert verifier.device_id(presented) == device.id
    return verifier.prove(presented, transcript=transcript, device=device, now=now)


def refused_to_enrol(
    verifier: EnrolmentFormat, payload: dict[str, object], *, transcript: bytes, now: datetime
) -> Reason:
    with pytest.raises(Refused) as refused:
        enrol(verifier, payload, transcript=transcript, now=now)
    return refused.value.reason


def refused_to_prove(
    verifier: EnrolmentFormat, payload: dict[str, object], *, transcript: bytes, device: EnrolledDevice, now: datetime
) -> Reason:
    with pytest.raises(Refused) as refused:
        prove(verifier, payload, transcript=transcript, device=device, now=now)
    return refused.value.reason
