"""Formats that are built from a table, and devices that were enrolled with them."""

from datetime import datetime, timedelta

import pytest

from plugin.core.device import DeviceState, EnrolledDevice, Evidence, Tier
from plugin.core.errors import Refused
from plugin.core.reasons import Reason
from plugin.device_ports import Attested, EnrolmentFormat, EvidenceFormat, EvidenceSettings, KeyProof

RP_ID = "localhost"


def build(
    what: EvidenceFormat, *roots: bytes, origin: str = "http://localhost:8765", rp_id: str = RP_ID, **options: object
) -> EnrolmentFormat:
    defaults = {name: option.default for name, option in what.options.items() if option.default is not None}
    settings = EvidenceSettings(
        name="phones",
        roots=roots,
        tier=Tier.AFFIRMING,
        rp_id=rp_id,
        origin=origin,
        options=defaults | options,  # type: ignore[arg-type] # a table of tests
    )
    built = what.build(settings)
    assert not hasattr(built, "appraise")
    return built  # type: ignore[return-value] # it has no `appraise`


def evidence(payload: dict[str, object], *, kind: str) -> Evidence:
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
